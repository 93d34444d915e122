import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFolder, checkKey, checkPrefix, keyProblem } from './keys.ts';

const segment = fc
  .stringMatching(/^[A-Za-z0-9_ äß€😀'"$;,()-][A-Za-z0-9_. äß€😀'"$;,()-]{0,20}$/u)
  .filter((text) => !text.startsWith('.'));

describe('keys', () => {
  test.each([
    ['', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['../other', 'up'],
    ['shop/../../other', 'up in the middle'],
    ['shop/..', 'up at the end'],
    ['shop/./x', 'dot'],
    ['shop//x', 'empty segment'],
    ['shop/', 'ends with a slash'],
    ['shop/.partial-2026-11-20_05-15-00/x', 'hidden'],
    ['..\\..\\windows', 'backslash'],
    ['C:\\x', 'drive with backslash'],
    ['shop/a\0b', 'nul'],
    ['shop/a\nb', 'newline'],
    ['shop/a\u0085b', 'C1 control'],
    ['shop/a\u2028b', 'line separator'],
    ['shop/\ud800', 'lone surrogate'],
    [`shop/${'x'.repeat(256)}`, 'long segment'],
    ['x/'.repeat(600), 'long key'],
  ])('S5 %j is refused (%s)', (key) => {
    expect(() => checkKey(key)).toThrow(expect.objectContaining({ code: 'STORAGE_KEY_INVALID' }));
  });

  test('S18 ordinary names of the world are keys', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        expect(keyProblem(segments.join('/'))).toBeNull();
      }),
    );
  });

  test('S24 whatever passes stays below the root and is the only name of its place', () => {
    const pieces = fc.constantFrom(
      '.',
      '..',
      '/',
      '\\',
      'a',
      'B',
      ' ',
      '\0',
      '\n',
      '~',
      '%2e',
      '%2f',
      ':',
      'ä',
      '..a',
      'a..',
    );
    const hostile = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(hostile, (key) => {
        const place = posix.join('/srv/storage', key);
        return keyProblem(key) !== null || (place === `/srv/storage/${key}` && posix.normalize(place) === place);
      }),
      { numRuns: 2000 },
    );
    expect(keyProblem('a../..a')).not.toBeNull();
  });

  test('prefixes', () => {
    expect(() => checkPrefix('')).not.toThrow();
    expect(() => checkPrefix('shop/2026/')).not.toThrow();
    for (const prefix of ['shop', '/', '../', 'shop//', './'])
      expect(() => checkPrefix(prefix), prefix).toThrow('not a usable key');
    expect(() => checkFolder('')).toThrow('not a usable key');
  });
});
