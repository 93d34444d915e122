import { step } from '../base/progress.ts';
import { countAndCompare, rehearse } from '../care/proof/rehearse.ts';
import type { Comparison } from '../care/proof/compare.ts';
import { orDrop } from '../care/proof/scratch.ts';
import type { Afterwards } from './afterwards.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Database } from '../engines/engine.ts';
import { findUnproven, type RestorePlan } from './plan.ts';
import { whatWasCompared } from './replace-in-place.ts';
import type { Live, Outcome, RestoreTask } from './task.ts';
import { assertEqual } from './swap-in.ts';

/** Restores into another database: a new one, or an existing one that is empty or receives chosen parts. */
export async function fillNew(task: RestoreTask, plan: RestorePlan, { after }: Pick<Live, 'after'>): Promise<Outcome> {
  return plan.targetFacts ? fillExisting(task, plan, after) : createAndFill(task, plan);
}

async function createAndFill({ request, report, signal }: RestoreTask, plan: RestorePlan): Promise<Outcome> {
  const { target, like, dump, expected, load } = plan;
  // It did not exist before: leaving half of it would look like a database to rely on.
  let isOurs = false;
  const fill = async () => {
    const note = `restore of ${request.source.name} ${plan.from}, not yet proven`;
    const onCreated = () => (isOurs = true);
    const result = await rehearse({
      scratch: target,
      like,
      note,
      dump,
      expected,
      options: load,
      onCreated,
      signal,
      report,
    });
    assertEqual(result.comparison);
    const without = await target.dress(like, signal);
    const { comparison, loadSeconds } = result;
    const warnings = [...result.warnings, ...without];
    return { comparison, previous: null, files: [], loadSeconds, warnings };
  };
  // When it could not be created because somebody else was quicker, it is theirs.
  return orDrop(target, fill, { isOurs: () => isOurs });
}

/** An existing database belongs to somebody: it is filled in one transaction and never dropped. */
async function fillExisting(task: RestoreTask, plan: RestorePlan, after: Afterwards): Promise<Outcome> {
  const { report, signal } = task;
  const { target, dump, load, expected } = plan;
  if (!plan.destructive) await assertStillEmpty(target, signal);
  const started = performance.now();
  const { warnings } = await step(report, 'load', () =>
    target.replace(dump, load, expected ?? { tables: [], sequences: [] }, signal),
  );
  const loadSeconds = (performance.now() - started) / 1000;
  await after.attempt('its statistics were not gathered', (late) =>
    step(report, 'analyze', () => target.analyze(late)),
  );
  const comparison = comparedInside(plan) ? await whatWasCompared(plan, after.signal) : await compareFilled(task, plan);
  return { comparison, previous: null, files: [], loadSeconds, warnings };
}

/** Where tables are replaced others live, and write into them from the commit on. Of one that was empty the content is looked at as well. */
function comparedInside({ destructive, target, expected }: RestorePlan): boolean {
  if (!target.capabilities.inPlace) return false;
  return destructive || !expected?.tables.some(({ fingerprint }) => fingerprint !== null);
}

async function compareFilled({ report, signal }: RestoreTask, { target, expected }: RestorePlan): Promise<Comparison> {
  const { comparison } = await step(report, 'compare', () => countAndCompare(target, expected, signal));
  assertEqual(
    comparison,
    `${target.name} was empty, and stays filled. Where somebody writes into it already, that is what differs; otherwise try another backup: \`holdfast drill\` tells which ones come back whole.`,
  );
  return comparison;
}

/** Reading the backup may have taken long, and nobody was asked about what came into being meanwhile. */
async function assertStillEmpty(target: Database, signal: AbortSignal): Promise<void> {
  const now = await target.target(signal);
  if (now === null || (now.relations === 0 && (await findUnproven(target, signal)) === null)) return;
  throw new HoldfastError('TARGET_CHANGED', `${target.name} was empty and is not any more`, {
    kind: 'refused',
    hint: 'Nothing was changed. Restore into another database.',
  });
}
