import type { SwappedTree, UndoneTrees } from '../apps/app.ts';
import { sourceLock } from '../backup/backup.ts';
import { withHooks } from '../backup/hooks.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { nameBeside } from '../care/proof/scratch-name.ts';
import { databaseOf, titleOf, type Source } from '../care/source.ts';
import { undoingOf, type Undoing } from '../care/undoing.ts';
import type { Database, HalfSwap } from '../engines/engine.ts';
import type { Catalog, RunRecord } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import { afterwards } from './afterwards.ts';
import { runningApps } from './app-guards.ts';
import { aroundRestore } from './around-restore.ts';
import { assertAllowed } from './plan.ts';
import type { RestoreResult } from './restore.ts';
import { isUncertain } from './trees.ts';

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

export interface UndoResult {
  run: string;
  /** The restore that was undone. */
  undone: string;
  /** `partial`: all is back, and what should have happened after that did not. */
  state: 'succeeded' | 'partial';
  target: string;
  /** The restored database is kept under this name: nothing is destroyed by changing one's mind. */
  kept: string | null;
  files: SwappedTree[];
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

export interface WayBack {
  /** Null: a half-done swap that began under another state folder. */
  restored: RunRecord | null;
  /** Null: that restore did not touch the database. */
  previous: string | null;
  files: SwappedTree[];
  /** Folders that an undo which was cut off has brought back already, and where those of the backup lie. */
  moved: SwappedTree[];
  /** To be taken back instead. */
  half: HalfSwap | null;
}

/** What was cut off in the middle comes first: as long as it is there, nothing else can be exchanged. */
async function findHalfSwap(source: Source, catalog: Catalog, signal: AbortSignal): Promise<WayBack | null> {
  const half = await source.database?.halfSwap?.find(signal);
  if (!source.database || !half) return null;
  const { name } = source.database;
  const restored = catalog.runs.list({ source: source.name, operation: 'restore' }).find(({ id }) => {
    return nameBeside(name, 'restoring', id) === half.replacement || nameBeside(name, 'undone', id) === half.previous;
  });
  const { files = [] } = (restored?.result ?? {}) as Partial<RestoreResult>;
  return { restored: restored ?? null, previous: half.previous, files: files.filter(wasMoved), moved: [], half };
}

async function findKept(source: Source, catalog: Catalog, signal: AbortSignal): Promise<WayBack> {
  const unmoved = new Set<string>();
  for (;;) {
    const { restored, previous, files, moved, kept, swapping } = findWayBack(source, catalog, unmoved);
    if (previous === null || (await isThere(source, previous, signal)))
      return { restored, previous, files, moved, half: null };
    if (kept !== null && (await isThere(source, kept, signal))) throw noWayBack(...undoneSince(restored.id, kept));
    if (!swapping)
      throw noWayBack(
        `the database ${previous}, kept by the restore ${restored.id}, does not exist any more`,
        'Restore the safety backup made before that restore: `holdfast list` shows it.',
      );
    // Cut off after the folders had changed places, and before the database did.
    if (files.length > 0) return { restored, previous: null, files, moved, half: null };
    // Before either did: it has changed nothing, and an older one's way back is as good as before.
    unmoved.add(restored.id);
  }
}

async function isThere(source: Source, database: string, signal: AbortSignal): Promise<boolean> {
  return (await databaseOf(source).named(database).target(signal)) !== null;
}

/** Where what a restore replaced lies by now: an undo that did not come to its end has moved it, and perhaps back again. */
function whereNow(
  runs: readonly RunRecord[],
  { id, result }: RunRecord,
): Pick<WayBack, 'files' | 'moved'> & { kept: string | null } {
  const own = (result as Partial<RestoreResult> | null)?.files ?? [];
  const last = runs.find((run) => undoingOf(run)?.undoing === id);
  const noted = last && undoingOf(last);
  if (!noted) return { files: own.filter(wasMoved), moved: [], kept: null };
  const results = runs.map((run) => run.result as Partial<UndoResult> | null);
  const takenBack = results.find((each) => each?.undone === last.id);
  const files = (takenBack?.files ?? noted.files).filter(wasMoved);
  return noted.moved && !takenBack ? { files: [], moved: files, kept: noted.kept } : { files, moved: [], kept: null };
}

function wasMoved({ previous }: SwappedTree): boolean {
  return previous !== null;
}

function findWayBack(
  source: Source,
  catalog: Catalog,
  unmoved: ReadonlySet<string>,
): Omit<WayBack, 'restored' | 'half'> & { restored: RunRecord; kept: string | null; swapping: boolean } {
  // One that was killed, or did not end well, after its swap has kept what was there before as well.
  const runs = catalog.runs
    .list({ source: source.name, operation: 'restore' })
    .filter(({ state }) => state !== 'running');
  const undone = new Set(runs.map((run) => (run.result as Partial<UndoResult> | null)?.undone));
  let before: ReturnType<typeof undoneBy> = null;
  for (const restored of runs) {
    before ??= undoneBy(restored);
    if (undone.has(restored.id) || unmoved.has(restored.id) || isUndo(restored)) continue;
    const result = restored.result as (Partial<RestoreResult> & { swapping?: boolean }) | null;
    const previous = result?.previous ?? null;
    const now = whereNow(runs, restored);
    const swapping = result?.swapping === true;
    // What was in a database that was replaced in place lies nowhere beside it: its folders would go back without it.
    const whole = result?.mode !== 'in-place' || swapping;
    if (whole && (previous !== null || now.files.length + now.moved.length > 0))
      return { restored, previous, ...now, swapping };
    // One beside it changed nothing here. Of any other, an older one's way back would also throw away what came after it.
    if (result?.mode === undefined || result.mode === 'new') continue;
    const which = before === null ? `the last restore of ${source.name}` : `${before.said}; the one before it`;
    const safety = result.safety
      ? `Its safety backup holds what was there before it: \`holdfast restore ${result.safety} --source ${source.name}\`.`
      : 'It was made without a safety backup; restore another backup.';
    throw noWayBack(`${which}, of ${restored.startedAt}, kept ${whatIsKept(now.files)}`, before?.hint ?? safety);
  }
  if (before !== null) throw noWayBack(`${before.said}; none before it kept what was there`, before.hint);
  throw noWayBack(
    `no restore of ${source.name} kept what was there before`,
    'A restore keeps it with `--keep-old`. Otherwise restore the safety backup made before it: `holdfast list` shows it.',
  );
}

function whatIsKept(files: readonly SwappedTree[]): string {
  const places = files.map(({ previous }) => previous).join(', ');
  return files.length === 0 ? 'nothing' : `its folders (${places}), and nothing of its database`;
}

/** What one has taken out comes in again by a restore: of folders and a database it knows the folders alone. */
function isUndo(run: RunRecord): boolean {
  return undoneBy(run) !== null || undoingOf(run) !== null;
}

/** Who asks twice wants to know that it was done, and where what they took back lies now. */
function undoneBy({ result, backup, source }: RunRecord): { said: string; hint: string } | null {
  const { undone, kept } = (result ?? {}) as Partial<UndoResult>;
  if (undone === undefined) return null;
  const again = backup === null ? '' : ` \`holdfast restore ${backup} --source ${source}\` brings it in again.`;
  const [said, hint] = undoneSince(undone, kept ?? null);
  return { said, hint: `${hint}${again}` };
}

function undoneSince(restore: string, kept: string | null): [said: string, hint: string] {
  const where = kept ? `What it had restored is kept as ${kept}.` : 'What was there before it is live.';
  return [`the restore ${restore} was undone already`, where];
}

function noWayBack(message: string, hint: string): HoldfastError {
  return new HoldfastError('NO_WAY_BACK', message, { kind: 'usage', hint });
}
