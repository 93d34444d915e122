import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { toHoldfastError } from '../base/errors.ts';
import { loadConfig } from './load.ts';
import { withStorageOptions } from './storage-options.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-storage-options-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(yaml: string) {
  await writeFile(join(folder, 'holdfast.yaml'), yaml);
  return (await loadConfig({ env: {}, cwd: folder })).config;
}

async function problemOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => toHoldfastError(error).message,
  );
}

const storage = (options: string) => `storages: { local: { type: local, path: ./b, ${options} } }`;

test('limits, timeout and retries of a storage', async () => {
  const { storages } = await load(storage('limit: { upload: 10mb, download: 500kb/s }, timeout: 2m, retries: 0'));
  expect(storages['local']).toMatchObject({
    limit: { upload: 10 * 1024 ** 2, download: 500 * 1024 },
    timeout: 120_000,
    retries: 0,
  });
  expect((await load(storage('timeout: none'))).storages['local']).toMatchObject({ timeout: null });
  expect((await load(storage('limit: {}'))).storages['local']).not.toHaveProperty('timeout');
});

test.each([
  ['limit: { upload: fast }', 'must be a size per second such as 500kb or 10mb'],
  ['limit: { upload: 10 }', 'must be at least 1kb a second'],
  ['limit: { up: 10mb }', 'is not a known key; allowed: upload, download'],
  ['timeout: 10ms', 'must be none, or a duration of at least 1s'],
  ['retries: -1', 'must be a whole number from 0 to 100'],
])('%s is refused', async (options, said) => {
  expect(await problemOf(load(storage(options)))).toContain(said);
});

test("rules between a kind's own options stay in force", () => {
  const kind = z
    .strictObject({ type: z.literal('x'), a: z.string().optional(), b: z.string().optional() })
    .refine(({ a, b }) => a === undefined || b === undefined, 'a and b exclude one another');
  const schema = withStorageOptions(kind);
  expect(schema.safeParse({ type: 'x', a: '1', retries: 2 }).success).toBe(true);
  expect(schema.safeParse({ type: 'x', a: '1', b: '2', retries: 2 }).error?.issues[0]?.message).toContain('exclude');
});

describe('the environment', () => {
  const url = { HOLDFAST_DATABASE_URL: 'postgres://shop@db/shop' };
  const read = async (env: Record<string, string>) => (await loadConfig({ env, cwd: folder })).config;

  test('limits go to every storage it names, and to the dump', async () => {
    const { storages, sources } = await read({
      ...url,
      HOLDFAST_STORAGE_PATH: '/srv/backups',
      HOLDFAST_UPLOAD_LIMIT: '10mb',
      HOLDFAST_DOWNLOAD_LIMIT: '20mb',
      HOLDFAST_DUMP_LIMIT: '30mb',
    });
    expect(storages['local']).toMatchObject({ limit: { upload: 10 * 1024 ** 2, download: 20 * 1024 ** 2 } });
    expect(sources['main']?.dump.limit).toBe(30 * 1024 ** 2);
  });

  test('a wrong one is named, and one without a storage says what is missing', async () => {
    const place = { HOLDFAST_STORAGE_PATH: '/srv/backups' };
    expect(await problemOf(read({ ...url, ...place, HOLDFAST_UPLOAD_LIMIT: 'much' }))).toContain(
      'HOLDFAST_UPLOAD_LIMIT must',
    );
    expect(await problemOf(read({ ...url, HOLDFAST_UPLOAD_LIMIT: '1mb' }))).toContain(
      'HOLDFAST_STORAGE_PATH is missing',
    );
  });

  test('with a storage and without a database, there is nothing to protect and all to recover', async () => {
    expect((await read({ HOLDFAST_STORAGE_PATH: '/srv/backups' })).sources).toEqual({});
    expect((await read({ HOLDFAST_STORAGE_PATH: '/srv/backups', HOLDFAST_SOURCE: 'shop' })).sources).toEqual({});
    const forgotten = read({ HOLDFAST_STORAGE_PATH: '/srv/backups', HOLDFAST_KEEP_LAST: '3' });
    expect(await problemOf(forgotten)).toContain('HOLDFAST_DATABASE_URL');
    expect(await problemOf(read({ HOLDFAST_SOURCE: 'shop' }))).toContain('HOLDFAST_DATABASE_URL');
  });
});

describe('a dump', () => {
  const source = (dump: string) => `sources: { shop: { database: { name: shop }, dump: ${dump} } }`;

  test('can be limited, unless the tool writes a directory itself', async () => {
    expect((await load(source('{ limit: 20mb }'))).sources['shop']?.dump.limit).toBe(20 * 1024 ** 2);
    expect(await problemOf(load(source('{ limit: 20mb, format: directory }')))).toMatch(
      /sources.shop.dump.limit is not possible for the directory format/,
    );
    expect(await problemOf(load(source('{ limit: slow }')))).toContain('must be a size per second');
  });
});
