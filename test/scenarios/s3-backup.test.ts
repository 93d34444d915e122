import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import type { S3 } from '@aws-sdk/client-s3';
import { sweepUnfinished } from '../../src/archive/sweep.ts';
import { collect } from '../suites/storage-suite.ts';
import { faultProxy } from '../support/fault-proxy.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { peakOf } from '../support/peak-memory.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { admin, clientFor, createUser, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';
import { storageAt } from '../support/s3-storage.ts';
import { fillShop } from '../support/shop.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const kills = 16;

let server: TestPostgres;
let service: S3Access & AsyncDisposable;
let client: S3;
beforeAll(async () => {
  [server, service] = await Promise.all([startPostgres(), startRadosgw()]);
  client = clientFor(service);
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 2000 });
});
afterAll(async () => {
  client?.destroy();
  await Promise.all([server?.[Symbol.asyncDispose](), service?.[Symbol.asyncDispose]()]);
});

let bucket: string;
let holdfast: Installation;
beforeEach(async () => {
  bucket = await newBucket(service);
  holdfast = await install();
});
afterEach(() => holdfast[Symbol.asyncDispose]());

function install(more: object = {}, settings: Record<string, unknown> = {}): Promise<Installation> {
  const { endpoint, accessKey, secretKey } = service;
  const offsite = { type: 's3', bucket, prefix: 'holdfast', endpoint, accessKey, secretKey, ...more };
  return installHoldfast({ url: server.url('shop'), settings, top: { storages: { offsite } } });
}

const orders = async () => server.sql('shop', 'select count(*)::int as count from shop.orders');
const keysOf = async (id: string) =>
  (await collect(storageAt(service, bucket, { prefix: 'holdfast' }).list(`shop/${id}/`, signal))).map(({ key }) => key);
const backUp = async () => (await holdfast.json<{ id: string }>('backup')).id;

describe.each(['custom', 'plain', 'auto'])('S16 straight to a bucket, %s', (format) => {
  test('N-20 N-21 N-22 J-16 backed up, listed, verified, restored by swap', async () => {
    await using installed = await install({}, { dump: { format } });
    const { id } = await installed.json<{ id: string }>('backup');
    expect(await installed.json('list')).toMatchObject([{ id, state: 'complete' }]);
    expect(await keysOf(id)).toContain(`shop/${id}/manifest.json`);
    expect(await keysOf(id)).not.toContain(`shop/${id}/writing.json`);
    for (const depth of ['checksum', 'structure']) {
      expect(await installed.json('verify', id, '--depth', depth)).toMatchObject({ ok: true });
    }
    const before = await orders();
    await server.sql('shop', 'truncate shop.orders cascade');
    expect(await installed.run('restore', id, '--yes', '--no-safety-backup', '--allow', 'script')).toMatchObject({
      status: 0,
    });
    expect(await orders()).toEqual(before);
    expect(await installed.run('delete', id, '--yes', '--allow-last')).toMatchObject({ status: 0 });
    expect(await keysOf(id)).toEqual([]);
  });
});

test(`S1 kill -9 at ${kills} points of a backup to a bucket never leaves a listed backup that does not restore`, async () => {
  const started = performance.now();
  await backUp();
  const whole = performance.now() - started;
  let died = 0;
  for (let at = 0; at < kills; at += 1) {
    const { child, ended } = holdfast.start({}, 'backup');
    const timer = setTimeout(() => child.kill('SIGKILL'), (whole * (at + 1)) / kills);
    if ((await ended).signal === 'SIGKILL') died += 1;
    clearTimeout(timer);
  }
  expect(died).toBeGreaterThan(kills / 4);
  await until(async () => (await server.connections()).length === 0, 'no session of a killed run is left');
  const listed = await holdfast.json<{ id: string; state: string }[]>('list');
  expect(listed.length).toBeGreaterThan(0);
  for (const { id, state } of listed) {
    expect(state).toBe('complete');
    expect(await holdfast.json('verify', id, '--depth', 'structure')).toMatchObject({ ok: true });
  }
  expect(await holdfast.json('drill', listed[0]?.id ?? '')).toMatchObject({ ok: true });

  const storage = storageAt(service, bucket, { prefix: 'holdfast' });
  const tomorrow = new Date(Date.now() + 25 * 3_600_000);
  const day = 24 * 3_600_000;
  await sweepUnfinished(storage, 'shop', { now: tomorrow, olderThanMs: day, alive: () => false, signal });
  expect(await storage.unfinished('shop/', signal)).toEqual([]);
  expect((await client.listMultipartUploads({ Bucket: bucket })).Uploads ?? []).toEqual([]);
  const left = new Set((await collect(storage.list('shop/', signal))).map(({ key }) => key.split('/')[1]));
  expect(left).toEqual(new Set(listed.map(({ id }) => id)));
}, 300_000);

