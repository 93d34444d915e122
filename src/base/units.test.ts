import { expect, test } from 'vitest';
import { formatCount, formatSetting, parseDuration } from './units.ts';

test.each(['0s', '300ms', '1s', '90s', '1m', '90m', '1h', '24h', '36h', '2d', '7d', '365d'])(
  'a setting of %s is told as it was written',
  (text) => {
    expect(formatSetting(parseDuration(text) ?? -1)).toBe(text);
  },
);

test.each([
  [0, '0 rows'],
  [1, '1 row'],
  [999, '999 rows'],
  [1000, '1,000 rows'],
  [123_456, '123,456 rows'],
  [6_113_739, '6,113,739 rows'],
  [Number.MAX_SAFE_INTEGER, '9,007,199,254,740,991 rows'],
])('%d rows are told as people read them', (count, text) => {
  expect(formatCount(count, 'row')).toBe(text);
});
