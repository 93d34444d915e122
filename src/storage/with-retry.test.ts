import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryDelay } from './with-retry.ts';

test('the wait doubles up to half a minute, and chance takes any part of it', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 60, 2000].map((attempt) => retryDelay(attempt, 1));
  expect(longest).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  expect(retryDelay(3, 0)).toBe(0);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = retryDelay(attempt, random);
      return Number.isInteger(delay) && delay >= 0 && delay <= retryDelay(attempt, 1);
    }),
  );
});
