import { HoldfastError } from '../base/errors.ts';
import { step } from '../base/progress.ts';
import { formatCount } from '../base/units.ts';
import type { Database } from '../engines/engine.ts';
import { appDatabase, momentaryBlocks } from './app-guards.ts';
import { assertAllowed, type RestorePlan } from './plan.ts';
import type { RestoreTask } from './task.ts';

/** Loading and the safety backup take their time, in which somebody may start what had to be stopped. */
export async function refuseMomentary({ request, signal }: RestoreTask, plan: RestorePlan): Promise<void> {
  assertAllowed({ ...plan, guards: await momentaryBlocks(request, plan, signal) });
}

/** What a lifted guard of the application stands for is done to the restored database after it was compared, and before it goes live. */
export async function fitApp(task: RestoreTask, plan: RestorePlan, restored: Database): Promise<void> {
  const { report, signal } = task;
  const statements = await adjustments(task, plan);
  if (statements.length === 0) return;
  await step(
    report,
    'adjust',
    async () => {
      if (!restored.adjust) throw notHere(`databases of ${restored.engine} cannot be fitted to an application`);
      await restored.adjust(statements, signal);
    },
    () => formatCount(statements.length, 'statement'),
  );
}

/** In the live database itself there is no moment before it is live. */
export async function refuseUnfitted(task: RestoreTask, plan: RestorePlan): Promise<void> {
  if ((await adjustments(task, plan)).length > 0) throw notHere('the application needs the restored database changed');
}

/** The restore is done: not knowing this is no reason to call it failed. */
export async function whatIsNext(
  { request, signal }: RestoreTask,
  { mode, archive, target }: RestorePlan,
): Promise<string[]> {
  const facts = archive?.manifest.app;
  const guards = facts && request.source.apps.find(({ kind }) => kind === facts['kind'])?.guards;
  if (!facts || !guards || mode === 'new') return [];
  try {
    const now = (await target.target(signal))?.facts;
    return now ? await guards.after({ facts }, appDatabase(target, now.serverVersion), signal) : [];
  } catch (error) {
    return [`look after the application: ${(error as Error).message}`];
  }
}

async function adjustments(
  { request: { source, allowed }, signal }: RestoreTask,
  { archive, target, targetFacts }: RestorePlan,
): Promise<string[]> {
  const facts = archive?.manifest.app;
  const guards = facts && source.apps.find(({ kind }) => kind === facts['kind'])?.guards;
  if (!facts || !guards?.adjust) return [];
  const live = targetFacts && appDatabase(target, targetFacts.facts.serverVersion);
  return guards.adjust({ facts }, live, { allowed, signal });
}

function notHere(why: string): HoldfastError {
  return new HoldfastError('RESTORE_REFUSED', `${why} before it goes live`, {
    kind: 'refused',
    hint: 'Restore by swap (without --in-place), or make the settings of the application fit the backup.',
  });
}
