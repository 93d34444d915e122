import { expect, test } from 'vitest';
import { appGuardCodes } from '../../../src/apps/nocobase/guards.ts';
import { guardCodes } from '../../../src/restore/guards.ts';
import { guardsDe, guardsEn } from './guards.ts';

test('every check before a restore has words in both languages, for each result', () => {
  const codes = [...guardCodes, ...appGuardCodes];
  expect(Object.keys(guardsEn).toSorted()).toEqual(codes.toSorted());
  for (const code of codes) {
    for (const result of ['name', 'pass', 'warn', 'block'] as const) {
      expect(guardsEn[code][result], `${code} ${result}`).not.toBe('');
      expect(guardsDe[code][result], `${code} ${result}`).not.toBe(guardsEn[code][result]);
    }
  }
});
