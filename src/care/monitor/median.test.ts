import { expect, test } from 'vitest';
import { median } from './median.ts';

test.each<[number[], number | null]>([
  [[], null],
  [[7], 7],
  [[9, 1], 5],
  [[10, 2, 100], 10],
  [[4, 1, 3, 2], 2.5],
])('median of %j', (numbers, expected) => {
  expect(median(numbers)).toBe(expected);
});
