import { expect, test } from 'vitest';
import { guardCodes } from '../../../src/restore/guards.ts';
import { guardsDe, guardsEn } from './guards.ts';

test('every check before a restore has words in both languages, for each result', () => {
  expect(Object.keys(guardsEn).toSorted()).toEqual(expect.arrayContaining([...guardCodes].toSorted()));
  for (const code of guardCodes) {
    for (const result of ['name', 'pass', 'warn', 'block'] as const) {
      expect(guardsEn[code][result], `${code} ${result}`).not.toBe('');
      expect(guardsDe[code][result], `${code} ${result}`).not.toBe(guardsEn[code][result]);
    }
  }
});
