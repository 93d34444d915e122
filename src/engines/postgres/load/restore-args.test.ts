import { expect, test } from 'vitest';
import { chooseJobs, listFile, restoreArgs, scriptOnlyArgs } from './restore-args.ts';

test.each([
  [
    'a stream, with owners',
    { format: 'custom', owners: 'keep', jobs: 1, list: null, path: null },
    ['--format=custom', '--exit-on-error'],
  ],
  [
    'a folder, by several workers, without owners',
    { format: 'directory', owners: 'none', jobs: 4, list: null, path: '/dumps/a b' },
    ['--format=directory', '--no-owner', '--no-privileges', '--exit-on-error', '--jobs=4', '/dumps/a b'],
  ],
  [
    'chosen entries',
    { format: 'tar', owners: 'keep', jobs: 1, list: '/tmp/list', path: null },
    ['--format=tar', '--use-list=/tmp/list', '--exit-on-error'],
  ],
] as const)('pg_restore of %s', (_title, shape, args) => {
  expect(restoreArgs(shape)).toEqual(args);
});

test('a path is never taken for an option', () => {
  const args = restoreArgs({ format: 'custom', owners: 'keep', jobs: 2, list: null, path: '-rf' });
  expect(args.at(-1)).toMatch(/^\/.*\/-rf$/);
});

test('a script for one transaction stops nowhere in between', () => {
  expect(scriptOnlyArgs({ format: 'custom', owners: 'keep', list: null, path: null, singleTransaction: true })).toEqual(
    ['--format=custom', '--single-transaction', '--file=-'],
  );
});

test.each([
  ['directory', null, 1, 2],
  ['directory', null, 64, 8],
  ['directory', 1, 64, 1],
  ['custom', null, 64, 1],
  ['custom', 3, 64, 3],
  ['tar', 4, 64, 1],
  ['plain', 4, 64, 1],
] as const)('jobs for %s, wanted %s, on %i processors: %i', (format, wanted, processors, jobs) => {
  expect(chooseJobs(format, wanted, processors)).toBe(jobs);
});

test('the list has nothing but ids, so that no name can be misread', () => {
  expect(listFile([{ id: 7 }, { id: 12 }])).toBe('7;\n12;\n');
});
