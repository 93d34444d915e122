import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectObjects } from '../../src/archive/objects/collect-objects.ts';
import { copyBackup } from '../../src/archive/copy.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import type { Artifact } from '../../src/archive/format/manifest.ts';
import { removeBackup } from '../../src/archive/remove.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { backupId } from '../../src/base/ids.ts';
import { systemClock } from '../../src/base/clock.ts';
import { collectShared } from '../../src/care/removal/collect-shared.ts';
import { forgetVanished } from '../../src/care/stock/vanished.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { forward } from '../../src/storage/forward.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

/** Collectors and writers that stand still, see late what others did, or find what people moved about. */
const source = 'shop';
const { signal } = new AbortController();
let folder: TemporaryFolder;
let root: string;
let one: Storage;
let second = 0;

beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, 'one', source);
  one = localStorage('one', { type: 'local', path: join(folder.path, 'one') });
});
afterEach(() => folder[Symbol.asyncDispose]());

test('a collector that stood still for a day in the middle of removing takes nothing that a copy needs since', async () => {
  const two = localStorage('two', { type: 'local', path: join(folder.path, 'two') });
  const id = await write(one);
  await copyBackup({ from: one, to: two, source, id, replace: 'nothing', signal, report: () => undefined });
  await removeBackup(one, source, id, signal);
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const plain = forward(one);
  const slow: Storage = {
    ...plain,
    delete: async (keys, until) => {
      if (keys.some((key) => key.includes('/objects/'))) {
        reached.resolve();
        await gate.promise;
      }
      await plain.delete(keys, until);
    },
  };
  const collecting = collect(slow).then(() => collect(slow));
  await reached.promise;
  // Somebody else is writing, so that whoever comes a day later removes nothing.
  const other = await one.stage(`${source}/${backupId(new Date(0))}/`, signal);
  await collect(aDayLater(one));
  await other[Symbol.asyncDispose]();
  await copyBackup({ from: two, to: one, source, id, replace: 'nothing', signal, report: () => undefined });
  gate.resolve();
  await collecting;
  await assertWhole();
});

test('a writer and a collector that see each other a while later lose nothing', async () => {
  await removeBackup(one, source, await write(one), signal);
  const plain = forward(one);
  const list: Storage['list'] = async function* list(prefix, until) {
    if (!prefix.includes('/collecting/')) yield* plain.list(prefix, until);
  };
  await collect(one, 3_600_000);
  // On another machine, with a listing that is some seconds old on both sides.
  const late: Storage = { ...plain, list };
  const unaware: Storage = { ...plain, unfinished: () => Promise.resolve([]) };
  await write(late, () => collect(unaware, 3_600_000));
  await assertWhole();
  const before = await objects();
  expect(before).toHaveLength(2);
  // What it stored is needed, and written down all the same: nobody else begins to rely on it.
  await write(one);
  expect(await objects()).toHaveLength(before.length + 1);
  await collect(aDayLater(one), 3_600_000);
  await collect(aDayLater(one), 3_600_000);
  await assertWhole();
});

test('while a backup lies there without its manifest, nothing goes that it may need', async () => {
  const id = await write(one);
  const manifest = join(root, id, 'manifest.json');
  const text = await readFile(manifest);
  await mkdir(join(root, id, 'files', 'data'), { recursive: true });
  await writeFile(join(root, id, 'files', 'data', '00000009.tar.zst'), 'copied in');
  // Somebody copies it in, and the manifest comes last.
  await rm(manifest);
  await collect(one);
  expect((await collect(one)).postponed).toMatch(/has no manifest/);
  await writeFile(manifest, text);
  await assertWhole();
});

test('a backup that somebody put aside under another name keeps its objects', async () => {
  const id = await write(one);
  await rename(join(root, id), join(root, 'put aside'));
  await collect(one);
  expect((await collect(one)).postponed).toMatch(/put aside/);
  await rename(join(root, 'put aside'), join(root, id));
  await assertWhole();
});

test('a copy does not replace what others may rely on, unless it is asked to mend', async () => {
  const two = localStorage('two', { type: 'local', path: join(folder.path, 'two') });
  const first = await write(one);
  const copy = (id: string, replace: 'nothing' | 'damaged' = 'nothing') =>
    copyBackup({ from: one, to: two, source, id, replace, signal, report: () => undefined });
  await copy(first);
  const later = await write(one);
  const [name = ''] = await objects();
  const there = join(folder.path, 'two', source, 'objects', name.slice(0, 2), name);
  await writeFile(there, 'of somebody else');
  await expect(copy(later)).rejects.toMatchObject({ code: 'SHARED_OBJECT_DAMAGED' });
  expect(await readFile(there, 'utf8')).toBe('of somebody else');
  await copy(first, 'damaged');
  expect(await readFile(there)).toEqual(await readFile(join(root, 'objects', name.slice(0, 2), name)));
  await copy(later);
});

