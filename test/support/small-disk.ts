import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../src/base/run-process.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

const { signal } = new AbortController();

/** A real disk of some megabytes, or null where this user may not mount one. */
export async function smallDisk(megabytes: number): Promise<TemporaryFolder | null> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'disk');
  await mkdir(path);
  try {
    await runProcess(
      { program: 'mount', args: ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path] },
      { signal },
    );
  } catch {
    await folder[Symbol.asyncDispose]();
    return null;
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await runProcess({ program: 'umount', args: [path] }, { signal });
      await folder[Symbol.asyncDispose]();
    },
  };
}
