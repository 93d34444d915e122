import { step } from '../base/progress.ts';
import { compareCounts, type Comparison } from '../care/compare.ts';
import { countAndCompare } from '../care/rehearse.ts';
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
  await secure();
  assertHeld();
  const started = performance.now();
  const { result, files } = await step(report, 'replace', () =>
    // Loading takes its time, in which the application writes into its folders.
    laid.goLive((move) => target.replace(dump, load, expected ?? { tables: [], sequences: [] }, signal, move)),
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

/** The comparison happened inside the transaction, before it committed; now that clients write again, counting says nothing more. */
async function whatWasCompared({ target, expected }: RestorePlan, signal: AbortSignal): Promise<Comparison> {
  if (!expected) return (await countAndCompare(target, null, signal)).comparison;
  const counted = { ...expected, tables: expected.tables.map((table) => ({ ...table, fingerprint: null })) };
  return compareCounts(counted, counted);
}
