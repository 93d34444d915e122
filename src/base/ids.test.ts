import { expect, test } from 'vitest';
import { backupId, compareBackupIds, parseBackupId } from './ids.ts';

test.each(['2026-11-20T05:15:00Z', '2024-02-29T23:59:59Z', '1999-12-31T00:00:00Z'])('%s is named and read', (text) => {
  const at = new Date(text);
  expect(parseBackupId(backupId(at))).toEqual({ at, ordinal: 1 });
  expect(parseBackupId(backupId(at, 2))).toEqual({ at, ordinal: 2 });
  expect(parseBackupId(backupId(at, 9999))).toEqual({ at, ordinal: 9999 });
});

test.each([
  '2026-11-31_05-15-00',
  '2025-02-29_05-15-00',
  '2026-00-10_05-15-00',
  '2026-13-10_05-15-00',
  '2026-11-00_05-15-00',
  '2026-11-20_24-00-00',
  '2026-11-20_05-60-00',
  '2026-11-20_05-15-60',
  '0099-11-20_05-15-00',
  '2026-11-20_05-15-00-1',
  '2026-11-20_05-15-00-02',
  '2026-11-20_05-15-00-10000',
  '2026-11-20_05-15-00.partial',
  ' 2026-11-20_05-15-00',
  '2026-11-20',
  '',
])('%j is no name of a backup', (text) => {
  expect(parseBackupId(text)).toBeNull();
});

test('sorts by time, then by ordinal, and what is not ours after that', () => {
  const sorted = [
    '2026-11-19_23-59-59',
    '2026-11-20_05-15-00',
    '2026-11-20_05-15-00-2',
    '2026-11-20_05-15-00-10',
    'a',
    'b',
  ];
  expect(sorted.toReversed().toSorted(compareBackupIds)).toEqual(sorted);
});
