import type { SwappedTree, UndoneTrees } from '../apps/app.ts';
import { sourceLock } from '../backup/backup.ts';
import { withHooks } from '../backup/hooks.ts';
import type { Clock } from '../base/clock.ts';
import type { HoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { nameBeside } from '../care/proof/scratch-name.ts';
import { databaseOf, titleOf, type Source } from '../care/source.ts';
import type { Undoing } from '../care/undoing.ts';
import type { Database } from '../engines/engine.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import { afterwards } from './afterwards.ts';
import { runningApps } from './app-guards.ts';
import { aroundRestore } from './around-restore.ts';
import { assertAllowed } from './plan.ts';
import { isUncertain } from './trees.ts';
import { findHalfSwap, findKept, noWayBack, type UndoResult, type WayBack } from './way-back.ts';

export interface UndoTask {
  source: Source;
  sessions: 'disconnect' | 'refuse';
  /** Guards of the application that the operator lifts: `app-stopped`. */
  allowed: readonly string[];
  /** Only a swap that was cut off is taken back: where there is none, nothing is done. */
  unfinished?: boolean;
  confirm: (way: WayBack) => Promise<void>;
  catalog: Catalog;
  clock: Clock;
  instance: string;
  signal: AbortSignal;
  report: Report;
}

/** The way back after `restore --keep-old`: the database that was live before is swapped in again. A swap that was cut off is taken back. */
export async function undoRestore(task: UndoTask): Promise<UndoResult> {
  const { source, catalog, clock, signal, report } = task;
  const cutOff = await findHalfSwap(source, catalog, signal);
  if (cutOff === null && task.unfinished) throw swapOver(databaseOf(source));
  const way = cutOff ?? (await findKept(source, catalog, signal));
  const { restored, previous, half } = way;
  const live = previous === null && half === null ? null : databaseOf(source);
  const exchanges = previous !== null && half === null;
  // What the operator's own command is there for, to stop it, is left to that.
  if (exchanges && source.hooks?.restore?.before === undefined) await refuseRunning(task, signal);
  await task.confirm(way);
  return withRun(
    {
      operation: 'restore',
      source: source.name,
      backup: restored?.backup ?? null,
      trigger: 'undo',
      catalog,
      clock,
      signal,
      report,
    },
    async (run) => {
      await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: run.id, signal: run.signal });
      const kept = half?.replacement ?? (live && nameBeside(live.name, 'undone', run.id));
      const around = { ...task, signal: lease.signal, report: run.report };
      const target = live?.title ?? titleOf(source);
      const undone = restored?.id ?? half?.replacement ?? '';
      using after = afterwards(lease.signal, run.report);
      const { swapped, state } = await withHooks(
        aroundRestore(around, { run: run.id, trigger: 'undo' }),
        async (reached) => {
          if (live && half)
            await step(
              run.report,
              'swap',
              () => takeBack(live, lease.signal),
              () => asBefore(live),
            );
          if (exchanges) await refuseRunning(task, lease.signal);
          await using back = await moveBack(around, way.files);
          const moved = [...way.moved, ...(back?.trees ?? [])];
          if (live && exchanges) {
            const note = (areBack: boolean, files: readonly SwappedTree[]) =>
              run.keep({ undoing: undone, kept, moved: areBack, files: [...files] } satisfies Undoing);
            note(true, moved);
            try {
              await step(
                run.report,
                'swap',
                () => live.swap({ replacement: previous, previous: kept }, task.sessions, lease.signal),
                () => asBefore(live),
              );
            } catch (error) {
              // Files and database belong together: either both are from before, or none.
              if (!isUncertain(error)) note(false, await asTheyWere(source, way, back));
              throw error;
            }
          }
          run.keep({ undone, target, kept, files: moved });
          const told = await after.attempt('what was to run after it did not end well', (late) =>
            reached({ backup: restored?.backup ?? '', state: 'succeeded' }, late),
          );
          return { swapped: moved, state: told ? ('succeeded' as const) : ('partial' as const) };
        },
      );
      return { state, result: { run: run.id, undone, state, target, kept, files: swapped } };
    },
  );
}

async function refuseRunning(task: UndoTask, signal: AbortSignal): Promise<void> {
  assertAllowed({ guards: await runningApps(task, signal) });
}

const backMs = 60_000;

async function moveBack(
  { source, report, signal }: Pick<UndoTask, 'source' | 'report' | 'signal'>,
  files: readonly SwappedTree[],
): Promise<UndoneTrees | null> {
  if (files.length === 0) return null;
  return await step(report, 'files', () => undoFiles(source, files, signal));
}

/** Where what lived before the restore lies again: in the same places, but for what an undo that was cut off had moved. */
async function asTheyWere(
  source: Source,
  { files, moved }: Pick<WayBack, 'files' | 'moved'>,
  back: UndoneTrees | null,
): Promise<readonly SwappedTree[]> {
  await back?.back();
  if (moved.length === 0) return files;
  await using again = await undoFiles(source, moved, AbortSignal.timeout(backMs));
  return [...files, ...again.trees];
}

/** By renaming, which any of those that know folders does for all of them, so that it is all or nothing. */
async function undoFiles(
  { apps, name }: Source,
  files: readonly SwappedTree[],
  signal: AbortSignal,
): Promise<UndoneTrees> {
  const trees = apps.find((app) => app.trees)?.trees;
  if (trees) return trees.undo(files, signal);
  throw noWayBack(
    `no folders are configured for ${name} any more`,
    `By hand, for each, once what is live there now was put aside: ${files.map(({ target, previous }) => `mv '${previous ?? ''}' '${target}'`).join('; ')}.`,
  );
}

async function takeBack(live: Database, signal: AbortSignal): Promise<void> {
  if (!(await live.halfSwap?.takeBack(signal))) throw swapOver(live);
}

function swapOver({ name }: Database): HoldfastError {
  return noWayBack(`no swap of ${name} is cut off any more`, 'It was taken back, or has come to its end.');
}

function asBefore({ name }: Database): string {
  return `${name} is the database from before the restore again`;
}
