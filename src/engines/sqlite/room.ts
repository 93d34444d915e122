import { stat, statfs } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import { formatBytes } from '../../base/units.ts';

/** Some is left for everybody else. */
const spare = 16 * 1024 * 1024;

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** What Linux calls file systems that make every copy byte by byte: ext2 to ext4, and those in memory. */
const withoutClones = new Set([0xef53, 0x01021994]);

/** Whether a whole copy may cost nothing. Nobody can try it who holds a lock: closing a handle would end it. */
export async function mayClone(path: string, folder: string): Promise<boolean> {
  const [{ dev }, target, { type }] = await Promise.all([stat(path), stat(folder), statfs(folder)]);
  return dev === target.dev && !withoutClones.has(type);
}

/** The copy that was being made; of its own disk SQLite would say that it is the one of the database. */
export function copyFailed(error: unknown, folder: string, what: string): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_DISK_FULL') return error;
  return new HoldfastError('SCRATCH_FULL', `${folder} was full before ${what} was copied there`, {
    cause: error,
    hint: moreRoom,
  });
}

const moreRoom = 'Free some space there, or set TMPDIR to a folder with more.';

export async function expectRoom(folder: string, bytes: number, what: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free >= bytes + spare) return;
  throw new HoldfastError(
    'SCRATCH_FULL',
    `${what} may have to be copied, which takes ${formatBytes(bytes)}, and ${formatBytes(free)} are free in ${folder}`,
    { hint: moreRoom },
  );
}
