import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readDrills, writeDrill } from '../../src/archive/drills.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { readHold, removeHold, writeHold } from '../../src/archive/hold.ts';
import {
  canonicalJson,
  renderManifest,
  sealManifest,
  type Manifest,
  type ManifestDraft,
} from '../../src/archive/format/manifest.ts';
import { openArchive, readManifest } from '../../src/archive/reader.ts';
import { removeBackup } from '../../src/archive/remove.ts';
import { sweepUnfinished } from '../../src/archive/sweep.ts';
import { openBackup, type BackupWriter } from '../../src/archive/writer.ts';
import type { RunEvent } from '../../src/base/progress.ts';
import type { Compression, DumpPart } from '../../src/engines/engine.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { endless, failing, streamOf } from '../suites/storage-suite.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const source = 'shop';
const startedAt = new Date('2026-11-20T05:15:00.000Z');
const firstId = '2026-11-20_05-15-00';
const none: Compression = { codec: 'none', level: null };
const content = Buffer.concat([Buffer.from('PGDMP'), randomBytes(200_000), Buffer.alloc(400_000, 'row\n')]);

let folder: TemporaryFolder;
let root: string;
let scratch: string;
let storage: Storage;
let events: RunEvent[];
const report = (event: RunEvent) => void events.push(event);
beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, 'backups');
  scratch = join(folder.path, 'scratch');
  storage = localStorage('local', { type: 'local', path: root });
  events = [];
});
afterEach(() => folder[Symbol.asyncDispose]());

function streamPart(change: Partial<Extract<DumpPart, { kind: 'stream' }>> = {}): DumpPart {
  return {
    kind: 'stream',
    role: 'database',
    name: 'database.dump',
    format: 'custom',
    compression: none,
    compressedByTool: null,
    open: () => streamOf(content),
    ...change,
  };
}

const globalsPart = streamPart({
  role: 'globals',
  name: 'globals.sql',
  format: 'plain',
  open: () => streamOf('create role shop;\n'),
});

const folderPart: DumpPart = {
  kind: 'folder',
  role: 'database',
  name: 'database.dir',
  format: 'directory',
  compressedByTool: { codec: 'gzip', level: 1 },
  write: async (path) => {
    await writeFile(join(path, 'toc.dat'), content);
    await mkdir(join(path, 'blobs'));
    for (const name of ['3001.dat.gz', '3002.dat.gz', 'blobs/1.dat.gz'])
      await writeFile(join(path, name), `data of ${name}`);
  },
};

function draftOf(
  writer: BackupWriter,
  artifacts: Manifest['artifacts'],
  change: Partial<ManifestDraft> = {},
): ManifestDraft {
  return {
    id: writer.id,
    source,
    description: null,
    trigger: 'manual',
    safetyFor: null,
    startedAt: startedAt.toISOString(),
    finishedAt: startedAt.toISOString(),
    durationMs: 0,
    holdfast: '1.0.0',
    instance: 'test',
    database: null,
    app: null,
    files: null,
    encryption: null,
    artifacts,
    warnings: [],
    ...change,
  };
}

async function makeBackup(
  parts: DumpPart[] = [streamPart(), globalsPart],
  change: Partial<ManifestDraft> = {},
): Promise<Manifest> {
  await using writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch, signal });
  const artifacts: Manifest['artifacts'] = [];
  for (const part of parts) artifacts.push(...(await writer.add(part, { signal, report })));
  const sealed = await writer.seal(draftOf(writer, artifacts, change), signal);
  return sealed;
}

function open(id = firstId) {
  return openArchive({ storage, source, id, keys: noKeys, scratch, signal });
}

