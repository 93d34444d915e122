import { readHold } from '../../archive/hold.ts';
import { removeBackup } from '../../archive/remove.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Catalog, LockRow } from '../../catalog/catalog.ts';
import { holdLock, type Lease } from '../../catalog/lease.ts';
import type { Storage } from '../../storage/storage.ts';
import { assertMarkedHereOnly, assertOwnPlace } from '../own-place.ts';
import type { Source } from '../source.ts';
import { assertNobodyRemoves } from './stays.ts';
import { forgetVanished } from '../stock/vanished.ts';
import { readingLock } from '../proof/verify.ts';

export interface RemoveCopyTask {
  source: Source;
  storage: Storage;
  id: string;
  catalog: Catalog;
  clock: Clock;
  run?: string;
  /** Asked when others can see that it is being removed, and nothing is gone; rejects when what stays instead of it is not there. */
  sure?: () => Promise<void>;
  signal: AbortSignal;
}

/** Removes one backup from one storage, unless somebody reads it or holds it; both are looked at again, under the lock. */
export async function removeCopy(task: RemoveCopyTask): Promise<void> {
  const { source, storage, id, catalog, clock, run, signal } = task;
  const name = readingLock(source.name, id);
  await using lease = await holdLock({ catalog, clock, name, run: run ?? null, signal, onBusy: inUse(id) });
  await assertOwnPlace(source, storage, lease.signal);
  const assertNotHeld = async () => {
    const hold = await readHold(storage, source.name, id, lease.signal);
    if (hold) throw held(id, hold.reason);
  };
  await assertNotHeld();
  await assertNobodyRemoves({ storage, source: source.name, id, clock, signal: lease.signal });
  lease.assertHeld();
  await removeBackup(storage, source.name, id, lease.signal, async () => {
    await assertMarkedHereOnly(source, storage, id, lease.signal);
    await task.sure?.();
    await assertNotHeld();
    lease.assertHeld();
    // What is known to be there and is not found would be missed. A removal that is cut off in its middle has taken it away all the same.
    catalog.backups.remove(storage.name, source.name, id);
  });
  forgetVanished(catalog, { storage: storage.name, source: source.name }, id);
  if (hasOtherCopy(catalog, source, storage, id)) return;
  catalog.proofs.remove(source.name, id);
  // What is gone everywhere is not copied anywhere any more.
  catalog.copies.remove(source.name, id);
}

/**
 * One at a time decides what goes from a source. Otherwise a deletion and a pruning, each leaving what the other removes, could
 * leave nothing together.
 */
export function holdRemovals({
  source,
  catalog,
  clock,
  run,
  signal,
}: Omit<RemoveCopyTask, 'id' | 'storage' | 'sure'>): Promise<Lease> {
  const onBusy = (holder: LockRow) => busy(`backups of ${source.name} are being removed by`, holder);
  return holdLock({ catalog, clock, name: `removals:${source.name}`, run: run ?? null, signal, onBusy });
}

export function held(id: string, reason: string | null): HoldfastError {
  return new HoldfastError('BACKUP_HELD', `backup ${id} is held${reason === null ? '' : `: ${reason}`}`, {
    kind: 'refused',
    hint: `Release it first with \`holdfast release ${id}\`.`,
  });
}

export function inUse(id: string): (holder: LockRow) => HoldfastError {
  return (holder) => busy(`backup ${id} is in use by`, holder);
}

function busy(what: string, { run, pid, host, acquiredAt }: LockRow): HoldfastError {
  const who = run === null ? 'another process' : `run ${run}`;
  return new HoldfastError('BACKUP_BUSY', `${what} ${who} (process ${pid} on ${host}) since ${acquiredAt}`, {
    kind: 'busy',
    hint: 'Wait until it has ended, then try again.',
    retryable: true,
    details: { run, host, pid, since: acquiredAt },
  });
}

/** What is proven is about the backup as long as any copy of it is left. */
function hasOtherCopy(catalog: Catalog, source: Source, storage: Storage, id: string): boolean {
  return source.storages.some(
    ({ name }) => name !== storage.name && catalog.backups.list(name, source.name).some((row) => row.id === id),
  );
}
