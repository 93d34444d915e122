import { expect, test } from 'vitest';
import { baseOfDomain, columnTypes, holds } from './table-columns.ts';

test('columns are read from what pg_dump writes', () => {
  const table = `CREATE TABLE shop."a b" (
    id integer DEFAULT nextval('shop.ids'::regclass) NOT NULL,
    "the, ""col""" character varying(10) COLLATE "C",
    "two
lines" public."Mood, bad"[] DEFAULT '{}'::public."Mood, bad"[],
    at timestamp(3) without time zone CONSTRAINT "at not null" NOT NULL,
    total numeric(12,2) GENERATED ALWAYS AS ((price * (2)::numeric)) STORED,
    "CONSTRAINT" oid,
    CONSTRAINT sane CHECK ((total < (10)::numeric))
)
PARTITION BY RANGE (at);
`;
  expect(columnTypes(table)).toEqual([
    { name: 'id', type: 'integer' },
    { name: 'the, "col"', type: 'character varying(10)' },
    { name: 'two\nlines', type: 'public."Mood, bad"[]' },
    { name: 'at', type: 'timestamp(3) without time zone' },
    { name: 'total', type: 'numeric(12,2)' },
    { name: 'CONSTRAINT', type: 'oid' },
  ]);
  expect(columnTypes('CREATE TABLE shop.child (\n)\nINHERITS (shop.parent);\n')).toEqual([]);
  expect(columnTypes('CREATE TABLE shop.typed OF shop.pair (\n    a NOT NULL,\n    b DEFAULT 5\n);\n')).toEqual([]);
  expect(
    columnTypes('CREATE TYPE shop.address AS (\n\tstreet text,\n\tzip character(5) COLLATE pg_catalog."C"\n);\n'),
  ).toEqual([
    { name: 'street', type: 'text' },
    { name: 'zip', type: 'character(5)' },
  ]);
});

test('so is what a domain is made of', () => {
  expect(baseOfDomain('CREATE DOMAIN shop.price AS numeric(12,2)\n\tCONSTRAINT p CHECK ((VALUE >= 0));')).toBe(
    'numeric(12,2)',
  );
  expect(baseOfDomain('CREATE DOMAIN "a.b"."c d" AS text COLLATE "C" DEFAULT \'x\'::text NOT NULL;')).toBe('text');
  expect(baseOfDomain('CREATE DOMAIN shop.short AS character varying(5);')).toBe('character varying(5)');
  expect(baseOfDomain('CREATE TYPE shop.c AS (\n\tx integer\n);')).toBeNull();
});

test.each([
  ['integer', 'integer', true],
  ['integer', 'bigint', true],
  ['bigint', 'integer', false],
  ['smallint', 'numeric', true],
  ['integer', 'numeric(10,0)', false],
  ['integer', 'real', false],
  ['real', 'double precision', true],
  ['double precision', 'real', false],
  ['jsonb', 'text', true],
  ['json', 'jsonb', false],
  ['character varying(5)', 'character varying(5)', true],
  ['character varying(5)', 'character varying(6)', true],
  ['character varying(5)', 'character varying(4)', false],
  ['character varying(5)', 'character varying', true],
  ['text', 'character varying(5)', false],
  ['character(5)', 'character', false],
  ['numeric(5,2)', 'numeric', true],
  ['numeric(5,2)', 'numeric(6,2)', false],
  ['numeric(5,2)[]', 'numeric[]', true],
  ['timestamp(3) without time zone', 'timestamp without time zone', true],
  ['timestamp(3) without time zone', 'timestamp with time zone', false],
  ['time(3) without time zone', 'time without time zone', true],
  ['mood', 'shop.mood', true],
  ['public.mood', 'shop.mood', false],
])('a value of %s stays what it is in %s: %s', (from, to, expected) => {
  expect(holds(to, from)).toBe(expected);
});
