import { expect, test } from 'vitest';
import { hasFlag, modernArgv } from './argv.ts';

test.each([
  [['--now'], ['backup']],
  [
    ['--now', '--db-only'],
    ['backup', '--db-only'],
  ],
  [
    ['--json', '--now'],
    ['backup', '--json'],
  ],
  [
    ['backup', '--now'],
    ['backup', '--now'],
  ],
  [['list'], ['list']],
  [[], []],
  [['help'], ['--help']],
  [
    ['cli', 'delete', 'latest', '--force'],
    ['delete', 'latest', '--force'],
  ],
  [['cli'], []],
  [
    ['--source', 'shop', 'restore', 'files', 'latest'],
    ['--source', 'shop', 'restore-files', 'latest'],
  ],
  [
    ['--source', 'restore', 'restore', 'records'],
    ['--source', 'restore', 'restore-records'],
  ],
  [
    ['help', 'restore', 'schema'],
    ['restore-schema', '--help'],
  ],
  [
    ['restore', './files'],
    ['restore', './files'],
  ],
  [
    ['help', 'config', 'show'],
    ['config', 'show', '--help'],
  ],
  [
    ['logs', 'help'],
    ['logs', 'help'],
  ],
])('N-04 N-05 T-02 %j is %j', (typed, expected) => {
  expect(modernArgv(typed)).toEqual(expected);
});

test('flags after -- are not flags', () => {
  expect(hasFlag(['list', '--json'], '--json')).toBe(true);
  expect(hasFlag(['list', '--', '--json'], '--json')).toBe(false);
});
