import { expect, test } from 'vitest';
import type { RunView } from '../../../../src/api/contract.ts';
import { canBeUndone, databaseIn, resultOf, secondsOf } from './result.ts';

function run(id: string, result: unknown, change: Partial<RunView> = {}): RunView {
  return {
    id,
    operation: 'restore',
    source: 'shop',
    backup: 'b',
    trigger: 'manual',
    state: 'succeeded',
    startedAt: '2026-03-01T10:00:00.000Z',
    finishedAt: '2026-03-01T10:01:30.000Z',
    host: 'h',
    pid: 1,
    process: null,
    error: null,
    result,
    progress: null,
    ...change,
  };
}

test.each([null, undefined, 'text', [], 7, { tables: 3, warnings: 'none' }])(
  'a result that says nothing is none: %o',
  (result) => {
    expect(resultOf({ result })).toEqual({
      target: null,
      previous: null,
      kept: null,
      undone: null,
      safety: null,
      bytes: null,
      warnings: [],
      compared: null,
      files: [],
      tables: [],
      lost: [],
      lostCount: 0,
    });
  },
);

test('what was compared names every difference', () => {
  const tables = {
    compared: 3,
    uncounted: 1,
    fingerprints: 2,
    contentUnknown: 1,
    rows: 12,
    mismatched: [
      { schema: 'public', name: 'orders', expected: 5, actual: 4, reason: 'rows' },
      { schema: 'public', name: 'gone', expected: 5, actual: null, reason: 'missing' },
    ],
  };
  const sequences = { compared: 2, mismatched: [{ schema: 'public', name: 's', expected: '9', actual: '1' }] };
  expect(resultOf({ result: { tables, sequences } }).compared).toEqual({
    tables: 3,
    uncounted: 1,
    contents: 2,
    contentUnknown: 1,
    rows: 12,
    sequences: 2,
    differences: [
      { name: 'public.orders', expected: '5', actual: '4', reason: 'rows' },
      { name: 'public.gone', expected: '5', actual: null, reason: 'missing' },
      { name: 'public.s', expected: '9', actual: '1', reason: 'position' },
    ],
  });
});

test('the newest restore that kept the old database can be taken back, once', () => {
  const older = run('1', { previous: 'shop_before_1' });
  const newer = run('2', { previous: 'shop_before_2' });
  const undo = run('3', { undone: '2', kept: 'shop_undone_3' });
  const without = run('4', { previous: null });
  expect(canBeUndone(newer, [newer, older])).toBe(true);
  expect(canBeUndone(older, [newer, older])).toBe(false);
  expect(canBeUndone(newer, [undo, newer, older])).toBe(false);
  expect(canBeUndone(older, [undo, newer, older])).toBe(true);
  expect(canBeUndone(without, [without])).toBe(false);
  expect(canBeUndone(run('5', { previous: 'x' }, { state: 'failed' }), [])).toBe(false);
  const elsewhere = run('6', { previous: 'blog_before' }, { source: 'blog' });
  expect(canBeUndone(newer, [elsewhere, newer])).toBe(true);
});

test('a run that goes on has taken as long as it is old', () => {
  expect(secondsOf(run('1', null), new Date('2027-01-01T00:00:00Z'))).toBe(90);
  expect(secondsOf(run('1', null, { finishedAt: null }), new Date('2026-03-01T10:00:05Z'))).toBe(5);
  expect(secondsOf(run('1', null, { finishedAt: null }), new Date('2026-03-01T09:00:00Z'))).toBe(0);
});

test.each([
  ['shop on 127.0.0.1:5432 as ada', 'shop'],
  ['on as on on /run/post gres as ada', 'on as on'],
  ['/backups/shop.db', null],
  [null, null],
])('S18: the database in %j is %j', (target, name) => {
  expect(databaseIn(target)).toBe(name);
});

test('folders and bases that came back are told, and what could not', () => {
  const tree = { name: 'uploads', target: '/srv/uploads', previous: '/srv/uploads.old' };
  const table = { base: 'Shop', table: 'Orders', expected: 3, restored: 2, attachments: 1 };
  const result = {
    files: [{ ...tree, files: 1, bytes: 2 }, { name: 'no target' }],
    tables: [{ ...table, links: 4 }],
    lost: [{ where: 'Shop/Orders', what: 'row 7', reason: 'refused' }],
    lostCount: 1200,
  };
  expect(resultOf({ result })).toMatchObject({
    files: [tree],
    tables: [table],
    lost: ['Shop/Orders: row 7: refused'],
    lostCount: 1200,
  });
});
