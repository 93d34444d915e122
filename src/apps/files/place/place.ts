import { randomBytes } from 'node:crypto';
import { access, constants, lstat, mkdir, realpath, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import { formatBytes } from '../../../base/units.ts';
import { beginningBeside } from './beside.ts';
import { mountPoints } from '../mounts.ts';
import { insideMark, laidMark } from '../thread/tree-walk.ts';

/** Where a tree is laid down, and how it becomes live from there. */
export interface Place {
  /** The live folder, whatever link leads to it. */
  target: string;
  /** The new folder; on the same file system, so that renaming is all that is left to do. */
  staged: string;
  /** `beside`: two folders change their names. `inside`: the entries of the live folder change places with those of a folder in it. */
  how: 'beside' | 'inside';
  /** Something lives there. */
  replaces: boolean;
}

/**
 * Where a tree would be laid down; creates nothing. A folder that is a mount cannot be renamed, nor one whose parent folder is not
 * ours to write to.
 */
export async function findPlace(path: string): Promise<Place> {
  const live = await liveFolder(path);
  const target = live ?? path;
  const random = randomBytes(4).toString('hex');
  if (live !== null && ((await isMount(live)) || !(await mayWrite(dirname(live))))) {
    return { target, staged: join(target, `${laidMark}${random}`), how: 'inside', replaces: true };
  }
  const staged = `${besideOf(target)}.holdfast-${random}`;
  return { target, staged, how: 'beside', replaces: live !== null };
}

export async function makePlace(path: string): Promise<Place> {
  const place = await findPlace(path);
  if (!place.replaces) await make(dirname(place.target), { recursive: true });
  await make(place.staged, { mode: 0o700 });
  return place;
}

/** What a disk has left on which a folder lies or is to lie. */
export async function freeBytes(folder: string): Promise<number> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (systemErrno(error) !== 'ENOENT' || path === dirname(path)) throw error;
    }
  }
}

export function noSpace(folder: string, free: number, needed: number): HoldfastError {
  return new HoldfastError(
    'DISK_FULL',
    `${folder} has ${formatBytes(free)} left, and ${formatBytes(needed)} are needed`,
    {
      hint: 'Free some space there, or restore into a folder on another disk; what lives is only replaced when the new is whole.',
    },
  );
}

/** Where what lived before is kept: a name that is free, also when two restores end in one second. */
export async function previousPath({ target, how }: Place, at: Date): Promise<string> {
  const time = at.toISOString().slice(0, 19).replace('T', '_').replaceAll(':', '-');
  const first = how === 'beside' ? `${besideOf(target)}.before-${time}` : join(target, `${insideMark}before-${time}`);
  for (let ordinal = 1; ; ordinal += 1) {
    const path = ordinal === 1 ? first : `${first}-${ordinal}`;
    if ((await lstat(path).catch(() => null)) === null) return path;
  }
}

function besideOf(target: string): string {
  return join(dirname(target), beginningBeside(basename(target)));
}

/** With folders above it to be made, Node says of a disk that is read-only that something does not exist. */
const notAllowed = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT']);

async function make(folder: string, how: { mode?: number; recursive?: boolean }): Promise<void> {
  await mkdir(folder, how).catch((error: unknown) => {
    if (!notAllowed.has(systemErrno(error) ?? '')) throw error;
    throw new HoldfastError('NO_PERMISSION', `${dirname(folder)} cannot be written to`, {
      cause: error,
      hint: `Give the user that runs holdfast the right to write to ${dirname(folder)}, or restore into another folder.`,
    });
  });
}

async function liveFolder(path: string): Promise<string | null> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    if (systemErrno(error) !== 'ENOENT') throw error;
    // A link that leads nowhere would be replaced by a folder without a word.
    if ((await lstat(path).catch(() => null)) === null) return null;
  }
  throw new HoldfastError('FILES_NOT_A_FOLDER', `${path} is not a folder`, {
    kind: 'refused',
    hint: 'Move what is there away, or restore into another folder.',
  });
}

async function mayWrite(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function isMount(folder: string): Promise<boolean> {
  const [own, parent] = [await stat(folder), await stat(dirname(folder))];
  if (own.dev !== parent.dev || own.ino === parent.ino) return true;
  // A folder bound from the same file system has its number.
  return (await mountPoints()).includes(folder);
}
