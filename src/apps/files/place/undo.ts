import { lstat } from 'node:fs/promises';
import { basename } from 'node:path';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { SwappedTree } from '../../app.ts';
import { swapTrees, type Candidate } from './swap.ts';

/** Makes live again what a restore replaced, however long ago that was; what is live now is kept in its stead. */
export async function undoSwap(swapped: readonly SwappedTree[], at: Date, signal: AbortSignal): Promise<SwappedTree[]> {
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
  return (await swapTrees(candidates, at)).trees;
}

async function candidateOf({ name, target, previous }: SwappedTree): Promise<Candidate & { there: boolean }> {
  const staged = previous ?? '';
  const how = previous !== null && previous === `${target}/${basename(previous)}` ? 'inside' : 'beside';
  const there = previous !== null && (await isFolder(previous));
  return { name, target, staged, how, replaces: await isFolder(target), there };
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
