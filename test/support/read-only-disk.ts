import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runProcess } from '../../src/base/run-process.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

export interface FailingDisk extends TemporaryFolder {
  /** As after an error of it: files that are open for writing cannot be written any more either. */
  turnReadOnly(): Promise<void>;
}

/** A real disk that the system stops writing to, or null where this user may not mount one or the machine has no ext4. */
export async function failingDisk(megabytes: number): Promise<FailingDisk | null> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'disk');
  const image = join(folder.path, 'image');
  await mkdir(path);
  try {
    await writeFile(image, '');
    await truncate(image, megabytes * 1024 * 1024);
    await run('mkfs.ext4', '-q', image);
    await run('mount', '-o', 'loop,errors=remount-ro', image, path);
  } catch {
    await folder[Symbol.asyncDispose]();
    return null;
  }
  return {
    path,
    turnReadOnly: async () => {
      const device = basename((await run('findmnt', '-no', 'SOURCE', path)).trim());
      await writeFile(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
    },
    [Symbol.asyncDispose]: async () => {
      await run('umount', path);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { signal } = new AbortController();
  return (await runProcess({ program, args }, { signal })).stdout;
}
