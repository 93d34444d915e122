import {
  collectObjects,
  graceMs,
  hasCondemned,
  hasShared,
  objectAgeMs,
  type Collected,
} from '../../archive/objects/collect-objects.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { step, type Report } from '../../base/progress.ts';
import { formatBytes, formatCount } from '../../base/units.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Source } from '../source.ts';
import { vanishedFrom } from '../stock/vanished.ts';

export interface CollectShared {
  source: Pick<Source, 'name'>;
  storage: Storage;
  /** Younger objects stay; a day where nothing is said. */
  objectAgeMs?: number;
  catalog: Partial<Pick<Catalog, 'marks'>>;
  signal: AbortSignal;
  report: Report;
}

/**
 * After backups were removed: what only they held of the shared objects. It never makes a removal a failed one: what could not be
 * collected belongs to no backup, and goes the next time.
 */
export async function collectShared(task: CollectShared): Promise<Collected> {
  const { source, storage, signal, report } = task;
  const what = { storage, source: source.name, olderThanMs: task.objectAgeMs ?? objectAgeMs, graceMs, signal };
  if (!storage.capabilities.sharedObjects) return { removed: 0, freedBytes: 0, postponed: null };
  const missing = vanishedFrom(task.catalog, { storage: storage.name, source: source.name });
  // Somebody moved them, or they cannot be seen just now: they may come back, and are nothing without their objects.
  if (missing.length > 0) return { removed: 0, freedBytes: 0, postponed: `${missing.join(', ')} vanished from there` };
  try {
    if (!(await hasShared(what))) return { removed: 0, freedBytes: 0, postponed: null };
    return await step(
      report,
      'shared objects',
      () => collectObjects(what),
      ({ removed, freedBytes, postponed }) =>
        [
          `${formatCount(removed)} that no backup needs removed from ${storage.name}, ${formatBytes(freedBytes)} freed`,
          ...(postponed === null ? [] : [postponed]),
        ].join('; '),
    );
  } catch (error) {
    throwIfAborted(signal);
    const { message } = toHoldfastError(error);
    report({ kind: 'warning', message: `shared objects in ${storage.name} were not looked through: ${message}` });
    return { removed: 0, freedBytes: 0, postponed: message };
  }
}

/** Whether there is something to do although nothing was removed just now. */
export function isCollectionOpen({
  source,
  storage,
  signal,
}: Pick<CollectShared, 'source' | 'storage' | 'signal'>): Promise<boolean> {
  return hasCondemned({ storage, source: source.name, signal });
}
