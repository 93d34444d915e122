import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { parseBackupId } from '../base/ids.ts';
import { inParallel } from '../base/parallel.ts';
import type { Storage } from '../storage/storage.ts';
import { collectingPrefix, isObjectPath, objectsPrefix, sourcePrefix } from './layout.ts';
import { readManifest } from './read-manifest.ts';
import { writeJson } from './small-files.ts';

export interface Collected {
  removed: number;
  freedBytes: number;
  /** Why nothing was removed this time, although something may be there; null: all was looked through. */
  postponed: string | null;
}

export interface CollectTask {
  storage: Storage;
  source: string;
  /** What is younger stays, whoever needs it. */
  olderThanMs: number;
  signal: AbortSignal;
}

/** What a writer that nobody hears of may take; and for how long a mark of a collector that died keeps objects from being shared. */
export const objectAgeMs = 24 * 3_600_000;
/** Far below the age at which a mark is taken for that of a dead one: whoever was suspended for longer begins anew. */
const mostMs = 10 * 60_000;
const readAtOnce = 8;
const batch = 100;

/**
 * Removes the objects of a source that no manifest of this storage names. No lock reaches every machine that may be writing into a
 * storage, so both sides leave a trace in it before they look: a writer its stage, whoever collects a mark. A writer that sees a mark
 * stores everything anew; a collector that sees a stage removes nothing. Whatever the order, at least one of them sees the other.
 */
export async function collectObjects(task: CollectTask): Promise<Collected> {
  const { storage, source, signal } = task;
  const folders = await storage.folders(objectsPrefix(source), signal);
  const marks = await marksIn(task);
  if (folders.length === 0 && marks.length === 0) return nothing(null);
  const mark = `${collectingPrefix(source)}${randomUUID()}.json`;
  const started = performance.now();
  try {
    await writeJson(storage, mark, { pid: process.pid, host: hostname(), at: new Date().toISOString() }, signal);
    // The storage's own clock: nothing here is decided by the difference between two.
    const now = (await storage.stat(mark, signal))?.modifiedAt;
    if (!now) return nothing('its mark was removed by somebody else');
    const old = (at: Date, ageMs: number) => now.getTime() - at.getTime() > ageMs;
    await storage.delete(
      marks.filter(({ modifiedAt }) => old(modifiedAt, objectAgeMs)).map(({ key }) => key),
      signal,
    );
    const writing = await someoneWriting(task);
    if (writing !== null) return nothing(`${writing} is being written, or was left behind`);
    await storage.clearUploads(objectsPrefix(source), new Date(now.getTime() - objectAgeMs), signal);
    // Before the manifests: what is stored from now on is not among them.
    const objects = (await objectsIn(task)).filter(({ modifiedAt }) => old(modifiedAt, task.olderThanMs));
    if (objects.length === 0) return nothing(null);
    const needed = await neededObjects(task);
    if (typeof needed === 'string') return nothing(needed);
    const going = objects.filter(({ key }) => !needed.has(key));
    // Without its mark, writers rely on what lies here.
    const mayGoOn = async () => performance.now() - started < mostMs && (await storage.stat(mark, signal)) !== null;
    return await removeAll(task, going, mayGoOn);
  } finally {
    // The signal may have fired; the mark must go all the same.
    const cleanUp = AbortSignal.timeout(60_000);
    await storage.delete([mark], cleanUp).catch(() => undefined);
  }
}

/** Whether a collector died here: until its mark is gone, nothing is shared. */
export async function hasMarks({ storage, source, signal }: Omit<CollectTask, 'olderThanMs'>): Promise<boolean> {
  if (!storage.capabilities.sharedObjects) return false;
  for await (const _mark of storage.list(collectingPrefix(source), signal)) return true;
  return false;
}

interface Found {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

async function removeAll(
  { storage, signal }: CollectTask,
  going: readonly Found[],
  mayGoOn: () => Promise<boolean>,
): Promise<Collected> {
  const done = nothing(null);
  for (let from = 0; from < going.length; from += batch) {
    throwIfAborted(signal);
    if (!(await mayGoOn())) return { ...done, postponed: 'it took too long; the rest goes the next time' };
    const some = going.slice(from, from + batch);
    await storage.delete(
      some.map(({ key }) => key),
      signal,
    );
    done.removed += some.length;
    done.freedBytes += some.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  // Their folders stay: somebody may be about to write into one.
  return done;
}

async function marksIn({ storage, source, signal }: CollectTask): Promise<Found[]> {
  const found: Found[] = [];
  for await (const mark of storage.list(collectingPrefix(source), signal)) found.push(mark);
  return found;
}

/** Whoever has a stage may be about to name objects; so may one that is silent. */
async function someoneWriting({ storage, source, signal }: CollectTask): Promise<string | null> {
  const above = sourcePrefix(source);
  const stages = await storage.unfinished(above, signal);
  const ids = stages.map(({ prefix }) => prefix.slice(above.length, -1));
  return ids.find((id) => parseBackupId(id) !== null) ?? null;
}

async function objectsIn({ storage, source, signal }: CollectTask): Promise<Found[]> {
  const found: Found[] = [];
  for await (const object of storage.list(objectsPrefix(source), signal)) {
    // Anything else there belongs to somebody else.
    if (isObjectPath(object.key.slice(sourcePrefix(source).length)) && object.lockedUntil === undefined)
      found.push(object);
  }
  return found;
}

/** Keys; or why they cannot be known: one manifest that cannot be read may name any of them. */
async function neededObjects({ storage, source, signal }: CollectTask): Promise<Set<string> | string> {
  const above = sourcePrefix(source);
  const ids = (await storage.folders(above, signal)).filter((name) => parseBackupId(name) !== null);
  const needed = new Set<string>();
  let unread: string | null = null;
  await inParallel(ids, readAtOnce, async (id) => {
    try {
      const { artifacts } = await readManifest(storage, source, id, signal);
      for (const { object } of artifacts) if (object !== null) needed.add(above + object);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      // Removed since; where it has a folder and never had a manifest, that would be a stage.
      if (error.code === 'BACKUP_NOT_FOUND') return;
      if (error.kind !== 'integrity') throw error;
      unread ??= `the manifest of ${id} cannot be read (${error.code})`;
    }
  });
  return unread ?? needed;
}

function nothing(postponed: string | null): Collected {
  return { removed: 0, freedBytes: 0, postponed };
}
