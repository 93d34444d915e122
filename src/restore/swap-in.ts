import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { step } from '../base/progress.ts';
import { type Comparison, describeMismatches } from '../care/proof/compare.ts';
import { rehearse } from '../care/proof/rehearse.ts';
import { dropPatiently, orDrop } from '../care/proof/scratch.ts';
import { nameBeside } from '../care/proof/scratch-name.ts';
import type { Database } from '../engines/engine.ts';
import { fitApp } from './fit-app.ts';
import type { RestorePlan } from './plan.ts';
import type { Live, Outcome, RestoreTask } from './task.ts';

/** Loads beside the live database, compares, then swaps by renaming. */
export async function swapIn(
  task: RestoreTask,
  plan: RestorePlan,
  run: string,
  { assertHeld, laid, secure, reached }: Live,
): Promise<Outcome> {
  const { report, signal, request } = task;
  const { target: live } = plan;
  const scratch = live.named(nameBeside(live.name, 'restoring', run));
  const previous = live.named(previousName(plan, run));

  const rehearsal = await orDrop(scratch, async () => {
    const result = await rehearse({
      scratch,
      like: { ...plan.like, name: scratch.name },
      note: `restore of ${request.source.name} ${plan.from}, not yet proven`,
      dump: plan.dump,
      expected: plan.expected,
      options: plan.load,
      signal,
      report,
    });
    assertEqual(result.comparison);
    await fitApp(task, plan, scratch);
    return result;
  });
  const secured = await orDrop(scratch, secure);
  const exists = plan.targetFacts !== null;
  const dressing = async () => {
    const without = await scratch.dress({ ...plan.like, name: live.name }, signal);
    if (exists && without.length > 0) throw notEqual(without);
    throwIfAborted(signal);
    return without;
  };
  const without = await orDrop(scratch, dressing, { unmarked: true });

  assertHeld();
  const names = { replacement: scratch.name, previous: exists ? previous.name : null };
  const { files } = await step(
    report,
    'swap',
    // A failure here keeps the proven database: the error tells how to finish by hand.
    () =>
      laid.goLive(async (move) => {
        await move();
        await namingKept(scratch.name, live.swap(names, request.sessions, signal));
      }),
    () => `${live.name} is the restored database now`,
  );
  reached({ previous: names.previous, files });
  const changed = exists && !request.keepOld ? await secured.changed(previous) : false;
  const late = changed === false ? null : lateText(previous, changed);
  if (late !== null) report({ kind: 'warning', message: late });
  const kept = exists && (request.keepOld || late !== null);
  const left = request.keepOld || late !== null ? files : await laid.forget();
  if (exists && !kept) {
    // Half dropped, it is no way back.
    reached({ previous: null, files: left });
    await dropPrevious(task, previous);
  }
  return {
    comparison: rehearsal.comparison,
    previous: kept ? previous.name : null,
    files: left,
    loadSeconds: rehearsal.loadSeconds,
    warnings: [...rehearsal.warnings, ...without, ...(late === null ? [] : [late])],
  };
}

/** What the live database is called once it has been exchanged. */
export function previousName({ target }: Pick<RestorePlan, 'target'>, run: string): string {
  return nameBeside(target.name, 'before', run);
}

/** Asked about when it was planned, and another role's since. */
function notEqual(without: readonly string[]): HoldfastError {
  return new HoldfastError('DATABASE_NO_PRIVILEGE', without.join('; '), {
    hint: 'The live database was not touched. Use a role that may set it, or restore in place (`--in-place`), which keeps the database itself.',
  });
}

function lateText({ name }: Database, changed: true | null): string {
  if (changed === null)
    return `nobody can tell whether somebody wrote into the former database after the safety backup had begun: it is kept as ${name}`;
  return `somebody wrote into the former database after the safety backup had begun: it is kept as ${name}`;
}

async function namingKept(kept: string, swapping: Promise<void>): Promise<void> {
  try {
    await swapping;
  } catch (error) {
    const known = toHoldfastError(error);
    if (`${known.message} ${known.hint ?? ''}`.includes(kept)) throw error;
    const { message, kind, hint, cause, retryable, details } = known;
    throw new HoldfastError(known.code, message, {
      kind,
      cause,
      retryable,
      details,
      hint: `${hint === undefined ? '' : `${hint} `}The restored database, loaded and compared, is kept as ${kept}: use it, or drop it and restore again.`,
    });
  }
}

const untouched =
  'The live database was not touched. Try another backup; `holdfast drill` tells which ones come back whole.';

export function assertEqual(comparison: Comparison, hint = untouched): void {
  if (comparison.ok) return;
  throw new HoldfastError(
    'RESTORE_DIFFERS',
    `the restored data is not what was backed up: ${describeMismatches(comparison)}`,
    {
      kind: 'integrity',
      hint,
      details: { tables: comparison.tables.mismatched, sequences: comparison.sequences.mismatched },
    },
  );
}

async function dropPrevious({ report }: RestoreTask, previous: Database): Promise<void> {
  try {
    await dropPatiently(previous, { unmarked: true });
  } catch (error) {
    report({
      kind: 'warning',
      message: `the former database is still there as ${previous.name}: ${(error as Error).message}`,
    });
  }
}
