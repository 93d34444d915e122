import { statfs } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import { formatBytes } from '../../base/units.ts';

/** Some is left for everybody else. */
const spare = 16 * 1024 * 1024;

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export async function expectRoom(folder: string, bytes: number, what: string): Promise<void> {
  const free = await freeBytes(folder);
  if (free >= bytes + spare) return;
  throw new HoldfastError(
    'SCRATCH_FULL',
    `${what} has to be copied first, which takes ${formatBytes(bytes)}, and ${formatBytes(free)} are free in ${folder}`,
    { hint: 'Free some space there, or set TMPDIR to a folder with more.' },
  );
}
