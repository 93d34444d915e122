import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { HoldfastError, systemErrno } from '../../base/errors.ts';
import type { TreeSettings } from './options.ts';

/** Where a tree really lies: the folder that is configured may be a link to it. Refuses what cannot be saved. */
export async function findRoot({ name, path, keepOut = [] }: TreeSettings): Promise<string> {
  const root = await realpath(path).catch((error: unknown) => {
    throw missing(name, path, error);
  });
  if (!(await stat(root)).isDirectory()) {
    throw new HoldfastError('FILES_NOT_A_FOLDER', `${path} (${name}) is not a folder`, {
      kind: 'failed',
      hint: 'Name the folder that holds the file, and leave the rest of it out with exclude.',
    });
  }
  for (const own of keepOut) {
    const at = await realpath(own).catch(() => own);
    if (root === at || root.startsWith(at === sep ? sep : at + sep)) {
      throw new HoldfastError(
        'FILES_INSIDE_STORAGE',
        `${path} (${name}) lies in ${own}, which holdfast itself writes to`,
        {
          kind: 'failed',
          hint: 'A backup of backups grows with every backup: choose another folder, or move the storage.',
        },
      );
    }
  }
  return root;
}

/** Those of our own folders that exist, as `device:inode`. */
export async function keepOutOf({ keepOut = [] }: TreeSettings, root: string): Promise<string[]> {
  const found: string[] = [];
  for (const own of keepOut) {
    const stats = await stat(own, { bigint: true }).catch(() => null);
    if (stats && own !== root) found.push(`${stats.dev}:${stats.ino}`);
  }
  return found;
}

export function missing(name: string, path: string, error: unknown): HoldfastError {
  const errno = systemErrno(error);
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new HoldfastError('NO_PERMISSION', `${path} (${name}) cannot be entered`, {
      cause: error,
      hint: `Give the user that runs holdfast the right to use ${path}.`,
    });
  }
  return new HoldfastError('FILES_MISSING', `there is no folder ${path} (${name})`, {
    cause: error,
    hint: 'Check the path; in a container, see that the volume is mounted. A tree that may be missing is marked with optional: true.',
  });
}