async function filesOf(id = firstId): Promise<string[]> {
  const entries = await readdir(join(root, source, id), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const missing = { code: 'BACKUP_NOT_FOUND' };
const integrity = expect.objectContaining({ kind: 'integrity' });

describe('writing', () => {
  test('a backup exists once it is sealed, and not before', async () => {
    await using writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch, signal });
    expect(writer).toMatchObject({ id: firstId, folders: true });
    const artifacts = await writer.add(streamPart(), { signal, report });
    await expect(readManifest(storage, source, writer.id, signal)).rejects.toMatchObject(missing);
    expect(await storage.folders('shop/', signal)).toEqual([]);
    const sealed = await writer.seal(draftOf(writer, artifacts), signal);
    expect(await readManifest(storage, source, writer.id, signal)).toEqual(sealed);
    expect((await readdir(join(root, source, firstId))).toSorted()).toEqual(['database.dump', 'manifest.json']);
  });

  test('what the archive compresses opens with stock tools, and its name says so', async () => {
    const { artifacts } = await makeBackup([streamPart({ compression: { codec: 'zstd', level: 1 } })]);
    expect(artifacts).toMatchObject([
      {
        path: 'database.dump.zst',
        compression: 'zstd:1',
        compressedBy: 'archive',
        rawBytes: content.length,
        encryption: null,
      },
    ]);
    const stored = await readFile(join(root, source, firstId, 'database.dump.zst'));
    expect(artifacts[0]?.bytes).toBe(stored.length);
    expect(content.equals(zstdDecompressSync(stored))).toBe(true);
  });

  test('what the tool compressed keeps its name and is stored as it came', async () => {
    const { artifacts } = await makeBackup([streamPart({ compressedByTool: { codec: 'zstd', level: 3 } })]);
    expect(artifacts).toMatchObject([
      { path: 'database.dump', compression: 'zstd:3', compressedBy: 'tool', rawBytes: null, bytes: content.length },
    ]);
  });

  test('every file of a directory dump is an artifact', async () => {
    const { artifacts } = await makeBackup([folderPart]);
    expect(artifacts.map(({ path }) => path)).toEqual([
      'database.dir/3001.dat.gz',
      'database.dir/3002.dat.gz',
      'database.dir/blobs/1.dat.gz',
      'database.dir/toc.dat',
    ]);
    expect(artifacts[3]).toMatchObject({
      role: 'database',
      format: 'directory',
      compression: 'gzip:1',
      compressedBy: 'tool',
      bytes: content.length,
    });
  });

  test('progress tells the bytes of the tool', async () => {
    await makeBackup([streamPart({ compression: { codec: 'zstd', level: 1 } })]);
    expect(events.at(-1)).toEqual({
      kind: 'progress',
      step: 'dump',
      part: 'database.dump',
      bytes: content.length,
      total: null,
    });
  });

  test('S2 a part whose tool failed leaves nothing, and no backup', async () => {
    {
      await using writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch, signal });
      const failed = streamPart({
        open: () => failing(5_000_000, 'pg_dump ended with status 1'),
        compression: { codec: 'zstd', level: 1 },
      });
      await expect(writer.add(failed, { signal, report })).rejects.toThrow('pg_dump ended with status 1');
      const half: DumpPart = {
        ...folderPart,
        write: async (path) => {
          await writeFile(join(path, 'toc.dat'), 'half');
          throw new Error('pg_dump ended with status 1');
        },
      };
      await expect(writer.add(half, { signal, report })).rejects.toThrow('pg_dump ended with status 1');
      expect(await readdir(join(root, source, `.partial-${firstId}`))).toEqual([]);
    }
    expect(await readdir(join(root, source))).toEqual([]);
  });

  test('S22 an abort stops the tool and leaves nothing', async () => {
    const controller = new AbortController();
    const tool = endless();
    {
      await using writer = await openBackup({
        storage,
        source,
        startedAt,
        keys: noKeys,
        scratch,
        signal: controller.signal,
      });
      const adding = writer.add(streamPart({ open: () => tool }), { signal: controller.signal, report });
      setImmediate(() => controller.abort());
      await expect(adding).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
    expect(tool.destroyed).toBe(true);
    expect(await readdir(join(root, source))).toEqual([]);
  });

  test('a run that lost its lock does not seal', async () => {
    {
      await using writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch, signal });
      const artifacts = await writer.add(streamPart(), { signal, report });
      await expect(writer.seal(draftOf(writer, artifacts), AbortSignal.abort())).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
    }
    expect(await readdir(join(root, source))).toEqual([]);
  });

  test('S21 backups of the same second get names of their own, also at the same time', async () => {
    const ids = await Promise.all([makeBackup(), makeBackup(), makeBackup()].map(async (each) => (await each).id));
    expect(ids.toSorted()).toEqual([firstId, `${firstId}-2`, `${firstId}-3`]);
    for (const id of ids) {
      const checks = await (await open(id)).checkDigests(report, signal);
      expect(checks.every((check) => check.ok)).toBe(true);
    }
  });

  test('a part with the name of one of our own files is refused', async () => {
    await using writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch, signal });
    for (const name of ['manifest.json', 'hold.json', '../x', 'drills/x']) {
      await expect(writer.add(streamPart({ name }), { signal, report }), name).rejects.toEqual(integrity);
    }
  });
});

