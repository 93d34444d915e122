import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProcess } from '../../base/run-process.ts';
import type { Storage } from '../../storage/storage.ts';

/** Backups in a work tree are one `git add .` away from being published. Null where they are not, or git ignores them. */
export async function unignoredWorkTree(
  storage: Storage,
  signal: AbortSignal,
): Promise<{ folder: string; tree: string } | null> {
  const inside = storage.localPath('probe');
  if (inside === null) return null;
  const folder = dirname(inside);
  const tree = await workTreeAround(folder);
  return tree === null || (await isIgnored(folder, tree, signal)) ? null : { folder, tree };
}

async function workTreeAround(folder: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(join(at, '.git')).catch(() => null);
    if (found) return at;
    if (at === dirname(at)) return null;
  }
}

async function isIgnored(folder: string, tree: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runProcess({ program: 'git', args: ['-C', tree, 'check-ignore', '-q', '--', `${folder}/`] }, { signal });
    return true;
  } catch {
    // Not ignored, no git, or a tree of another user: only "ignored" is an answer that reassures.
    return false;
  }
}
