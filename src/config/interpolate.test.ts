import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeReferences, interpolate } from './interpolate.ts';
import { nearest } from './nearest.ts';

const values: Record<string, string> = { A: 'one', EMPTY: '', SELF: '${A} $(x)', PW: 'p@s/s%41' };
const files: Record<string, string> = { '/base/f': 'content\n', '/run/secrets/two': 'a\nb\r\n' };
const source = {
  folder: '/base',
  variable: (name: string) => values[name] ?? null,
  file: async (path: string) => files[path] ?? Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' })),
};
const filled = async (text: string) => (await interpolate({ key: text }, source)).tree;

test.each([
  ['plain', 'plain'],
  ['${A}', 'one'],
  ['x${A}y${A}', 'xoneyone'],
  ['${NONE:-two}', 'two'],
  ['${EMPTY:-two}', 'two'],
  ['${EMPTY}', ''],
  ['${NONE:-}', ''],
  ['${A:-two}', 'one'],
  ['${file:/run/secrets/two}', 'a\nb'],
  ['${file:f}', 'content'],
  ['$${A}', '${A}'],
  ['$$${A}', '$${A}'],
  ['$A $ {A} 100$', '$A $ {A} 100$'],
  ['postgres://u:${PW}@db/${A}', 'postgres://u:p%40s%2Fs%2541@db/one'],
  ['postgres://${A}:${PW}@db/x', 'postgres://one:p%40s%2Fs%2541@db/x'],
  ['postgres://u@db/${PW}', 'postgres://u@db/p@s/s%41'],
])('%s', async (text, expected) => expect(await filled(text)).toEqual({ key: expected }));

test('S27 what was filled in is not looked at again', async () => {
  expect(await filled('${SELF}')).toEqual({ key: '${A} $(x)' });
  expect(await filled('${NONE:-$(x)}')).toEqual({ key: '$(x)' });
});

test('S27 nothing is filled into a line of shell of a hook, but into its words and its variables', async () => {
  const hooks = {
    before: { shell: 'echo ${A} "${SELF}" $${A}' },
    after: { run: ['x', '${A}'], env: { shell: '${A}' } },
  };
  const { tree } = await interpolate({ sources: { shop: { hooks } } }, source);
  expect(tree).toEqual({
    sources: { shop: { hooks: { ...hooks, after: { run: ['x', 'one'], env: { shell: 'one' } } } } },
  });
});

test('all that cannot be filled in, with path and reason', async () => {
  const { problems } = await interpolate({ a: '${NONE}', b: ['${file:/no}', '${A', '${a-b}'], c: 5 }, source);
  expect(problems.map(({ path, message }) => [path.join('.'), message.slice(0, 40)])).toEqual([
    ['a', 'the variable NONE is not set; set it, or'],
    ['b.0', 'the file /no cannot be read (it does not'],
    ['b.1', 'holds a reference of unknown form; allow'],
    ['b.2', 'holds a reference of unknown form; allow'],
  ]);
});

test('any text can be escaped', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('$', '{', '}', 'A') })), async (text) => {
      expect(await filled(escapeReferences(text))).toEqual({ key: text });
    }),
  );
});

test.each([
  ['retension', 'retention'],
  ['tiemzone', 'timezone'],
  ['table_data', 'tableData'],
  ['zzz', null],
])('the nearest key to %s', (word, expected) => {
  expect(nearest(word, ['retention', 'timezone', 'tableData', 'dump'])).toBe(expected);
});
