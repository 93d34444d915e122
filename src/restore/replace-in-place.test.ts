import { expect, test } from 'vitest';
import type { Database } from '../engines/engine.ts';
import type { RestorePlan } from './plan.ts';
import { replaceInPlace } from './replace-in-place.ts';
import type { Live, RestoreTask } from './task.ts';

/** An engine that asks as often as `looks` says whether it may go on, each time for what may have been written since; null: nobody can tell. */
function restoring(looks: readonly (boolean | null)[]) {
  let moves = 0;
  let asked = 0;
  const target = {
    name: 'shop',
    replace: async (...[, , , , beforeCommit]: Parameters<Database['replace']>) => {
      for (const _ of looks) await beforeCommit?.();
      return { warnings: [] };
    },
    analyze: async () => undefined,
  };
  const live = {
    assertHeld: () => undefined,
    secure: async () => ({ changed: async () => looks[asked++] }),
    laid: {
      goLive: async (swap: (move: () => Promise<void>) => Promise<unknown>) => ({
        result: await swap(async () => void (moves += 1)),
        files: [],
      }),
      forget: async () => [],
    },
    reached: () => undefined,
    after: { attempt: async () => true, signal: AbortSignal.timeout(1000) },
  } as unknown as Live;
  const task = { report: () => undefined, signal: AbortSignal.timeout(1000), request: { keepOld: false } };
  const plan = { target, dump: {}, load: {}, expected: { tables: [], sequences: [] } };
  const done = replaceInPlace(task as unknown as RestoreTask, plan as unknown as RestorePlan, live);
  return { done, moves: () => moves };
}

test('folders change places once, also when the engine has to ask again', async () => {
  const { done, moves } = restoring([false, false, false]);
  await done;
  expect(moves()).toBe(1);
});

test('what somebody wrote before the engine asked again ends it', async () => {
  const { done, moves } = restoring([false, true]);
  await expect(done).rejects.toMatchObject({ code: 'LIVE_CHANGED' });
  expect(moves()).toBe(1);
});

test('where nobody can tell whether somebody wrote, nothing is changed', async () => {
  const { done, moves } = restoring([null]);
  const message = 'nobody can tell whether somebody wrote into shop after the safety backup had begun';
  await expect(done).rejects.toMatchObject({ code: 'LIVE_CHANGED', message });
  expect(moves()).toBe(0);
});
