import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { storageAt } from '../support/s3-storage.ts';
import { clientFor, createUser, hasRadosgw, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';

const signal = new AbortController().signal;

let database: TestPostgres;
beforeAll(async () => {
  database = await startPostgres();
  await database.createDatabase('shop');
  await database.sql(
    'shop',
    `create table items as select n, repeat('x', 100) as text from generate_series(1, 1000) n`,
  );
});
afterAll(() => database[Symbol.asyncDispose]());

test('storage create makes the folder of a local storage, for its owner alone, and says when it was there', async () => {
  await using holdfast = await installHoldfast({ url: database.url('shop') });
  expect(await holdfast.json('storage', 'create')).toEqual({
    storage: 'local',
    title: holdfast.storage,
    created: true,
    warnings: [],
  });
  expect((await stat(holdfast.storage)).mode & 0o777).toBe(0o700);
  expect(await holdfast.json('storage', 'create', 'local')).toMatchObject({ created: false });
  expect(await holdfast.json('storage', 'list')).toEqual([
    { name: 'local', type: 'local', title: holdfast.storage, sources: ['shop'] },
  ]);
  expect(await holdfast.json('storage', 'check')).toMatchObject({ storage: 'local', ok: true });
  const policy = await holdfast.run('storage', 'policy');
  expect(policy.status).toBe(2);
  expect(policy.stderr).toContain('STORAGE_NO_POLICY');
  expect((await holdfast.run('storage', 'create', 'nowhere')).stderr).toContain('There are: local.');
});

describe.skipIf(!hasRadosgw())('a bucket and a user who may use nothing else (radosgw)', () => {
  let server: S3Access & AsyncDisposable;
  let owner: S3;
  let folder: string;
  const writer = { accessKey: 'writerkey00000001', secretKey: 'writer-secret-000000000000000001' };
  beforeAll(async () => {
    server = await startRadosgw();
    owner = clientFor(server);
    await createUser(server, 'writer', writer);
    folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  }, 180_000);
  afterAll(async () => {
    owner.destroy();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const settings = (keys: { accessKey: string; secretKey: string }, more: object = {}) => ({
    type: 's3',
    endpoint: server.endpoint,
    accessKey: keys.accessKey,
    secretKey: keys.secretKey,
    bucket: 'company-backups',
    prefix: 'shop',
    ...more,
  });
  const install = (keys: { accessKey: string; secretKey: string }, more: object = {}): Promise<Installation> =>
    installHoldfast({
      url: database.url('shop'),
      settings: { retention: { last: 1 } },
      top: { storages: { offsite: settings(keys, more) } },
    });

  test('N-51: storage create makes a private bucket once; with the printed policy alone, another user backs up, lists, prunes and restores', async () => {
    await using asOwner = await install(server);
    expect(await asOwner.json('storage', 'create')).toMatchObject({ created: true, warnings: [] });
    expect(await asOwner.json('storage', 'create')).toMatchObject({ created: false, warnings: [] });
    const anonymous = await fetch(`${server.endpoint}/company-backups/`);
    expect(anonymous.status).toBe(403);

    await using asWriter = await install(writer);
    expect((await asWriter.run('storage', 'check')).status).toBe(1);
    const policy = await asOwner.json('storage', 'policy', '--principal', 'arn:aws:iam:::user/writer');
    await owner.putBucketPolicy({ Bucket: 'company-backups', Policy: JSON.stringify(policy) });

    expect((await asWriter.run('doctor')).status).toBe(0);
    const [first, second] = [
      await asWriter.json<{ id: string }>('backup'),
      await asWriter.json<{ id: string; removed: string[] }>('backup'),
    ];
    expect(second.removed).toEqual([first.id]);
    expect(await asWriter.json('list')).toMatchObject([{ id: second.id, state: 'complete' }]);
    await asWriter.json('verify', 'latest', '--depth', 'structure');
    expect(await asWriter.json('drill', '--target', 'same')).toMatchObject({ ok: true });
    await asWriter.json('prune');
    await asWriter.json('restore', 'latest', '--into', 'copy_of_shop', '--yes');
  }, 120_000);

  test('N-51: large files in parts, and what was begun and never ended, are within the policy, too', async () => {
    const bucket = storageAt({ ...server, ...writer }, 'company-backups', { prefix: 'shop', partSize: '5mb' });
    await using _ = bucket;
    const twelve = Buffer.alloc(12 * 1024 * 1024, 'x');
    await bucket.put('big', Readable.from([twelve]), { signal });
    expect(await bucket.stat('big', signal)).toMatchObject({ bytes: twelve.length });
    expect(await bucket.stat('missing', signal)).toBeNull();
    await owner.createMultipartUpload({
      Bucket: 'company-backups',
      Key: 'shop/shop/2026-01-01_00-00-00/database.dump',
    });
    const left = await bucket.unfinished('shop/', signal);
    expect(left.map(({ prefix }) => prefix)).toEqual(['shop/2026-01-01_00-00-00/']);
    await bucket.removeUnfinished('shop/2026-01-01_00-00-00/', signal);
    expect(await bucket.unfinished('shop/', signal)).toEqual([]);
    await bucket.delete(['big'], signal);
    expect(await bucket.stat('big', signal)).toBeNull();
  });

  test('N-51: other buckets and other prefixes stay closed, and the bucket’s settings, too', async () => {
    const other = await newBucket(server);
    const asWriter = clientFor({ ...server, ...writer });
    const denied = { $metadata: expect.objectContaining({ httpStatusCode: 403 }) as unknown };
    const Bucket = 'company-backups';
    await owner.putObject({ Bucket, Key: 'other/secret', Body: 'x' });
    await expect(asWriter.listObjectsV2({ Bucket: other })).rejects.toMatchObject(denied);
    await expect(asWriter.putObject({ Bucket: other, Key: 'x', Body: 'x' })).rejects.toMatchObject(denied);
    await expect(asWriter.getObject({ Bucket, Key: 'other/secret' })).rejects.toMatchObject(denied);
    await expect(asWriter.putObject({ Bucket, Key: 'other/x', Body: 'x' })).rejects.toMatchObject(denied);
    await expect(asWriter.deleteObject({ Bucket, Key: 'other/secret' })).rejects.toMatchObject(denied);
    await expect(asWriter.putBucketPolicy({ Bucket, Policy: '{}' })).rejects.toMatchObject(denied);
    await expect(asWriter.deleteBucket({ Bucket })).rejects.toMatchObject(denied);
    asWriter.destroy();
  });

  test('a bucket that everybody can read is told', async () => {
    const open = await newBucket(server);
    await owner.putBucketAcl({ Bucket: open, ACL: 'public-read' });
    await using asOwner = await install(server, { bucket: open });
    const { created, warnings } = await asOwner.json<{ created: boolean; warnings: string[] }>('storage', 'create');
    expect(created).toBe(false);
    expect(warnings.join()).toContain('open to everybody');
  });

  test('N-51: with object lock, its rights are in the policy, and do', async () => {
    const lock = { objectLock: { mode: 'governance', days: 1 }, bucket: 'locked-backups' };
    await using asOwner = await install(server, lock);
    expect(await asOwner.json('storage', 'create')).toMatchObject({ created: true });
    const policy = await asOwner.json('storage', 'policy', '--principal', 'arn:aws:iam:::user/writer');
    await owner.putBucketPolicy({ Bucket: 'locked-backups', Policy: JSON.stringify(policy) });
    await using asWriter = await install(writer, lock);
    expect(await asWriter.json('backup')).toMatchObject({ state: 'succeeded' });
  }, 240_000);
});
