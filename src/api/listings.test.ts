import { expect, test } from 'vitest';
import type { ListedBackup } from '../care/stock/listing.ts';
import { pageOf } from './listings.ts';

const backup = (source: string, minute: number, id = `2026-01-01_00-${minute}`): ListedBackup => ({
  id,
  source,
  createdAt: `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`,
  description: null,
  bytes: 1,
  sharedBytes: 0,
  addedBytes: 1,
  seconds: 1,
  state: 'complete',
  copies: {},
  verified: null,
  drilled: null,
  held: false,
  trigger: null,
});

const lists = [
  [backup('a', 50), backup('a', 30), backup('a', 10, 'x-10'), backup('a', 10, 'x-2'), backup('a', 10, 'x')],
  [backup('b', 40), backup('b', 30), backup('b', 20)],
  [],
];
const seen = (backups: readonly ListedBackup[]) => backups.map(({ source, id }) => `${source} ${id}`);
const everything = pageOf(lists, undefined, 100);

test('all, newest first, those of the same moment in a fixed order', () => {
  expect(everything.next).toBeNull();
  expect(everything.items.map(({ createdAt }) => createdAt.slice(14, 16))).toEqual([
    '50',
    '40',
    '30',
    '30',
    '20',
    '10',
    '10',
    '10',
  ]);
  expect(seen(everything.items).slice(-3)).toEqual(['a x-10', 'a x-2', 'a x']);
});

test.each([1, 2, 3, 7, 8])('in pages of %d nothing is lost and nothing comes twice', (limit) => {
  const items: ListedBackup[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 20; pages += 1) {
    const page = pageOf(lists, cursor, limit);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === null) break;
    cursor = page.next;
  }
  expect(seen(items)).toEqual(seen(everything.items));
});

test('new ones do not shift the next page, and one that was removed is no obstacle', () => {
  const first = pageOf(lists, undefined, 3);
  const grown = [[backup('a', 59), ...(lists[0] ?? [])], lists[1] ?? []];
  expect(seen(pageOf(grown, first.next ?? '', 3).items)).toEqual(seen(everything.items.slice(3, 6)));
  const gone = first.items.at(-1);
  const less = lists.map((list) => list.filter((each) => each !== gone));
  expect(seen(pageOf(less, first.next ?? '', 3).items)).toEqual(seen(everything.items.slice(3, 6)));
});
