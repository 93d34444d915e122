import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, systemErrno } from './errors.ts';
import { makeFolders } from './folders.ts';

/** Makes the folder of this process for short-lived files, for its user alone; fine when it is there. */
export function makeScratch(scratch: string): void {
  try {
    makeFolders(scratch, 0o700);
  } catch (error) {
    // Where nobody can create anything, and where there is no folder. Of a full disk, a right or a limit the error itself tells.
    if (!['ENOENT', 'ENOTDIR', 'EEXIST', 'EROFS'].includes(systemErrno(error) ?? '')) throw error;
    throw new HoldfastError('SCRATCH_UNUSABLE', `the folder for temporary files cannot be used: ${dirname(scratch)}`, {
      cause: error,
      hint: 'Point TMPDIR to a folder that the user who runs holdfast may write to.',
    });
  }
}

/** A new folder in it, of a name that begins with `prefix`. */
export async function makeScratchFolder(scratch: string, prefix: string): Promise<string> {
  makeScratch(scratch);
  return mkdtemp(join(scratch, prefix));
}

/** All of it, where there is any. */
export async function removeScratch(scratch: string): Promise<void> {
  await rm(scratch, { recursive: true, force: true }).catch((error: unknown) => {
    // What should hold it is no folder: nothing was ever made in it.
    if (systemErrno(error) !== 'ENOTDIR') throw error;
  });
}
