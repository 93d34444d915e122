import { expect, it } from 'vitest';
import { roundedNumbers } from './rounded.ts';

it('tells numbers that NocoDB gave rounded, and none that are exact', () => {
  const rounded = roundedNumbers();
  const count = { title: 'Count', uidt: 'Number' };
  for (const exact of [null, 0, -1.5, 9007199254740991, -9007199254740991, '9007199254740993', true])
    rounded.look(count, exact, 1);
  rounded.look({ title: 'Name', uidt: 'SingleLineText' }, 9007199254740992, 1);
  rounded.look({ title: 'Json', uidt: 'JSON' }, '{"a":9007199254740993}', 1);
  rounded.look({ title: 'Json', uidt: 'JSON' }, { a: [1, { b: 2 }], c: null }, 1);
  expect(rounded.lines('table T')).toEqual([]);
  rounded.look(count, 9007199254740992, 7);
  rounded.look(count, -9223372036854776000, 8);
  rounded.look({ title: 'Json', uidt: 'JSON' }, { a: [{ b: 9007199254740992 }] }, 9);
  expect(rounded.lines('table T')).toEqual([
    "table T: 2 values of Count (record 7 first) may be rounded: NocoDB's API gives no number beyond 9,007,199,254,740,991 exactly",
    "table T: 1 value of Json (record 9) may be rounded: NocoDB's API gives no number beyond 9,007,199,254,740,991 exactly",
  ]);
});
