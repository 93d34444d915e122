import { toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { checkMark } from '../care/monitor/run-check.ts';
import type { Catalog, RunRecord } from '../catalog/catalog.ts';

export type Change = { kind: 'run'; run: RunRecord } | { kind: 'changed'; source: string } | { kind: 'checked' };

/** Sees what happens in any process on this state folder; looks as long as somebody listens, and once for all of them. */
export interface RunWatch extends Disposable {
  listen(listener: (change: Change) => void): Disposable;
}

const lookEveryMs = 500;
const newest = 50;

export function openRunWatch(catalog: Catalog, logger: Logger): RunWatch {
  const listeners = new Set<(change: Change) => void>();
  let timer: NodeJS.Timeout | null = null;
  let seen = new Map<string, string>();
  let versions = new Map<string, number>();
  let checkedAt: string | null = null;
  const look = (): Change[] => {
    const changes: Change[] = [];
    const now = new Map<string, string>();
    for (const run of runsOf(catalog)) {
      const sign = signOf(run, catalog);
      if (seen.get(run.id) !== sign) changes.push({ kind: 'run', run });
      now.set(run.id, sign);
    }
    seen = now;
    const current = new Map(catalog.backups.versions());
    for (const [source, version] of current) {
      if (versions.get(source) !== version) changes.push({ kind: 'changed', source });
    }
    versions = current;
    const at = catalog.marks.get(checkMark)?.lastGood ?? null;
    if (at !== checkedAt) changes.push({ kind: 'checked' });
    checkedAt = at;
    return changes;
  };
  const tell = () => {
    let changes: Change[] = [];
    try {
      changes = look();
    } catch {
      // A catalog that is busy for a moment answers the next time.
    }
    for (const change of changes) {
      for (const listener of listeners) {
        try {
          listener(change);
        } catch (error) {
          // Those who listen look into the catalog, too. Whoever misses one change is told of the next.
          logger.log('warn', `a change was not told: ${toHoldfastError(error).message}`);
        }
      }
    }
  };
  const stop = () => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  return {
    listen: (listener) => {
      if (timer === null) {
        try {
          look();
        } catch {
          // The first look that works tells of everything: too much rather than too little.
        }
        timer = setInterval(tell, lookEveryMs);
        timer.unref();
      }
      listeners.add(listener);
      return {
        [Symbol.dispose]: () => {
          listeners.delete(listener);
          if (listeners.size === 0) stop();
        },
      };
    },
    [Symbol.dispose]: stop,
  };
}

/** Oldest first; one that has gone on for long is not lost behind many newer ones. */
function runsOf({ runs }: Catalog): RunRecord[] {
  const found = [...runs.list({ state: 'running' }), ...runs.list({ limit: newest })];
  return [...new Map(found.map((run) => [run.id, run])).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function signOf({ id, state, finishedAt }: RunRecord, { runs }: Catalog): string {
  return `${state} ${finishedAt ?? runs.progressOf(id)?.at ?? ''}`;
}
