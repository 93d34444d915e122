import { findMissingFile } from '../../archive/missing-file.ts';
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
    return (await findMissingFile(storage, source, id, signal))?.problem ?? null;
  } catch (error) {
    const { code, kind } = toHoldfastError(error);
    // Deleted meanwhile, or changed since it was listed: the next check sees it as it is then.
    if (code === 'BACKUP_NOT_FOUND' || kind === 'integrity') return null;
    throw error;
  }
}
