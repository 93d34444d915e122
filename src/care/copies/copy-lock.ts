import { backupPrefix, sourcePrefix } from '../../archive/format/layout.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Catalog, LockRow } from '../../catalog/catalog.ts';
import { holdLock, type Lease } from '../../catalog/lease.ts';
import type { Storage } from '../../storage/storage.ts';
import { assertOwnPlace } from '../own-place.ts';
import type { Source } from '../source.ts';
import { assertPresent } from '../stock/vanished.ts';
import { readingLock } from '../proof/verify.ts';

interface CopyPlace {
  source: Source;
  id: string;
  to: Storage;
  clock: Clock;
  signal: AbortSignal;
}

/** A stage that shows no sign of life for so long is nobody's. */
export const usualSilentMs = 10 * 60_000;

/** Whoever works on a copy holds this; and like every reader, what keeps the backup from being removed. */
export async function holdCopy(task: CopyPlace & { catalog: Catalog; run?: string }): Promise<Lease> {
  const { source, id, to, catalog, clock } = task;
  await assertOwnPlace(source, to, task.signal);
  await assertPresent(source, to, catalog, task.signal);
  const run = task.run ?? null;
  const onBusy = (holder: LockRow) => busy(id, to, holder);
  const copying = await holdLock({
    catalog,
    clock,
    name: `copy:${source.name}/${id}/${to.name}`,
    run,
    signal: task.signal,
    onBusy,
  });
  try {
    const name = readingLock(source.name, id);
    const reading = await holdLock({ catalog, clock, name, run, mode: 'shared', signal: copying.signal, onBusy });
    return {
      signal: reading.signal,
      assertHeld: () => {
        copying.assertHeld();
        reading.assertHeld();
      },
      [Symbol.asyncDispose]: async () => {
        await reading[Symbol.asyncDispose]();
        await copying[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await copying[Symbol.asyncDispose]();
    throw error;
  }
}

/** We hold the lock on this copy: a stage that this state folder knows to have begun is left over from a process that died. */
export async function clearStage(
  { source, id, to, clock, signal }: CopyPlace,
  begunBefore: boolean,
  silentMs = usualSilentMs,
): Promise<void> {
  const prefix = backupPrefix(source.name, id);
  for (const unfinished of await to.unfinished(sourcePrefix(source.name), signal)) {
    if (unfinished.prefix !== prefix) continue;
    const silent = clock.now().getTime() - unfinished.touchedAt.getTime() > silentMs;
    // Somebody else writes it, and may be about to put the first file into what is empty.
    if (!begunBefore && !silent) return;
    await to.removeUnfinished(prefix, signal);
  }
  // A removal, or somebody by hand, may have left the folder alone.
  await to.removeFolder(prefix, signal);
}

function busy(id: string, to: Storage, { run, pid, host, acquiredAt }: LockRow): HoldfastError {
  const who = run === null ? 'another process' : `run ${run}`;
  return new HoldfastError(
    'BACKUP_BUSY',
    `backup ${id} is being copied to ${to.name} or removed by ${who} (process ${pid} on ${host}) since ${acquiredAt}`,
    { kind: 'busy', hint: 'Wait until it has ended, then try again.', retryable: true },
  );
}
