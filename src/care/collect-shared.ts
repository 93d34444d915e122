import { collectObjects, hasMarks, objectAgeMs, type Collected } from '../archive/collect-objects.ts';
import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import type { Storage } from '../storage/storage.ts';
import type { Source } from './source.ts';

export interface CollectShared {
  source: Source;
  storage: Storage;
  /** Younger objects stay; a day where nothing is said. */
  objectAgeMs?: number;
  signal: AbortSignal;
  report: Report;
}

/**
 * After backups were removed: what only they held of the shared objects. It never makes a removal a failed one: what could not be
 * collected belongs to no backup, and goes the next time.
 */
export async function collectShared(task: CollectShared): Promise<Collected> {
  const { source, storage, signal, report } = task;
  const what = { storage, source: source.name, olderThanMs: task.objectAgeMs ?? objectAgeMs, signal };
  if (!storage.capabilities.sharedObjects) return { removed: 0, freedBytes: 0, postponed: null };
  try {
    return await step(
      report,
      'shared objects',
      () => collectObjects(what),
      ({ removed, freedBytes, postponed }) =>
        postponed === null
          ? `${formatCount(removed)} that no backup needs removed from ${storage.name}, ${formatBytes(freedBytes)} freed`
          : `looked through another time: ${postponed}`,
    );
  } catch (error) {
    throwIfAborted(signal);
    const { message } = toHoldfastError(error);
    report({ kind: 'warning', message: `shared objects in ${storage.name} were not looked through: ${message}` });
    return { removed: 0, freedBytes: 0, postponed: message };
  }
}

/** Whether there is something to do although nothing was removed just now. */
export function isCollectionOpen({ source, storage, signal }: CollectShared): Promise<boolean> {
  return hasMarks({ storage, source: source.name, signal });
}
