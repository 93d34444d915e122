import { expect, test } from 'vitest';
import { exitCode } from './exit-codes.ts';
import type { Ending } from './command.ts';

test.each<[Ending, number]>([
  ['done', 0],
  ['failed', 1],
  ['usage', 2],
  ['partial', 3],
  ['refused', 4],
  ['busy', 5],
  ['integrity', 6],
  ['interrupted', 130],
  // Of `check`.
  ['warning', 1],
  ['critical', 2],
  ['unknown', 3],
])('an ending %s is exit code %i', (ending, code) => {
  expect(exitCode(ending)).toBe(code);
});
