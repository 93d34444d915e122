import { expect, test } from 'vitest';
import { planDump } from './plan.ts';
import type { Relation } from '../look/tables.ts';

const megabyte = 1024 ** 2;

const table = (name: string, megabytes: number): Relation => ({
  schema: '',
  name,
  kind: 'table',
  engine: 'InnoDB',
  versioned: false,
  byTransaction: false,
  partitioned: false,
  bytes: megabytes * megabyte,
  comment: '',
});

function planned(
  asWritten: readonly string[],
  tables: readonly Relation[],
  format: 'plain' | 'directory' = 'directory',
) {
  const { calls, groups } = planDump({
    tool: { flavour: 'mariadb', version: '10.11.19' },
    format: {
      format,
      jobs: format === 'plain' ? 1 : 2,
      reason: '',
      inside: null,
      outside: { codec: 'none', level: null },
    },
    selection: { relations: [...tables], excluded: [], withoutRows: new Set(), unused: [] },
    asWritten: new Set(asWritten),
    database: 'shop',
  });
  return calls.map(({ asStored, args }, index) => ({
    asStored,
    hex: args.includes('--hex-blob'),
    tables: groups[index]?.map(({ name }) => name),
  }));
}

test('a small table that must be translated slows down one job only', () => {
  const tables = [
    table('a', 50),
    table('b', 40),
    table('c', 30),
    table('photos', 5),
    table('marks', 4),
    table('keys', 3),
  ];
  expect(planned(['a', 'b', 'c'], tables)).toEqual([
    { asStored: false, hex: true, tables: ['photos', 'marks', 'keys', 'b'] },
    { asStored: true, hex: false, tables: ['a', 'c'] },
  ]);
});

test('a large one does not keep the others from being shared out', () => {
  const tables = [table('photos', 100), table('marks', 40), table('a', 40)];
  expect(planned(['a'], tables)).toEqual([
    { asStored: false, hex: true, tables: ['photos'] },
    { asStored: false, hex: true, tables: ['marks', 'a'] },
  ]);
});

test('where all are of one kind, each job has about as much', () => {
  const tables = [table('a', 50), table('b', 40), table('c', 30), table('d', 25)];
  for (const asWritten of [[], ['a', 'b', 'c', 'd']]) {
    const groups = planned(asWritten, tables).map((each) => each.tables);
    expect(groups).toEqual([
      ['a', 'd'],
      ['b', 'c'],
    ]);
  }
});

test('in one script one table is enough', () => {
  expect(planned(['a'], [table('a', 1), table('photos', 1)], 'plain')).toMatchObject([{ asStored: false, hex: true }]);
  expect(planned(['a', 'b'], [table('a', 1), table('b', 1)], 'plain')).toMatchObject([{ asStored: true, hex: false }]);
});
