import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolders } from './folders.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-folders-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what is missing is made, with the mode that was asked for', () => {
  const path = join(folder, 'a/b/c');
  makeFolders(path, 0o700);
  makeFolders(path, 0o755);
  expect([path, join(folder, 'a')].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o700]);
});

test('a file in its place, or above it, is told', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolders(join(folder, 'file'))).toThrow('EEXIST');
  expect(() => makeFolders(join(folder, 'file/below'))).toThrow(/EEXIST.*file'/);
});

test.skipIf(process.platform !== 'linux')(
  'where nobody can make anything, that is said instead of trying for ever',
  () => {
    expect(() => makeFolders('/proc/holdfast/state', 0o700)).toThrow('ENOENT');
  },
);
