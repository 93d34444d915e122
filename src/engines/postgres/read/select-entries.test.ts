import { expect, test } from 'vitest';
import { entriesInScope, selectForNew } from './select-entries.ts';
import type { TocEntry } from './toc.ts';

function entry(id: number, kind: string, name: string, needs: number[] = [], more: Partial<TocEntry> = {}): TocEntry {
  return {
    id,
    kind,
    schema: 'public',
    name,
    owner: 'me',
    needs,
    hasData: false,
    definition: '',
    copyStatement: null,
    tablespace: null,
    file: null,
    ...more,
  };
}

const noSchema = { schema: null };

/** Two tables whose names a listing could not tell apart, a partitioned one, a view, and what belongs to them. */
const all = [
  entry(1, 'SCHEMA', 'public', [], noSchema),
  entry(2, 'SCHEMA', 'other', [], noSchema),
  entry(3, 'TYPE', 'mood', [1]),
  entry(10, 'TABLE', 'a', [1, 3]),
  entry(11, 'TABLE', 'a b', [1]),
  entry(12, 'SEQUENCE', 'a_id_seq', [10], { definition: 'CREATE SEQUENCE public.a_id_seq' }),
  entry(13, 'SEQUENCE OWNED BY', 'a_id_seq', [12]),
  entry(14, 'DEFAULT', 'a id', [10, 12]),
  entry(15, 'COMMENT', 'COLUMN a.id', [10]),
  entry(20, 'TABLE', 'parts', [1]),
  entry(21, 'TABLE', 'part1', [1, 20, 12]),
  entry(22, 'TABLE ATTACH', 'part1', [20, 21]),
  entry(25, 'VIEW', 'v', [10, 11]),
  entry(30, 'TABLE DATA', 'a', [10]),
  entry(31, 'TABLE DATA', 'a b', [11]),
  entry(32, 'TABLE DATA', 'part1', [21]),
  entry(33, 'SEQUENCE SET', 'a_id_seq', [12]),
  entry(40, 'CONSTRAINT', 'a a_pkey', [10]),
  entry(41, 'CONSTRAINT', 'parts parts_pkey', [20]),
  entry(42, 'CONSTRAINT', 'part1 part1_pkey', [21, 41]),
  entry(43, 'INDEX ATTACH', 'part1_pkey', [42, 41, 21, 20]),
  entry(44, 'INDEX', 'b_index', [11]),
  entry(50, 'FK CONSTRAINT', 'a b a_fkey', [10, 11, 40]),
  entry(51, 'TRIGGER', 'a log', [10]),
  entry(52, 'POLICY', 'a mine', [10, 11]),
  entry(60, 'TABLE', 'a', [2], { schema: 'other' }),
  entry(61, 'COMMENT', 'SCHEMA other', [2], noSchema),
];

const table = (name: string, schema = 'public') => ({ tables: [{ schema, name }], schemas: [] });
const ids = (entries: readonly TocEntry[]) => entries.map((each) => each.id);

test('a table has its data, sequence, default, comment, key, trigger and policy; not the key of another table to it', () => {
  expect(ids(entriesInScope(all, table('a')))).toEqual([10, 12, 13, 14, 15, 30, 33, 40, 51, 52]);
});

test('a name that begins with the name of another is the right one', () => {
  expect(ids(entriesInScope(all, table('a b')))).toEqual([11, 31, 44, 50]);
});

test('a partitioned table has its partitions', () => {
  expect(ids(entriesInScope(all, table('parts')))).toEqual([20, 21, 22, 32, 41, 42, 43]);
});

test('a schema has what is in it, and its comment', () => {
  expect(ids(entriesInScope(all, { tables: [], schemas: ['other'] }))).toEqual([2, 60, 61]);
});

test('in a new database comes what the table needs; what needs another table is left out and said', () => {
  const { entries, warnings } = selectForNew(all, table('a b'));
  expect(ids(entries)).toEqual([1, 11, 31, 44]);
  expect(warnings).toEqual([expect.stringContaining('a b a_fkey')]);
});

test('a partition alone comes as a table, with the sequence of its parent', () => {
  const { entries, warnings } = selectForNew(all, table('part1'));
  expect(ids(entries)).toEqual([1, 12, 21, 32, 42]);
  expect(warnings).toHaveLength(2);
});

test.each([table('nothing'), table('v'), { tables: [], schemas: ['nothing'] }])(
  'what is not there is an error: %j',
  (scope) => {
    expect(() => entriesInScope(all, scope)).toThrow(expect.objectContaining({ code: 'NOT_IN_DUMP', kind: 'usage' }));
  },
);
