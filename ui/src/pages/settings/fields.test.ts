import { expect, test } from 'vitest';
import { formatPath } from '../../../../src/config/path.ts';
import { changesIn, draftsOf, errorAt, originOf, pathText, type Field } from './fields.ts';

const settings = {
  sources: { shop: { retention: { last: 30, maxAge: '30d' }, storages: ['local'], deleteLocalAfterCopy: true } },
};
const at = (...rest: string[]) => ['sources', 'shop', ...rest];
const fields: Field[] = [
  { path: at('retention', 'last'), kind: 'number' },
  { path: at('retention', 'maxAge'), kind: 'text' },
  { path: at('retention', 'daily'), kind: 'number' },
  { path: at('storages'), kind: 'list' },
  { path: at('deleteLocalAfterCopy'), kind: 'switch' },
];

test.each([[['a', 'b-c', 0, 'd']], [['sources', 'my.shop', 'x y']], [['a"b', 1]], [[]]])(
  'paths are written as the server writes them: %j',
  (path) => {
    expect(pathText(path)).toBe(formatPath(path));
  },
);

test('what nobody touched is not written', () => {
  expect(changesIn(fields, draftsOf(fields, settings), settings)).toEqual([]);
});

test('numbers are numbers, what is emptied goes, and what is wrong is left to the server', () => {
  const drafts = {
    ...draftsOf(fields, settings),
    'sources.shop.retention.last': '7',
    'sources.shop.retention.maxAge': ' ',
    'sources.shop.retention.daily': 'many',
    'sources.shop.storages': ['local', 'offsite'],
    'sources.shop.deleteLocalAfterCopy': false,
  };
  expect(changesIn(fields, drafts, settings)).toEqual([
    { path: at('retention', 'last'), value: 7 },
    { path: at('retention', 'maxAge'), value: null },
    { path: at('retention', 'daily'), value: 'many' },
    { path: at('storages'), value: ['local', 'offsite'] },
    { path: at('deleteLocalAfterCopy'), value: false },
  ]);
});

test('an error stands at its field, and at that of the list it is in', () => {
  const errors = [
    { path: 'sources.shop.retention.last', message: 'must be a number' },
    { path: 'sources.shop.storages[1]', message: 'is no storage' },
  ];
  expect(errorAt(at('retention', 'last'), errors)).toBe('must be a number');
  expect(errorAt(at('storages'), errors)).toBe('is no storage');
  expect(errorAt(at('retention', 'la'), errors)).toBeNull();
});

test('a value tells where it comes from', () => {
  const origins = { 'sources.shop.storages[0]': 'holdfast.yaml:9', 'monitor.every': 'default' };
  expect(originOf(at('storages'), origins)).toBe('holdfast.yaml:9');
  expect(originOf(['monitor', 'every'], origins)).toBe('default');
  expect(originOf(at('drill'), origins)).toBeNull();
});
