import { expect, test } from 'vitest';
import { parseEnv } from './env-file.ts';

test.each([
  ['plain', 'A=b', 'b'],
  ['spaces around', '  A =  b  ', 'b'],
  ['export', 'export A=b', 'b'],
  ['a colon', 'A: b', 'b'],
  ['double quotes', 'A="b c"', 'b c'],
  ['single quotes', "A='b $c'", 'b $c'],
  ['backquotes', 'A=`b "c" \'d\'`', 'b "c" \'d\''],
  ['an end of line in double quotes', String.raw`A="b\nc"`, 'b\nc'],
  ['none in single quotes', String.raw`A='b\nc'`, String.raw`b\nc`],
  ['several lines', 'A="b\nc"\nB=d', 'b\nc'],
  ['a comment after quotes', 'A="b # c" # d', 'b # c'],
  ['a hash without quotes ends the value, as it does for NocoBase', 'A=b#c', 'b'],
  ['an equals sign', 'A=b==', 'b=='],
  ['Windows', 'A=b\r\nB=c\r\n', 'b'],
  ['a quote inside', `A=b"c`, `b"c`],
  ['something after the quote', `A="b"c`, `"b"c`],
  ['the last one counts', 'A=b\nA=c', 'c'],
  ['nothing is not given', 'A=\nB=c', undefined],
  ['a comment is none', '# A=b', undefined],
])('%s', (_name, text, expected) => {
  expect(parseEnv(text).get('A')).toBe(expected);
});
