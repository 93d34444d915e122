import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { parseBackupId } from '../../base/ids.ts';
import { inParallel } from '../../base/parallel.ts';
import { formatCount } from '../../base/units.ts';
import { keyProblem } from '../../storage/keys.ts';
import type { Storage } from '../../storage/storage.ts';
import { readCondemned, writeCondemned, type CondemnedList } from './condemned.ts';
import {
  isArtifactFile,
  backupPrefix,
  collectingPrefix,
  isObjectPath,
  manifestName,
  objectKey,
  objectsPrefix,
  removingKey,
  sourceFolders,
  sourcePrefix,
} from '../format/layout.ts';
import { readManifest } from '../format/read-manifest.ts';

export interface Collected {
  removed: number;
  freedBytes: number;
  /** What did not go this time although no backup needs it, or may be so, and why; null: nothing is left to do. */
  postponed: string | null;
}

export interface CollectTask {
  storage: Storage;
  source: string;
  /** What is younger is not looked at. */
  olderThanMs: number;
  /** How long ago something was written down as going before it goes. */
  graceMs: number;
  signal: AbortSignal;
}

export const objectAgeMs = 24 * 3_600_000;
/** Far longer than a file system in the network or a service shows an old listing. */
export const graceMs = 3_600_000;
const readAtOnce = 8;
const batch = 100;

/**
 * Removes the objects of a source that no manifest of this storage names, in two steps. First they are written down in the storage
 * itself: no lock reaches every machine that may be writing into it. Who begins to write afterwards does not rely on them. An hour
 * later at the earliest, those that are still not named go, unless there is a stage: who began before has one, or has a manifest by then.
 * What was written down once stays so until it is gone; so nobody can begin to need what somebody else has decided to remove, however
 * long that one stands still in between.
 */
export async function collectObjects(task: CollectTask): Promise<Collected> {
  const { storage, source, signal } = task;
  const lists = await readCondemned(storage, source, signal);
  if (await isLocked(storage, lists, signal)) return nothing('the bucket locks whatever is put into it');
  // The storage's own clock: nothing here is decided by the difference between two.
  const probe = await writeCondemned(storage, source, [], signal);
  try {
    const now = (await storage.stat(probe, signal))?.modifiedAt;
    if (!now) return nothing('what was just written there is not there');
    const writing = await someoneWriting(task);
    if (writing !== null) return nothing(`${writing} is being written, or was left behind`);
    await storage.clearUploads(objectsPrefix(source), ago(now, objectAgeMs), signal);
    // Before the manifests: what is stored from now on is not among them.
    const objects = await objectsIn(task);
    const needed = await neededObjects(task);
    if (typeof needed === 'string') return nothing(needed);
    const done = await removeDue(task, { lists, objects, needed, now });
    const condemned = new Set(lists.flatMap((list) => list.objects ?? []));
    const free = [...objects].filter(
      ([object, { modifiedAt }]) =>
        modifiedAt < ago(now, task.olderThanMs) && !needed.has(object) && !condemned.has(object),
    );
    if (free.length > 0)
      await writeCondemned(
        storage,
        source,
        free.map(([object]) => object),
        signal,
      );
    const waiting = done.waiting + free.length;
    const postponed = waiting === 0 ? null : `${formatCount(waiting, 'object')} may go an hour from now`;
    return { removed: done.removed, freedBytes: done.freedBytes, postponed };
  } finally {
    // The signal may have fired. One that stays names nothing, and goes the next time.
    await storage.delete([probe], AbortSignal.timeout(60_000)).catch(() => undefined);
  }
}

/** Whether anything there is, or was, shared at all. */
export async function hasShared(place: Pick<CollectTask, 'storage' | 'source' | 'signal'>): Promise<boolean> {
  const { storage, source, signal } = place;
  if (!storage.capabilities.sharedObjects) return false;
  return (await storage.folders(objectsPrefix(source), signal)).length > 0 || hasCondemned(place);
}

/** Whether something was written down that has not gone yet. */
export async function hasCondemned({
  storage,
  source,
  signal,
}: Pick<CollectTask, 'storage' | 'source' | 'signal'>): Promise<boolean> {
  if (!storage.capabilities.sharedObjects) return false;
  for await (const _list of storage.list(collectingPrefix(source), signal)) return true;
  return false;
}

interface Found {
  bytes: number;
  modifiedAt: Date;
}

interface Known {
  lists: readonly CondemnedList[];
  objects: ReadonlyMap<string, Found>;
  needed: ReadonlySet<string>;
  now: Date;
}

