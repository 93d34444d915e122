import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { S3 } from '@aws-sdk/client-s3';
import { removeBackup } from '../../src/archive/remove.ts';
import type { HoldfastError } from '../../src/base/errors.ts';
import { lend, markPassing } from '../../src/base/reuse.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { collect, describeStorage, endless, failing, streamOf } from '../suites/storage-suite.ts';
import { faultProxy, type FaultProxy, type FaultRule } from '../support/fault-proxy.ts';
import { admin, clientFor, createUser, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';
import { storageAt } from '../support/s3-storage.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const mebibyte = 1024 * 1024;

let server: S3Access & AsyncDisposable;
let client: S3;
beforeAll(async () => {
  server = await startRadosgw();
  client = clientFor(server);
});
afterAll(async () => {
  client?.destroy();
  await server?.[Symbol.asyncDispose]();
});

for (const kind of ['plain', 'versioned'] as const) {
  describeStorage(`s3 (${kind} bucket)`, async () => {
    const prefix = kind === 'plain' ? '/backups/here/' : "it's a+b c/100% ünï&x=#";
    const storage = storageAt(server, await newBucket(server, kind), { prefix });
    return { storage, [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose]() };
  });
}

let bucket: string;
let storage: Storage;
beforeEach(async () => {
  bucket = await newBucket(server);
  storage = storageAt(server, bucket);
});

const uploads = async (name = bucket) => (await client.listMultipartUploads({ Bucket: name })).Uploads ?? [];
const read = async (key: string, range = {}) => buffer(await storage.get(key, { signal, ...range }));

describe('s3: uploads', () => {
  test('N-22 N-23 a stream of unknown length goes in parts, several at once, and comes back whole', async () => {
    await using proxy = await faultProxy(server.endpoint);
    const through = storageAt({ ...server, endpoint: proxy.url }, bucket);
    const content = randomBytes(30 * mebibyte + 17);
    expect(await through.put('large', inPieces(content), { signal })).toEqual({ bytes: content.length });
    expect(proxy.seen.filter(({ path }) => path.includes('partNumber=')).length).toBe(4);
    expect(content.equals(await read('large'))).toBe(true);
    expect(content.subarray(9 * mebibyte, 9 * mebibyte + 5)).toEqual(
      await read('large', { start: 9 * mebibyte, end: 9 * mebibyte + 4 }),
    );
    expect(await uploads()).toEqual([]);
  });

  test('what was sent is let go: lent memory goes back, and what passes is freed', async () => {
    const returned: ArrayBuffer[] = [];
    const content = Array.from({ length: 20 }, (_, at) => Buffer.alloc(mebibyte, at + 1));
    const expected = Buffer.concat(content);
    for (const [at, piece] of content.entries()) {
      if (at % 2 === 0) markPassing(piece);
      else lend(piece, (memory) => void returned.push(memory));
    }
    await storage.put('large', Readable.from(content, { objectMode: false }), { signal });
    expect(expected.equals(await read('large'))).toBe(true);
    expect(returned.length).toBe(10);
    expect(content.filter(({ buffer: memory }) => memory.byteLength === 0).length).toBe(10);
  });

  test('small content takes one request', async () => {
    await using proxy = await faultProxy(server.endpoint);
    const through = storageAt({ ...server, endpoint: proxy.url }, bucket);
    await through.put('small', streamOf(randomBytes(3 * mebibyte)), { signal });
    expect(proxy.seen.map(({ method }) => method)).toEqual(['PUT']);
  });

  test('content of exactly one part, and of exactly two', async () => {
    for (const size of [8 * mebibyte, 16 * mebibyte]) {
      const content = randomBytes(size);
      await storage.put('exact', inPieces(content), { signal });
      expect(content.equals(await read('exact'))).toBe(true);
    }
  });

  test('a service that takes few parts gets larger ones', async () => {
    const few = storageAt(server, bucket, { maxParts: 5 });
    const content = randomBytes(61 * mebibyte);
    await few.put('few', inPieces(content), { signal, size: content.length });
    const { ETag } = await client.headObject({ Bucket: bucket, Key: 'few' });
    expect(ETag).toMatch(/-5"$/);
    expect(content.equals(await read('few'))).toBe(true);
  });

  test('no upload is left behind by a tool that fails, a signal, or parts that are refused', async () => {
    await expect(storage.put('x', failing(20 * mebibyte, 'tool failed'), { signal })).rejects.toThrow('tool failed');
    const controller = new AbortController();
    const content = endless();
    const putting = storage.put('x', content, { signal: controller.signal });
    putting.catch(() => undefined);
    await until(async () => (await uploads()).length > 0, 'the upload has begun');
    controller.abort();
    await expect(putting).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(content.destroyed).toBe(true);
    await using proxy = await faultProxy(server.endpoint);
    proxy.set({ method: 'PUT', path: 'partNumber=2', fault: { kind: 'status', status: 403, code: 'AccessDenied' } });
    const through = storageAt({ ...server, endpoint: proxy.url }, bucket);
    const refused = endless();
    await expect(through.put('x', refused, { signal })).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    expect(refused.destroyed).toBe(true);
    expect(await uploads()).toEqual([]);
    expect(await storage.stat('x', signal)).toBeNull();
  });

  test.each([
    ['one request', 3 * mebibyte],
    ['parts', 20 * mebibyte],
  ])('S3 a refusal while the body is still being sent is told as what it is: %s', async (_, size) => {
    await using proxy = await faultProxy(server.endpoint);
    proxy.set({
      method: 'PUT',
      path: /\/x\?(partNumber|x-id=PutObject)/,
      fault: { kind: 'refuse-early', status: 403, code: 'QuotaExceeded' },
    });
    const through = storageAt({ ...server, endpoint: proxy.url }, bucket);
    await expect(through.put('x', streamOf(randomBytes(size)), { signal })).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    expect(await uploads()).toEqual([]);
  });

  test.each(['plain', 'versioned'] as const)('of writers that race for a key in a %s bucket one wins', async (kind) => {
    const raced = await newBucket(server, kind);
    const own = storageAt(server, raced);
    for (let round = 0; round < 10; round += 1) {
      const contents = Array.from({ length: 6 }, () => randomBytes(16).toString('hex'));
      const ends = await Promise.allSettled(
        contents.map((content) => own.put(`key-${round}`, streamOf(content), { signal, ifAbsent: true })),
      );
      const winners = contents.filter((_, index) => ends[index]?.status === 'fulfilled');
      for (const end of ends)
        if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'STORAGE_TAKEN', kind: 'busy' });
      expect(winners).toHaveLength(1);
      expect(String(await buffer(await own.get(`key-${round}`, { signal })))).toBe(winners[0]);
    }
    await expect(own.put('key-0', streamOf('late'), { signal, ifAbsent: true })).rejects.toMatchObject({
      code: 'STORAGE_TAKEN',
    });
  });
});

