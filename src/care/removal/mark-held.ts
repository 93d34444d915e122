import { removeHold, writeHold, type Hold } from '../../archive/hold.ts';
import { backupPrefix, holdKey, manifestKey, removingKey } from '../../archive/format/layout.ts';
import { pause } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { holdLock } from '../../catalog/lease.ts';
import type { Storage } from '../../storage/storage.ts';
import { inUse } from './remove-copy.ts';
import { readingLock } from '../proof/verify.ts';

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
  if (await isKept({ storage, source, id, signal: lease.signal })) return;
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

type Place = Pick<HoldTask, 'storage' | 'source' | 'id' | 'signal'>;

/** A removal that left its mark so long before was cut off. */
const cutOffMs = 10 * 60_000;
const looks = 60;
const betweenMs = 500;

/**
 * Another installation has locks of its own. One that removes the backup leaves its mark and looks for a hold before anything goes; what it
 * decided shows in a moment.
 */
async function isKept({ storage, source, id, signal }: Place): Promise<boolean> {
  const marks = [removingKey(source, id), holdKey(source, id)];
  for (let look = 1; look <= looks; look += 1) {
    // Before the manifest, which goes first: a removal may end between two looks.
    const [removing, hold] = await storage.statMany(marks, signal);
    if ((await storage.stat(manifestKey(source, id), signal)) === null) return false;
    if (!removing) return true;
    // Both by the clock of the storage.
    if (hold && hold.modifiedAt.getTime() - removing.modifiedAt.getTime() > cutOffMs) {
      await storage.delete([removingKey(source, id)], signal).catch(() => undefined);
      return true;
    }
    await pause(betweenMs, signal);
  }
  throw new HoldfastError('BACKUP_BUSY', `the backup ${id} of ${source} is being removed from ${storage.name}`, {
    kind: 'busy',
    hint: 'The hold lies there and keeps it if nothing is gone yet, or if the removal was cut off; say the same again in ten minutes to be sure.',
    retryable: true,
  });
}
