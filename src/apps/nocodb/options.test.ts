import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { appSchema } from './options.ts';

const least = { kind: 'nocodb', url: 'http://nocodb:8080/', token: 'secret-token' };

test('what is left out has a default, and texts of the environment are understood', () => {
  expect(appSchema.parse({ ...least, attachments: 'false', concurrency: '2', timeout: '30s' })).toMatchObject({
    url: 'http://nocodb:8080',
    records: true,
    attachments: false,
    bases: [],
    concurrency: 2,
    pageSize: 1000,
    timeoutMs: 30_000,
    dataPath: null,
  });
});

test('S23: the token shows nowhere', () => {
  const settings = appSchema.parse(least);
  expect(`${inspect(settings)}${JSON.stringify(settings)}`).not.toContain('secret-token');
  expect(settings.token.reveal()).toBe('secret-token');
});

test.each([
  [{ url: 'nocodb:8080' }],
  [{ url: 'http://user:password@nocodb' }],
  [{ url: 'http://nocodb?x=1' }],
  [{ token: '' }],
  [{ pageSize: 5000 }],
  [{ concurrency: 0 }],
  [{ timeout: 'soon' }],
  [{ surprise: 1 }],
])('%j is refused', (wrong) => {
  expect(appSchema.safeParse({ ...least, ...wrong }).success).toBe(false);
});
