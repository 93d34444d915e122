import { expect, test } from 'vitest';
import { sparkPath } from './spark-path.ts';

const size = { width: 100, height: 20, margin: 0 };

test('a line goes from left to right, the highest value at the top', () => {
  expect(sparkPath([0, 10, 5], size)).toEqual({
    line: 'M0 20L50 0L100 10',
    area: 'M0 20L50 0L100 10L100 20L0 20Z',
    last: { x: 100, y: 10 },
  });
});

test('one value is no line, and nothing but zeros lies on the ground', () => {
  expect(sparkPath([7], size)).toBeNull();
  expect(sparkPath([0, 0], size)?.line).toBe('M0 20L100 20');
});
