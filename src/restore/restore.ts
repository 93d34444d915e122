import { sourceLock } from '../backup/backup.ts';
import { withHooks, type HookTask } from '../backup/hooks.ts';
import { openArchive, type StoredBackup } from '../archive/reader.ts';
import { isOneOf } from '../archive/stored-dump.ts';
import type { SwappedTree } from '../apps/app.ts';
import { throwIfAborted } from '../base/abort.ts';
import type { Database } from '../engines/engine.ts';
import { toHoldfastError, type HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Comparison } from '../care/proof/compare.ts';
import { readerOf, type Source } from '../care/source.ts';
import { assertVerified, noteDamage, noteUnreadable, readingLock, type VerifyResult } from '../care/proof/verify.ts';
import { orRemoved, wasRemoved } from '../care/proof/removed-meanwhile.ts';
import { holdLock, type Lease } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import type { Guard } from './guards.ts';
import { withEverything } from '../care/stock/left-out.ts';
import { afterwards } from './afterwards.ts';
import { aroundRestore } from './around-restore.ts';
import { checkBytes } from './check-bytes.ts';
import { fillNew } from './fill-new.ts';
import { assertAllowed, planRestore, type RestorePlan } from './plan.ts';
import { refuseMomentary, refuseUnfitted, whatIsNext } from './fit-app.ts';
import { replaceInPlace } from './replace-in-place.ts';
import { safetyBackup } from './safety.ts';
import { previousName, swapIn } from './swap-in.ts';
import type { Live, Outcome, RestoreTask } from './task.ts';
import { layTrees, type Laid } from './trees.ts';

export interface RestoreResult {
  run: string;
  id: string;
  /** `partial`: the data is restored and live, and what should have happened after that did not. */
  state: 'succeeded' | 'partial';
  mode: RestorePlan['mode'];
  target: string;
  /** Under which name the database that was live before is kept. */
  previous: string | null;
  /** Folders that were put back, and where what was there before is kept. */
  files: SwappedTree[];
  /** What is left to do by hand: start the application, upgrade it. */
  next: string[];
  /** The backup of the live database made just before. */
  safety: string | null;
  tables: Comparison['tables'];
  sequences: Comparison['sequences'];
  guards: Guard[];
  /** From the empty database to the last index. */
  loadSeconds: number;
  seconds: number;
  warnings: string[];
}

