import { expect, test } from 'vitest';
import { changedPlaces } from './table-places.ts';

const before = new Map([
  ['shop/a', '1'],
  ['shop/z', '2'],
  ['shop/_a_copy', '3'],
  ['shop/parts#P#p0', '4'],
  ['shop/parts#P#p1', '5'],
  ['shop/two@0020words', '6'],
  ['other/a', '7'],
]);
const tables = ['a', 'z', 'parts', 'two words'];

test.each<[string, Record<string, string | null>, string[]]>([
  ['nothing', {}, []],
  ['change places', { 'shop/a': '2', 'shop/z': '1' }, ['a', 'z']],
  [
    'get the copy of one, which is not dumped, in its place',
    { 'shop/a': '3', 'shop/_a_copy': null, 'shop/a_old': '1' },
    ['a'],
  ],
  ['get one of another database', { 'shop/a': '7', 'other/a': '1' }, ['a']],
  ['change places in another database', { 'other/a': '3', 'shop/_a_copy': '7' }, []],
  ['are emptied, which makes them anew', { 'shop/a': '8', 'shop/z': '9' }, []],
  ['go and come back as new ones', { 'shop/a': '8', 'shop/z': null }, []],
  ['are moved away', { 'shop/a': null, 'shop/a_old': '1' }, []],
  ['get another partition', { 'shop/parts#P#p0': '3', 'shop/_a_copy': '4' }, ['parts']],
  ['change places, in other letters of a file', { 'shop/two@0020words': '1', 'shop/a': '6' }, ['a', 'two words']],
])('tables that %s', (_, changes, expected) => {
  const now = new Map(before);
  for (const [name, number] of Object.entries(changes)) {
    if (number === null) now.delete(name);
    else now.set(name, number);
  }
  expect(changedPlaces(before, now, 'shop', tables)).toEqual(expected);
});
