import { chmod, stat } from 'node:fs/promises';
import { toHoldfastError } from '../../../base/errors.ts';
import { formatCount } from '../../../base/units.ts';
import type { KeptTree } from '../../app.ts';
import { toBytes } from '../tar/member.ts';
import { mountsIn } from '../mounts.ts';
import type { TreeSettings } from '../options.ts';
import type { LaidTree } from './stage-tree.ts';
import { runJob } from '../thread/thread.ts';
import { differencesOf } from '../tar/tree-content.ts';

interface Former {
  path: string;
  settings: TreeSettings | undefined;
  /** When the safety backup was begun; null: there is none, or nobody has asked for it. */
  since: bigint | null;
  /** Its entries were moved into it one by one. */
  moved: boolean;
}

/**
 * Why a folder that was live must not be removed, although a safety backup was made: what that has left out, or was too early for, is
 * nowhere else. Null: all of it could be saved.
 */
export async function onlyHere({ path, settings, since, moved }: Former, signal: AbortSignal): Promise<string | null> {
  const mounts = await mountsIn(path);
  if (mounts.length > 0) return `something is mounted in it (${mounts[0]})`;
  const { exclude = [], optional = true } = settings ?? {};
  // Of any other tree there is no backup unless all of it could be read.
  if (exclude.length === 0 && !optional && since === null) return null;
  try {
    const look = { root: toBytes(path), exclude, keepOut: [], since, moved };
    const { leftOut, unreadable, changed } = await runJob({ kind: 'look', settings: look }, signal);
    if (leftOut.count > 0) return `exclude leaves some of it out of backups (${named(leftOut)})`;
    if (changed.count > 0) return `it was written to after the safety backup had begun (${named(changed)})`;
    return unreadable.count > 0 ? `some of it cannot be read (${named(unreadable)})` : null;
  } catch (error) {
    return toHoldfastError(error).message;
  }
}

/** What its file system takes for now: that may be another machine, with another clock. */
export async function timeThere(folder: string): Promise<bigint> {
  const { mode } = await stat(folder);
  await chmod(folder, mode);
  return (await stat(folder, { bigint: true })).ctimeNs;
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
