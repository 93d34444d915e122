import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, chmod, mkdir, open, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { createFiles } from '../../src/apps/files/files.ts';
import { packTree } from '../../src/apps/files/pack-tree.ts';
import { readTree } from '../../src/apps/files/tar/read-tree.ts';
import { contextIn, listTree, sameContent, saveTrees, signal, strangeTree, tree } from '../support/file-trees.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = process.getuid?.() === 0;

describe('a tar that stock tools open', () => {
  test('S18: zstd and tar restore everything: names, rights, owners, times, links', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await strangeTree(source);

    const saved = await saveTrees(folder.path, [tree(source)]);

    const target = join(folder.path, 'target');
    await mkdir(target);
    execFileSync('sh', [
      '-c',
      `zstd -dc '${saved.folder}/files/data.tar.zst' | tar -xpf - -C '${target}' --numeric-owner`,
    ]);
    expect(listTree(target)).toEqual(listTree(source));
    expect(sameContent(source, target)).toBe(true);
    const first = await stat(join(target, 'linked/one'));
    expect(first.nlink).toBe(3);
    expect((await stat(join(target, 'linked/two'))).ino).toBe(first.ino);
    expect(saved.warnings).toEqual([]);
    expect(saved.facts).toMatchObject({
      trees: [{ name: 'data', path: source, changed: 0, vanished: 0, skipped: 0, unreadable: 0 }],
    });
  });

  // Node cannot ask for holes: all nine gigabytes of zeros are read, which takes a busy machine its time.
  test(
    'a sparse file of nine gigabytes is small in the tar, and its holes come back',
    { timeout: 300_000 },
    async () => {
      await using folder = await temporaryFolder();
      const source = join(folder.path, 'source');
      await mkdir(source);
      await truncate(await touch(join(source, 'sparse')), 9 * 1024 ** 3);
      await using file = await open(join(source, 'sparse'), 'r+');
      await file.write(Buffer.from('at the beginning'), 0, 16, 0);
      await file.write(Buffer.from('in the middle'), 0, 13, 5 * 1024 ** 3 + 77);

      const saved = await saveTrees(folder.path, [tree(source)]);

      expect(saved.parts[0]?.rawBytes).toBeLessThan(1024 * 1024);
      expect(saved.facts).toMatchObject({ trees: [{ files: 1, bytes: 9 * 1024 ** 3 }] });
      const target = join(folder.path, 'target');
      await mkdir(target);
      execFileSync('tar', ['-xf', join(saved.folder, 'files/data.tar'), '-C', target]);
      const restored = await stat(join(target, 'sparse'));
      expect(restored.size).toBe(9 * 1024 ** 3);
      expect(restored.blocks * 512).toBeLessThan(1024 * 1024);
      await using copy = await open(join(target, 'sparse'));
      expect((await copy.read(Buffer.alloc(13), 0, 13, 5 * 1024 ** 3 + 77)).buffer.toString()).toBe('in the middle');
      expect((await copy.read(Buffer.alloc(16), 0, 16, 0)).buffer.toString()).toBe('at the beginning');
    },
  );

  test('an empty folder, a file of every awkward size, and a folder of thousands', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await mkdir(join(source, 'empty'), { recursive: true });
    await mkdir(join(source, 'many'));
    for (const size of [0, 1, 511, 512, 513, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577, 5_000_000]) {
      await writeFile(join(source, `of ${size}`), Buffer.alloc(size, 'holdfast '));
    }
    for (let at = 0; at < 3000; at += 1) await writeFile(join(source, 'many', `${at}`), `${at}`);

    const saved = await saveTrees(folder.path, [tree(source)]);

    const target = join(folder.path, 'target');
    await mkdir(target);
    execFileSync('tar', ['-xpf', join(saved.folder, 'files/data.tar'), '-C', target]);
    expect(sameContent(source, target)).toBe(true);
    expect(listTree(target)).toEqual(listTree(source));
    expect(saved.facts).toMatchObject({ trees: [{ files: 3012, folders: 3, links: 0 }] });
  });

  test('what is read back has the digest of what was written', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await strangeTree(source);
    const saved = await saveTrees(folder.path, [tree(source)]);
    const read = await createFiles([], contextIn(folder.path)).readThrough(saved, signal);
    expect(read.detail).toBe('1 tree, 12 files');
  });
});