describe('s3: listings', () => {
  describe('of ten thousand backups', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `shop/backup-${String(index).padStart(5, '0')}`);
    let full: string;
    beforeAll(async () => {
      full = await newBucket(server);
      for (let from = 0; from < ids.length; from += 100) {
        await Promise.all(
          ids
            .slice(from, from + 100)
            .map((id) => client.putObject({ Bucket: full, Key: `${id}/manifest.json`, Body: '{}' })),
        );
      }
    });

    test('keys that ask for too large a listing are asked for one by one', async () => {
      await using proxy = await faultProxy(server.endpoint);
      const through = storageAt({ ...server, endpoint: proxy.url }, full);
      await through.put('z/last', streamOf('x'), { signal });
      proxy.set();
      const keys = ['z/last', ...Array.from({ length: 20 }, (_, index) => `y/${index}`)];
      const found = await through.statMany(keys, signal);
      expect(found.map((object) => object?.key)).toEqual(['z/last', ...Array.from({ length: 20 })]);
      expect(proxy.seen.map(({ method }) => method).filter((method) => method === 'HEAD')).toHaveLength(keys.length);
      await through.delete(['z/last'], signal);
    });

    test('S10 N-d10 ten thousand backups take a bounded number of requests', async () => {
      await using proxy = await faultProxy(server.endpoint);
      const through = storageAt({ ...server, endpoint: proxy.url }, full, { concurrency: 16 });
      expect(await through.folders('shop/', signal)).toHaveLength(ids.length);
      const asked = ids.flatMap((id) => [`${id}/manifest.json`, `${id}/hold.json`]);
      const found = await through.statMany(asked, signal);
      expect(found.filter((object) => object !== null)).toHaveLength(ids.length);
      expect(await through.unfinished('shop/', signal)).toEqual([]);
      // Ten pages each for folders, objects and leftovers, and one for uploads.
      expect(proxy.seen.length).toBeLessThanOrEqual(35);
      proxy.set();
      await through.delete(
        ids.map((id) => `${id}/manifest.json`),
        signal,
      );
      expect(proxy.seen.length).toBeLessThanOrEqual(12);
      expect(await collect(storageAt(server, full).list('', signal))).toEqual([]);
    });
  });

  test('S12 what other programs leave, folder markers and hidden names, is not listed', async () => {
    for (const Key of ['shop/', 'shop/.hidden', 'shop//double', 'shop/ours'])
      await client.putObject({ Bucket: bucket, Key, Body: '-' });
    expect((await collect(storage.list('', signal))).map(({ key }) => key)).toEqual(['shop/ours']);
  });
});

