import { expect, test } from 'vitest';
import { clip, columnsOf, padTo, plural, printable, printableLines, wrap } from './text.ts';

test('S18 control characters of a foreign name become visible and cannot reach the terminal', () => {
  expect(printable('a\nb\tc\u001B[2Jd\u0007\u202Ee\u0085')).toBe(String.raw`a\nb\tc\u{1b}[2Jd\u{7}\u{202e}e\u{85}`);
});

test('lines stay lines, everything else is made visible', () => {
  expect(printableLines('one\r\ntwo\u001B[0m\n')).toEqual(['one', String.raw`two\u{1b}[0m`]);
});

test.each([
  ['short', 10, 'short'],
  ['exactly-10', 10, 'exactly-10'],
  ['a longer text', 8, 'a longe…'],
  ['数据库备份', 6, '数据…'],
  ['👩‍👩‍👧 family', 4, '👩‍👩‍👧 …'],
  ['x', 0, ''],
])('clip(%j, %i) is %j', (text, columns, expected) => {
  expect(clip(text, columns)).toBe(expected);
  expect(columnsOf(clip(text, columns))).toBeLessThanOrEqual(columns);
});

test('wide characters are padded by columns, and styles take none', () => {
  expect(padTo('数据', 6)).toBe('数据  ');
  expect(padTo('\u001B[32mok\u001B[39m', 4)).toBe('\u001B[32mok\u001B[39m  ');
});

test('signs and accents are one column each, and what combines with them takes none', () => {
  expect(columnsOf('✓ Größe → 3 • „x“ … ─')).toBe(21);
  expect(columnsOf('e\u0301✓\uFE0F')).toBe(2);
});

test('plural', () => {
  expect([plural(1, 'table'), plural(1200, 'table'), plural(0, 'copy', 'copies')]).toEqual([
    '1 table',
    '1,200 tables',
    '0 copies',
  ]);
});

test('paragraphs are filled to the width, one after the other', () => {
  expect(wrap('one two three\nfour\n\nfive', 9)).toEqual(['one two', 'three', 'four', '', 'five']);
});