describe('a tree that lives while it is read', () => {
  test('N-d22: files that grow, shrink, and vanish are named, and the tar stays whole', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await mkdir(source);
    const grows = join(source, 'a grows');
    const shrinks = join(source, 'b shrinks');
    await writeFile(grows, Buffer.alloc(40_000_000, 'a'));
    await writeFile(shrinks, Buffer.alloc(40_000_000, 'b'));
    await writeFile(join(source, 'c vanishes'), 'c');
    await writeFile(join(source, 'd stays'), 'd');
    const packed = packTree(tree(source));
    const content = packed.open(signal);
    const chunks: Buffer[] = [];
    let read = 0;
    // Nothing is read ahead by more than some megabytes: at these places the thread is inside of the file.
    for await (const chunk of content as AsyncIterable<Buffer>) {
      const before = read;
      read += chunk.length;
      chunks.push(chunk);
      if (before < 1_000_000 && read >= 1_000_000) await appendFile(grows, 'more');
      if (before < 45_000_000 && read >= 45_000_000) {
        await truncate(shrinks, 60_000_000 - 40_000_000);
        await unlink(join(source, 'c vanishes'));
      }
    }

    expect(packed.facts()).toMatchObject({ files: 3, changed: 2, vanished: 1, bytes: 80_000_001 });
    expect(packed.warnings()).toEqual([
      expect.stringMatching(/^data: changed while it was read.* \(2\): a grows, b shrinks$/),
      'data: was removed while the tree was read (1): c vanishes',
    ]);
    await expect(readTree(Readable.from(chunks), packed.facts(), signal)).resolves.toMatchObject({ files: 3 });
    const listed = spawnSync('tar', ['-tvf', '-'], {
      input: Buffer.concat(chunks),
      encoding: 'utf8',
      maxBuffer: 1 << 20,
    });
    expect(listed.status).toBe(0);
    expect(listed.stdout.trim().split('\n')).toHaveLength(4);
  });

  test('sockets and named pipes are skipped and named; nothing waits for a writer', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await mkdir(source);
    execFileSync('mkfifo', [join(source, 'pipe')]);
    await using server = createServer().listen(join(source, 'socket'));
    await writeFile(join(source, 'file'), 'x');

    const saved = await saveTrees(folder.path, [tree(source)]);

    server.close();
    expect(saved.warnings).toEqual(['data: is no file and was skipped (2): pipe (named pipe), socket (socket)']);
    expect(saved.facts).toMatchObject({ trees: [{ files: 1, skipped: 2 }] });
  });

  test('S24: links are kept as links and never followed out of the tree', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await mkdir(source);
    await mkdir(join(folder.path, 'secret'));
    await writeFile(join(folder.path, 'secret/key'), 'secret');
    await symlink('../secret', join(source, 'out'));
    const saved = await saveTrees(folder.path, [tree(source)]);
    expect(saved.facts).toMatchObject({ trees: [{ files: 0, links: 1 }] });
  });

  test('S22: an ended backup ends its thread', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'large'), Buffer.alloc(50_000_000));
    const stop = new AbortController();
    const packed = packTree(tree(folder.path));
    const content = packed.open(stop.signal);
    const reading = pipeline(content, new Writable({ highWaterMark: 1, write: () => stop.abort() }));
    await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(content.destroyed).toBe(true);
    expect(() => packed.facts()).toThrow('before it was read');
  });
});

describe('what is left out', () => {
  test('by patterns, with what is in an excluded folder', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await mkdir(join(source, 'cache/deep'), { recursive: true });
    await writeFile(join(source, 'cache/deep/x'), 'x');
    await writeFile(join(source, 'a.tmp'), 'x');
    await writeFile(join(source, 'keep.tmp'), 'x');
    await writeFile(join(source, 'ä.log'), 'x');
    const saved = await saveTrees(folder.path, [tree(source, { exclude: ['cache/', '*.tmp', '!keep.tmp', '?.log'] })]);
    const names = execFileSync('tar', ['-tf', join(saved.folder, 'files/data.tar')], { encoding: 'utf8' });
    expect(names.trim().split('\n')).toEqual(['./', 'keep.tmp']);
  });

  test('the storages of the backup itself, also under another name', async () => {
    await using folder = await temporaryFolder();
    const source = join(folder.path, 'source');
    await mkdir(join(source, 'backups/data'), { recursive: true });
    await writeFile(join(source, 'backups/data/old.tar'), 'x');
    await symlink(join(source, 'backups'), join(folder.path, 'alias'));
    const saved = await saveTrees(folder.path, [tree(source, { keepOut: [join(folder.path, 'alias')] })]);
    expect(saved.facts).toMatchObject({ trees: [{ files: 0, folders: 1 }] });
    expect(saved.warnings).toEqual(['data: belongs to holdfast itself and was left out (1): backups']);
  });
});

