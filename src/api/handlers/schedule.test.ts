import { expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { Call } from '../register.ts';
import { scheduleHandlers } from './schedule.ts';

async function ask(cron: string, timezone: string, now: string, count = 3) {
  const { comingTimes } = scheduleHandlers({ house: { clock: { ...systemClock, now: () => new Date(now) } } });
  const call = { query: { cron, timezone, count } } as unknown as Call & Parameters<typeof comingTimes>[0];
  return await comingTimes(call);
}

const march = '2026-03-28T12:00:00Z';
const october = '2026-10-24T23:50:00Z';

test.each<[string, string, string, string[]]>([
  ['the clock on the wall, over the change of the hour', '15 5 * * *', march, ['29T03:15', '30T03:15', '31T03:15']],
  ['a time that the day does not have comes after the gap', '30 2 * * *', march, ['29T01:00', '30T00:30', '31T00:30']],
  ['a time that happens twice comes once', '30 2 * * *', october, ['25T00:30', '26T01:30', '27T01:30']],
  ['a distance comes in both passes', '*/30 2 * * *', october, ['25T00:00', '25T00:30', '25T01:00']],
  ['a distance comes once when its hour is left out', '*/20 2 * * *', march, ['29T01:00', '30T00:00', '30T00:20']],
  ['hours with a step are times of the day', '30 */2 * * *', october, ['25T00:30', '25T03:30', '25T05:30']],
  ['a word is a pattern, too', '@daily', october, ['25T23:00', '26T23:00', '27T23:00']],
])('S20: %s', async (_name, cron, now, expected) => {
  const { times, problem } = await ask(cron, 'Europe/Berlin', now);
  expect(problem).toBeNull();
  expect(times.map((time) => time.slice(8, 16))).toEqual(expected);
});

test.each([
  ['every day', 'UTC', /five parts/],
  ['', 'UTC', /five parts/],
  ['99 5 * * *', 'UTC', /./],
  ['0 0 5 * * *', 'UTC', /five parts/],
  ['0 0 30 2 *', 'UTC', /never happens/],
  ['0 5 * * *', 'Nowhere/City', /time zone/],
])('what is no schedule has no times, and a reason: %j in %s', async (cron, timezone, reason) => {
  expect(await ask(cron, timezone, march)).toEqual({ times: [], problem: expect.stringMatching(reason) as string });
});
