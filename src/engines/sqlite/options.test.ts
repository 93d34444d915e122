import { expect, test } from 'vitest';
import { databaseSchema } from './options.ts';

test('a path is enough', () => {
  expect(databaseSchema.parse({ engine: 'sqlite', path: './data/app.sqlite' })).toEqual({
    engine: 'sqlite',
    path: './data/app.sqlite',
    busyTimeoutMs: null,
  });
  expect(databaseSchema.parse({ engine: 'sqlite', path: 'a', busyTimeout: '3s' })).toMatchObject({
    busyTimeoutMs: 3000,
  });
});

test.each([
  [{ engine: 'sqlite' }, 'path'],
  [{ engine: 'sqlite', path: '' }, 'path'],
  [{ engine: 'sqlite', path: 'a\0b' }, 'path'],
  [{ engine: 'sqlite', path: 'a', busyTimeout: 'soon' }, 'busyTimeout'],
  [{ engine: 'sqlite', path: 'a', host: 'db' }, 'host'],
  [{ engine: 'postgres', path: 'a' }, 'engine'],
  [{ path: 'a' }, 'engine'],
])('%j is refused for its %s', (input, where) => {
  const { success, error } = databaseSchema.safeParse(input);
  expect(success).toBe(false);
  expect(JSON.stringify(error?.issues)).toContain(where);
});
