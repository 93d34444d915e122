import { expect, test } from 'vitest';
import { retryDelayMs } from './retry-delay.ts';

const minute = 60_000;

test.each([
  ['the first failure', 1, 0.5, minute],
  ['at the earliest', 1, 0, 0.8 * minute],
  ['at the latest', 1, 1, 1.2 * minute],
  ['the second', 2, 0.5, 2 * minute],
  ['the fifth', 5, 0.5, 16 * minute],
  ['never longer than six hours', 10, 0.5, 360 * minute],
  ['also after a thousand', 1000, 0.5, 360 * minute],
  ['none yet counts as the first', 0, 0.5, minute],
])('%s', (_title, attempts, random, ms) => {
  expect(retryDelayMs(attempts, random)).toBe(ms);
});