describe('s3: leftovers', () => {
  test('an upload whose writer died is found and removed, also beside a finished backup', async () => {
    await client.createMultipartUpload({ Bucket: bucket, Key: 'shop/dead/database.dump' });
    await storage.put('shop/done/manifest.json', streamOf('{}'), { signal });
    await client.createMultipartUpload({ Bucket: bucket, Key: 'shop/done/database.dump' });
    const left = await storage.unfinished('shop/', signal);
    expect(left.map(({ prefix }) => prefix).toSorted()).toEqual(['shop/dead/', 'shop/done/']);
    expect(Date.now() - (left[0]?.touchedAt.getTime() ?? 0)).toBeLessThan(60_000);
    for (const { prefix } of left) await storage.removeUnfinished(prefix, signal);
    expect(await uploads()).toEqual([]);
    expect((await collect(storage.list('', signal))).map(({ key }) => key)).toEqual(['shop/done/manifest.json']);
  });
});

function inPieces(content: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let from = 0; from < content.length; from += 100_000) yield content.subarray(from, from + 100_000);
    })(),
    { objectMode: false },
  );
}

describe('s3: errors', () => {
  const everyCall = (wrong: Storage): [string, () => Promise<unknown>][] => [
    ['put', () => wrong.put('x', streamOf('x'), { signal })],
    ['get', () => wrong.get('x', { signal })],
    ['stat', () => wrong.stat('x', signal)],
    ['list', () => collect(wrong.list('', signal))],
    ['folders', () => wrong.folders('', signal)],
    ['delete', () => wrong.delete(['x'], signal)],
    ['stage', () => wrong.stage('shop/x/', signal)],
    ['unfinished', () => wrong.unfinished('shop/', signal)],
  ];
  const expectEach = async (wrong: Storage, code: string) => {
    for (const [name, call] of everyCall(wrong)) {
      await expect(call(), name).rejects.toMatchObject({ code, hint: expect.any(String) });
    }
  };

  test('S9 a missing bucket is said to be missing, by every call', async () => {
    await expectEach(storageAt(server, 'not-there'), 'STORAGE_BUCKET_MISSING');
  });

  test('N-22 a bucket is created when asked for, and only then', async () => {
    const name = `made-${randomBytes(5).toString('hex')}`;
    const made = storageAt(server, name, { createBucket: true });
    await made.put('x', streamOf('x'), { signal });
    expect(String(await buffer(await made.get('x', { signal })))).toBe('x');
  });

  test('N-22 a bucket that is to be created is empty until then, and looking does not create it', async () => {
    const name = `made-${randomBytes(5).toString('hex')}`;
    await using later = storageAt(server, name, { createBucket: true });
    expect(await Array.fromAsync(later.list('', signal))).toEqual([]);
    expect(await later.folders('', signal)).toEqual([]);
    expect(await later.unfinished('', signal)).toEqual([]);
    expect(await later.stat('x', signal)).toBeNull();
    expect(await later.statMany(['x', 'y'], signal)).toEqual([null, null]);
    await expect(later.get('x', { signal })).rejects.toMatchObject({ kind: 'failed' });
    await using plain = storageAt(server, name);
    await expect(plain.stat('x', signal)).rejects.toMatchObject({ code: 'STORAGE_BUCKET_MISSING' });
    await later.put('x', streamOf('x'), { signal });
    expect(await later.stat('x', signal)).toMatchObject({ bytes: 1 });
  });

  test('S9 nothing listens there', async () => {
    const nowhere = storageAt({ ...server, endpoint: 'http://127.0.0.1:9' }, bucket);
    await expect(nowhere.stat('x', signal)).rejects.toMatchObject({
      code: 'STORAGE_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('http://127.0.0.1:9'),
    });
  });

  test('S9 the clock of this machine does not matter to small differences, and a large one is named', async () => {
    await using proxy = await faultProxy(server.endpoint);
    proxy.set({ fault: { kind: 'status', status: 403, code: 'RequestTimeTooSkewed' } });
    const through = storageAt({ ...server, endpoint: proxy.url }, bucket);
    await expect(through.get('x', { signal })).rejects.toMatchObject({ code: 'STORAGE_CLOCK' });
  });

  test('S9 the quota is used up: nothing is left of the upload', async () => {
    const keys = { accessKey: `k${randomBytes(6).toString('hex')}`, secretKey: randomBytes(20).toString('hex') };
    const user = `u${randomBytes(4).toString('hex')}`;
    await createUser(server, user, keys);
    const own = { ...server, ...keys };
    const small = await newBucket(own);
    await admin(server.configFile, 'quota', 'set', '--uid', user, '--quota-scope', 'user', '--max-size', '3M');
    await admin(server.configFile, 'quota', 'enable', '--uid', user, '--quota-scope', 'user');
    const full = storageAt(own, small);
    await expect(full.put('x', inPieces(randomBytes(20 * mebibyte)), { signal })).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    expect(await full.stat('x', signal)).toBeNull();
    expect(await full.unfinished('', signal)).toEqual([]);
  });

  test('S9 a wrong secret, an unknown key and a bucket of somebody else are told apart', async () => {
    await expectEach(storageAt({ ...server, accessKey: 'nobody0000' }, bucket), 'STORAGE_AUTH');
    const wrongSecret = storageAt({ ...server, secretKey: 'wrong000' }, bucket);
    await expect(wrongSecret.get('x', { signal })).rejects.toMatchObject({
      code: 'STORAGE_AUTH',
      message: expect.stringContaining('secret'),
    });
    const keys = { accessKey: `k${randomBytes(6).toString('hex')}`, secretKey: randomBytes(20).toString('hex') };
    await createUser(server, `u${randomBytes(4).toString('hex')}`, keys);
    await expect(storageAt({ ...server, ...keys }, bucket).folders('', signal)).rejects.toMatchObject({
      code: 'STORAGE_DENIED',
    });
  });

  test('N-22 keys that change in a credentials file while the daemon runs are taken up', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'credentials');
    const write = (keys: { accessKey: string; secretKey: string }) =>
      writeFileSync(file, `[default]\naws_access_key_id=${keys.accessKey}\naws_secret_access_key=${keys.secretKey}\n`);
    const user = `u${randomBytes(4).toString('hex')}`;
    const keys = () => ({
      accessKey: `k${randomBytes(6).toString('hex')}`,
      secretKey: randomBytes(20).toString('hex'),
    });
    const [old, fresh] = [keys(), keys()];
    await createUser(server, user, old);
    write(old);
    const none = { accessKey: undefined, secretKey: undefined };
    const own = storageAt(server, `b${randomBytes(6).toString('hex')}`, {
      ...none,
      credentialsFile: file,
      createBucket: true,
    });
    await own.put('x', Readable.from([Buffer.from('1')]), { signal });

    const { accessKey, secretKey } = fresh;
    await admin(
      server.configFile,
      'key',
      'create',
      '--uid',
      user,
      '--access-key',
      accessKey,
      '--secret-key',
      secretKey,
    );
    write(fresh);
    await admin(server.configFile, 'key', 'rm', '--uid', user, '--access-key', old.accessKey);
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: now + 70_000 });
    try {
      await own.put('x', Readable.from([Buffer.from('2')]), { signal });
      // Caught while it is written: what was there before serves until it is whole.
      writeFileSync(file, '[default]\naws_access_key_id=');
      vi.setSystemTime(now + 140_000);
      expect(await own.stat('x', signal)).toMatchObject({ bytes: 1 });
    } finally {
      vi.useRealTimers();
    }
  });

  test('S9 keys that are exchanged in the middle of an upload, and before a question, end neither', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'credentials');
    const user = `u${randomBytes(4).toString('hex')}`;
    let current: string | null = null;
    const exchange = async () => {
      const [accessKey, secretKey] = [`k${randomBytes(6).toString('hex')}`, randomBytes(20).toString('hex')];
      const before = current;
      if (before === null) await createUser(server, user, { accessKey, secretKey });
      else {
        const key = ['--uid', user, '--access-key', accessKey, '--secret-key', secretKey];
        await admin(server.configFile, 'key', 'create', ...key);
        await admin(server.configFile, 'key', 'rm', '--uid', user, '--access-key', before);
      }
      writeFileSync(file, `[default]\naws_access_key_id=${accessKey}\naws_secret_access_key=${secretKey}\n`);
      current = accessKey;
    };
    await exchange();
    const own = storageAt({ ...server, accessKey: '', secretKey: '' }, `b${randomBytes(6).toString('hex')}`, {
      accessKey: undefined,
      secretKey: undefined,
      credentialsFile: file,
      createBucket: true,
    });
    const content = async function* () {
      yield randomBytes(17 * mebibyte);
      await exchange();
      yield randomBytes(17 * mebibyte);
    };
    const all = Readable.from(content(), { objectMode: false });
    expect(await own.put('x', all, { signal })).toEqual({ bytes: 34 * mebibyte });
    await exchange();
    expect(await collect(own.list('', signal))).toMatchObject([{ key: 'x', bytes: 34 * mebibyte }]);
    await exchange();
    expect((await buffer(await own.get('x', { signal, start: 5, end: 9 }))).length).toBe(5);
    await exchange();
    await own.delete(['x'], signal);
    expect(await own.stat('x', signal)).toBeNull();
  });

  test('N-20 one key alone is no login', async () => {
    const half = storageAt(server, bucket, { secretKey: undefined });
    await expect(half.stat('x', signal)).rejects.toMatchObject({ code: 'STORAGE_AUTH' });
  });
});

