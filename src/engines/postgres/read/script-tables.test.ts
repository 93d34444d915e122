import { describe, expect, test } from 'vitest';
import { contentsOfScript } from './script-tables.ts';

async function found(script: string, pieces = 1, encoding: BufferEncoding = 'utf8') {
  const bytes = Buffer.from(script, encoding);
  const size = Math.ceil(bytes.length / pieces);
  const cut = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size));
  };
  const { tables, rows } = await contentsOfScript(cut());
  const shown = (all: typeof tables) => all.map(({ schema, name }) => `${schema}.${name}`);
  return { tables: shown(tables), rows: shown(rows) };
}

const dump = String.raw`--
-- Name: orders; Type: TABLE; Schema: public
--
\restrict abc
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
/* CREATE TABLE public.comment (id int); */
CREATE TABLE public.orders (
    id integer, -- CREATE TABLE public.remark (id int);
    note text DEFAULT '; CREATE TABLE public.text (id int);'
);
CREATE UNLOGGED TABLE IF NOT EXISTS "Sp ace"."a "".""b;" (id integer);
CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $$
CREATE TABLE public.body (id int);
INSERT INTO public.body VALUES (1);
$$;
COPY public.orders (id, note) FROM stdin;
1	a;
CREATE TABLE public.row (id int);
\.
INSERT INTO "Sp ace"."a "".""b;" VALUES (1);
COPY public.empty (id, "from") FROM stdin;
\.
COPY public.left TO stdout;
\unrestrict abc
`;

describe('S17: the tables of a script', () => {
  test('are those of its statements, whatever lies in texts, comments, functions and rows', async () => {
    for (const pieces of [1, 7, 97, dump.length]) {
      expect(await found(dump, pieces), `${pieces} pieces`).toEqual({
        tables: ['public.orders', 'Sp ace.a "."b;'],
        rows: ['public.orders', 'Sp ace.a "."b;', 'public.empty'],
      });
    }
  });

  test('without a schema lie where the script goes', async () => {
    const script = `create table One (id int); set search_path = other, pg_catalog; CREATE TABLE two (id int);
      insert into two select 1; set search_path to "Mixed"; copy three from '/data'; create temp table four (id int);
\\echo create table six
      select pg_catalog.set_config('search_path', '', false); create table five as select 1`;
    expect(await found(script)).toEqual({
      tables: ['public.one', 'other.two', 'public.five'],
      rows: ['other.two', 'Mixed.three', 'public.five'],
    });
  });

  test('have rows, however many columns are listed before it is said where from', async () => {
    const columns = Array.from({ length: 300 }, (_, at) => `column_number_${at}`).join(', ');
    const script = `COPY public.wide (${columns}) FROM stdin;\n\\.\nCOPY public.next (id) FROM stdin;\n\\.\n`;
    expect((await found(script)).rows).toEqual(['public.wide', 'public.next']);
  });

  test('S18 have their names in the encoding of the script', async () => {
    const of = (encoding: string) => `SET client_encoding = '${encoding}'; CREATE TABLE public."Bücher" (id int);`;
    expect((await found(of('UTF8'))).tables).toEqual(['public.Bücher']);
    expect((await found(of('LATIN1'), 1, 'latin1')).tables).toEqual(['public.Bücher']);
  });
});
