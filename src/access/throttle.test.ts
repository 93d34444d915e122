import { expect, test } from 'vitest';
import { createThrottle } from './throttle.ts';

test('S24 a few slips are free, then every failure doubles the wait, up to a quarter of an hour', () => {
  const throttle = createThrottle();
  const waits: number[] = [];
  let now = 0;
  for (let round = 0; round < 16; round += 1) {
    throttle.failed(['user:ada'], now);
    const wait = throttle.wait(['user:ada'], now);
    waits.push(wait / 1000);
    now += wait;
  }
  expect(waits).toEqual([0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
});

test('success and time make it forget; others are not concerned', () => {
  const throttle = createThrottle();
  for (let n = 0; n < 8; n += 1) throttle.failed(['user:ada', 'from:10.0.0.1'], 0);
  expect(throttle.wait(['user:bob'], 0)).toBe(0);
  expect(throttle.wait(['user:bob', 'from:10.0.0.1'], 0)).toBe(16_000);
  throttle.succeeded(['user:ada']);
  expect(throttle.wait(['user:ada'], 0)).toBe(0);
  expect(throttle.wait(['from:10.0.0.1'], 3_600_000)).toBe(0);
});

test('guessing under ever new names does not fill the memory, nor frees the one that guesses', () => {
  const throttle = createThrottle();
  for (let n = 0; n < 20_000; n += 1) throttle.failed([`user:${n}`, 'from:10.0.0.1'], n);
  expect(throttle.wait(['from:10.0.0.1'], 20_000)).toBeGreaterThan(0);
});