describe('s3: S8 faults on the way', () => {
  let proxy: FaultProxy;
  let through: Storage;
  const content = randomBytes(20 * mebibyte + 3);
  beforeEach(async () => {
    proxy = await faultProxy(server.endpoint);
    through = storageAt({ ...server, endpoint: proxy.url }, bucket, { idleTimeout: '1s' });
  });
  afterEach(async () => {
    await through[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  const passing: [string, FaultRule[]][] = [
    [
      '500 to a part',
      [
        {
          method: 'PUT',
          path: 'partNumber=2',
          times: 2,
          fault: { kind: 'status', status: 500, code: 'InternalError' },
        },
      ],
    ],
    [
      '503 SlowDown to parts',
      [{ method: 'PUT', path: 'partNumber', times: 3, fault: { kind: 'status', status: 503, code: 'SlowDown' } }],
    ],
    [
      '503 to the beginning',
      [
        {
          method: 'POST',
          path: 'uploads',
          times: 2,
          fault: { kind: 'status', status: 503, code: 'ServiceUnavailable' },
        },
      ],
    ],
    ['resets', [{ path: 'partNumber', times: 2, fault: { kind: 'reset' } }]],
    [
      'a part cut half-way',
      [{ method: 'PUT', path: 'partNumber=1', times: 1, fault: { kind: 'cut-request', after: 100_000 } }],
    ],
    ['a part that is never answered', [{ method: 'PUT', path: 'partNumber=2', times: 1, fault: { kind: 'hang' } }]],
    ['a lost reply to a part', [{ method: 'PUT', path: 'partNumber=1', times: 1, fault: { kind: 'lost-reply' } }]],
    [
      '500 to the completion',
      [{ method: 'POST', path: 'uploadId=', times: 2, fault: { kind: 'status', status: 500, code: 'InternalError' } }],
    ],
    [
      'a lost reply to the completion',
      [{ method: 'POST', path: 'uploadId=', times: 1, fault: { kind: 'lost-reply' } }],
    ],
    ['a completion that is always lost', [{ method: 'POST', path: 'uploadId=', fault: { kind: 'lost-reply' } }]],
  ];
  test.each(passing)('%s: right in the end', async (_name, rules) => {
    proxy.set(...rules);
    expect(await through.put('x', inPieces(content), { signal })).toEqual({ bytes: content.length });
    expect(proxy.struck()).toBeGreaterThan(0);
    expect(content.equals(await read('x'))).toBe(true);
    expect(await uploads()).toEqual([]);
  });

  const away: [string, FaultRule[]][] = [
    ['at the beginning', [{ method: 'POST', path: 'uploads', times: 8, fault: { kind: 'reset' } }]],
    ['in the middle', [{ method: 'PUT', path: 'partNumber=2', times: 8, fault: { kind: 'reset' } }]],
    [
      'behind a proxy that knows nothing meanwhile',
      [{ method: 'PUT', path: 'partNumber=2', times: 3, fault: { kind: 'status', status: 404, code: '' } }],
    ],
    ['at the end', [{ method: 'POST', path: 'uploadId=', times: 8, fault: { kind: 'reset' } }]],
  ];
  test.each(away)('a service that is away for some seconds %s of an upload ends none', async (_when, rules) => {
    await using patient = storageAt({ ...server, endpoint: proxy.url }, bucket, { idleTimeout: '30s' });
    proxy.set(...rules);
    expect(await patient.put('x', inPieces(content), { signal })).toEqual({ bytes: content.length });
    expect(proxy.struck()).toBe(rules[0]?.times);
    expect(content.equals(await read('x'))).toBe(true);
    expect(await uploads()).toEqual([]);
  });

  test('nor one of little, of which nobody knows how much it is', async () => {
    await using patient = storageAt({ ...server, endpoint: proxy.url }, bucket, { idleTimeout: '30s' });
    proxy.set({ method: 'PUT', times: 8, fault: { kind: 'reset' } });
    expect(await patient.put('x', inPieces(content.subarray(0, 1000)), { signal, ifAbsent: true })).toEqual({
      bytes: 1000,
    });
    expect(proxy.struck()).toBe(8);
  });

  test('a signal ends the waiting for a service that is away', async () => {
    await using patient = storageAt({ ...server, endpoint: proxy.url }, bucket, { idleTimeout: '1h' });
    proxy.set({ method: 'PUT', fault: { kind: 'reset' } });
    const stop = new AbortController();
    const putting = patient.put('x', inPieces(content), { signal: stop.signal });
    putting.catch(() => undefined);
    await until(() => proxy.struck() > 20, 'it was tried often');
    stop.abort();
    await expect(putting).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await uploads()).toEqual([]);
  });

  const lasting: [string, string, FaultRule[]][] = [
    [
      '500 to a part for ever',
      'STORAGE_FAULT',
      [{ method: 'PUT', path: 'partNumber=2', fault: { kind: 'status', status: 500, code: 'InternalError' } }],
    ],
    [
      'SlowDown for ever',
      'STORAGE_BUSY',
      [{ method: 'PUT', path: 'partNumber', fault: { kind: 'status', status: 503, code: 'SlowDown' } }],
    ],
    ['resets for ever', 'STORAGE_UNREACHABLE', [{ method: 'PUT', path: 'partNumber', fault: { kind: 'reset' } }]],
    ['no answer for ever', 'STORAGE_TIMEOUT', [{ method: 'PUT', path: 'partNumber=3', fault: { kind: 'hang' } }]],
    [
      'a completion that is refused',
      'STORAGE_FAULT',
      [{ method: 'POST', path: 'uploadId=', fault: { kind: 'status', status: 500, code: 'InternalError' } }],
    ],
    [
      'a completion that fails with status 200',
      'STORAGE_FAULT',
      [{ method: 'POST', path: 'uploadId=', fault: { kind: 'status', status: 200, code: 'InternalError' } }],
    ],
  ];
  test.each(lasting)('%s: failed whole (%s)', async (_name, code, rules) => {
    await storage.put('x', streamOf('before'), { signal });
    proxy.set(...rules);
    await expect(through.put('x', inPieces(content), { signal })).rejects.toMatchObject({ code });
    expect(String(await read('x'))).toBe('before');
    expect(await uploads()).toEqual([]);
  });

  test('a lost reply to a conditional put does not make us lose to ourselves', async () => {
    proxy.set({ method: 'PUT', times: 1, fault: { kind: 'lost-reply' } });
    expect(await through.put('x', streamOf('mine'), { signal, ifAbsent: true })).toEqual({ bytes: 4 });
    expect(proxy.struck()).toBe(1);
    await expect(through.put('x', streamOf('late'), { signal, ifAbsent: true })).rejects.toMatchObject({
      code: 'STORAGE_TAKEN',
    });
  });

  test('a download that is cut again and again goes on where it stopped', async () => {
    await storage.put('x', inPieces(content), { signal });
    proxy.set({ method: 'GET', times: 4, fault: { kind: 'cut-reply', after: 3 * mebibyte } });
    expect(content.equals(await buffer(await through.get('x', { signal })))).toBe(true);
    expect(proxy.struck()).toBe(4);
    proxy.set({ method: 'GET', times: 1, fault: { kind: 'cut-reply', after: 1000 } });
    const range = await buffer(await through.get('x', { signal, start: 5, end: 5 + 200_000 }));
    expect(range.equals(content.subarray(5, 5 + 200_001))).toBe(true);
  });

  test('a download that never gets any further fails', async () => {
    await storage.put('x', inPieces(content), { signal });
    proxy.set({ method: 'GET', fault: { kind: 'cut-reply', after: 0 } });
    const reading = through.get('x', { signal }).then(buffer);
    await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/^STORAGE_(CUT|UNREACHABLE)$/) });
  });

  test('what changed while it was read is not sewn together', async () => {
    await storage.put('x', inPieces(content), { signal });
    // More than all buffers on the way hold, so that the cut comes after the change.
    proxy.set({ method: 'GET', times: 1, fault: { kind: 'cut-reply', after: 16 * mebibyte } });
    const stream = await through.get('x', { signal });
    await storage.put('x', inPieces(randomBytes(content.length)), { signal });
    const end = await buffer(stream).then(
      (whole) => `${whole.length} bytes`,
      (error: HoldfastError) => error.code,
    );
    expect(end).toBe('STORAGE_CHANGED');
  });

  test('listing and deleting are repeated', async () => {
    await storage.put('a/x', streamOf('x'), { signal });
    proxy.set({ times: 2, fault: { kind: 'status', status: 503, code: 'SlowDown' } });
    expect(await through.folders('', signal)).toEqual(['a']);
    proxy.set({ times: 1, fault: { kind: 'reset' } }, { times: 1, fault: { kind: 'lost-reply' } });
    await through.delete(['a/x'], signal);
    expect(await storage.stat('a/x', signal)).toBeNull();
  });
});

