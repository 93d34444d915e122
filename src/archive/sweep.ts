import { parseBackupId } from '../base/ids.ts';
import type { Storage } from '../storage/storage.ts';
import { backupPrefix, manifestKey, sourcePrefix } from './layout.ts';
import { removeBackup } from './remove.ts';

export interface SweepOptions {
  now: Date;
  olderThanMs: number;
  /** Whether somebody still works on it, as far as its prefix tells. */
  alive(prefix: string): boolean;
  signal: AbortSignal;
}

/** Removes what interrupted backups and removals left behind; returns the prefixes. */
export async function sweepUnfinished(storage: Storage, source: string, options: SweepOptions): Promise<string[]> {
  const { signal } = options;
  const swept: string[] = [];
  for (const { prefix, touchedAt } of await storage.unfinished(sourcePrefix(source), signal)) {
    if (!isOurs(source, prefix) || !isAbandoned(prefix, touchedAt, options)) continue;
    await storage.removeUnfinished(prefix, signal);
    swept.push(prefix);
  }
  // Without renaming, a backup that lost its manifest looks like one that has none yet, and was among the unfinished.
  if (storage.capabilities.atomicRename) swept.push(...(await sweepHalfRemoved(storage, source, options)));
  return swept;
}

async function sweepHalfRemoved(storage: Storage, source: string, options: SweepOptions): Promise<string[]> {
  const { signal } = options;
  const swept: string[] = [];
  for (const id of await storage.folders(sourcePrefix(source), signal)) {
    if (parseBackupId(id) === null || (await storage.stat(manifestKey(source, id), signal)) !== null) continue;
    const prefix = backupPrefix(source, id);
    const touchedAt = await newestUnder(storage, prefix, signal);
    if (touchedAt === null || !isAbandoned(prefix, touchedAt, options)) continue;
    await removeBackup(storage, source, id, signal);
    swept.push(prefix);
  }
  return swept;
}

function isOurs(source: string, prefix: string): boolean {
  return parseBackupId(prefix.slice(sourcePrefix(source).length, -1)) !== null;
}

function isAbandoned(prefix: string, touchedAt: Date, { now, olderThanMs, alive }: SweepOptions): boolean {
  return now.getTime() - touchedAt.getTime() > olderThanMs && !alive(prefix);
}

async function newestUnder(storage: Storage, prefix: string, signal: AbortSignal): Promise<Date | null> {
  let newest: Date | null = null;
  for await (const { modifiedAt } of storage.list(prefix, signal)) {
    if (newest === null || modifiedAt > newest) newest = modifiedAt;
  }
  return newest;
}
