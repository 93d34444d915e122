import type { Clock } from '../base/clock.ts';
import { step, type Report } from '../base/progress.ts';
import { retryCopies } from '../care/copies/copies.ts';
import { deleteLocalCopies } from '../care/removal/delete-local.ts';
import { mendKeys } from '../care/doctor/mend-keys.ts';
import { prune } from '../care/removal/prune.ts';
import type { Source } from '../care/source.ts';
import type { Catalog } from '../catalog/catalog.ts';

/** What a backup does once it exists. None of it makes a good backup a failed one. */
interface Afterwards {
  source: Source;
  catalog: Catalog;
  clock: Clock;
  timezone: string;
  signal: AbortSignal;
  report: Report;
}

/** What earlier backups still owe, except where this one has just failed. */
export async function retryOlder(
  task: Afterwards,
  copies: Readonly<Record<string, string>>,
  run: string,
): Promise<void> {
  const except = Object.keys(copies).filter((storage) => copies[storage] !== 'complete');
  await retryCopies({ ...task, run, except });
}

/** Retention never fails a good backup: what it could not remove now, it removes the next time. */
export async function applyRetention(task: Afterwards, run: string): Promise<string[]> {
  const { source, catalog, clock, timezone, signal, report } = task;
  const removed = new Set<string>();
  for (const storage of source.storages) {
    try {
      const what = { source, storage, catalog, clock, timezone, dryRun: false, attended: false };
      const result = await prune({ ...what, run, signal, report });
      for (const id of result.removed) removed.add(id);
    } catch (error) {
      report({ kind: 'warning', message: `retention in ${storage.name} did not finish: ${(error as Error).message}` });
    }
  }
  return [...removed];
}

/** The catalog has just been told by retention what each storage holds. */
export async function putKeysBack(task: Afterwards): Promise<void> {
  if (task.source.keys.wanted !== null) await mendKeys(task);
}

/** Returns which copies of this backup went. */
export async function clearLocal(task: Afterwards, id: string, run: string): Promise<Record<string, 'missing'>> {
  if (!task.source.deleteLocalAfterCopy) return {};
  try {
    const removed = await step(
      task.report,
      'local copies',
      () => deleteLocalCopies({ ...task, run }),
      (gone) => `${gone.length} removed`,
    );
    return Object.fromEntries(removed.filter((copy) => copy.id === id).map(({ storage }) => [storage, 'missing']));
  } catch (error) {
    task.report({ kind: 'warning', message: `local copies were not removed: ${(error as Error).message}` });
    return {};
  }
}
