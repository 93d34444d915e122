import { describe, expect, test } from 'vitest';
import { compileExcludes, excludeProblem } from './exclude.ts';

/** Pattern, path, whether it is a folder, whether it is left out: as git itself says with `check-ignore`. */
const table: [pattern: string, path: string, folder: boolean, out: boolean][] = [
  ['*.tmp', 'a.tmp', false, true],
  ['*.tmp', 'deep/er/a.tmp', false, true],
  ['*.tmp', '.tmp', false, true],
  ['*.tmp', 'a.tmpx', false, false],
  ['*.tmp', 'atmp', false, false],
  ['cache', 'cache', false, true],
  ['cache', 'x/cache', true, true],
  ['cache', 'mycache', true, false],
  ['cache/', 'cache', true, true],
  ['cache/', 'x/cache', true, true],
  ['cache/', 'cache', false, false],
  ['/cache', 'cache', true, true],
  ['/cache', 'x/cache', true, false],
  ['logs/*.log', 'logs/a.log', false, true],
  ['logs/*.log', 'x/logs/a.log', false, false],
  ['logs/*.log', 'logs/x/a.log', false, false],
  ['logs/**', 'logs/x/a.log', false, true],
  ['logs/**', 'logs', true, false],
  ['**/thumbs', 'a/b/thumbs', true, true],
  ['**/thumbs', 'thumbs', true, true],
  ['a/**/b', 'a/b', false, true],
  ['a/**/b', 'a/x/y/b', false, true],
  ['a/**/b', 'ab', false, false],
  ['a**b', 'axxb', false, true],
  ['a**b', 'ax/xb', false, false],
  ['?.txt', 'ä.txt', false, true],
  ['?.txt', '😀.txt', false, true],
  ['?.txt', 'ab.txt', false, false],
  ['x?y', 'x/y', false, false],
  ['[ab].txt', 'a.txt', false, true],
  ['[a-c].txt', 'b.txt', false, true],
  ['[!a-c].txt', 'b.txt', false, false],
  ['[^a-c].txt', 'd.txt', false, true],
  ['[c-a].txt', 'b.txt', false, false],
  ['[]].txt', '].txt', false, true],
  ['[a', '[a', false, true],
  [String.raw`\*.txt`, '*.txt', false, true],
  [String.raw`\*.txt`, 'a.txt', false, false],
  [String.raw`\!x`, '!x', false, true],
  ['a+b(c)|d.{2}', 'a+b(c)|d.{2}', false, true],
  ['a.c', 'abc', false, false],
  ['with space', 'a/with space', false, true],
  ['line\nbreak', 'line\nbreak', false, true],
  ['*', 'line\nbreak', false, true],
];

describe('excludes are those of .gitignore', () => {
  test.each(table)('%j and %j (folder: %s): %s', (pattern, path, folder, out) => {
    expect(compileExcludes([pattern])?.(path, folder)).toBe(out);
  });

  test('the last pattern that matches decides', () => {
    const excluded = compileExcludes(['*.log', '!keep.log', '/old/keep.log']);
    expect(excluded?.('a.log', false)).toBe(true);
    expect(excluded?.('keep.log', false)).toBe(false);
    expect(excluded?.('old/keep.log', false)).toBe(true);
  });

  test('no pattern, nothing to ask', () => {
    expect(compileExcludes([])).toBeNull();
  });
});

test.each([
  ['../x', false],
  ['a/../b', false],
  ['./a', false],
  ['a\0b', false],
  ['', false],
  ['/', false],
  ['!', false],
  ['a/..b', true],
  ['.env', true],
  ['!x', true],
])('the pattern %j can be used: %s', (pattern, usable) => {
  expect(excludeProblem(pattern) === null).toBe(usable);
});
