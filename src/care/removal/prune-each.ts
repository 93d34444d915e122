import { throwIfAborted } from '../../base/abort.ts';
import type { RunOutcome } from '../../catalog/run.ts';
import { busyCodes } from '../../catalog/turned-away.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Trouble } from '../monitor/facts.ts';
import { troubleOf } from '../monitor/trouble.ts';
import { noObjects, prune, type PruneResult, type PruneTask } from './prune.ts';

export interface PrunedStorage extends PruneResult {
  source: string;
  /** Why nothing, or not everything, could be done there. */
  error: Trouble | null;
}

/** Retention in each of these storages; one in trouble does not keep the others from being pruned. */
export async function pruneEach(
  task: Omit<PruneTask, 'storage'>,
  storages: readonly Storage[],
): Promise<PrunedStorage[]> {
  const source = task.source.name;
  const results: PrunedStorage[] = [];
  for (const storage of storages) {
    try {
      results.push({ source, ...(await prune({ collect: true, ...task, storage })), error: null });
    } catch (error) {
      throwIfAborted(task.signal);
      const trouble = troubleOf(error);
      task.report({ kind: 'warning', message: `retention in ${storage.name} did not finish: ${trouble.message}` });
      results.push({
        source,
        storage: storage.name,
        decisions: [],
        removed: [],
        freedBytes: 0,
        objects: noObjects,
        failed: [],
        error: trouble,
      });
    }
  }
  return results;
}

export function prunedWell(results: readonly PrunedStorage[]): boolean {
  return results.every(({ failed, error }) => failed.length === 0 && error === null);
}

/** How a run that did this ended: turned away where nothing but another run stood in its way. */
export function pruneOutcome(results: readonly PrunedStorage[]): RunOutcome<readonly PrunedStorage[]> {
  if (prunedWell(results)) return { state: 'succeeded', result: results };
  const trouble = results.filter(({ failed, error }) => failed.length > 0 || error !== null);
  const turnedAway = trouble.every(({ failed, error }) => failed.length === 0 && busyCodes.has(error?.code ?? ''));
  return { state: 'failed', result: results, error: turnedAway ? (trouble[0]?.error ?? null) : null };
}
