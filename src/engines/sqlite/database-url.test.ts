import { expect, test } from 'vitest';
import { parseDatabaseUrl } from './database-url.ts';

test.each([
  ['sqlite:///srv/data/app.sqlite', '/srv/data/app.sqlite'],
  ['sqlite:///srv/with%20a%20space/%23.db', '/srv/with a space/#.db'],
  ['sqlite:///a/../b', '/b'],
])('%s is %s', (address, path) => {
  expect(parseDatabaseUrl(address)).toBe(path);
});

test.each([
  'sqlite://app.sqlite',
  'sqlite:app.sqlite',
  'sqlite://host/app.sqlite',
  'sqlite:///',
  'sqlite:///folder/',
  'sqlite:///a?mode=memory',
  'sqlite:///a%2fb',
  'postgres://db/shop',
])('%s is refused', (address) => {
  expect(() => parseDatabaseUrl(address)).toThrow(
    expect.objectContaining({ code: 'DATABASE_URL_WRONG', kind: 'usage' }),
  );
});