describe('what cannot be saved is said before anything is written', () => {
  test.each([
    ['a folder that is not there', 'nowhere', {}, 'FILES_MISSING'],
    ['a file', 'file', {}, 'FILES_NOT_A_FOLDER'],
    ['a folder inside a storage', 'storage/inside', { keepOut: ['storage'] }, 'FILES_INSIDE_STORAGE'],
    ['a storage', 'storage', { keepOut: ['storage'] }, 'FILES_INSIDE_STORAGE'],
  ])('%s', async (_, path, { keepOut = [] }: { keepOut?: string[] }, code) => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'storage/inside'), { recursive: true });
    await writeFile(join(folder.path, 'file'), '');
    const settings = tree(join(folder.path, path), { keepOut: keepOut.map((own) => join(folder.path, own)) });
    await expect(saveTrees(folder.path, [settings])).rejects.toMatchObject({
      code,
      hint: expect.stringMatching(/\.$/) as string,
    });
  });

  test('all of it at once', async () => {
    await using folder = await temporaryFolder();
    const settings = ['one', 'two'].map((name) => tree(join(folder.path, name), { name }));
    await expect(saveTrees(folder.path, settings)).rejects.toMatchObject({
      code: 'FILES_NOT_READY',
      message: expect.stringMatching(/one.*two/) as string,
    });
  });

  test('but an optional tree may be missing', async () => {
    await using folder = await temporaryFolder();
    const saved = await saveTrees(folder.path, [tree(join(folder.path, 'nowhere'), { optional: true })]);
    expect(saved.parts).toEqual([]);
    expect(saved.facts).toEqual({ trees: [] });
    expect(saved.warnings).toEqual([expect.stringMatching(/^data: there is no folder .*; it is not in this backup$/)]);
  });
});

describe.skipIf(!root)('files that an ordinary user may not read', () => {
  test('N-d22: fail the backup with all their names at once', async () => {
    await using folder = await temporaryFolder();
    const source = await secretTree(folder.path);
    expect(await asOrdinaryUser('save', source, folder.path)).toMatchObject({
      code: 'FILES_UNREADABLE',
      message: '3 files of data cannot be read: closed (EACCES), secret-0 (EACCES), secret-1 (EACCES)',
      details: { count: 3 },
    });
  });

  test('are named in a warning where the tree is optional', async () => {
    await using folder = await temporaryFolder();
    const source = await secretTree(folder.path);
    expect(await asOrdinaryUser('save-optional', source, folder.path)).toMatchObject({
      facts: { trees: [{ files: 1, unreadable: 3 }] },
      warnings: ['data: could not be read and is missing (3): closed (EACCES), secret-0 (EACCES), secret-1 (EACCES)'],
    });
  });

  test('are named by doctor', async () => {
    await using folder = await temporaryFolder();
    const source = await secretTree(folder.path);
    expect(await asOrdinaryUser('check', source, folder.path)).toMatchObject([
      { name: 'files data', result: 'failed', detail: expect.stringContaining('secret-0') as string },
      { name: 'scratch', result: 'ok' },
    ]);
  });

  test('that turn out unreadable only while they are read fail it, too', async () => {
    await using folder = await temporaryFolder();
    const source = await secretTree(folder.path);
    expect(await asOrdinaryUser('pack', source, folder.path)).toMatchObject({
      code: 'FILES_UNREADABLE',
      details: { count: 3 },
    });
  });
});

async function secretTree(folder: string): Promise<string> {
  const source = join(folder, 'source');
  await mkdir(join(source, 'closed'), { recursive: true });
  await writeFile(join(source, 'open'), 'x', { mode: 0o644 });
  for (const at of [0, 1]) await writeFile(join(source, `secret-${at}`), 'x', { mode: 0o600 });
  await chmod(join(source, 'closed'), 0o700);
  await chmod(folder, 0o755);
  return source;
}

/** A process of the user `nobody` that does one thing and prints what came of it. */
async function asOrdinaryUser(what: string, source: string, folder: string): Promise<unknown> {
  const script = join(import.meta.dirname, '../support/file-trees-process.ts');
  const args = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, script, what, source, folder];
  const { stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', env: { HOME: '/nonexistent' } });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

async function touch(path: string): Promise<string> {
  await writeFile(path, '');
  return path;
}
