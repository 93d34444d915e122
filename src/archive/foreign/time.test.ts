import { expect, test } from 'vitest';
import { timeOf } from './time.ts';

test.each([
  ['UTC stays UTC', '2025-07-01T02:00:00', 'utc', 'Europe/Berlin', '2025-07-01T02:00:00.000Z'],
  ['summer', '2025-07-01T02:00:00', 'local', 'Europe/Berlin', '2025-07-01T00:00:00.000Z'],
  ['winter', '2025-01-01T02:00:00', 'local', 'Europe/Berlin', '2025-01-01T01:00:00.000Z'],
  ['half hours', '2025-01-01T02:00:00', 'local', 'Asia/Kolkata', '2024-12-31T20:30:00.000Z'],
  ['the day line', '2025-01-01T02:00:00', 'local', 'Pacific/Auckland', '2024-12-31T13:00:00.000Z'],
  ['the hour that never came', '2025-03-30T02:30:00', 'local', 'Europe/Berlin', '2025-03-30T01:30:00.000Z'],
  ['a local time in UTC', '2025-07-01T02:00:00', 'local', 'UTC', '2025-07-01T02:00:00.000Z'],
] as const)('S20: %s', (_name, wall, zone, timezone, expected) => {
  const { at } = timeOf({ wall, zone }, 'name', { modifiedAt: new Date(0), timezone });
  expect(at.toISOString()).toBe(expected);
});

test.each([
  ['2025-10-26T00:31:00Z', '2025-10-26T00:30:00.000Z'],
  ['2025-10-26T01:31:00Z', '2025-10-26T01:30:00.000Z'],
])('N-d18: the hour that came twice is told by the time of the file (%s)', (modified, expected) => {
  const where = { modifiedAt: new Date(modified), timezone: 'Europe/Berlin' };
  expect(timeOf({ wall: '2025-10-26T02:30:00', zone: 'local' }, 'name', where).at.toISOString()).toBe(expected);
});

test('without a stamp, the time of the file is the last resort, and said to be it', () => {
  const modifiedAt = new Date('2025-05-05T05:05:05Z');
  expect(timeOf(null, 'name', { modifiedAt, timezone: 'UTC' })).toEqual({ at: modifiedAt, from: 'file', zone: null });
});