/** A list goes when nothing that it names is left. */
async function removeDue(
  task: CollectTask,
  { lists, objects, needed, now }: Known,
): Promise<{ removed: number; freedBytes: number; waiting: number }> {
  const { storage, source, signal } = task;
  const done = { removed: 0, freedBytes: 0, waiting: 0 };
  for (const list of lists) {
    const left = (list.objects ?? []).filter((object) => objects.has(object));
    const going = left.filter((object) => !needed.has(object));
    const isDue = list.modifiedAt < ago(now, list.objects === null ? objectAgeMs : task.graceMs);
    if (!isDue) {
      done.waiting += going.length;
      continue;
    }
    for (let from = 0; from < going.length; from += batch) {
      throwIfAborted(signal);
      // Another one was quicker, and what is there by now may be a new copy.
      if ((await storage.stat(list.key, signal)) === null) break;
      const some = going.slice(from, from + batch);
      await storage.delete(
        some.map((object) => objectKey(source, object)),
        signal,
      );
      done.removed += some.length;
      done.freedBytes += some.reduce((sum, object) => sum + (objects.get(object)?.bytes ?? 0), 0);
    }
    // Their folders stay: somebody may be about to write into one.
    if (left.length === going.length) await storage.delete([list.key], signal);
  }
  return done;
}

function ago(now: Date, ms: number): Date {
  return new Date(now.getTime() - ms);
}

/** A listing does not tell of locks. What is locked there could not be taken back, and one more would come each time. */
async function isLocked(storage: Storage, [first]: readonly CondemnedList[], signal: AbortSignal): Promise<boolean> {
  return first !== undefined && (await storage.stat(first.key, signal))?.lockedUntil !== undefined;
}

/** Whoever has a stage may be about to name objects; so may one that is silent. */
async function someoneWriting({ storage, source, signal }: CollectTask): Promise<string | null> {
  const above = sourcePrefix(source);
  const stages = await storage.unfinished(above, signal);
  const ids = stages.map(({ prefix }) => prefix.slice(above.length, -1));
  return ids.find((id) => parseBackupId(id) !== null) ?? null;
}

async function objectsIn({ storage, source, signal }: CollectTask): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for await (const { key, bytes, modifiedAt, lockedUntil } of storage.list(objectsPrefix(source), signal)) {
    const object = key.slice(sourcePrefix(source).length);
    // Anything else there belongs to somebody else.
    if (isObjectPath(object) && lockedUntil === undefined) found.set(object, { bytes, modifiedAt });
  }
  return found;
}

/** Or why they cannot be known: one manifest that cannot be read may name any of them. */
async function neededObjects({ storage, source, signal }: CollectTask): Promise<Set<string> | string> {
  const names = await storage.folders(sourcePrefix(source), signal);
  const needed = new Set<string>();
  let unknown: string | null = null;
  await inParallel(names, readAtOnce, async (name) => {
    if (sourceFolders.includes(name)) return;
    if (parseBackupId(name) === null) {
      if (await mayBeBackup(storage, source, name, signal)) unknown ??= `${name} may be a backup under another name`;
      return;
    }
    try {
      const { artifacts } = await readManifest(storage, source, name, signal);
      for (const { object } of artifacts) if (object !== null) needed.add(object);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (error.code === 'BACKUP_NOT_FOUND') {
        if (await isOnItsWay(storage, source, name, signal))
          unknown ??= `${name} has no manifest yet, or none any more`;
      } else if (error.kind === 'integrity') unknown ??= `the manifest of ${name} cannot be read (${error.code})`;
      else throw error;
    }
  });
  return unknown ?? needed;
}

/** Somebody put it aside, and may put it back. */
async function mayBeBackup(storage: Storage, source: string, name: string, signal: AbortSignal): Promise<boolean> {
  const manifest = `${sourcePrefix(source)}${name}/${manifestName}`;
  return keyProblem(manifest) !== null || (await storage.stat(manifest, signal)) !== null;
}

/** Something of a backup is there, and nobody says that it is being removed: somebody copies it in, or its manifest was lost. */
async function isOnItsWay(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<boolean> {
  let parts = false;
  for await (const { key } of storage.list(backupPrefix(source, id), signal)) {
    if (key === removingKey(source, id)) return false;
    parts ||= isArtifactFile(key.slice(backupPrefix(source, id).length));
  }
  return parts;
}

function nothing(postponed: string | null): Collected {
  return { removed: 0, freedBytes: 0, postponed };
}
