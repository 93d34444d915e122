import { describe, expect, it } from 'vitest';
import { comparable, known, writable } from './values.ts';

const people = new Map([['anna@example.test', 'us1']]);

describe('writable', () => {
  it.each([
    ['Checkbox', 1, true],
    ['Checkbox', 'true', true],
    ['Checkbox', 0, false],
    ['Duration', 3723.5, 3723.5],
    ['JSON', { a: 1 }, '{"a":1}'],
    ['JSON', '{"a":1}', '{"a":1}'],
    ['User', [{ id: 'old', email: 'Anna@example.test' }], [{ id: 'us1' }]],
    ['SingleLineText', undefined, null],
    ['Number', 0, 0],
  ])('%s %o becomes %o', (uidt, value, expected) => {
    expect(writable(value, uidt, { people, jsonIsText: true })).toEqual({ value: expected, lost: null });
  });

  it('a JSON text of PostgreSQL is a text', () => {
    expect(writable('hello', 'JSON', { people, jsonIsText: false }).value).toBe('"hello"');
  });

  it('says who is not known, and keeps the others', () => {
    const value = [{ email: 'anna@example.test' }, { email: 'bert@example.test' }];
    expect(writable(value, 'User', { people, jsonIsText: true })).toEqual({
      value: [{ id: 'us1' }],
      lost: 'bert@example.test is no member of the base',
    });
    expect(known(value, people)).toEqual([{ email: 'anna@example.test' }]);
  });
});

describe('comparable', () => {
  it.each([
    ['Checkbox', 1, true],
    ['Checkbox', null, 0],
    ['JSON', '{"b":1,"a":[2]}', { a: [2], b: 1 }],
    ['DateTime', '2024-02-29 04:41:12+00:00', '2024-02-29T05:41:12+01:00'],
    ['Decimal', '1.500', 1.5],
    ['SingleLineText', '', null],
    ['User', [{ id: '1', email: 'A@x.y' }], [{ id: '2', email: 'a@x.y' }]],
    ['Attachment', '[{"title":"a","size":"3","id":"x"}]', [{ title: 'a', size: 3 }]],
  ])('%s: %o and %o are the same', (uidt, left, right) => {
    expect(comparable(left, uidt, true)).toBe(comparable(right, uidt, true));
  });

  it.each([
    ['SingleLineText', '1.50', '1.5'],
    ['Number', 0, null],
    ['JSON', '[1,2]', '[2,1]'],
    ['Attachment', [{ title: 'a', size: 3 }], [{ title: 'a', size: 4 }]],
  ])('%s: %o and %o are not', (uidt, left, right) => {
    expect(comparable(left, uidt, true)).not.toBe(comparable(right, uidt, true));
  });
});
