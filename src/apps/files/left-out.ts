import { toHoldfastError } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import type { KeptTree } from '../app.ts';
import { toBytes } from './member.ts';
import { mountsIn } from './mounts.ts';
import type { TreeSettings } from './options.ts';
import type { LaidTree } from './stage-tree.ts';
import { runJob } from './thread.ts';
import { differencesOf } from './tree-content.ts';

/**
 * Why a folder that was live must not be removed, although a safety backup was made: what that has left out is nowhere else. Null: all
 * of it could be saved.
 */
export async function onlyHere(
  path: string,
  settings: TreeSettings | undefined,
  signal: AbortSignal,
): Promise<string | null> {
  const mounts = await mountsIn(path);
  if (mounts.length > 0) return `something is mounted in it (${mounts[0]})`;
  const { exclude = [], optional = true } = settings ?? {};
  // Of any other tree there is no backup unless all of it could be read.
  if (exclude.length === 0 && !optional) return null;
  try {
    const { leftOut, unreadable } = await runJob(
      { kind: 'look', settings: { root: toBytes(path), exclude, keepOut: [] } },
      signal,
    );
    if (leftOut.count > 0) return `exclude leaves some of it out of backups (${named(leftOut)})`;
    return unreadable.count > 0 ? `some of it cannot be read (${named(unreadable)})` : null;
  } catch (error) {
    return toHoldfastError(error).message;
  }
}

/** Of a restored tree that is not live any more: whether somebody has written into it in between. */
export async function changedWhileLive({ staged, expected }: LaidTree): Promise<KeptTree | null> {
  const { signal } = new AbortController();
  try {
    const settings = { root: toBytes(staged), exclude: [], keepOut: [], optional: true };
    const { content, unreadable } = await runJob({ kind: 'measure', settings }, signal);
    if (unreadable.count === 0 && differencesOf(expected, content).length === 0) return null;
    return { path: staged, why: 'somebody has written into it while it was live' };
  } catch (error) {
    return { path: staged, why: toHoldfastError(error).message };
  }
}

function named({ count, names }: { count: number; names: string[] }): string {
  const more = count - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? `, and ${formatCount(more)} more` : '');
}
