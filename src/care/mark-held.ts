import { removeHold, writeHold, type Hold } from '../archive/hold.ts';
import { backupPrefix, manifestKey } from '../archive/layout.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import type { Storage } from '../storage/storage.ts';
import { inUse } from './remove-copy.ts';
import { readingLock } from './verify.ts';

export interface HoldTask {
  source: string;
  storage: Storage;
  id: string;
  /** Null: it is released. */
  mark: Hold | null;
  catalog: Catalog;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Holds a copy of a backup, or releases it. Under the lock of its readers: whoever is just removing it has looked for a hold already, and
 * what was said to be held would be gone.
 */
export async function markHeld({ source, storage, id, mark, catalog, clock, signal }: HoldTask): Promise<void> {
  const name = readingLock(source, id);
  await using lease = await holdLock({ catalog, clock, name, run: null, mode: 'shared', signal, onBusy: inUse(id) });
  if (mark === null) {
    await removeHold(storage, source, id, lease.signal);
    return;
  }
  await writeHold(storage, source, id, mark, lease.signal);
  // Another installation has locks of its own.
  if ((await storage.stat(manifestKey(source, id), lease.signal)) !== null) return;
  await removeHold(storage, source, id, lease.signal);
  await storage.removeFolder(backupPrefix(source, id), lease.signal);
  throw new HoldfastError(
    'BACKUP_UNKNOWN',
    `the backup ${id} of ${source} has just been removed from ${storage.name}`,
    {
      kind: 'usage',
      hint: '`holdfast list` shows what there is, and in which storage.',
    },
  );
}
