import { expect, test } from 'vitest';
import { findingsDe, findingsEn } from '../../words/findings.ts';
import { hasDetails, valuesOf } from './finding-values.ts';

const format = {
  bytes: (value: number) => `${value} B`,
  number: (value: number) => `#${value}`,
  seconds: (value: number) => `${value} s`,
};

test.each([
  ['BACKUP_OVERDUE', 90_000, 60_000, '90 s', '60 s'],
  ['CLOCK_SKEW', -5_000, 2_000, '5 s', '2 s'],
  ['SIZE_DROP', 10, 20, '10 B', '20 B'],
  ['TOO_FEW_BACKUPS', 1, 3, '#1', '#3'],
  ['KEY_FILE_MISSING', 'keys/2026-01-01.age', null, 'keys/2026-01-01.age', ''],
] as const)('%s says its value as what it is', (code, value, threshold, said, limit) => {
  expect(valuesOf({ code, value, threshold }, format)).toEqual({ value: said, threshold: limit });
});

test('a finding whose words have no place for its value tells it in the words of the server', () => {
  const silent = Object.entries(findingsEn).filter(([, { text }]) => !text.includes('{{'));
  const without = silent.filter(([code]) => !hasDetails(code)).map(([code]) => code);
  expect(without).toEqual(['NO_BACKUP', 'DAEMON_DOWN']);
});

test('no German words are the English ones', () => {
  for (const [code, { text, title, todo }] of Object.entries(findingsDe)) {
    const en = findingsEn[code as keyof typeof findingsEn];
    expect(
      [text, title, todo].filter((words) => [en.text, en.title, en.todo].includes(words as never)),
      code,
    ).toEqual([]);
  }
});
