import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { displayTable, quoteConninfo, quoteIdent, quoteLiteral, quoteTable } from './names.ts';

describe('quoting', () => {
  test.each([
    ['plain', '"plain"'],
    ['with "quotes"', '"with ""quotes"""'],
    ['line\nbreak; drop', '"line\nbreak; drop"'],
    ['$a$', '"$a$"'],
  ])('S18 identifier %j', (name, expected) => expect(quoteIdent(name)).toBe(expected));

  test.each([
    ["it's", "'it''s'"],
    ['back\\slash', "E'back\\\\slash'"],
    ["\\'", "E'\\\\'''"],
  ])('S18 literal %j', (text, expected) => expect(quoteLiteral(text)).toBe(expected));

  test('a database named like a connection string stays one value', () => {
    expect(quoteConninfo({ host: 'db', port: 5432, dbname: "x' host='evil" })).toBe(
      "host='db' port='5432' dbname='x\\' host=\\'evil'",
    );
  });

  test('every conninfo value comes back by libpq rules', () => {
    const property = fc.property(fc.string(), fc.string(), (first, second) => {
      expect(readConninfo(quoteConninfo({ a: first, b: second }))).toEqual([first, second]);
    });
    fc.assert(property);
  });

  test('tables for SQL and for people', () => {
    expect(quoteTable({ schema: 'a.b', name: 'C' })).toBe('"a.b"."C"');
    expect(displayTable({ schema: 'public', name: 'users' })).toBe('public.users');
    expect(displayTable({ schema: 'public', name: 'Users' })).toBe('public."Users"');
    expect(displayTable({ schema: 'public', name: 'two\nlines' })).toBe('public."two\\nlines"');
  });
});

/** The values of `key='...'` pairs as libpq's own parser reads them. */
function readConninfo(text: string): string[] {
  const values: string[] = [];
  for (const [, quoted = ''] of text.matchAll(/\w+='((?:[^'\\]|\\.)*)'/gs))
    values.push(quoted.replaceAll(/\\(.)/gs, '$1'));
  return values;
}
