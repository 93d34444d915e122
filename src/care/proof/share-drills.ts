import { leaveDrill } from '../../archive/drills.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Report } from '../../base/progress.ts';
import type { Catalog, ProofRecord } from '../../catalog/catalog.ts';
import { holdLock } from '../../catalog/lease.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Source } from '../source.ts';
import { assertPresent } from '../stock/vanished.ts';
import { readingLock } from './verify.ts';

interface ShareTask {
  source: Source;
  catalog: Catalog;
  clock: Clock;
  signal: AbortSignal;
  report: Report;
}

/**
 * Puts the newest drill of each backup beside every copy of it: all are the same bytes, and a new machine may have only one of the storages.
 * One in trouble gets it after the next drill or backup. What lies where is as the catalog saw it last.
 */
export async function shareDrills(task: ShareTask): Promise<void> {
  const { source, catalog, signal, report } = task;
  for (const storage of source.storages) {
    try {
      const lacking = lackingIn(storage, source, catalog);
      if (lacking.length > 0) await assertPresent(source, storage, catalog, signal);
      for (const drill of lacking) await bring(task, storage, drill);
    } catch (error) {
      throwIfAborted(signal);
      const { message } = toHoldfastError(error);
      report({ kind: 'warning', message: `the result of a drill is not in ${storage.name} yet: ${message}` });
    }
  }
}

function lackingIn(storage: Storage, { name: source }: Source, catalog: Catalog): ProofRecord[] {
  const drills = catalog.proofs.list({ source, kind: 'drill' });
  // Newest first: of several the last one put in stays.
  const newest = new Map(drills.toReversed().map((drill) => [drill.backup, drill]));
  const there = new Map(
    drills
      .filter((drill) => drill.storage === storage.name)
      .toReversed()
      .map(({ backup, at }) => [backup, at]),
  );
  return catalog.backups.list(storage.name, source).flatMap(({ id, state }) => {
    const drill = newest.get(id);
    const isKnown = drill === undefined || (there.get(id) ?? '') >= drill.at;
    return state === 'complete' && !isKnown ? [drill] : [];
  });
}

async function bring({ source, catalog, clock, signal }: ShareTask, storage: Storage, drill: ProofRecord) {
  const { backup: id, at, result } = drill;
  if (typeof result !== 'object' || result === null) return;
  const name = readingLock(source.name, id);
  await using lease = await holdLock({ catalog, clock, name, run: null, mode: 'shared', signal });
  const left = await leaveDrill(storage, source.name, id, new Date(at), result, lease.signal);
  if (left) catalog.proofs.learn({ ...drill, storage: storage.name });
}