/** Plan, confirm, lock, then one of three ways, each with its safety backup right before the moment in which something changes. */
export async function restore(task: RestoreTask): Promise<RestoreResult> {
  const { request, catalog, clock, signal, report } = task;
  const { source } = request;
  const planned = await planRestore(request, task.scratch, signal, (storage, error) => passOver(task, storage, error));
  assertAllowed(planned);
  await task.confirm(planned);

  return withRun(
    {
      operation: 'restore',
      source: source.name,
      backup: planned.from,
      trigger: task.trigger ?? 'manual',
      catalog,
      clock,
      signal,
      report,
    },
    async (run) => {
      const started = clock.monotonic();
      await using sourceLease = await holdLock({
        catalog,
        clock,
        name: sourceLock(source),
        run: run.id,
        signal: run.signal,
      });
      await using readLease = await holdLock({
        catalog,
        clock,
        name: readingLock(source.name, planned.from),
        run: run.id,
        mode: 'shared',
        signal: sourceLease.signal,
      });
      const inside = { ...task, signal: readLease.signal, report: run.report };
      const plan = await readWholeCopy(inside, planned);
      using after = afterwards(readLease.signal, run.report);
      const { safety, outcome, state } = await withHooks(hooksOf(inside, plan, run.id), async (reached) => {
        await refuseMomentary(inside, plan);
        let before: string | null = null;
        const previous = plan.mode === 'swap' && plan.targetFacts ? previousName(plan, run.id) : null;
        await using laid = await layTrees(inside, plan.trees, { only: null, to: null }, (files) => {
          const moves = files !== null && (files.length > 0 || previous !== null);
          run.keep(moves ? { id: plan.from, mode: plan.mode, previous, files, safety: before, swapping: true } : {});
        });
        const done = await carryOut(inside, plan, run.id, {
          assertHeld: () => sourceLease.assertHeld(),
          laid,
          secure: async () => {
            const then = await watchLive(inside, plan, laid);
            before = await takeSafetyBackup(inside, plan, sourceLease, run.id);
            await refuseMomentary(inside, plan);
            return { changed: (former) => hasChanged(former, then, plan.load.scope) };
          },
          reached: (wayBack) => run.keep({ id: plan.from, mode: plan.mode, ...wayBack, safety: before }),
          after,
        });
        const said: string[] = [];
        const told = await after.attempt('what was to run after it did not end well', async (fresh) => {
          said.push(...(await reached({ backup: plan.from, state: 'succeeded' }, fresh)));
        });
        const warnings = [...laid.warnings, ...done.warnings, ...said, ...after.warnings];
        const ended = told ? ('succeeded' as const) : ('partial' as const);
        return { safety: before, outcome: { ...done, warnings }, state: ended };
      }).catch(async (error: unknown) => {
        const { archive, from: id } = plan;
        throw archive ? await orRemoved({ ...inside, source, storage: archive.storage, id }, error) : error;
      });
      const { comparison, previous, files, loadSeconds, warnings } = outcome;
      const result: RestoreResult = {
        run: run.id,
        id: plan.from,
        state,
        mode: plan.mode,
        target: plan.target.title,
        previous,
        files,
        next: await whatIsNext({ ...inside, signal: after.signal }, plan),
        safety,
        tables: comparison.tables,
        sequences: comparison.sequences,
        guards: plan.guards,
        loadSeconds,
        seconds: (clock.monotonic() - started) / 1000,
        warnings,
      };
      return { state, result };
    },
  );
}

async function passOver(task: RestoreTask, storage: Storage, error: unknown): Promise<void> {
  const { source, from } = task.request;
  if ('file' in from) return;
  await noteUnreadable({ ...task, source, storage, id: from.id }, error);
  const { message } = toHoldfastError(error);
  task.report({ kind: 'warning', message: `the copy in ${storage.name} cannot be read: ${message}` });
}

/** An application is only in the way where its own database is replaced. */
function hooksOf(task: RestoreTask, plan: RestorePlan, run: string): HookTask {
  const around = aroundRestore({ ...task, source: task.request.source }, { run, trigger: task.trigger ?? 'manual' });
  return plan.mode === 'new' ? { ...around, hooks: undefined } : around;
}

/**
 * Every stored byte is compared with the manifest before the server hears of the restore: damage is told early, and as damage. Where another
 * storage has the same backup whole, the restore goes on from there.
 */
async function readWholeCopy(task: RestoreTask, plan: RestorePlan): Promise<RestorePlan> {
  const { report, signal, request, scratch } = task;
  const { from, source } = request;
  const { archive } = plan;
  if (!archive || 'file' in from) return plan;
  const { id } = from;
  const wrong = await whatIsWrong(task, archive, id);
  if (wrong === null) return plan;
  for (const storage of from.others ?? []) {
    if (storage.name === archive.storage.name) continue;
    try {
      const other = await openArchive({ storage, source: source.name, id, keys: source.keys, scratch, signal });
      const same = other.manifest.digest === archive.manifest.digest;
      if (!same || !(await checkWanted(task, other, id)).ok) continue;
      const first = `the copy in ${archive.storage.name} is ${wasRemoved(wrong) ? 'not there any more' : 'damaged'}`;
      report({ kind: 'warning', message: `${first}; this reads the one in ${storage.name}` });
      return { ...plan, archive: other, dump: other.dump() };
    } catch (error) {
      throwIfAborted(signal); // otherwise, what is wrong with the first is what counts
      await noteDamage({ ...task, source, storage, id }, error);
    }
  }
  throw wrong;
}

