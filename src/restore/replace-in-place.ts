import { HoldfastError } from '../base/errors.ts';
import { step } from '../base/progress.ts';
import { compareCounts, type Comparison } from '../care/proof/compare.ts';
import { countAndCompare } from '../care/proof/rehearse.ts';
import type { Database } from '../engines/engine.ts';
import type { RestorePlan } from './plan.ts';
import type { Live, Outcome, RestoreTask } from './task.ts';

/** Replaces the content of the live database, or chosen parts of it, in one transaction that is compared before it commits. */
export async function replaceInPlace(
  task: RestoreTask,
  plan: RestorePlan,
  { assertHeld, laid, secure, reached, after }: Live,
): Promise<Outcome> {
  const { report, signal } = task;
  const { target, dump, load, expected } = plan;
  const secured = await secure();
  assertHeld();
  const started = performance.now();
  let moved = false;
  const { result, files } = await step(report, 'replace', () =>
    // Loading takes its time, in which the application writes into its folders.
    laid.goLive((move) =>
      target.replace(dump, load, expected ?? { tables: [], sequences: [] }, signal, async () => {
        const changed = await secured.changed(target);
        if (changed !== false) throw lateWrites(target, changed);
        // Asked again, somebody came in between.
        if (!moved) await move();
        moved = true;
      }),
    ),
  );
  reached({ previous: null, files });
  const left = task.request.keepOld ? files : await laid.forget();
  const { warnings } = result;
  const loadSeconds = (performance.now() - started) / 1000;
  await after.attempt('its statistics were not gathered', (late) =>
    step(report, 'analyze', () => target.analyze(late)),
  );
  return { comparison: await whatWasCompared(plan, after.signal), previous: null, files: left, loadSeconds, warnings };
}

/** There is no former database that could be kept: what was written would be nowhere. */
function lateWrites({ name }: Database, changed: true | null): HoldfastError {
  const wrote = `somebody wrote into ${name} after the safety backup had begun`;
  return new HoldfastError('LIVE_CHANGED', changed === null ? `nobody can tell whether ${wrote}` : wrote, {
    kind: 'refused',
    hint: 'Everything is as it was. Stop the application and restore again; or go on without this protection with `--no-safety-backup`.',
  });
}

/** The comparison happened inside the transaction, before it committed; now that clients write again, counting says nothing more. */
export async function whatWasCompared({ target, expected }: RestorePlan, signal: AbortSignal): Promise<Comparison> {
  if (!expected) return (await countAndCompare(target, null, signal)).comparison;
  const counted = { ...expected, tables: expected.tables.map((table) => ({ ...table, fingerprint: null })) };
  return compareCounts(counted, counted);
}
