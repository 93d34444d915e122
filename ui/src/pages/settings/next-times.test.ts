import { expect, test } from 'vitest';
import { nextTimes } from './next-times.ts';

const from = new Date('2026-03-28T12:00:00Z');

test('S20: the next times are those of the clock on the wall, over the change of the hour', () => {
  const times = nextTimes('15 5 * * *', 'Europe/Berlin', 2, from)?.map((time) => time.toISOString());
  expect(times).toEqual(['2026-03-29T03:15:00.000Z', '2026-03-30T03:15:00.000Z']);
});

test.each([
  ['every day', 'UTC'],
  ['', 'UTC'],
  ['99 5 * * *', 'UTC'],
  ['0 0 5 * * *', 'UTC'],
  ['0 5 * * *', 'Nowhere/City'],
])('what is no schedule has no times: %j in %s', (cron, timezone) => {
  expect(nextTimes(cron, timezone, 3, from)).toBeNull();
});
