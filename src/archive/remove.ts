import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { inParallel } from '../base/parallel.ts';
import type { Storage } from '../storage/storage.ts';
import { backupPrefix, isBackupFile, manifestKey, removingKey } from './format/layout.ts';
import { readManifest } from './format/read-manifest.ts';
import { writeJson } from './format/small-files.ts';

const statsAtOnce = 8;
const takeBackMs = 30_000;
/** Others take a mark for one that was left behind when it is a good deal older. */
const markedMs = 5 * 60_000;

/**
 * Removes a backup. Its manifest goes first, so that no half of it is ever taken for a whole; a mark, which goes last, says that
 * what has no manifest any more is to go as well. Files in its folder that were not written by us stay, and the folder with them.
 * `sure` is asked when the mark is there and nothing is gone, and rejects to keep it: whoever wants that from another machine says so first
 * and looks for the mark afterwards, so that of the two at least one sees the other. Of two who ask, one removes it: the mark that one
 * takes back is never that of the other.
 */
export async function removeBackup(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
  sure?: () => Promise<void>,
): Promise<void> {
  const prefix = backupPrefix(source, id);
  const named = await namedPaths(storage, source, id, signal);
  const ours = async () => {
    const keys: string[] = [];
    for await (const { key } of storage.list(prefix, signal)) {
      const path = key.slice(prefix.length);
      if (isBackupFile(path) || named.has(path)) keys.push(key);
    }
    return keys;
  };
  await assertNotLocked(storage, manifestKey(source, id), ours, signal);
  const mark = removingKey(source, id);
  const passed = stopwatch();
  await leaveMark(storage, mark, { ifAbsent: sure !== undefined, signal }).catch((error: unknown) => {
    throw isTaken(error) ? beingRemoved(storage, source, id, 'somebody else is just removing it') : error;
  });
  try {
    await sure?.();
    if (sure && passed() > markedMs) throw beingRemoved(storage, source, id, 'it took too long to be sure');
  } catch (error) {
    // The signal may have fired. One that stays does no harm as long as there is a manifest.
    await storage.delete([mark], AbortSignal.timeout(takeBackMs)).catch(() => undefined);
    throw error;
  }
  await storage.delete([manifestKey(source, id)], signal);
  try {
    const left = await ours();
    await storage.delete(
      left.filter((key) => key !== mark),
      signal,
    );
    await storage.delete([mark], signal).catch(unlessLocked);
    await storage.removeFolder(prefix, signal);
  } catch (error) {
    throwIfAborted(signal);
    throw halfRemoved(storage, source, id, error);
  }
}

/** A process, and with it a clock, may stand still. */
function stopwatch(): () => number {
  const [begun, at] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - begun, Math.abs(Date.now() - at));
}

export function beingRemoved(storage: Storage, source: string, id: string, why: string): HoldfastError {
  return new HoldfastError('BACKUP_BUSY', `the backup ${id} of ${source} in ${storage.name} is not removed: ${why}`, {
    kind: 'busy',
    hint: 'Try again in a quarter of an hour.',
    retryable: true,
  });
}

/** The same trouble, told with what it has left behind. */
function halfRemoved(storage: Storage, source: string, id: string, cause: unknown): HoldfastError {
  const { code, kind, message, retryable, details } = toHoldfastError(cause);
  const said = `${id} of ${source} is no backup in ${storage.name} any more, but the rest of it could not be removed: ${message}`;
  const hint = 'Nothing has to be done: a backup that is made there more than a day later removes what is left.';
  return new HoldfastError(code, said, { cause, kind, retryable, details, hint });
}

/** Where it does not fit (a full disk), the removal goes on all the more; only that it was cut off would not be known. */
async function leaveMark(
  storage: Storage,
  mark: string,
  { ifAbsent, signal }: { ifAbsent: boolean; signal: AbortSignal },
): Promise<void> {
  try {
    // By its token it is known where it shows, too.
    const said = { at: new Date().toISOString(), token: randomUUID() };
    await writeJson(storage, mark, said, { ifAbsent, signal });
  } catch (error) {
    throwIfAborted(signal);
    if (isTaken(error)) throw error;
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'STORAGE_TAKEN';
}

/** A bucket may lock whatever is put into it: then a mark of ours is what is left, and goes when its time has come. */
export function unlessLocked(error: unknown): void {
  if (!(error instanceof HoldfastError) || error.code !== 'STORAGE_LOCKED') throw error;
}

/** Whatever is locked would stay, without the manifest that makes sense of it. */
async function assertNotLocked(
  storage: Storage,
  manifest: string,
  files: () => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  const first = await storage.stat(manifest, signal);
  if (storage.capabilities.lock === null && first?.lockedUntil === undefined) return;
  // A listing does not tell of locks.
  const until = [first?.lockedUntil];
  await inParallel(await files(), statsAtOnce, async (key) => {
    until.push((await storage.stat(key, signal))?.lockedUntil);
  });
  const latest = Math.max(...until.map((each) => each?.getTime() ?? 0));
  if (latest <= Date.now()) return;
  const words = new Date(latest).toISOString();
  throw new HoldfastError('STORAGE_LOCKED', `locked until ${words}`, {
    kind: 'refused',
    hint: 'Object lock keeps it from being removed; prune removes it after that.',
    details: { until: words, storage: storage.name },
  });
}

/** What the manifest says, as far as it can be read: a later version may use names this one does not know. */
async function namedPaths(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<Set<string>> {
  const manifest = await readManifest(storage, source, id, signal).catch((error: unknown) => {
    const { code, kind } = toHoldfastError(error);
    if (code === 'BACKUP_NOT_FOUND' || kind === 'integrity') return null;
    // A storage that cannot be read is none to remove from.
    throw error;
  });
  return new Set(manifest?.artifacts.filter(({ object }) => object === null).map(({ path }) => path));
}
