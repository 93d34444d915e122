import { chmod, chown, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';

export interface Account {
  uid: number;
  gid: number;
}

const prefix = 'holdfast-mysql-';

/** A private folder for a server, in the first of the parents that its account can get into. */
export async function makeServerFolder(parents: readonly string[], account: Account | null): Promise<string> {
  const parent = await reachableFolder(parents, account);
  await sweep(parent);
  const folder = await mkdtemp(join(parent, prefix));
  await chmod(folder, 0o700);
  if (account) await chown(folder, account.uid, account.gid);
  return folder;
}

/** The server refuses to run as root; null when we are not root. */
export async function unprivilegedAccount(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const entry = entries.find(([name]) => name === 'mysql') ?? entries.find(([name]) => name === 'nobody');
  if (!entry) {
    throw new HoldfastError(
      'MYSQL_NO_ACCOUNT',
      'a MariaDB or MySQL server does not run as root, and there is no other account',
      {
        hint: 'Create a system user named mysql, or run holdfast as an ordinary user.',
      },
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** The first that the account can get into; root's own folders are often closed to it, /tmp is not. */
async function reachableFolder(wanted: readonly string[], account: Account | null): Promise<string> {
  for (const folder of wanted) if (!account || (await isOpenToAll(folder))) return folder;
  return '/tmp';
}

async function isOpenToAll(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Folders of servers whose process was killed together with us: nothing runs there any more. */
async function sweep(parent: string): Promise<void> {
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const folder = join(parent, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    // A young one may be about to start.
    if (Date.now() - mtimeMs < 10 * 60_000) continue;
    const pid = Number((await readFile(join(folder, 'pid'), 'utf8').catch(() => '')).trim());
    if (!isAlive(pid)) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
