import { readHold, type Hold } from '../../archive/hold.ts';
import { holdKey, manifestKey, sourcePrefix } from '../../archive/format/layout.ts';
import { isNewer } from '../../archive/format/manifest.ts';
import { readManifest } from '../../archive/format/read-manifest.ts';
import { isOfOneFile } from '../../archive/format/unreadable.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { parseBackupId } from '../../base/ids.ts';
import { inParallel } from '../../base/parallel.ts';
import type { BackupRow, Catalog } from '../../catalog/catalog.ts';
import { patiently } from '../../catalog/patiently.ts';
import type { Storage, StoredObject } from '../../storage/storage.ts';
import { describeManifest, oldestFirst } from '../backup-facts.ts';
import { settlePlace } from './places.ts';
import { learnDrills } from './proofs.ts';
import { assertPresent, forgetVanished, noteVanished } from './vanished.ts';

export interface InventoryRequest {
  storage: Storage;
  source: string;
  /** The cache; null, or one that cannot be written, only makes it slower. */
  catalog:
    | (Pick<Catalog, 'backups'> & Partial<Pick<Catalog, 'marks' | 'proofs' | 'runs' | 'briefly' | 'atomically'>>)
    | null;
  signal: AbortSignal;
}

const readAtOnce = 8;

/**
 * What a storage holds of a source, oldest first. The storage is asked every time, and is right; the catalog only saves reading
 * manifests again that did not change. A folder without a manifest is no backup.
 */
export async function takeInventory(request: InventoryRequest): Promise<BackupRow[]> {
  const { storage, source, catalog, signal } = request;
  if (catalog) await settlePlace(catalog, storage, signal);
  const known = new Map(recall(request).map((row) => [row.id, row]));
  const ids = (await storage.folders(sourcePrefix(source), signal)).filter((name) => parseBackupId(name) !== null);
  // A disk that is not mounted holds nothing, either.
  if (ids.length === 0 && catalog) await assertPresent({ name: source }, storage, catalog, signal);
  const stamps = await stampAll(storage, source, ids, signal);
  const rows: BackupRow[] = [];
  const changed: BackupRow[] = [];
  const unread: string[] = [];
  for (const [id, stamp] of stamps) {
    const row = known.get(id);
    // One that could not be read is tried again: a newer program may understand it, or the trouble has passed.
    if (row?.stamp === stamp && row.state === 'complete' && row.facts?.key !== undefined) rows.push(row);
    else unread.push(id);
  }
  const failures: HoldfastError[] = [];
  await inParallel(unread, readAtOnce, async (id) => {
    const row = await readBackup(request, id, stamps.get(id) ?? '', failures);
    if (row) changed.push(row);
  });
  // Where not a single one can be read, it is not about one of them.
  if (failures[0] && failures.length === stamps.size) throw failures[0];
  const gone = [...known.keys()].filter((id) => !stamps.has(id));
  await remember(request, changed, gone, (id) => stamps.has(id));
  return oldestFirst([...rows, ...changed]);
}

export interface RebuildTask {
  storages: readonly Storage[];
  sources: readonly string[];
  /** There are no others: what is known of any is forgotten. */
  all?: boolean;
  catalog: Catalog;
  signal: AbortSignal;
}

/**
 * Reads everything anew, holds and drills included, and puts it in the place of what the catalog knows of these sources in these storages. What
 * cannot be read to its end, or is cut off, leaves what is known.
 */
export async function rebuild(
  task: RebuildTask,
): Promise<{ backups: number; corrupt: number; unreadable: number; drills: number }> {
  const { storages, sources, catalog, signal } = task;
  const found = { backups: 0, corrupt: 0, unreadable: 0, drills: 0 };
  for (const storage of storages) {
    // One that is away, not mounted, or whose bucket is misspelt would be forgotten for nothing.
    await storage.folders('', signal);
    await settlePlace(catalog, storage, signal);
    for (const source of sources) await assertPresent({ name: source }, storage, catalog, signal);
    const rows = await readAnew(task, storage);
    found.backups += rows.length;
    found.corrupt += rows.filter(({ state }) => state === 'corrupt').length;
    found.unreadable += rows.filter(({ state }) => state === 'unreadable').length;
    // What is not given out, or may not be looked into, has no drills to tell of.
    const readable = rows.filter(({ state }) => state !== 'unreadable');
    await inParallel(readable, readAtOnce, async ({ source, id }) => {
      found.drills += await learnDrills({ storage, source, id, catalog, signal });
    });
  }
  return found;
}

