import { toHoldfastError } from '../base/errors.ts';
import { parseBackupId } from '../base/ids.ts';
import type { Storage } from '../storage/storage.ts';
import { backupPrefix, manifestKey, removingKey, sourcePrefix } from './format/layout.ts';
import { removeBackup } from './remove.ts';

export interface SweepOptions {
  now: Date;
  olderThanMs: number;
  /** Whether somebody still works on it, as far as its prefix tells. */
  alive(prefix: string): boolean;
  /** Asked once, before the first is removed; rejects when nothing may be. */
  sure?: () => Promise<void>;
  signal: AbortSignal;
}

/**
 * Removes what interrupted backups and removals left behind; returns the prefixes. Only what bears a mark of ours goes: a folder
 * that merely has no manifest may be a backup that somebody is copying in, or one whose manifest cannot be seen at the moment.
 */
export async function sweepUnfinished(storage: Storage, source: string, options: SweepOptions): Promise<string[]> {
  const { signal } = options;
  const { atomicRename } = storage.capabilities;
  const swept: string[] = [];
  const sure = once(options.sure);
  for (const { prefix, touchedAt } of await storage.unfinished(sourcePrefix(source), signal)) {
    const id = prefix.slice(sourcePrefix(source).length, -1);
    if (parseBackupId(id) === null || !isAbandoned(prefix, touchedAt, options)) continue;
    await sure();
    // Without renaming, what is half removed is among the unfinished.
    if (atomicRename || (await lastTouch(storage, source, id, signal)) === null)
      await storage.removeUnfinished(prefix, signal);
    else if (!(await finishRemoval(storage, source, id, signal))) continue;
    swept.push(prefix);
  }
  if (atomicRename) swept.push(...(await sweepHalfRemoved(storage, source, { ...options, sure })));
  return swept;
}

async function sweepHalfRemoved(storage: Storage, source: string, options: SweepOptions): Promise<string[]> {
  const { signal } = options;
  const swept: string[] = [];
  const ids = (await storage.folders(sourcePrefix(source), signal)).filter((name) => parseBackupId(name) !== null);
  const keys = ids.map((id) => manifestKey(source, id));
  const manifests = await storage.statMany(keys, signal);
  for (const id of ids.filter((_id, at) => manifests[at] === null)) {
    const prefix = backupPrefix(source, id);
    const touchedAt = await lastTouch(storage, source, id, signal);
    if (touchedAt === null || !isAbandoned(prefix, touchedAt, options)) continue;
    await options.sure?.();
    if (await finishRemoval(storage, source, id, signal)) swept.push(prefix);
  }
  return swept;
}

function once(ask: SweepOptions['sure']): () => Promise<void> {
  let asked: Promise<void> | undefined;
  return () => (asked ??= ask?.() ?? Promise.resolve());
}

/** Null when it is not half removed. That a manifest was not found counts only when the listing does not show it either. */
async function lastTouch(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<Date | null> {
  let newest: Date | null = null;
  let marked = false;
  for await (const { key, modifiedAt } of storage.list(backupPrefix(source, id), signal)) {
    if (key === manifestKey(source, id)) return null;
    marked ||= key === removingKey(source, id);
    if (newest === null || modifiedAt > newest) newest = modifiedAt;
  }
  return marked ? newest : null;
}

async function finishRemoval(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await removeBackup(storage, source, id, signal);
    return true;
  } catch (error) {
    // What is locked goes another time, and keeps nobody from anything.
    if (toHoldfastError(error).code === 'STORAGE_LOCKED') return false;
    throw error;
  }
}

function isAbandoned(prefix: string, touchedAt: Date, { now, olderThanMs, alive }: SweepOptions): boolean {
  return now.getTime() - touchedAt.getTime() > olderThanMs && !alive(prefix);
}