/** Null: it is there and whole. */
async function whatIsWrong(task: RestoreTask, archive: StoredBackup, id: string): Promise<HoldfastError | null> {
  try {
    assertVerified(await checkWanted(task, archive, id));
    return null;
  } catch (error) {
    const known = toHoldfastError(error);
    if (wasRemoved(known) || known.code === 'BACKUP_DAMAGED') return known;
    throw error;
  }
}

/** Of a part of a database, only what it lies in: the rest may be large and far away. */
async function checkWanted(task: RestoreTask, archive: StoredBackup, id: string): Promise<VerifyResult> {
  const { signal, request } = task;
  const { scope, source } = request;
  const inside = { ...task, source };
  if (scope === null) return checkBytes(inside, { archive, id });
  const files = await filesFor(source, archive, scope, signal);
  return checkBytes(inside, { archive, id }, (artifact) => {
    return artifact.role === 'database' && (files === null || isOneOf(artifact, files));
  });
}

/** Null: all of them. A table of contents that cannot be read is found damaged with the rest. */
async function filesFor(
  source: Source,
  archive: StoredBackup,
  scope: RestoreTask['request']['scope'],
  signal: AbortSignal,
): Promise<string[] | null> {
  try {
    return await readerOf(source, archive.manifest.database?.engine).filesFor(archive.dump(), scope, signal);
  } catch {
    throwIfAborted(signal);
    return null;
  }
}

/** From here on; undefined: there is no safety backup to be late for. */
async function watchLive(
  { request, signal }: RestoreTask,
  plan: RestorePlan,
  laid: Laid,
): Promise<string | null | undefined> {
  if (!plan.destructive || plan.mode === 'new' || !request.safetyBackup) return undefined;
  await laid.watch();
  if (plan.targetFacts === null) return undefined;
  const state = await plan.target.state({ like: null, scope: plan.load.scope }, signal).catch(() => null);
  throwIfAborted(signal);
  return state;
}

/** After the swap its sessions have ended, and with them all that was not yet counted. */
async function hasChanged(
  former: Database,
  then: string | null | undefined,
  scope: RestorePlan['load']['scope'],
): Promise<boolean | null> {
  if (then === undefined) return false;
  if (then === null) return null;
  const now = await former.state({ like: then, scope }, AbortSignal.timeout(stateMs)).catch(() => null);
  return now === null ? null : now !== then;
}

/** Some engines have to read everything for it. */
const stateMs = 60 * 60_000;

async function takeSafetyBackup(
  task: RestoreTask,
  plan: RestorePlan,
  lease: Lease,
  run: string,
): Promise<string | null> {
  const { source, safetyBackup: wanted } = task.request;
  // Another database than the source's own is none that its backups are of.
  if (!plan.destructive || plan.mode === 'new' || !wanted) return null;
  const replaced = { source: goes(task, plan) ? withEverything(source) : source, from: plan.from, only: null };
  return safetyBackup(task, replaced, lease, run, plan.archive?.manifest.id ?? null);
}

/** Whether something goes for good that no ordinary backup holds; of a dump that was not made here nobody can say. */
function goes({ request }: RestoreTask, { mode, guards, archive }: RestorePlan): boolean {
  const keeps = mode === 'swap' && request.keepOld;
  return !keeps && (archive === null || guards.some(({ code }) => code === 'excluded'));
}

async function carryOut(task: RestoreTask, plan: RestorePlan, run: string, live: Live): Promise<Outcome> {
  switch (plan.mode) {
    case 'swap':
      return swapIn(task, plan, run, live);
    case 'in-place':
      await refuseUnfitted(task, plan);
      return replaceInPlace(task, plan, live);
    case 'new':
      return fillNew(task, plan, live);
  }
}
