import { chmod, readdir } from 'node:fs/promises';
import { systemErrno } from '../../../base/errors.ts';
import { toBytes, toPath } from '../tar/member.ts';
import { holdsMount, mountsIn } from '../mounts.ts';
import { runJob } from '../thread/thread.ts';

/** Removes a folder of ours and all that is in it, but nothing where something is mounted in it. Not to be interrupted: half of it would be left. */
export async function removeTree(path: string): Promise<void> {
  const [mount] = await mountsIn(path);
  if (mount !== undefined) throw holdsMount(path, mount);
  const { signal } = new AbortController();
  const remove = () => runJob({ kind: 'remove', path: toBytes(path) }, signal);
  await remove().catch(async (error: unknown) => {
    if (systemErrno(error) !== 'EACCES' && !(error instanceof Error && error.message.includes('EACCES'))) throw error;
    // Restored with the rights they had: nobody but root removes anything from a folder that is read-only.
    await openFolders(toBytes(path));
    await remove();
  });
}

/** Names are bytes here, a character each. */
async function openFolders(path: string): Promise<void> {
  await chmod(toPath(path), 0o700);
  for (const entry of await readdir(toPath(path), { encoding: 'latin1', withFileTypes: true })) {
    if (entry.isDirectory()) await openFolders(`${path}/${entry.name}`);
  }
}
