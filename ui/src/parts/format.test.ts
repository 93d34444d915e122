import { describe, expect, test } from 'vitest';
import { formatAgo, formatBytes, formatExact, formatSeconds, timeLeft } from './format.ts';

const plain = (text: string) => text.replaceAll('\u00A0', ' ');

test.each([
  [0, 'en', '0 B'],
  [999, 'en', '999 B'],
  [1536, 'en', '1.5 KB'],
  [1536, 'de', '1,5 KB'],
  [1_048_064, 'en', '1 MB'],
  [12.4 * 1024 ** 3, 'en', '12.4 GB'],
  [5000 * 1024 ** 4, 'en', '5,000 TB'],
])('%d bytes in %s are %s', (bytes, language, text) => {
  expect(plain(formatBytes(bytes, language))).toBe(text);
});

test.each([
  [0.42, 'en', '0.4 s'],
  [0.42, 'de', '0,4 s'],
  [42, 'en', '42 s'],
  [245, 'en', '4 min 05 s'],
  [7800, 'en', '2 h 10 min'],
  [273_600, 'de', '3 T 4 h'],
])('%d seconds in %s are %s', (seconds, language, text) => {
  expect(plain(formatSeconds(seconds, language))).toBe(text);
});

describe('how long ago', () => {
  const now = new Date('2026-03-10T12:00:00Z');
  test.each([
    ['2026-03-10T11:59:40Z', 'en', 'now'],
    ['2026-03-10T11:58:30Z', 'en', '1 minute ago'],
    ['2026-03-10T10:30:00Z', 'en', '90 minutes ago'],
    ['2026-03-09T06:00:00Z', 'en', '30 hours ago'],
    ['2026-03-07T11:00:00Z', 'de', 'vor 3 Tagen'],
    ['2026-03-10T17:00:00Z', 'en', 'in 5 hours'],
  ])('%s in %s is %s', (at, language, text) => {
    expect(formatAgo(new Date(at), now, language)).toBe(text);
  });
});

test('exact times are those of the installation, whatever the browser thinks', () => {
  expect(plain(formatExact(new Date('2026-03-10T12:00:05Z'), 'Europe/Berlin', 'de'))).toBe(
    '10.03.2026, 13:00:05 (Europe/Berlin)',
  );
});

test('the time that is left is told only where it can be known', () => {
  expect(timeLeft({ bytes: 40, total: 100, rate: 20 })).toBe(3);
  expect(timeLeft({ bytes: 140, total: 100, rate: 20 })).toBe(0);
  expect(timeLeft({ bytes: 40, total: null, rate: 20 })).toBeNull();
  expect(timeLeft({ bytes: 40, total: 100, rate: 0 })).toBeNull();
});