function flipped(content: Buffer): Buffer {
  const at = Math.floor(content.length / 2);
  const changed = Buffer.from(content);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

describe('S4 S5 damage in the bucket is found before the target is touched', () => {
  const damage: [string, (key: string, content: Buffer) => Promise<unknown>][] = [
    ['a flipped bit', (Key, content) => put(Key, flipped(content))],
    ['a shorter object', (Key, content) => put(Key, content.subarray(0, content.length - 10))],
    ['an object that is gone', (Key) => client.deleteObject({ Bucket: bucket, Key })],
  ];
  const put = (Key: string, Body: Buffer) => client.putObject({ Bucket: bucket, Key, Body });

  test.each(damage)('%s', async (_name, harm) => {
    const id = await backUp();
    const before = await orders();
    const dump = (await keysOf(id)).find((key) => key.includes('/database.'));
    const Key = `holdfast/${dump ?? ''}`;
    const { Body } = await client.getObject({ Bucket: bucket, Key });
    if (!(Body instanceof Readable)) throw new Error('no body');
    await harm(Key, await buffer(Body));
    const verified = await holdfast.run('verify', id, '--depth', 'checksum');
    expect(verified.status, verified.stderr).toBe(6);
    const restored = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
    expect(restored.status, restored.stderr).toBe(6);
    expect(await orders()).toEqual(before);
    expect(await server.databases()).toEqual(['postgres', 'shop']);
  });
});

test('S8 a service that answers badly now and then: the backup is right, and nothing is left over', async () => {
  await using proxy = await faultProxy(service.endpoint);
  await using shaky = await install({ endpoint: proxy.url });
  proxy.set(
    { method: 'PUT', path: 'manifest.json', times: 2, fault: { kind: 'status', status: 500, code: 'InternalError' } },
    { method: 'PUT', path: 'database.', times: 1, fault: { kind: 'lost-reply' } },
    { method: 'GET', path: 'list-type=2', times: 2, fault: { kind: 'status', status: 503, code: 'SlowDown' } },
  );
  const { id } = await shaky.json<{ id: string }>('backup');
  expect(proxy.struck()).toBeGreaterThanOrEqual(5);
  expect(await shaky.json('verify', id, '--depth', 'structure')).toMatchObject({ ok: true });
});

test('S3 a bucket without room fails the backup whole; the older one stays, and what failed gave its space back', async () => {
  const keys = { accessKey: `k${randomBytes(6).toString('hex')}`, secretKey: randomBytes(20).toString('hex') };
  const user = `u${randomBytes(4).toString('hex')}`;
  await createUser(service, user, keys);
  const small = await newBucket({ ...service, ...keys });
  await using full = await install({ ...keys, bucket: small });
  const { id } = await full.json<{ id: string }>('backup');
  for (const order of [['set', '--max-size', '4M'], ['enable']]) {
    await admin(service.configFile, 'quota', order[0] ?? '', '--uid', user, '--quota-scope', 'user', ...order.slice(1));
  }
  await server.createDatabase('large');
  await server.sql(
    'large',
    'create table noise as select g, md5(g::text) || md5((g + 1)::text) as text from generate_series(1, 300000) g',
  );
  const { endpoint } = service;
  const offsite = { type: 's3', bucket: small, prefix: 'holdfast', endpoint, ...keys };
  const about = (database: string) => ({
    state: './state',
    sources: { shop: { database: { url: server.url(database) } } },
    storages: { offsite },
  });
  await full.configure(about('large'));

  const { status, stderr } = await full.run('backup');

  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: .*\(STORAGE_FULL\)$/m);
  expect(stderr).toMatch(/^hint: /m);
  expect(await full.json('list')).toMatchObject([{ id, state: 'complete' }]);
  const left = await collect(storageAt({ ...service, ...keys }, small, { prefix: 'holdfast' }).list('shop/', signal));
  expect(left.filter(({ key }) => !key.startsWith(`shop/${id}/`))).toEqual([]);
  expect(await full.json('verify', id)).toMatchObject({ ok: true });
  await full.configure(about('shop'));
  expect(await full.run('backup')).toMatchObject({ status: 0 });
});

