import { takeBackup, sourceLock } from '../backup/backup.ts';
import { withHooks, type HookTask } from '../backup/hooks.ts';
import { openArchive, type StoredBackup } from '../archive/reader.ts';
import { isOneOf } from '../archive/stored-dump.ts';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import type { Comparison } from '../care/compare.ts';
import { listBackups } from '../care/listing.ts';
import type { Source } from '../care/source.ts';
import { assertVerified, readingLock, type VerifyResult } from '../care/verify.ts';
import { holdLock, type Lease } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import type { Guard } from './guards.ts';
import { aroundRestore } from './around-restore.ts';
import { fillNew } from './fill-new.ts';
import { assertAllowed, planRestore, type RestorePlan } from './plan.ts';
import { replaceInPlace } from './replace-in-place.ts';
import { swapIn } from './swap-in.ts';
import type { Outcome, RestoreTask } from './task.ts';

export interface RestoreResult {
  run: string;
  id: string;
  state: 'succeeded';
  mode: RestorePlan['mode'];
  target: string;
  /** Under which name the database that was live before is kept. */
  previous: string | null;
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

/** Plan, confirm, lock, safety backup, then one of three ways; the live database is as it was until the last moment of each. */
export async function restore(task: RestoreTask): Promise<RestoreResult> {
  const { request, catalog, clock, signal, report } = task;
  const { source } = request;
  const planned = await planRestore(request, task.scratch, signal);
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
      const { safety, outcome } = await withHooks(hooksOf(inside, plan, run.id), async (reached) => {
        const before = await takeSafetyBackup(inside, plan, sourceLease, run.id);
        const done = await carryOut(inside, plan, run.id, () => sourceLease.assertHeld());
        const said = await reached({ backup: plan.from, state: 'succeeded' });
        return { safety: before, outcome: { ...done, warnings: [...done.warnings, ...said] } };
      });
      const { comparison, previous, loadSeconds, warnings } = outcome;
      const result: RestoreResult = {
        run: run.id,
        id: plan.from,
        state: 'succeeded',
        mode: plan.mode,
        target: plan.target.title,
        previous,
        safety,
        tables: comparison.tables,
        sequences: comparison.sequences,
        guards: plan.guards,
        loadSeconds,
        seconds: (clock.monotonic() - started) / 1000,
        warnings,
      };
      return { state: 'succeeded', result };
    },
  );
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
  const first = await checkBytes(task, archive, id);
  if (first.ok) return plan;
  for (const storage of from.others ?? []) {
    if (storage.name === archive.storage.name) continue;
    try {
      const other = await openArchive({ storage, source: source.name, id, keys: source.keys, scratch, signal });
      const same = other.manifest.digest === archive.manifest.digest;
      if (!same || !(await checkBytes(task, other, id)).ok) continue;
      report({
        kind: 'warning',
        message: `the copy in ${first.storage} is damaged; this reads the one in ${storage.name}`,
      });
      return { ...plan, archive: other, dump: other.dump() };
    } catch {
      throwIfAborted(signal); // otherwise, what is wrong with the first is what counts
    }
  }
  assertVerified(first);
  return plan;
}

async function checkBytes(
  { report, signal, request }: RestoreTask,
  archive: StoredBackup,
  id: string,
): Promise<VerifyResult> {
  const checks = await step(report, 'checksum', async () => {
    const { scope, source } = request;
    if (scope === null) return archive.checkDigests(report, signal);
    // Of a part of a database, only what it lies in: the rest may be large and far away.
    const files = await filesFor(source, archive, scope, signal);
    return archive.checkDigests(report, signal, (artifact) => {
      return artifact.role === 'database' && (files === null || isOneOf(artifact, files));
    });
  });
  return { id, ok: checks.every(({ ok }) => ok), storage: archive.storage.name, depth: 'checksum', checks };
}

/** Null: all of them. A table of contents that cannot be read is found damaged with the rest. */
async function filesFor(
  { database }: Source,
  archive: StoredBackup,
  scope: RestoreTask['request']['scope'],
  signal: AbortSignal,
): Promise<string[] | null> {
  try {
    return await database.filesFor(archive.dump(), scope, signal);
  } catch {
    throwIfAborted(signal);
    return null;
  }
}

async function takeSafetyBackup(
  task: RestoreTask,
  plan: RestorePlan,
  lease: Lease,
  run: string,
): Promise<string | null> {
  if (!plan.destructive || !task.request.safetyBackup) return null;
  const { source } = task.request;
  try {
    const taken = await step(
      task.report,
      'safety backup',
      () =>
        takeBackup(
          {
            ...task,
            source,
            trigger: 'safety',
            safetyFor: plan.archive?.manifest.id ?? null,
            description: `before restoring ${plan.from}`,
            report: quietSteps(task.report),
          },
          lease,
          run,
        ),
      (result) => result.id,
    );
    // So that it is seen at once, and not only when somebody looks into the storage the next time.
    await listBackups(task, source, lease.signal);
    return taken.id;
  } catch (error) {
    if (task.signal.aborted) throw error;
    throw new HoldfastError(
      'SAFETY_BACKUP_FAILED',
      `the live database could not be backed up before the restore: ${(error as Error).message}`,
      {
        cause: error,
        hint: 'Nothing was changed. Mend the cause, or go on without this protection with `--no-safety-backup`.',
      },
    );
  }
}

/** The safety backup is one step of the restore; only its warnings and its bytes are worth a line. */
function quietSteps(report: Report): Report {
  return (event) => {
    if (event.kind === 'warning') report(event);
    if (event.kind === 'progress') report({ ...event, step: 'safety backup' });
  };
}

async function carryOut(task: RestoreTask, plan: RestorePlan, run: string, assertHeld: () => void): Promise<Outcome> {
  switch (plan.mode) {
    case 'swap':
      return swapIn(task, plan, run, assertHeld);
    case 'in-place':
      return replaceInPlace(task, plan, assertHeld);
    case 'new':
      return fillNew(task, plan);
  }
}
