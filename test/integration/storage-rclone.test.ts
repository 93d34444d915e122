import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rcloneOptions } from '../../src/storage/rclone/options.ts';
import { rcloneStorage } from '../../src/storage/rclone/rclone.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { describeStorage, streamOf } from '../suites/storage-suite.ts';
import { answering } from '../support/answering.ts';
import { rcloneProgram, rcloneRemote, type RcloneRemote } from '../support/rclone-remote.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
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

function optionsFor({ config, remote }: RcloneRemote) {
  return { type: 'rclone' as const, remote, config, program, env: {} };
}

function storageAt(remote: RcloneRemote): Storage {
  return rcloneStorage('far', optionsFor(remote));
}
