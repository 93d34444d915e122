import { chmod, mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { collect, describeStorage, failing, streamOf } from '../suites/storage-suite.ts';
import { smallDisk } from '../support/small-disk.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const isRoot = process.getuid?.() === 0;

describeStorage('local', async () => {
  const folder = await temporaryFolder();
  const storage = localStorage('local', { type: 'local', path: join(folder.path, 'backups') });
  return { storage, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
});

let folder: TemporaryFolder;
let root: string;
let storage: Storage;
beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, 'backups');
  storage = localStorage('local', { type: 'local', path: root });
});
afterEach(() => folder[Symbol.asyncDispose]());

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

test('of several writers of a new file one wins', async () => {
  const others = localStorage('other', { type: 'local', path: root });
  const writers = await Promise.allSettled(
    ['a', 'b', 'c', 'd'].map((text, at) =>
      (at % 2 === 0 ? storage : others).put('shop/keys/key', streamOf(text), { signal, ifAbsent: true }),
    ),
  );
  const won = writers.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []));
  expect(won).toHaveLength(1);
  for (const each of writers)
    if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'STORAGE_TAKEN' });
  expect(await readFile(join(root, 'shop/keys/key'), 'utf8')).toBe('abcd'[won[0] ?? 0]);
  expect(await readdir(join(root, 'shop/keys'))).toEqual(['key']);
});

describe('local: permissions', () => {
  test('everything we create is private, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await storage.put('shop/a/one', streamOf('x'), { signal });
      await using stage = await storage.stage('shop/b/', signal);
      await stage.put('deep/two', streamOf('x'), { signal });
      const tool = await stage.folder('database.dir');
      await writeFile(join(tool, 'toc.dat'), 'x', { mode: 0o666 });
      await mkdir(join(tool, 'sub'), { mode: 0o777 });
      await writeFile(join(tool, 'sub', '1.dat'), 'x', { mode: 0o777 });
      await stage.adopt('database.dir');
      await stage.commit(signal);
    } finally {
      process.umask(before);
    }
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    expect(entries).toHaveLength(10);
    for (const entry of entries) {
      expect(await modeOf(join(entry.parentPath, entry.name)), entry.name).toBe(entry.isDirectory() ? '700' : '600');
    }
    expect(await modeOf(root)).toBe('700');
  });

  test('a strict umask does not lock us out', async () => {
    const before = process.umask(0o777);
    try {
      await storage.put('shop/a/one', streamOf('x'), { signal });
    } finally {
      process.umask(before);
    }
    expect(await modeOf(join(root, 'shop/a'))).toBe('700');
    expect(await modeOf(join(root, 'shop/a/one'))).toBe('600');
  });

  test('a folder of the operator is left as it is', async () => {
    await mkdir(root, { mode: 0o755 });
    await storage.put('shop/x', streamOf('x'), { signal });
    expect(await modeOf(root)).toBe('755');
  });

  test('a tool folder nobody adopted is adopted by the commit', async () => {
    await using stage = await storage.stage('shop/b/', signal);
    await writeFile(join(await stage.folder('database.dir'), 'toc.dat'), 'x', { mode: 0o666 });
    await stage.commit(signal);
    expect(await modeOf(join(root, 'shop/b/database.dir/toc.dat'))).toBe('600');
  });
});

