import { expect, test } from 'vitest';
import { credentialsIn, usesPathStyle } from './client.ts';
import { s3Options } from './options.ts';

test('auto uses the path for every service but Amazon', () => {
  const style = (endpoint?: string) =>
    usesPathStyle({ pathStyle: 'auto', ...(endpoint === undefined ? {} : { endpoint }) });
  expect(style()).toBe(false);
  expect(style('https://s3.eu-central-1.amazonaws.com')).toBe(false);
  expect(style('https://minio.example.com:9000')).toBe(true);
  expect(style('https://amazonaws.com.example.org')).toBe(true);
  expect(usesPathStyle({ pathStyle: false, endpoint: 'http://minio:9000' })).toBe(false);
});

test('reads the keys of one profile of a credentials file', () => {
  const file = '[default]\naws_access_key_id = A\naws_secret_access_key=s=1\n\n[other]\naws_access_key_id=B\n';
  expect(credentialsIn(file, 'default')).toEqual({ accessKeyId: 'A', secretAccessKey: 's=1' });
  expect(credentialsIn(file, 'other')).toBeNull();
  expect(credentialsIn(file, 'none')).toBeNull();
});

test('N-21 options are checked where they are written', () => {
  const parse = (more: object) => s3Options.safeParse({ type: 's3', bucket: 'b', ...more });
  expect(
    parse({ prefix: '/a/b/', endpoint: 'http://h:9000/', partSize: '16mb', pathStyle: 'true' }).data,
  ).toMatchObject({
    prefix: 'a/b',
    endpoint: 'http://h:9000',
    partSize: 16 * 1024 * 1024,
    pathStyle: true,
    maxParts: 10_000,
    createBucket: false,
  });
  for (const wrong of [
    { bucket: '' },
    { endpoint: 'minio:9000' },
    { endpoint: 'https://user:pw@host' },
    { endpoint: 'https://host/bucket' },
    { prefix: 'a/../b' },
    { partSize: '1mb' },
    { objectLock: { mode: 'soft', days: 1 } },
    { objectLock: { mode: 'governance', days: 0 } },
    { maxParts: 10_001 },
    { unknown: 1 },
  ]) {
    expect(parse(wrong).success, JSON.stringify(wrong)).toBe(false);
  }
});
