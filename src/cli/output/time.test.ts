import { expect, test } from 'vitest';
import { formatAge, formatTime } from './time.ts';

test.each([
  ['2026-11-20T05:15:00Z', 'UTC', '2026-11-20 05:15'],
  ['2026-11-20T05:15:00Z', 'Europe/Berlin', '2026-11-20 06:15'],
  ['2026-07-01T22:30:00Z', 'Europe/Berlin', '2026-07-02 00:30'],
])('%s in %s is %s', (at, zone, expected) => {
  expect(formatTime(at, zone)).toBe(expected);
});

test('a time that is none is shown as it is', () => {
  expect(formatTime('someday', 'UTC')).toBe('someday');
});

const now = new Date('2026-11-20T12:00:00Z');
test.each([
  ['2026-11-20T11:59:30Z', 'just now'],
  ['2026-11-20T11:30:00Z', '30 min ago'],
  ['2026-11-20T05:15:00Z', '6 h ago'],
  ['2026-11-18T11:00:00Z', '2 d ago'],
  ['2026-11-20T14:00:00Z', '2 h 00 min ahead'],
])('%s is %s', (at, expected) => {
  expect(formatAge(at, now)).toBe(expected);
});