async function readAnew(
  { sources, all = false, catalog, signal }: RebuildTask,
  storage: Storage,
): Promise<BackupRow[]> {
  const rows: BackupRow[] = [];
  for (const source of sources) rows.push(...(await takeInventory({ storage, source, catalog: null, signal })));
  catalog.atomically(() => {
    if (all) catalog.backups.clear(storage.name);
    for (const source of sources) {
      catalog.backups.clear(storage.name, source);
      forgetVanished(catalog, { storage: storage.name, source });
    }
    for (const row of rows) catalog.backups.put(row);
  });
  return rows;
}

/** For each backup that has a manifest: size and time of it and of its hold. */
async function stampAll(
  storage: Storage,
  source: string,
  ids: string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const keys = ids.flatMap((id) => [manifestKey(source, id), holdKey(source, id)]);
  const stamps = new Map<string, string>();
  let files: (StoredObject | null)[];
  try {
    files = await storage.statMany(keys, signal);
  } catch (error) {
    if (!isOfOneFile(error) || ids.length < 2) throw error;
    // One folder that may not be looked into must not hide the others.
    await inParallel(ids, readAtOnce, async (id) => {
      for (const stamp of await stampAlone(storage, source, id, signal)) stamps.set(id, stamp);
    });
    return stamps;
  }
  for (const [at, id] of ids.entries()) {
    const manifest = files[2 * at];
    if (manifest) stamps.set(id, [manifest, files[2 * at + 1]].map(stampOf).join(' '));
  }
  return stamps;
}

async function stampAlone(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<string[]> {
  try {
    const stamp = (await stampAll(storage, source, [id], signal)).get(id);
    return stamp === undefined ? [] : [stamp];
  } catch (error) {
    if (!isOfOneFile(error)) throw error;
    return [unknownStamp];
  }
}

/** As no file has it: what it stands for is read anew each time. */
const unknownStamp = '? ?';

function stampOf(file: StoredObject | null | undefined): string {
  return file ? `${file.bytes}:${file.modifiedAt.getTime()}` : '-';
}

/** Null when it was removed meanwhile. */
async function readBackup(
  { storage, source, signal }: InventoryRequest,
  id: string,
  stamp: string,
  failures: HoldfastError[],
): Promise<BackupRow | null> {
  // For ten thousand backups, asking again for what is not there would double the requests.
  const isUnknown = stamp.endsWith(' -') || stamp === unknownStamp;
  const held = isUnknown ? null : await readHold(storage, source, id, signal).catch(holdsAllTheSame);
  const row = { storage: storage.name, source, id, stamp, held };
  try {
    const manifest = await readManifest(storage, source, id, signal);
    return { ...row, state: 'complete', facts: describeManifest(manifest), problem: null };
  } catch (error) {
    const known = toHoldfastError(error);
    if (known.code === 'BACKUP_NOT_FOUND') return null;
    const unread = { ...row, facts: null, problem: `${known.message} (${known.code})` };
    if (isNewer(known)) return { ...unread, state: 'unreadable' };
    if (known.kind === 'integrity') return { ...unread, state: 'corrupt' };
    // Anything else, such as a storage that is down, says nothing about the backup.
    if (!isOfOneFile(error)) throw error;
    failures.push(error);
    return { ...unread, state: 'unreadable' };
  }
}

function holdsAllTheSame(error: unknown): Hold {
  if (!isOfOneFile(error)) throw error;
  return { at: '', reason: null };
}

function recall({ storage, source, catalog }: InventoryRequest): BackupRow[] {
  return catalog?.backups.list(storage.name, source) ?? [];
}

async function remember(
  { storage, source, catalog, signal }: InventoryRequest,
  changed: BackupRow[],
  gone: string[],
  isThere: (id: string) => boolean,
): Promise<void> {
  if (!catalog) return;
  const write = () => {
    noteVanished(catalog, { storage: storage.name, source }, { gone, isThere });
    for (const row of changed) catalog.backups.put(row);
    for (const id of gone) catalog.backups.remove(storage.name, source, id);
  };
  try {
    await patiently({ briefly: catalog.briefly ?? ((work) => work()) }, write, { signal });
  } catch (error) {
    // A full disk or a read-only state folder must not hide what the storage holds.
    if (!(error instanceof HoldfastError)) throw error;
  }
}
