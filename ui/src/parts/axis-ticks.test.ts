import { expect, test } from 'vitest';
import { bytesStep, lastOfEach, secondsStep, ticksOf } from './axis-ticks.ts';
import { formatBytes, formatSeconds } from './format.ts';

const seconds = [0, 0.04, 0.1, 0.24, 0.9, 1.3, 4, 7, 13, 95, 100, 119, 400, 3_599, 5_000, 90_000, 400_000];
const bytes = [0, 1, 3, 7, 999, 1000, 1023, 1024, 1500, 114_688, 999_999, 1_048_576, 5e8, 1e9, 3.3e12, 9e15];

test.each(['en', 'de'])(
  'no two lines of an axis are told in the same words, and the highest value is below the last (%s)',
  (language) => {
    for (const [all, step, tell] of [
      [seconds, secondsStep, (value: number) => formatSeconds(value, language)],
      [bytes, bytesStep, (value: number) => formatBytes(value, language)],
    ] as const) {
      for (const value of all) {
        const ticks = ticksOf([value], step);
        const told = ticks.map(tell);
        expect(new Set(told).size, `${value}: ${told.join(', ')}`).toBe(told.length);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(value);
        expect(ticks.length).toBeLessThanOrEqual(6);
        expect(ticks.length).toBeGreaterThan(1);
      }
    }
  },
);

test('of times that are told in the same words, the last has them', () => {
  expect(lastOfEach(['05:15:01', '05:15:07', '05:16:00'], (at) => at.slice(0, 5))).toEqual(['05:15:07', '05:16:00']);
});
