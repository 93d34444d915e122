import { expect, test } from 'vitest';
import { parseTableName } from './table-name.ts';

test.each([
  ['orders', 'public', 'orders'],
  ['app.orders', 'app', 'orders'],
  ['App.Orders', 'App', 'Orders'],
  ['"my.schema"."my table"', 'my.schema', 'my table'],
  ['app."say ""hi"""', 'app', 'say "hi"'],
  ['données.été', 'données', 'été'],
])('S18 %s is %s and %s', (text, schema, name) => {
  expect(parseTableName(text)).toEqual({ schema, name });
});

test.each(['', '.', 'a.', '.a', 'a.b.c', '"open', '""', 'a"b'])('%j is refused as wrong usage', (text) => {
  expect(() => parseTableName(text)).toThrow(expect.objectContaining({ kind: 'usage' }));
});
