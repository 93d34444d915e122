import { expect, test } from 'vitest';
import { placesInTime } from './places-in-time.ts';

test('backups lie where their time is, between the oldest and the newest', () => {
  const moments = ['2026-01-11T00:00:00Z', '2026-01-06T00:00:00Z', '2026-01-05T00:00:00Z', '2026-01-01T00:00:00Z'];
  expect(placesInTime(moments)).toEqual([100, 50, 40, 0]);
});

test('all at the same moment lie at the same place', () => {
  expect(placesInTime(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'])).toEqual([100, 100]);
});
