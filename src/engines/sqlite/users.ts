import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { programPath } from './session.ts';

/** A process that has the file, or its log, open. */
export interface User {
  pid: number;
  /** It is this very program, which ends by itself what it does with it. */
  ours: boolean;
  program: string;
}

/**
 * Who has a database open, as far as the system lets us see: on Linux, processes of this user (of everybody, for root) in the same
 * container or on the same machine. Elsewhere nobody is found, and locks are all that tells.
 */
export async function usersOf(path: string): Promise<User[]> {
  const wanted = new Set<string>();
  // Not the journal: it goes with its transaction, the disk gives its number to the next file, and a stranger would be named. Whoever
  // has it open has the database open too.
  for (const ending of ['', '-wal', '-shm']) {
    const identity = await identityOf(path + ending);
    if (identity !== null) wanted.add(identity);
  }
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const users: User[] = [];
  for (const pid of pids) {
    if (!(await holds(pid, wanted))) continue;
    const program = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const ours = Number(pid) === process.pid || line.split('\0').includes(programPath());
    users.push({ pid: Number(pid), program: program.trim(), ours });
  }
  return users;
}

/** Whether this very process has it open; where the system does not tell, it may have. */
export async function isOpenHere(path: string): Promise<boolean> {
  const identity = await identityOf(path);
  const told = await identityOf('/proc/self/fd');
  return identity === null || told === null || (await holds('self', new Set([identity])));
}

async function holds(pid: string, wanted: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const handles = await readdir(folder).catch(() => []);
  for (const handle of handles) {
    const target = await readlink(`${folder}/${handle}`).catch(() => '');
    // Only what lies in a folder can be it; asking a pipe or a socket costs time.
    if (!target.startsWith('/') || target.startsWith('/dev/')) continue;
    const identity = await identityOf(`${folder}/${handle}`);
    if (identity !== null && wanted.has(identity)) return true;
  }
  return false;
}

async function identityOf(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
