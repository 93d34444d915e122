import { chmod, chown, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HoldfastError } from '../../base/errors.ts';

export interface Account {
  uid: number;
  gid: number;
}

/** What differs from one product's server to another's. */
export interface ServerKind {
  /** Of the folder's name. */
  prefix: string;
  /** The system user it usually runs as. */
  user: string;
  /** Why there must be such a user. */
  noAccount: () => HoldfastError;
  /** The number of the process that runs in a folder, as a text; '' where none does. */
  pidIn: (folder: string) => Promise<string>;
}

/** A private folder for a server, in the first of the parents that its account can get into. */
export async function makeServerFolder(
  kind: Pick<ServerKind, 'prefix' | 'pidIn'>,
  parents: readonly string[],
  account: Account | null,
): Promise<string> {
  const parent = await reachableFolder(parents, account);
  await sweep(kind, parent);
  const folder = await mkdtemp(join(parent, kind.prefix));
  await chmod(folder, 0o700);
  if (account) await chown(folder, account.uid, account.gid);
  return folder;
}

/** The server refuses to run as root; null when we are not root. */
export async function unprivilegedAccount({
  user,
  noAccount,
}: Pick<ServerKind, 'user' | 'noAccount'>): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const entry = entries.find(([name]) => name === user) ?? entries.find(([name]) => name === 'nobody');
  if (!entry) throw noAccount();
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
async function sweep({ prefix, pidIn }: Pick<ServerKind, 'prefix' | 'pidIn'>, parent: string): Promise<void> {
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const folder = join(parent, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    // A young one may be about to start.
    if (Date.now() - mtimeMs < 10 * 60_000) continue;
    const pid = Number((await pidIn(folder).catch(() => '')).trim());
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
