import { expect, test } from 'vitest';
import { formatSetting, parseDuration } from './units.ts';

test.each(['0s', '300ms', '1s', '90s', '1m', '90m', '1h', '24h', '36h', '2d', '7d', '365d'])(
  'a setting of %s is told as it was written',
  (text) => {
    expect(formatSetting(parseDuration(text) ?? -1)).toBe(text);
  },
);
