import { lstat, rmdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { SwappedTree, UndoneTrees } from '../../app.ts';
import { swapBack, swapTrees, type Candidate } from './swap.ts';

/** Makes live again what a restore replaced, however long ago that was; what is live now is kept in its stead. */
export async function undoSwap(swapped: readonly SwappedTree[], at: Date, signal: AbortSignal): Promise<UndoneTrees> {
  const candidates = await Promise.all(swapped.map(candidateOf));
  const lost = candidates.filter(({ there }) => !there);
  if (lost.length > 0 || swapped.length === 0) {
    throw new HoldfastError(
      'NO_WAY_BACK',
      `what lived before is not there any more: ${lost.map(({ name, staged }) => staged || name).join(', ')}`,
      {
        kind: 'usage',
        hint: 'Restore the safety backup, or an older one, instead.',
      },
    );
  }
  throwIfAborted(signal);
  const swap = await swapTrees(candidates, at);
  let isBack = false;
  return {
    trees: swap.trees,
    back: async () => {
      isBack = true;
      await swapBack(swap);
    },
    [Symbol.asyncDispose]: async () => {
      // The folder whose entries became live; the others were renamed.
      for (const { how, staged } of isBack ? [] : candidates)
        if (how === 'inside') await rmdir(staged).catch(() => undefined);
    },
  };
}

async function candidateOf({ name, target, previous }: SwappedTree): Promise<Candidate & { there: boolean }> {
  const staged = previous ?? '';
  const how = previous !== null && previous === `${target}/${basename(previous)}` ? 'inside' : 'beside';
  const there = previous !== null && (await exists(previous));
  return { name, target, staged, how, replaces: await exists(target), there };
}

/** Not folders only: a key of an application is a file. */
async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
