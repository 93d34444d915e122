import { expect, test } from 'vitest';
import { parseEnvFile } from './env-file.ts';

test.each([
  ['A=b', 'b'],
  ['A = b ', 'b'],
  ['  export A=b', 'b'],
  ['A=', ''],
  ['A=# nothing', ''],
  ['A=b # comment', 'b'],
  ['A=b#c', 'b#c'],
  ['A=b c', 'b c'],
  ['A=$HOME`x`$(y)', '$HOME`x`$(y)'],
  ["A='$b #c'", '$b #c'],
  ["A='b' # c", 'b'],
  [String.raw`A="b\"c\\d\ne\$f"`, 'b"c\\d\ne$f'],
  [String.raw`A=b\n`, 'b\\n'],
  ['A="b=c"', 'b=c'],
  ['\uFEFFA=b', 'b'],
  ['A=b\r\n', 'b'],
])('T-d6 O-d14 %j is the plain value %j', (line, value) => {
  expect(parseEnvFile(line)).toEqual({ values: new Map([['A', value]]), problems: [] });
});

test('empty lines and comments say nothing, and the last of two wins', () => {
  expect(parseEnvFile('\n# A=1\n   \nA=2\nA=3\n').values).toEqual(new Map([['A', '3']]));
});

test.each(['just words', '=x', '1A=x', 'A="open', "A='open"])('%j is told by its line', (line) => {
  const { values, problems } = parseEnvFile(`B=1\n${line}`);
  expect(values).toEqual(new Map([['B', '1']]));
  expect(problems).toMatchObject([
    { variable: 'HOLDFAST_ENV_FILE', message: expect.stringMatching(/^line 2 /) as unknown },
  ]);
});
