import { randomBytes } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { getuid } from 'node:process';
import { join } from 'node:path';
import { ownProcess, processState } from './process-identity.ts';

/** Tells in its name whose it is; nobody can guess it, for in a folder that everyone may write a foretold one could be somebody else's. */
export function scratchFolder(): string {
  const { pid, process } = ownProcess();
  const [, space = '0', start = '0'] = process?.split('/') ?? [];
  return join(tmpdir(), `holdfast-scratch-${pid}-${space}-${start}-${randomBytes(6).toString('hex')}`);
}

/** What killed processes of this user left: parts of backups, perhaps decrypted. */
export async function sweepScratch(folder = tmpdir()): Promise<string[]> {
  const [boot] = ownProcess().process?.split('/') ?? [];
  const swept: string[] = [];
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const [, pid, space, start] = /^holdfast-scratch-(\d+)-(\d+)-(\d+)-[0-9a-f]{12}$/.exec(name) ?? [];
    if (boot === undefined || pid === undefined) continue;
    // One of another container or of somebody else is left alone: it cannot be seen from here, or not be removed.
    const owner = { host: hostname(), pid: Number(pid), process: `${boot}/${space}/${start}` };
    if (processState(owner) !== 'gone') continue;
    const path = join(folder, name);
    try {
      // In a folder that everyone may write, somebody else's could change into a link while it is being removed.
      const { uid } = await lstat(path);
      if (uid !== getuid?.()) continue;
      await rm(path, { recursive: true });
      swept.push(name);
    } catch {
      // The next start tries again.
    }
  }
  return swept;
}