describe('reading', () => {
  test.each<[string, Compression]>([
    ['as it is', none],
    ['zstd', { codec: 'zstd', level: 3 }],
    ['gzip', { codec: 'gzip', level: null }],
  ])('the dump comes back, as a stream and as a file (%s)', async (_title, compression) => {
    await makeBackup([streamPart({ compression })]);
    const dump = (await open()).dump();
    expect(dump).toMatchObject({ format: 'custom', trusted: true });
    expect(content.equals(await buffer(await dump.open(signal)))).toBe(true);
    let path: string;
    {
      await using local = await dump.locally(signal);
      ({ path } = local);
      expect(content.equals(await readFile(path))).toBe(true);
      // Without compression it is used where it lies: no second copy.
      expect(path.startsWith(compression === none ? root : scratch)).toBe(true);
      if (compression !== none) expect((await stat(path)).mode & 0o777).toBe(0o600);
    }
    if (compression !== none) await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('a directory dump is used where it lies', async () => {
    await makeBackup([folderPart, globalsPart]);
    const archive = await open();
    await using local = await archive.dump().locally(signal);
    expect(local.path).toBe(join(root, source, firstId, 'database.dir'));
    await expect(archive.dump().open(signal)).rejects.toThrow('directory');
  });

  test('where files do not lie locally, they are laid out in the scratch folder', async () => {
    await makeBackup([folderPart]);
    storage = withoutPaths(storage);
    const dump = (await open()).dump();
    {
      await using local = await dump.locally(signal);
      expect(content.equals(await readFile(join(local.path, 'toc.dat')))).toBe(true);
      expect(await readFile(join(local.path, 'blobs/1.dat.gz'), 'utf8')).toBe('data of blobs/1.dat.gz');
    }
    expect(await readdir(scratch)).toEqual([]);
  });

  test('globals, and what is not there', async () => {
    await makeBackup([globalsPart]);
    const archive = await open();
    const globals = archive.globals();
    expect(globals && String(await buffer(await globals.open(signal)))).toBe('create role shop;\n');
    expect(() => archive.dump()).toThrow(expect.objectContaining({ code: 'NO_DUMP' }));
    await makeBackup([streamPart()]);
    expect((await open(`${firstId}-2`)).globals()).toBeNull();
    await expect(open('2020-01-01_00-00-00')).rejects.toMatchObject(missing);
  });

  test('J-d9 an imported dump stays one that somebody else wrote', async () => {
    await makeBackup([streamPart()], { trigger: 'import' });
    expect((await open()).dump().trusted).toBe(false);
  });

  test('the space is checked before anything is laid out', async () => {
    const { artifacts } = await makeBackup([streamPart({ compression: { codec: 'zstd', level: 1 } })]);
    await forgeManifest({
      artifacts: artifacts.map((artifact) => ({ ...artifact, rawBytes: Number.MAX_SAFE_INTEGER })),
    });
    await expect((await open()).dump().locally(signal)).rejects.toMatchObject({
      code: 'SCRATCH_FULL',
      hint: expect.any(String),
    });
    expect(await readdir(scratch)).toEqual([]);
  });

  test('checking tells how far it is, and stops with the signal', async () => {
    await makeBackup([folderPart]);
    const archive = await open();
    events = [];
    await archive.checkDigests(report, signal);
    const total = archive.manifest.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(events.at(-1)).toMatchObject({ kind: 'progress', step: 'checksum', bytes: total, total });
    await expect(archive.checkDigests(report, AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('damage', () => {
  test.each<[string, DumpPart[]]>([
    ['as it is', [streamPart(), globalsPart]],
    ['compressed', [streamPart({ compression: { codec: 'zstd', level: 3 } }), globalsPart]],
    ['a directory', [folderPart, globalsPart]],
  ])('S4 one flipped bit in any file is refused before a tool sees an end or a path (%s)', async (_title, parts) => {
    await makeBackup(parts);
    for (const file of await filesOf()) {
      const good = await readFile(file);
      for (const bit of [0, good.length * 4 + 3, good.length * 8 - 9]) {
        const bad = Buffer.from(good);
        bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        await writeFile(file, bad);
        const what = `bit ${bit} of ${file}`;
        if (file.endsWith('manifest.json')) {
          await expect(open(), what).rejects.toEqual(integrity);
          continue;
        }
        const archive = await open();
        const name = file.slice(join(root, source, firstId).length + 1);
        const checks = await archive.checkDigests(report, signal);
        expect(
          checks.filter((check) => !check.ok).map(({ artifact }) => artifact),
          what,
        ).toEqual([name]);
        const dump = name.startsWith('globals') ? archive.globals() : archive.dump();
        await expect(dump?.locally(signal), what).rejects.toEqual(integrity);
        if (dump?.format !== 'directory') {
          await expect((async () => dump && buffer(await dump.open(signal)))(), what).rejects.toEqual(integrity);
        }
      }
      await writeFile(file, good);
    }
    expect((await (await open()).checkDigests(report, signal)).every((check) => check.ok)).toBe(true);
  });

  test('S5 a truncated and a missing artifact are both told, each by its name', async () => {
    await makeBackup([folderPart, globalsPart]);
    await truncate(join(root, source, firstId, 'database.dir/toc.dat'), 1000);
    await rm(join(root, source, firstId, 'database.dir/3001.dat.gz'));
    const archive = await open();
    const checks = await archive.checkDigests(report, signal);
    expect(checks.filter((check) => !check.ok)).toEqual([
      {
        artifact: 'database.dir/3001.dat.gz',
        check: 'checksum',
        ok: false,
        detail: 'database.dir/3001.dat.gz is missing',
      },
      expect.objectContaining({
        artifact: 'database.dir/toc.dat',
        detail: expect.stringContaining('1000 bytes instead of 600005'),
      }),
    ]);
    await expect(archive.dump().locally(signal)).rejects.toEqual(integrity);
  });

  test('S5 bytes after the end are damage as well', async () => {
    await makeBackup();
    await writeFile(join(root, source, firstId, 'database.dump'), 'x', { flag: 'a' });
    await expect((async () => buffer(await (await open()).dump().open(signal)))()).rejects.toEqual(integrity);
  });

  test('S5 a manifest of a newer format and one with a hostile path', async () => {
    await makeBackup();
    await forgeManifest({ format: 2 });
    await expect(open()).rejects.toMatchObject({ code: 'MANIFEST_NEWER', kind: 'integrity' });
    const { artifacts } = await makeBackup();
    const path = '../../../etc/passwd';
    const hostile = { id: firstId, format: 1, artifacts: artifacts.map((artifact) => ({ ...artifact, path })) };
    await forgeManifest(hostile);
    await expect(open()).rejects.toEqual(integrity);
  });

  test('a manifest moved to another folder does not count there', async () => {
    await makeBackup();
    await cp(join(root, source, firstId), join(root, source, '2026-11-21_00-00-00'), { recursive: true });
    await expect(open('2026-11-21_00-00-00')).rejects.toMatchObject({ code: 'MANIFEST_DAMAGED' });
  });

  test('S24 a link in the place of an artifact is not followed', async () => {
    await makeBackup();
    const path = join(root, source, firstId, 'database.dump');
    await cp(path, join(folder.path, 'elsewhere'));
    await rm(path);
    await symlink(join(folder.path, 'elsewhere'), path);
    await expect((await open()).dump().locally(signal)).rejects.toMatchObject({ code: 'STORAGE_SYMLINK' });
  });
});

describe('holds and drills', () => {
  test('a hold is set, read and taken back', async () => {
    const { id } = await makeBackup();
    expect(await readHold(storage, source, id, signal)).toBeNull();
    await writeHold(storage, source, id, { at: '2026-11-21T00:00:00.000Z', reason: 'audit' }, signal);
    expect(await readHold(storage, source, id, signal)).toEqual({ at: '2026-11-21T00:00:00.000Z', reason: 'audit' });
    await removeHold(storage, source, id, signal);
    expect(await readHold(storage, source, id, signal)).toBeNull();
  });

  test.each(['', '{', 'null', '{"at": 5}'])('a hold that cannot be read (%j) still holds', async (text) => {
    const { id } = await makeBackup();
    await writeFile(join(root, source, id, 'hold.json'), text);
    expect(await readHold(storage, source, id, signal)).toEqual({ at: '', reason: null });
  });

  test('results of drills lie beside the backup, newest first', async () => {
    const { id } = await makeBackup();
    expect(await readDrills(storage, source, id, signal)).toEqual([]);
    await writeDrill(storage, source, id, new Date('2026-11-21T00:00:00Z'), { ok: false }, signal);
    await writeDrill(storage, source, id, new Date('2026-11-22T00:00:00Z'), { ok: true }, signal);
    await writeFile(join(root, source, id, 'drills/notes.txt'), 'not a drill');
    expect(await readDrills(storage, source, id, signal)).toEqual([
      { at: '2026-11-22T00:00:00.000Z', result: { ok: true } },
      { at: '2026-11-21T00:00:00.000Z', result: { ok: false } },
    ]);
    expect((await (await open()).checkDigests(report, signal)).every((check) => check.ok)).toBe(true);
  });
});

describe('removing', () => {
  test('a backup goes with all that is ours', async () => {
    await makeBackup([folderPart, globalsPart]);
    await writeHold(storage, source, firstId, { at: '', reason: null }, signal);
    await writeDrill(storage, source, firstId, startedAt, { ok: true }, signal);
    await removeBackup(storage, source, firstId, signal);
    expect(await readdir(join(root, source))).toEqual([]);
    await removeBackup(storage, source, firstId, signal);
  });

  test('S12 J-d12 foreign files stay, in the folder and beside it', async () => {
    await makeBackup();
    await makeBackup();
    await writeFile(join(root, source, firstId, 'notes.txt'), 'mine');
    await writeFile(join(root, source, 'readme'), 'mine');
    await writeFile(join(root, 'dump.sql'), 'mine');
    await removeBackup(storage, source, firstId, signal);
    expect(await readdir(join(root, source, firstId))).toEqual(['notes.txt']);
    expect((await readdir(join(root, source))).toSorted()).toEqual([firstId, `${firstId}-2`, 'readme']);
    expect(await readFile(join(root, 'dump.sql'), 'utf8')).toBe('mine');
    expect((await (await open(`${firstId}-2`)).checkDigests(report, signal)).every((check) => check.ok)).toBe(true);
  });

  test('the manifest goes first', async () => {
    await makeBackup();
    const failed = { ...forward(storage), list: () => brokenList() };
    await expect(removeBackup(failed, source, firstId, signal)).rejects.toThrow('storage down');
    await expect(open()).rejects.toMatchObject(missing);
    expect(await readdir(join(root, source, firstId))).toContain('database.dump');
  });

  test('a backup with a damaged manifest can be removed as well', async () => {
    await makeBackup();
    await writeFile(join(root, source, firstId, 'manifest.json'), 'garbage');
    await removeBackup(storage, source, firstId, signal);
    expect(await readdir(join(root, source))).toEqual([]);
  });
});

describe('sweeping', () => {
  const later = (hours: number) => new Date(Date.now() + hours * 3_600_000);
  const sweep = (hours: number, alive: (prefix: string) => boolean = () => false) =>
    sweepUnfinished(storage, source, { now: later(hours), olderThanMs: 24 * 3_600_000, alive, signal });

  async function dieWhileWriting(): Promise<void> {
    const writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch, signal });
    await writer.add(streamPart(), { signal, report });
  }

  test('S1 what a killed backup left goes after a day, never before, and never while somebody holds it', async () => {
    await dieWhileWriting();
    expect(await sweep(23)).toEqual([]);
    expect(await sweep(25, (prefix) => prefix === `${source}/${firstId}/`)).toEqual([]);
    expect(await readdir(join(root, source))).toEqual([`.partial-${firstId}`]);
    expect(await sweep(25)).toEqual([`${source}/${firstId}/`]);
    expect(await readdir(join(root, source))).toEqual([]);
  });

  test('the name of a killed backup is not used again before that', async () => {
    await dieWhileWriting();
    expect((await makeBackup()).id).toBe(`${firstId}-2`);
  });

  test('S12 whole backups and what is not ours stay, however old', async () => {
    await makeBackup();
    await mkdir(join(root, source, '.partial-mine'));
    await mkdir(join(root, source, 'mine'));
    await writeFile(join(root, source, 'mine', 'database.dump'), 'x');
    await mkdir(join(root, source, '.cache'));
    expect(await sweep(10_000)).toEqual([]);
    expect((await readdir(join(root, source))).toSorted()).toEqual(['.cache', '.partial-mine', firstId, 'mine']);
  });

  test('a removal that was interrupted is finished', async () => {
    await makeBackup();
    await makeBackup();
    await expect(
      removeBackup({ ...forward(storage), list: () => brokenList() }, source, firstId, signal),
    ).rejects.toThrow('storage down');
    expect(await sweep(23)).toEqual([]);
    expect(await sweep(25)).toEqual([`${source}/${firstId}/`]);
    expect(await readdir(join(root, source))).toEqual([`${firstId}-2`]);
  });

  test('nothing at all', async () => {
    expect(await sweep(25)).toEqual([]);
  });
});

/** A manifest whose digest is right although its content is not what was sealed. */
async function forgeManifest(change: Record<string, unknown>): Promise<void> {
  const path = join(root, source, firstId, 'manifest.json');
  const { digest: _digest, format: _format, ...draft } = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  const { format, artifacts = draft.artifacts, ...rest } = change;
  const sealed = sealManifest({ ...draft, ...rest });
  const forged = { ...sealed, ...(format === undefined ? {} : { format }), artifacts };
  const { digest: _old, ...unsigned } = forged;
  const digest = createHash('sha256').update(canonicalJson(unsigned)).digest('hex');
  await writeFile(path, renderManifest({ ...forged, digest } as Manifest));
}

/** The same storage as one whose files do not lie on this machine. */
function withoutPaths(inner: Storage): Storage {
  return { ...forward(inner), localPath: () => null };
}

function forward(inner: Storage): Storage {
  return {
    name: inner.name,
    title: inner.title,
    capabilities: inner.capabilities,
    put: (...args) => inner.put(...args),
    get: (...args) => inner.get(...args),
    list: (...args) => inner.list(...args),
    folders: (...args) => inner.folders(...args),
    stat: (...args) => inner.stat(...args),
    statMany: (...args) => inner.statMany(...args),
    clearUploads: (...args) => inner.clearUploads(...args),
    delete: (...args) => inner.delete(...args),
    removeFolder: (...args) => inner.removeFolder(...args),
    stage: (...args) => inner.stage(...args),
    unfinished: (...args) => inner.unfinished(...args),
    removeUnfinished: (...args) => inner.removeUnfinished(...args),
    localPath: (...args) => inner.localPath(...args),
    free: (...args) => inner.free(...args),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function brokenList(): AsyncIterable<never> {
  return {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('storage down')) }),
  };
}