describe('s3: object lock', () => {
  const days = 1;
  let lockable: string;
  let locking: Storage;
  beforeEach(async () => {
    lockable = await newBucket(server, 'lockable');
    locking = storageAt(server, lockable, { objectLock: { mode: 'governance', days } });
  });

  const backUp = async (id: string) => {
    await using stage = await locking.stage(`shop/${id}/`, signal);
    await stage.put('database.dump', inPieces(randomBytes(9 * mebibyte)), { signal });
    await stage.put('manifest.json', streamOf('{}'), { signal });
    await stage.commit(signal);
  };
  const versions = async () => {
    const { Versions = [], DeleteMarkers = [] } = await client.listObjectVersions({ Bucket: lockable });
    return [...Versions, ...DeleteMarkers].map(({ Key }) => Key);
  };

  test('everything of a backup is locked at its end, its parts too, and says until when', async () => {
    await backUp('2026-01-01_00-00-00');
    expect(locking.capabilities.lock).toEqual({ mode: 'governance', days });
    for (const name of ['database.dump', 'manifest.json']) {
      const object = await locking.stat(`shop/2026-01-01_00-00-00/${name}`, signal);
      const hours = ((object?.lockedUntil?.getTime() ?? 0) - Date.now()) / 3_600_000;
      expect(hours).toBeGreaterThan(23.9);
      expect(hours).toBeLessThan(24.1);
    }
    expect(await versions()).not.toContain('shop/2026-01-01_00-00-00/writing.json');
  });

  test('a locked object is refused, with the time, and not hidden', async () => {
    await backUp('2026-01-01_00-00-00');
    const key = 'shop/2026-01-01_00-00-00/database.dump';
    await expect(locking.delete([key], signal)).rejects.toMatchObject({
      code: 'STORAGE_LOCKED',
      kind: 'refused',
      message: expect.stringMatching(/locked until \d{4}-/),
    });
    expect(await locking.stat(key, signal)).not.toBeNull();
  });

  test('a backup of which anything is locked keeps its manifest', async () => {
    await backUp('2026-01-01_00-00-00');
    // Nothing in the configuration tells of the lock here: the objects themselves do.
    const plain = storageAt(server, lockable);
    for (const from of [locking, plain]) {
      await expect(removeBackup(from, 'shop', '2026-01-01_00-00-00', signal)).rejects.toMatchObject({
        code: 'STORAGE_LOCKED',
        message: expect.stringContaining('locked until'),
      });
    }
    expect(await locking.stat('shop/2026-01-01_00-00-00/manifest.json', signal)).not.toBeNull();
  });

  test('a stage that is not committed locks nothing and leaves no version behind', async () => {
    {
      await using stage = await locking.stage('shop/x/', signal);
      await stage.put('database.dump', streamOf('x'), { signal });
    }
    expect(await versions()).toEqual([]);
  });

  test('what was deleted in a versioned bucket is gone, not hidden', async () => {
    await locking.put('hold.json', streamOf('1'), { signal });
    await locking.put('hold.json', streamOf('2'), { signal });
    await client.deleteObject({ Bucket: lockable, Key: 'hold.json' });
    await locking.put('hold.json', streamOf('3'), { signal });
    expect(await versions()).toHaveLength(4);
    await locking.delete(['hold.json'], signal);
    expect(await versions()).toEqual([]);
  });

  test('what somebody hid in a versioned bucket is not in the way of who writes it anew', async () => {
    const versioned = await newBucket(server, 'versioned');
    const place = storageAt(server, versioned);
    const write = () => place.put('key.age', streamOf('x'), { signal, size: 1, ifAbsent: true });
    await write();
    await expect(write()).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
    await client.deleteObject({ Bucket: versioned, Key: 'key.age' });
    await write();
    await expect(write()).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
    expect((await place.stat('key.age', signal))?.bytes).toBe(1);
  });

  test('a bucket without object lock is refused before anything is written', async () => {
    const without = storageAt(server, bucket, { objectLock: { mode: 'compliance', days } });
    await expect(without.stage('shop/x/', signal)).rejects.toMatchObject({ code: 'STORAGE_LOCK_MISSING' });
    expect(await collect(storage.list('', signal))).toEqual([]);
  });
});