test('S29 our own memory does not grow with what is encrypted and sent to a bucket', async () => {
  const peaks: { backup: number; restore: number }[] = [];
  for (const factor of [1, 16]) {
    const database = `x${factor}`;
    await server.createDatabase(database);
    await server.sql(
      database,
      `create table texts as select g, md5(g::text) || md5((g * 7)::text) || md5((g * 13)::text) || repeat('x', 100) as body from generate_series(1, ${50_000 * factor}) g`,
    );
    const { endpoint, accessKey, secretKey } = service;
    await using remote = await installHoldfast({
      url: server.url(database),
      settings: { dump: { format: 'plain', compression: 'zstd:1' } },
      top: {
        encryption: { passphrase: 'correct horse battery staple' },
        storages: { offsite: { type: 's3', bucket, prefix: database, endpoint, accessKey, secretKey } },
      },
    });
    const first = await peakOf(remote, 'backup');
    expect(first, 'making the key costs 128 MiB for a moment').toBeLessThan(300 * 1024 * 1024);
    const backup = await peakOf(remote, 'backup');
    const restore = await peakOf(remote, 'restore', 'latest', '--into', 'copy', '--yes', '--allow', 'script');
    peaks.push({ backup, restore });
    await server.sql('postgres', 'drop database copy');
  }
  const [small, large] = peaks;
  const told = JSON.stringify(peaks);
  for (const what of ['backup', 'restore'] as const) {
    expect(large?.[what], `${what}: ${told}`).toBeLessThan(250 * 1024 * 1024);
    expect((large?.[what] ?? 0) - (small?.[what] ?? 0), `${what}: ${told}`).toBeLessThan(80 * 1024 * 1024);
  }
}, 240_000);

test('S9 S23 a wrong secret is said to be wrong, and not shown', async () => {
  await using wrong = await install({ secretKey: 'wr0ng-secret-value' });
  const { status, stdout, stderr } = await wrong.run('backup', '--debug');
  expect(status).toBe(1);
  expect(stderr).toContain('STORAGE_AUTH');
  expect(stdout + stderr).not.toContain('wr0ng-secret-value');
  expect((await wrong.run('config', 'show')).stdout).not.toContain('wr0ng-secret-value');
});

test('a backup under object lock is refused to delete, kept by prune, and says until when', async () => {
  bucket = await newBucket(service, 'lockable');
  await using locked = await install({ objectLock: { mode: 'compliance', days: 1 } }, { retention: { last: 1 } });
  const first = (await locked.json<{ id: string }>('backup')).id;
  await locked.json('backup');
  const refused = await locked.run('delete', first, '--yes');
  expect(refused.status, refused.stderr).toBe(4);
  expect(refused.stderr).toMatch(/locked until \d{4}-.*\(STORAGE_LOCKED\)/);
  const pruned = await locked.run('prune', '--yes');
  expect(pruned.stdout + pruned.stderr).toContain('locked until');
  expect(await locked.json<unknown[]>('list')).toHaveLength(2);
  expect(await locked.json('verify', first)).toMatchObject({ ok: true });
});

test('HOLDFAST_S3_* alone describe a bucket, and with a folder the second storage', async () => {
  const { endpoint, accessKey, secretKey } = service;
  const env = {
    HOLDFAST_DATABASE_URL: server.url('shop'),
    HOLDFAST_S3_ENDPOINT: endpoint,
    HOLDFAST_S3_BUCKET: bucket,
    HOLDFAST_S3_PREFIX: 'holdfast',
    HOLDFAST_S3_ACCESS_KEY: accessKey,
    HOLDFAST_S3_SECRET_KEY: secretKey,
    HOLDFAST_STATE: `${holdfast.folder}/state`,
  };
  const made = await holdfast.runWith({ env, cwd: '/' }, 'backup', '--json');
  expect(made.status, made.stderr).toBe(0);
  const listed = await holdfast.runWith({ env, cwd: '/' }, 'list', '--json');
  expect(JSON.parse(listed.stdout)).toMatchObject([{ source: 'main', state: 'complete' }]);
  const both = { ...env, HOLDFAST_STORAGE_PATH: holdfast.storage };
  const shown = await holdfast.runWith({ env: both, cwd: '/' }, 'config', 'show');
  expect(shown.status, shown.stderr).toBe(0);
  expect(shown.stdout).toMatch(/local[\s\S]*s3/);
  expect(shown.stdout).not.toContain(secretKey);
});
