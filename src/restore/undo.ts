import { sourceLock } from '../backup/backup.ts';
import { withHooks } from '../backup/hooks.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { nameBeside } from '../care/scratch-name.ts';
import type { Source } from '../care/source.ts';
import type { Catalog, RunRecord } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import { aroundRestore } from './around-restore.ts';
import type { RestoreResult } from './restore.ts';

export interface UndoTask {
  source: Source;
  sessions: 'disconnect' | 'refuse';
  confirm: (way: { restored: RunRecord; previous: string }) => Promise<void>;
  catalog: Catalog;
  clock: Clock;
  instance: string;
  signal: AbortSignal;
  report: Report;
}

export interface UndoResult {
  run: string;
  /** The restore that was undone. */
  undone: string;
  target: string;
  /** The restored database is kept under this name: nothing is destroyed by changing one's mind. */
  kept: string;
}

/** The way back after `restore --keep-old`: the database that was live before is swapped in again. */
export async function undoRestore(task: UndoTask): Promise<UndoResult> {
  const { source, catalog, clock, signal, report } = task;
  const { restored, previous } = findWayBack(source, catalog);
  const live = source.database;
  if (!(await live.named(previous).target(signal))) {
    throw new HoldfastError(
      'NO_WAY_BACK',
      `the database ${previous}, kept by the restore ${restored.id}, does not exist any more`,
      {
        kind: 'usage',
        hint: 'Restore the safety backup made before that restore: `holdfast list` shows it.',
      },
    );
  }
  await task.confirm({ restored, previous });
  return withRun(
    {
      operation: 'restore',
      source: source.name,
      backup: restored.backup,
      trigger: 'undo',
      catalog,
      clock,
      signal,
      report,
    },
    async (run) => {
      await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: run.id, signal: run.signal });
      const kept = nameBeside(live.name, 'undone', run.id);
      const around = { ...task, signal: lease.signal, report: run.report };
      await withHooks(aroundRestore(around, { run: run.id, trigger: 'undo' }), async (reached) => {
        await step(
          run.report,
          'swap',
          () => live.swap({ replacement: previous, previous: kept }, task.sessions, lease.signal),
          () => `${live.name} is the database from before the restore again`,
        );
        await reached({ backup: restored.backup ?? '', state: 'succeeded' });
      });
      return { state: 'succeeded', result: { run: run.id, undone: restored.id, target: live.title, kept } };
    },
  );
}

function findWayBack(source: Source, catalog: Catalog): { restored: RunRecord; previous: string } {
  const runs = catalog.runs.list({ source: source.name, operation: 'restore', state: 'succeeded' });
  const undone = new Set(runs.map((run) => (run.result as Partial<UndoResult> | null)?.undone));
  for (const restored of runs) {
    const previous = (restored.result as Partial<RestoreResult> | null)?.previous;
    if (typeof previous === 'string' && !undone.has(restored.id)) return { restored, previous };
  }
  throw new HoldfastError('NO_WAY_BACK', `no restore of ${source.name} kept the database from before`, {
    kind: 'usage',
    hint: 'A restore keeps it with `--keep-old`. Otherwise restore the safety backup made before it: `holdfast list` shows it.',
  });
}