describe('local: links', () => {
  let outside: string;
  beforeEach(async () => {
    outside = join(folder.path, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    await storage.put('shop/one/x', streamOf('x'), { signal });
  });

  test('S24 a linked folder is neither read, written, listed nor emptied', async () => {
    await symlink(outside, join(root, 'shop/linked'));
    const refused = { code: 'STORAGE_SYMLINK', kind: 'refused' };
    await expect(storage.get('shop/linked/secret', { signal })).rejects.toMatchObject(refused);
    await expect(storage.put('shop/linked/new', streamOf('x'), { signal })).rejects.toMatchObject(refused);
    await expect(storage.put('shop/linked/deep/er/new', streamOf('x'), { signal })).rejects.toMatchObject(refused);
    await expect(storage.stage('shop/linked/new/', signal)).rejects.toMatchObject(refused);
    await expect(storage.delete(['shop/linked/secret'], signal)).rejects.toMatchObject(refused);
    await expect(storage.removeFolder('shop/linked/', signal)).rejects.toMatchObject(refused);
    expect(await storage.folders('shop/', signal)).toEqual(['one']);
    const listed = await collect(storage.list('', signal));
    expect(listed.map(({ key }) => key)).toEqual(['shop/one/x']);
    expect(await readdir(outside)).toEqual(['secret']);
  });

  test('S24 a linked file is not read', async () => {
    await symlink(join(outside, 'secret'), join(root, 'shop/one/link'));
    await expect(storage.get('shop/one/link', { signal })).rejects.toMatchObject({ code: 'STORAGE_SYMLINK' });
    expect(await storage.stat('shop/one/link', signal)).toBeNull();
    // Replacing it replaces the link, not what it points to.
    await storage.put('shop/one/link', streamOf('ours'), { signal });
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  test('what a tool writes into is gone with its storage: told as what it is, at every step', async () => {
    for (const step of ['adopt', 'commit'] as const) {
      await using stage = await storage.stage('shop/gone/', signal);
      await mkdir(await stage.folder('database.dir'), { recursive: true });
      await rm(join(root, 'shop'), { recursive: true });
      const failed = step === 'adopt' ? stage.adopt('database.dir') : stage.commit(signal);
      await expect(failed, step).rejects.toMatchObject({ code: 'STAGE_LOST' });
    }
  });

  test('a link among what a tool wrote is refused', async () => {
    await using stage = await storage.stage('shop/two/', signal);
    await symlink(join(outside, 'secret'), join(await stage.folder('database.dir'), 'toc.dat'));
    await expect(stage.adopt('database.dir')).rejects.toMatchObject({ code: 'STORAGE_SYMLINK' });
  });

  test("the root itself may be a link: that is the operator's choice", async () => {
    await symlink(root, join(folder.path, 'link'));
    const linked = localStorage('local', { type: 'local', path: join(folder.path, 'link') });
    expect(String(await buffer(await linked.get('shop/one/x', { signal })))).toBe('x');
    await linked.put('shop/two/x', streamOf('y'), { signal });
    expect((await storage.folders('shop/', signal)).toSorted()).toEqual(['one', 'two']);
  });
});

describe('local: a root that cannot be used', () => {
  test('a file in its place', async () => {
    await writeFile(root, 'x');
    const wrong = { code: 'STORAGE_NOT_A_FOLDER', message: `${root} is not a folder`, hint: expect.any(String) };
    await expect(storage.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject(wrong);
    await expect(storage.stage('shop/x/', signal)).rejects.toMatchObject(wrong);
    await expect(storage.folders('', signal)).rejects.toMatchObject(wrong);
    await expect(storage.get('shop/x', { signal })).rejects.toMatchObject(wrong);
  });

  test('one whose path leaves no room for what lies in it is told as that', async () => {
    const long = join(root, ...Array.from({ length: 15 }, () => 'd'.repeat(250)));
    const path = join(long, 'e'.repeat(150), 'f'.repeat(4078 - 152 - long.length));
    const deep = localStorage('local', { type: 'local', path });
    const failure = { code: 'STORAGE_PATH_TOO_LONG', hint: expect.stringContaining('shorter') };
    const key = `shop/2026-11-20_12-00-00/${'f'.repeat(60)}`;
    await expect(deep.put(key, streamOf('x'), { signal })).rejects.toMatchObject(failure);
    await expect(deep.get(key, { signal })).rejects.toMatchObject(failure);
    await expect(deep.stat(key, signal)).rejects.toMatchObject(failure);
    await expect(deep.stage('shop/2026-11-20_12-00-00/', signal)).rejects.toMatchObject(failure);
  });

  test('reading does not create it', async () => {
    expect(await storage.folders('', signal)).toEqual([]);
    expect(await storage.free(signal)).toMatchObject({ bytes: expect.any(Number) });
    await expect(stat(root)).rejects.toThrow('ENOENT');
  });

  test.skipIf(isRoot)('one we may not write', async () => {
    await mkdir(root);
    await chmod(root, 0o500);
    await expect(storage.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject({
      code: 'NO_PERMISSION',
      hint: expect.any(String),
    });
  });

  test.runIf(isRoot)('one that cannot be written, even by root', async () => {
    const unwritable = localStorage('local', { type: 'local', path: '/proc/holdfast' });
    await expect(unwritable.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject({
      code: 'NO_PERMISSION',
      message: 'no folder can be created in /proc',
      hint: expect.any(String),
    });
  });
});

describe('local: files', () => {
  test('S12 foreign files beside ours are neither listed nor removed', async () => {
    await storage.put('shop/one/x', streamOf('x'), { signal });
    await writeFile(join(root, 'shop/.DS_Store'), 'x');
    await mkdir(join(root, 'shop/.git'));
    await writeFile(join(root, 'shop/one/.nfs0001'), 'x');
    await storage.delete(['shop/one/x'], signal);
    await storage.removeFolder('shop/one/', signal);
    expect(await collect(storage.list('', signal))).toEqual([]);
    expect((await readdir(join(root, 'shop'))).toSorted()).toEqual(['.DS_Store', '.git', 'one']);
    expect(await readdir(join(root, 'shop/one'))).toEqual(['.nfs0001']);
  });

  test('what a killed put left goes with the folder', async () => {
    await storage.put('shop/one/x', streamOf('x'), { signal });
    await writeFile(join(root, 'shop/one/.put-0123456789ab'), 'half');
    await storage.delete(['shop/one/x'], signal);
    await storage.removeFolder('shop/one/', signal);
    expect(await readdir(join(root, 'shop'))).toEqual([]);
  });

  test('several may remove the same folder at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      await storage.put('shop/one/x', streamOf('x'), { signal });
      for (let at = 0; at < 50; at += 1)
        await writeFile(join(root, `shop/one/.put-${String(at).padStart(12, '0')}`), '');
      await storage.delete(['shop/one/x'], signal);
      await Promise.all(Array.from({ length: 4 }, () => storage.removeFolder('shop/one/', signal)));
      expect(await readdir(join(root, 'shop'))).toEqual([]);
    }
  });

  test('S5 a file that became shorter while it was read is an error, not an end', async () => {
    await storage.put('shop/large', Readable.from([Buffer.alloc(8_000_000, 'x')]), { signal });
    const content = await storage.get('shop/large', { signal });
    const reading = (async () => {
      for await (const _ of content) await truncate(join(root, 'shop/large'), 3_000_000);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'STORAGE_CUT', kind: 'integrity' });
  });

  test('a name used twice in a stage does not harm the first', async () => {
    await using stage = await storage.stage('shop/one/', signal);
    await stage.put('x', streamOf('first'), { signal });
    await expect(stage.put('x', streamOf('second'), { signal })).rejects.toThrow('EEXIST');
    await stage.commit(signal);
    expect(await readFile(join(root, 'shop/one/x'), 'utf8')).toBe('first');
  });

  test('the time of the last sign of life of a stage is its own', async () => {
    await using _ = await storage.stage('shop/one/', signal);
    const long = new Date('2020-01-01T00:00:00Z');
    await utimes(join(root, 'shop/.partial-one'), long, long);
    expect(await storage.unfinished('shop/', signal)).toEqual([{ prefix: 'shop/one/', touchedAt: long }]);
  });

  test('an object is where localPath says', async () => {
    await storage.put('shop/one/x', streamOf('here'), { signal });
    expect(await readFile(storage.localPath('shop/one/x') ?? '', 'utf8')).toBe('here');
  });

  test('S29 a gigabyte flows through without memory growing', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'holdfast');
    const lastsFor = 1024;
    let made = 0;
    let peak = 0;
    const content = new Readable({
      read() {
        made += 1;
        peak = Math.max(peak, process.memoryUsage().rss);
        this.push(made > lastsFor ? null : Buffer.from(piece));
      },
    });
    const before = process.memoryUsage().rss;
    expect(await storage.put('shop/gigabyte', content, { signal })).toEqual({ bytes: lastsFor * piece.length });
    let read = 0;
    for await (const chunk of (await storage.get('shop/gigabyte', { signal })) as AsyncIterable<Buffer>) {
      read += chunk.length;
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    expect(read).toBe(lastsFor * piece.length);
    expect((peak - before) / piece.length).toBeLessThan(150);
  });
});

describe('S3 local: a full disk', async () => {
  const disk = await smallDisk(4);
  let full: Storage;
  beforeAll(() => {
    full = localStorage('full', { type: 'local', path: join(disk?.path ?? '', 'backups') });
  });
  afterAll(() => disk?.[Symbol.asyncDispose]());
  const diskFull = { code: 'DISK_FULL', message: expect.stringContaining(disk?.path ?? ''), hint: expect.any(String) };
  const large = () => Readable.from(Array.from({ length: 8 }, () => Buffer.alloc(1024 * 1024, 'x')));

  test.skipIf(!disk)('says so, keeps what was there and frees what it took', async () => {
    await full.put('shop/old/x', streamOf('old'), { signal });
    await expect(full.put('shop/new/x', large(), { signal })).rejects.toMatchObject(diskFull);
    expect(String(await buffer(await full.get('shop/old/x', { signal })))).toBe('old');
    expect((await full.free(signal))?.bytes).toBeGreaterThan(3 * 1024 * 1024);
    expect(await readdir(join(disk?.path ?? '', 'backups/shop/new'))).toEqual([]);
  });

  test.skipIf(!disk)('in a stage, too, and the next backup has the room again', async () => {
    {
      await using stage = await full.stage('shop/one/', signal);
      await stage.put('small', streamOf('x'), { signal });
      await expect(stage.put('large', large(), { signal })).rejects.toMatchObject(diskFull);
    }
    await using again = await full.stage('shop/one/', signal);
    await again.put('x', Readable.from([Buffer.alloc(3 * 1024 * 1024)]), { signal });
    await again.commit(signal);
    expect(await full.stat('shop/one/x', signal)).toMatchObject({ bytes: 3 * 1024 * 1024 });
  });

  test.skipIf(!disk)('an error of the producer is not taken for one of the disk', async () => {
    await expect(full.put('shop/x', failing(10, 'ENOSPC in its message only'), { signal })).rejects.toMatchObject({
      code: 'UNEXPECTED',
    });
  });
});
