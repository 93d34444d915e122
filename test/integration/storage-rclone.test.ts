import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { rebuild, takeInventory } from '../../src/care/stock/inventory.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { rcloneOptions } from '../../src/storage/rclone/options.ts';
import { rcloneStorage } from '../../src/storage/rclone/rclone.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { collect, describeStorage, streamOf } from '../suites/storage-suite.ts';
import { answering } from '../support/answering.ts';
import { rcloneProgram, rcloneRemote, type RcloneRemote } from '../support/rclone-remote.ts';
import { clientFor, hasRadosgw, newBucket, startRadosgw } from '../support/s3-server.ts';
import { hasSshd, startSftpServer } from '../support/sftp-server.ts';
import { storeBackup } from '../support/stored-backups.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { startRcloneWebdav } from '../support/webdav-server.ts';

const { signal } = new AbortController();
const program = rcloneProgram() ?? 'rclone';

describe.skipIf(rcloneProgram() === null)('rclone is here', () => {
  describeStorage('rclone', async () => {
    const remote = await rcloneRemote();
    const storage = storageAt(remote);
    return {
      storage,
      [Symbol.asyncDispose]: async () => {
        await storage[Symbol.asyncDispose]();
        await remote[Symbol.asyncDispose]();
      },
    };
  });

  let remote: RcloneRemote;
  let storage: Storage;
  beforeAll(async () => {
    remote = await rcloneRemote();
    storage = storageAt(remote);
  });
  afterAll(async () => {
    await storage[Symbol.asyncDispose]();
    await remote[Symbol.asyncDispose]();
  });

  test('a remote that rclone does not know is said to be unknown', async () => {
    await using unknown = rcloneStorage('far', { ...optionsFor(remote), remote: 'nowhere:x' });
    await expect(unknown.folders('', signal)).rejects.toMatchObject({ code: 'STORAGE_FAULT', kind: 'usage' });
  });

  test('a program that is not there is said to be missing', async () => {
    await using without = rcloneStorage('far', { ...optionsFor(remote), program: '/nowhere/rclone' });
    await expect(without.folders('', signal)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  describe('S9 a program that ends by itself says why', () => {
    // Of its first version; what is encrypted with which password does not matter to whoever has another one.
    const encrypted = `# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n${'A'.repeat(80)}\n`;

    test.each([
      ['without its password', encrypted, {}, 'STORAGE_AUTH', 'RCLONE_CONFIG_PASS'],
      ['with another password', encrypted, { RCLONE_CONFIG_PASS: 'wrong' }, 'STORAGE_AUTH', 'RCLONE_CONFIG_PASS'],
      ['that is none', 'rubbish [[[\n', {}, 'STORAGE_FAULT', 'rclone listremotes'],
    ])('a configuration %s', async (_what, text, env, code, hint) => {
      await using folder = await temporaryFolder();
      const config = join(folder.path, 'rclone.conf');
      await writeFile(config, text);
      await using closed = rcloneStorage('far', { ...optionsFor(remote), config, env });
      const told = { code, kind: 'usage', retryable: false, hint: expect.stringContaining(hint) };
      await expect(closed.folders('', signal)).rejects.toMatchObject(told);
      await expect(closed.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject(told);
    });

    test('an older one', async () => {
      await using folder = await temporaryFolder();
      const older = join(folder.path, 'rclone');
      const usage =
        'Error: unknown flag: --rc-server-read-timeout\nUsage:\n  rclone rcd [flags]\n\nFlags:\n  -h, --help';
      await writeFile(older, `#!/bin/sh\ncat >&2 <<'END'\n${usage}\nEND\nexit 1\n`, { mode: 0o755 });
      await using old = rcloneStorage('far', { ...optionsFor(remote), program: older });
      await expect(old.folders('', signal)).rejects.toMatchObject({
        code: 'STORAGE_FAULT',
        message: expect.stringContaining('unknown flag: --rc-server-read-timeout'),
        hint: expect.stringContaining('1.60'),
      });
    });

    test('one that was killed in the middle of an upload leaves nothing, and the next call has another', async () => {
      await using folder = await temporaryFolder();
      await using victim = rcloneStorage('far', {
        ...optionsFor(remote),
        program: await tellingProgram(folder.path),
      });
      await victim.put('killed/before', streamOf('x'), { signal });
      const content = async function* () {
        yield Buffer.alloc(5_000_000);
        await until(async () => (await readdir(join(remote.folder, 'killed'))).length > 1, 'some of it has come');
        process.kill(Number(await readFile(join(folder.path, 'pid'), 'utf8')), 'SIGKILL');
        yield Buffer.alloc(5_000_000);
      };
      const putting = victim.put('killed/x', Readable.from(content(), { objectMode: false }), { signal });
      await expect(putting).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true });
      expect(await readdir(join(remote.folder, 'killed'))).toEqual(['before']);
      expect(await collect(victim.list('killed/', signal))).toHaveLength(1);
    });
  });

  test('S23 a remote set up by variables, and none of them among the arguments', async () => {
    const env = { RCLONE_CONFIG_OTHER_TYPE: 'local', RCLONE_CONFIG_OTHER_PASS: 'very secret indeed' };
    await using other = rcloneStorage('far', {
      ...optionsFor(remote),
      remote: remote.remote.replace('far:', 'other:'),
      env,
    });
    await other.put('by/variables', streamOf('x'), { signal });
    expect(await readFile(join(remote.folder, 'by/variables'), 'utf8')).toBe('x');
    expect(execFileSync('ps', ['axww', '-o', 'args'], { encoding: 'utf8' })).not.toContain('very secret indeed');
  });

  test('what is not a remote is refused', () => {
    for (const wrong of ['x', '-x:', 'a:b]c']) {
      expect(rcloneOptions.safeParse({ type: 'rclone', remote: wrong }).success, wrong).toBe(false);
    }
  });

  test('S12 what a killed put left goes with the folder, foreign files stay', async () => {
    for (const key of ['left/one/x', 'left/two/x']) await storage.put(key, streamOf('x'), { signal });
    await writeFile(join(remote.folder, 'left/one/.put-0123456789ab'), 'half');
    await writeFile(join(remote.folder, 'left/two/.theirs'), 'x');
    await storage.delete(['left/one/x', 'left/two/x'], signal);
    await storage.removeFolder('left/one/', signal);
    await storage.removeFolder('left/two/', signal);
    expect(await readdir(join(remote.folder, 'left'))).toEqual(['two']);
    expect(await readdir(join(remote.folder, 'left/two'))).toEqual(['.theirs']);
  });

  test('S8 a dump may take longer than the program gives a request by itself', async () => {
    const env = { RCLONE_RC_SERVER_READ_TIMEOUT: '1s', RCLONE_RC_SERVER_WRITE_TIMEOUT: '1s' };
    await using patient = rcloneStorage('far', { ...optionsFor(remote), env });
    const late = Readable.from(
      (async function* () {
        yield Buffer.alloc(200_000);
        await pause(1500);
        yield Buffer.alloc(200_000);
      })(),
      { objectMode: false },
    );
    expect(await patient.put('slow/x', late, { signal })).toEqual({ bytes: 400_000 });
    await patient.put('slow/y', streamOf(Buffer.alloc(20_000_000)), { signal });
    const content = await patient.get('slow/y', { signal });
    await pause(1500);
    expect((await buffer(content)).length).toBe(20_000_000);
  });

  test('S5 what is called stored before all of it was sent is not', async () => {
    let bytes = 0;
    await using server = await answering((request, response) => {
      const { url = '' } = request;
      if (url.startsWith('/operations/uploadfile')) {
        request.once('data', () => request.once('data', () => void response.end('{}')));
        return;
      }
      request.resume();
      const item = { Path: 'shop/file', Size: bytes, ModTime: '2026-11-21T10:00:00Z', IsDir: false };
      response.end(JSON.stringify(url.startsWith('/operations/stat') ? { item } : {}));
    });
    await using folder = await temporaryFolder();
    const fake = join(folder.path, 'rclone');
    const told = `Serving remote control on http://127.0.0.1:${server.port}/`;
    await writeFile(fake, `#!/bin/sh\necho '${told}' >&2\nexec sleep 60\n`, { mode: 0o755 });
    await using early = rcloneStorage('far', { type: 'rclone', remote: 'far:', program: fake, env: {} });
    const slow = new Readable({ read: () => undefined });
    slow.push(Buffer.alloc((bytes = 3000)));
    const timer = setTimeout(() => slow.push(Buffer.alloc(7000)) && slow.push(null), 500);
    await expect(early.put('shop/file', slow, { signal })).rejects.toMatchObject({ code: 'STORAGE_CUT' });
    clearTimeout(timer);
  });

  test('how much is free is not known where the remote cannot tell, and an error where it does not answer well', async () => {
    await using silent = rcloneStorage('far', { ...optionsFor(remote), remote: ':memory:' });
    expect(await silent.free(signal)).toBeNull();
    await using server = await answering((request, response) => {
      request.resume();
      response.writeHead(418).end();
    });
    const env = { RCLONE_CONFIG_BAD_TYPE: 'webdav', RCLONE_CONFIG_BAD_URL: server.url };
    await using failing = rcloneStorage('far', { ...optionsFor(remote), remote: 'bad:', env });
    await expect(failing.free(signal)).rejects.toMatchObject({ code: 'STORAGE_FAULT' });
    await using unknown = rcloneStorage('far', { ...optionsFor(remote), remote: 'nowhere:x' });
    await expect(unknown.free(signal)).rejects.toMatchObject({ code: 'STORAGE_FAULT', kind: 'usage' });
  });

  test('S5 what has the same size is replaced, also where a remote knows neither digests nor times', async () => {
    await using server = await startRcloneWebdav();
    const pass = execFileSync(program, ['obscure', '-'], { input: server.password, encoding: 'utf8' }).trim();
    const env = {
      RCLONE_CONFIG_OTHER_TYPE: 'webdav',
      RCLONE_CONFIG_OTHER_URL: server.url,
      RCLONE_CONFIG_OTHER_VENDOR: 'other',
      RCLONE_CONFIG_OTHER_USER: server.user,
      RCLONE_CONFIG_OTHER_PASS: pass,
    };
    await using plain = rcloneStorage('far', { ...optionsFor(remote), remote: 'other:backups', env });
    for (const content of ['first one', 'secondone']) {
      await plain.put('shop/x', streamOf(content), { signal });
      expect(String(await buffer(await plain.get('shop/x', { signal })))).toBe(content);
    }
    expect(await readdir(join(server.root, 'backups/shop'))).toEqual(['x']);
  });

  test('the program ends with the storage', async () => {
    const other = storageAt(remote);
    await other.folders('', signal);
    await other[Symbol.asyncDispose]();
    const running = execFileSync('ps', ['axww', '-o', 'ppid,args'], { encoding: 'utf8' }).split('\n');
    // The one of this file's own storage may still run.
    const ours = running.filter((line) => line.includes('rclone rcd') && line.trim().startsWith(`${process.pid} `));
    expect(ours.length).toBeLessThanOrEqual(1);
  });

  test('S29 a large file flows through quickly, and memory does not grow with it', async () => {
    const megabytes = 256;
    const piece = Buffer.alloc(1024 * 1024, 'holdfast');
    let made = 0;
    let peak = 0;
    const content = new Readable({
      highWaterMark: 1,
      read() {
        peak = Math.max(peak, process.memoryUsage().rss);
        made += 1;
        this.push(made > megabytes ? null : Buffer.from(piece));
      },
    });
    const before = process.memoryUsage().rss;
    const start = performance.now();
    expect(await storage.put('flow/x', content, { signal })).toEqual({ bytes: megabytes * piece.length });
    const put = (megabytes * 1000) / (performance.now() - start);
    const again = performance.now();
    let read = 0;
    for await (const chunk of (await storage.get('flow/x', { signal })) as AsyncIterable<Buffer>) read += chunk.length;
    const get = (megabytes * 1000) / (performance.now() - again);
    expect(read).toBe(megabytes * piece.length);
    process.stderr.write(`rclone: put ${put.toFixed(0)} MiB/s, get ${get.toFixed(0)} MiB/s\n`);
    expect((peak - before) / piece.length).toBeLessThan(200);
  }, 240_000);
});

describe.skipIf(rcloneProgram() === null || !hasRadosgw())('rclone: a place that is not there', () => {
  const id = '2026-11-20_05-15-00';
  let server: Awaited<ReturnType<typeof startRadosgw>>;
  let bucket: string;
  beforeAll(async () => {
    server = await startRadosgw();
    bucket = await newBucket(server);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const s3At = (path: string) =>
    rcloneStorage('far', {
      type: 'rclone',
      remote: path.includes(':') ? path : `far:${path}`,
      program,
      env: {
        RCLONE_CONFIG: '/dev/null',
        RCLONE_CONFIG_FAR_TYPE: 's3',
        RCLONE_CONFIG_FAR_PROVIDER: 'Ceph',
        RCLONE_CONFIG_FAR_ENDPOINT: server.endpoint,
        RCLONE_CONFIG_FAR_ACCESS_KEY_ID: server.accessKey,
        RCLONE_CONFIG_FAR_SECRET_ACCESS_KEY: server.secretKey,
        RCLONE_CONFIG_OTHER_TYPE: 'alias',
        RCLONE_CONFIG_OTHER_REMOTE: 'far:not-there',
      },
    });
  const buckets = async () => {
    const client = clientFor(server);
    const { Buckets = [] } = await client.listBuckets({});
    client.destroy();
    return Buckets.map(({ Name }) => Name);
  };

  test.each(['not-there', 'not-there/backups', 'other:', 'other:backups'])(
    'a bucket that is missing (%s) is an error with a hint and not an empty storage, and is not made by the way',
    async (path) => {
      const missing = { code: 'STORAGE_BUCKET_MISSING', hint: expect.stringContaining('remote') };
      const key = `shop/${id}/manifest.json`;
      const calls: [string, (storage: Storage) => Promise<unknown>][] = [
        ['folders', (storage) => storage.folders('', signal)],
        ['folders of a source', (storage) => storage.folders('shop/', signal)],
        ['list', (storage) => collect(storage.list('shop/', signal))],
        ['stat', (storage) => storage.stat(key, signal)],
        ['statMany', (storage) => storage.statMany([key, 'a', 'b', 'c', 'd'], signal)],
        ['get', (storage) => storage.get(key, { signal })],
        ['put', (storage) => storage.put(key, streamOf('x'), { signal })],
        ['put if absent', (storage) => storage.put(key, streamOf('x'), { signal, ifAbsent: true })],
        ['stage', (storage) => storage.stage(`shop/${id}/`, signal)],
        ['unfinished', (storage) => storage.unfinished('shop/', signal)],
        ['delete', (storage) => storage.delete([key], signal)],
      ];
      for (const [name, call] of calls) {
        await using storage = s3At(path);
        await expect(call(storage), name).rejects.toMatchObject(missing);
      }
      expect(await buckets()).toEqual([bucket]);
    },
    60_000,
  );

  test('what the catalog knows of a storage is not forgotten for a bucket that is misspelt', async () => {
    await using folder = await temporaryFolder();
    using catalog = openCatalog(folder.path, systemClock);
    await using right = s3At(`${bucket}/backups`);
    await storeBackup(right, 'shop', '2026-11-20T05:15:00Z');
    const known = await takeInventory({ storage: right, source: 'shop', catalog, signal });
    expect(known).toMatchObject([{ id, state: 'complete' }]);
    await using wrong = s3At(`${bucket}s/backups`);
    const missing = { code: 'STORAGE_BUCKET_MISSING' };
    await expect(takeInventory({ storage: wrong, source: 'shop', catalog, signal })).rejects.toMatchObject(missing);
    const again = rebuild({ storages: [wrong], sources: ['shop'], catalog, signal });
    await expect(again).rejects.toMatchObject(missing);
    expect(catalog.backups.list('far', 'shop')).toEqual(known);
  });

  test('a folder that is missing in a bucket is an empty storage, and comes with the first write', async () => {
    await using storage = s3At(`${bucket}/of/its/own`);
    expect(await storage.folders('', signal)).toEqual([]);
    expect(await storage.stat('shop/x', signal)).toBeNull();
    expect(await collect(storage.list('shop/', signal))).toEqual([]);
    await storage.put('shop/x', streamOf('x'), { signal });
    expect(await storage.folders('', signal)).toEqual(['shop']);
  });

  test('where each source has a bucket of its own, it comes with the first write', async () => {
    await using storage = s3At('far:');
    expect(await storage.folders('books/', signal)).toEqual([]);
    expect(await storage.stat('books/x', signal)).toBeNull();
    await storage.put('books/x', streamOf('x'), { signal });
    expect(await storage.folders('', signal)).toContain('books');
  });

  test('a bucket is made when that is asked for', async () => {
    await using storage = s3At('made/backups');
    expect(await storage.setup?.create(signal)).toEqual({ created: true, warnings: [] });
    expect(await buckets()).toContain('made');
    expect(await storage.setup?.create(signal)).toEqual({ created: false, warnings: [] });
    expect(await storage.folders('', signal)).toEqual([]);
  });
});

describe.skipIf(rcloneProgram() === null)('rclone: a folder that is not there', () => {
  const kinds: [string, boolean, () => Promise<{ remote: string; env: Record<string, string> } & AsyncDisposable>][] = [
    [
      'of this machine',
      true,
      async () => {
        const far = await rcloneRemote();
        return {
          remote: far.remote,
          env: { RCLONE_CONFIG: far.config },
          [Symbol.asyncDispose]: far[Symbol.asyncDispose],
        };
      },
    ],
    [
      'of a WebDAV server',
      true,
      async () => {
        const server = await startRcloneWebdav();
        const pass = execFileSync(program, ['obscure', '-'], { input: server.password, encoding: 'utf8' }).trim();
        const env = {
          RCLONE_CONFIG: '/dev/null',
          RCLONE_CONFIG_FAR_TYPE: 'webdav',
          RCLONE_CONFIG_FAR_URL: server.url,
          RCLONE_CONFIG_FAR_VENDOR: 'other',
          RCLONE_CONFIG_FAR_USER: server.user,
          RCLONE_CONFIG_FAR_PASS: pass,
        };
        return { remote: 'far:deep/backups', env, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
      },
    ],
    [
      'of an SFTP server',
      hasSshd(),
      async () => {
        const server = await startSftpServer();
        const env = {
          RCLONE_CONFIG: '/dev/null',
          RCLONE_CONFIG_FAR_TYPE: 'sftp',
          RCLONE_CONFIG_FAR_HOST: server.host,
          RCLONE_CONFIG_FAR_PORT: String(server.port),
          RCLONE_CONFIG_FAR_USER: server.user,
          RCLONE_CONFIG_FAR_KEY_FILE: server.key,
        };
        const remote = `far:${server.root}/deep/backups`;
        return { remote, env, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
      },
    ],
  ];

  describe.each(kinds)('%s', (_where, here, start) => {
    test.skipIf(!here)('is an empty storage, and comes with the first write', async () => {
      await using place = await start();
      await using storage = rcloneStorage('far', { type: 'rclone', remote: place.remote, program, env: place.env });
      expect(await storage.folders('', signal)).toEqual([]);
      expect(await collect(storage.list('shop/', signal))).toEqual([]);
      expect(await storage.stat('shop/x', signal)).toBeNull();
      await storage.delete(['shop/x'], signal);
      await expect(storage.get('shop/x', { signal })).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
      await storage.put('shop/x', streamOf('x'), { signal });
      expect(await storage.folders('', signal)).toEqual(['shop']);
    });

    test.skipIf(!here)('is made when that is asked for', async () => {
      await using place = await start();
      await using storage = rcloneStorage('far', { type: 'rclone', remote: place.remote, program, env: place.env });
      expect(await storage.setup?.create(signal)).toEqual({ created: true, warnings: [] });
      expect(await storage.setup?.create(signal)).toEqual({ created: false, warnings: [] });
    });
  });
});

function optionsFor({ config, remote }: RcloneRemote) {
  return { type: 'rclone' as const, remote, config, program, env: {} };
}

function storageAt(remote: RcloneRemote): Storage {
  return rcloneStorage('far', optionsFor(remote));
}

/** rclone itself, which writes down as what process it runs. */
async function tellingProgram(folder: string): Promise<string> {
  const telling = join(folder, 'rclone');
  await writeFile(telling, `#!/bin/sh\necho $$ > '${join(folder, 'pid')}'\nexec '${program}' "$@"\n`, { mode: 0o755 });
  return telling;
}
