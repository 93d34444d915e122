import { expect, test } from 'vitest';
import { isRangeAskedFor } from './content-range.ts';

test.each([
  ['bytes 10-19/100', { start: 10, end: 19 }, true],
  ['bytes 10-19/*', { start: 10, end: 19 }, true],
  ['bytes 10-99/100', { start: 10, end: undefined }, true],
  ['bytes 10-99/100', { start: 10, end: 500 }, true],
  ['Bytes 0-0/1', { start: 0, end: 0 }, true],
  ['bytes 0-9/100', { start: 10, end: 19 }, false],
  ['bytes 10-14/100', { start: 10, end: 19 }, false],
  ['bytes 10-29/100', { start: 10, end: 19 }, false],
  ['bytes 10-50/100', { start: 10, end: undefined }, false],
  ['bytes 0-99/100', { start: 10, end: undefined }, false],
  ['bytes */100', { start: 10, end: 19 }, false],
  ['10-19', { start: 10, end: 19 }, false],
  [undefined, { start: 10, end: 19 }, false],
])('%s of what was asked for: %o', (said, asked, isIt) => {
  expect(isRangeAskedFor(said, asked)).toBe(isIt);
});