test('what was condemned goes after its time, and is not shared before', async () => {
  await removeBackup(one, source, await write(one), signal);
  expect(await objects()).toHaveLength(1);
  expect(await collect(one, 3_600_000)).toMatchObject({ removed: 0 });
  expect(await collect(one, 3_600_000)).toMatchObject({ removed: 0 });
  await write(one);
  expect(await objects()).toHaveLength(2);
  expect(await collect(aDayLater(one), 3_600_000)).toMatchObject({ removed: 1, postponed: null });
  expect(await objects()).toHaveLength(1);
  await assertWhole();
  expect(await readdir(join(root, 'collecting'))).toEqual([]);
});

test('a list that cannot be read keeps everything from being shared, and goes after a day', async () => {
  await write(one);
  await mkdir(join(root, 'collecting'), { recursive: true });
  await writeFile(join(root, 'collecting', 'strange.json'), '{"objects": ["../x"]}');
  const own = join('files', 'data', '00000001.tar.zst');
  expect(await sizeOf(join(root, await write(one), own))).not.toBeNull();
  await collect(one, 3_600_000);
  expect(await readdir(join(root, 'collecting'))).toEqual(['strange.json']);
  await collect(aDayLater(one), 3_600_000);
  expect(await readdir(join(root, 'collecting'))).toEqual([]);
  expect(await sizeOf(join(root, await write(one), own))).toBeNull();
  expect(await objects()).toHaveLength(1);
});

test('while backups are missed that nobody here removed, nothing goes that they may need', async () => {
  using catalog = openCatalog(join(folder.path, 'state'), systemClock);
  const place = { storage: 'one', source };
  const id = await write(one);
  await rename(join(root, id), join(folder.path, 'elsewhere'));
  catalog.marks.put({ name: `vanished:${place.storage}/${source}`, lastAttempt: null, lastGood: null, detail: [id] });
  const task = {
    source: { name: source },
    storage: one,
    objectAgeMs: -60_000,
    catalog,
    signal,
    report: () => undefined,
  };
  expect((await collectShared(task)).postponed).toMatch(id);
  expect(await collect(one, 3_600_000)).toMatchObject({ postponed: expect.stringMatching(/1 object/) });
  expect((await collectShared({ ...task, storage: aDayLater(one) })).removed).toBe(0);
  await rename(join(folder.path, 'elsewhere'), join(root, id));
  await assertWhole();
  // The operator knows that it is gone for good.
  await rm(join(root, id), { recursive: true });
  forgetVanished(catalog, place);
  expect((await collectShared({ ...task, storage: aDayLater(one) })).removed).toBe(1);
});

function collect(storage: Storage, graceMs = -60_000) {
  return collectObjects({ storage, source, olderThanMs: -60_000, graceMs, signal });
}

/** A storage whose clock has gone on since everything in it was stored. */
function aDayLater(storage: Storage): Storage {
  const plain = forward(storage);
  return {
    ...plain,
    stat: async (key, until) => {
      const found = await plain.stat(key, until);
      return found && { ...found, modifiedAt: new Date(found.modifiedAt.getTime() + 2 * 86_400_000) };
    },
  };
}

/** `between`: when what it shares was found, and its manifest is not there yet. */
async function write(storage: Storage, between: () => Promise<unknown> = async () => undefined): Promise<string> {
  second += 1;
  const startedAt = new Date(Date.UTC(2026, 10, 20, 5, 0, second));
  await using writer = await openBackup({
    storage,
    source,
    startedAt,
    keys: noKeys,
    scratch: join(folder.path, 'scratch'),
    share: 'yes',
    signal,
  });
  const bytes = Buffer.from('a'.repeat(1000));
  const artifacts = await writer.add(
    {
      kind: 'stream',
      role: 'files',
      name: 'files/data/00000001.tar',
      format: 'tar',
      compression: { codec: 'zstd', level: null },
      compressedByTool: null,
      shared: { rawBytes: bytes.length, digest: async () => createHash('sha256').update(bytes).digest('hex') },
      open: () => Readable.from([bytes], { objectMode: false }),
    },
    { signal, report: () => undefined },
  );
  await between();
  const at = startedAt.toISOString();
  const draft = { startedAt: at, finishedAt: at, durationMs: 1, holdfast: '1.0.0', instance: 'test', warnings: [] };
  const nothing = { description: null, safetyFor: null, database: null, app: null, encryption: null };
  await writer.seal(
    { id: writer.id, source, trigger: 'manual', files: { trees: [] }, artifacts, ...nothing, ...draft },
    signal,
  );
  return writer.id;
}

async function objects(): Promise<string[]> {
  const found = await readdir(join(root, 'objects'), { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function assertWhole(): Promise<void> {
  const ids = (await readdir(root)).filter((name) => name.startsWith('2026-'));
  expect(ids).not.toEqual([]);
  for (const id of ids) {
    const text = await readFile(join(root, id, 'manifest.json'), 'utf8');
    for (const { path, object, bytes } of (JSON.parse(text) as { artifacts: Artifact[] }).artifacts) {
      const found = (await sizeOf(join(root, object ?? ''))) ?? (await sizeOf(join(root, id, path)));
      expect(found, `${object}`).toBe(bytes);
    }
  }
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
