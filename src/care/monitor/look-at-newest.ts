import { placesOf } from '../../archive/open-stored.ts';
import { readManifest } from '../../archive/read-manifest.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { BackupRow } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { oldestFirst } from '../backup-facts.ts';

/**
 * The newest backup of a source in a storage is what would be restored: whether all its files are there, as big as they were. Their
 * bytes are not read. What is missing makes it incomplete in the eyes of this check, and of nobody else.
 */
export async function lookAtNewest(
  storage: Storage,
  rows: readonly BackupRow[],
  signal: AbortSignal,
): Promise<BackupRow[]> {
  const newest = oldestFirst(rows)
    .toReversed()
    .find(({ state }) => state === 'complete');
  if (!newest) return [...rows];
  const problem = await missingIn(storage, newest, signal);
  if (problem === null) return [...rows];
  return rows.map((row) => (row === newest ? { ...row, state: 'incomplete', problem } : row));
}

async function missingIn(storage: Storage, { source, id }: BackupRow, signal: AbortSignal): Promise<string | null> {
  try {
    const { artifacts } = await readManifest(storage, source, id, signal);
    const places = artifacts.map((artifact) => placesOf(source, id, artifact));
    const usual = await storage.statMany(
      places.map(([key = '']) => key),
      signal,
    );
    for (const [at, { path, object, bytes }] of artifacts.entries()) {
      const [, own] = places[at] ?? [];
      const found = usual[at] ?? (own === undefined ? null : await storage.stat(own, signal));
      const name = object === null ? path : `${path}, the shared object ${object},`;
      if (!found) return `${name} is missing`;
      if (found.bytes !== bytes) return `${name} has ${found.bytes} bytes instead of ${bytes}`;
    }
    return null;
  } catch (error) {
    const { code, kind } = toHoldfastError(error);
    // Deleted meanwhile, or changed since it was listed: the next check sees it as it is then.
    if (code === 'BACKUP_NOT_FOUND' || kind === 'integrity') return null;
    throw error;
  }
}
