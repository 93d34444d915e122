import { manifestKey, removingKey } from '../archive/layout.ts';
import { beingRemoved } from '../archive/remove.ts';
import { throwIfAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { assertClocksAgree } from './clocks.ts';

/** A copy because of which another may go. */
export interface StandIn {
  storage: Storage;
  source: string;
  id: string;
  clock: Clock;
  signal: AbortSignal;
}

/** A removal that left its mark so long before was cut off: one that goes on looks at its watch. */
const cutOffMs = 15 * 60_000;

/**
 * Locks reach no other installation. Whoever removes a copy leaves a mark at it first and then looks whether what stays instead still lies
 * there, without such a mark: of two who count on what the other one removes, at least one sees the other.
 */
export async function assertAllStay(standIns: readonly StandIn[]): Promise<void> {
  for (const standIn of standIns) if (!(await isStaying(standIn))) throw standInGone(standIn);
}

/** One of them is enough. */
export async function assertOneStays(standIns: readonly StandIn[]): Promise<void> {
  let failure: HoldfastError | undefined;
  for (const standIn of standIns) {
    try {
      if (await isStaying(standIn)) return;
      failure ??= standInGone(standIn);
    } catch (error) {
      throwIfAborted(standIn.signal);
      failure ??= toHoldfastError(error);
    }
  }
  if (failure) throw failure;
}

/** The mark before the manifest: the manifest goes while the mark is there. */
export async function isStaying(copy: StandIn): Promise<boolean> {
  const { storage, source, id, signal } = copy;
  if ((await removalOf(copy)) === 'going on') return false;
  return (await storage.stat(manifestKey(source, id), signal)) !== null;
}

/** Before a copy is removed: that nobody else does; what one that was cut off has left goes. */
export async function assertNobodyRemoves(copy: StandIn): Promise<void> {
  const { storage, source, id, signal } = copy;
  const removal = await removalOf(copy);
  if (removal === 'going on')
    throw beingRemoved(storage, source, id, 'somebody else is just removing it, or was cut off');
  if (removal === 'cut off') await storage.delete([removingKey(source, id)], signal);
}

/** Told by the age of its mark, in the time of the storage. */
async function removalOf({ storage, source, id, clock, signal }: StandIn): Promise<'going on' | 'cut off' | null> {
  const mark = await storage.stat(removingKey(source, id), signal);
  if (!mark) return null;
  await assertClocksAgree({ source: { name: source }, storage, clock, signal });
  return clock.now().getTime() - mark.modifiedAt.getTime() < cutOffMs ? 'going on' : 'cut off';
}

function standInGone({ id, storage }: StandIn): HoldfastError {
  return new HoldfastError('BACKUP_BUSY', `${id}, which stays instead, is gone from ${storage.name} or being removed`, {
    kind: 'busy',
    hint: 'Somebody else removes backups at the same time. See what is left with `holdfast list`, then try again.',
    retryable: true,
  });
}
