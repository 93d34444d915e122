import { access, constants, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, unlessLimited } from '../../../base/errors.ts';
import { runProcess } from '../../../base/run-process.ts';

export interface ServerBinaries {
  bin: string;
  version: string;
}

/** Finds `initdb` and `postgres`: in the given folder, or the installed ones of the wanted major or the nearest newer one. */
export async function findServer(
  bin: string | null,
  major: number | null,
  signal: AbortSignal,
): Promise<ServerBinaries> {
  const folders = bin === null ? await usualFolders() : [bin];
  const found: ServerBinaries[] = [];
  for (const folder of folders) {
    if (!(await isServerFolder(folder))) continue;
    const { stdout } = await runProcess({ program: join(folder, 'postgres'), args: ['--version'] }, { signal });
    const version = /(\d+(?:\.\d+)*)/.exec(stdout)?.[1];
    if (version !== undefined) found.push({ bin: folder, version });
  }
  const chosen = chooseServer(found, bin === null ? major : null);
  if (!chosen) throw serverMissing(bin, major, found);
  return chosen;
}

/** The wanted major, else the nearest newer: an older server cannot be trusted with a newer one's dump. Null: the newest. */
export function chooseServer(found: readonly ServerBinaries[], major: number | null): ServerBinaries | null {
  const oldestFirst = found.toSorted((a, b) => majorOf(a.version) - majorOf(b.version));
  if (major === null) return oldestFirst.at(-1) ?? null;
  return oldestFirst.find((each) => majorOf(each.version) >= major) ?? null;
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

async function usualFolders(): Promise<string[]> {
  const versioned = await Promise.all([
    below('/usr/lib/postgresql', (name) => `${name}/bin`), // Debian, Ubuntu
    below('/usr', (name) => (name.startsWith('pgsql-') ? `${name}/bin` : null)), // PGDG on Red Hat
    below('/opt/homebrew/opt', (name) => (name.startsWith('postgresql@') ? `${name}/bin` : null)),
    below('/usr/local/opt', (name) => (name.startsWith('postgresql@') ? `${name}/bin` : null)),
    below('/usr/libexec', (name) => (name.startsWith('postgresql') ? name : null)), // Alpine
  ]);
  return [...versioned.flat(), '/usr/local/pgsql/bin', '/usr/local/bin', '/usr/bin'];
}

async function below(folder: string, path: (name: string) => string | null): Promise<string[]> {
  const names = await readdir(folder).catch(unlessLimited<string[]>([]));
  return names.flatMap((name) => {
    const inside = path(name);
    return inside === null ? [] : [join(folder, inside)];
  });
}

async function isServerFolder(folder: string): Promise<boolean> {
  try {
    await access(join(folder, 'postgres'), constants.X_OK);
    await access(join(folder, 'initdb'), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function serverMissing(bin: string | null, major: number | null, found: readonly ServerBinaries[]): HoldfastError {
  if (bin !== null) {
    return new HoldfastError('POSTGRES_SERVER_MISSING', `there is no PostgreSQL server in ${bin}`, {
      hint: 'Give the folder that holds both initdb and postgres.',
    });
  }
  const wanted = major === null ? '' : ` ${major} or newer`;
  const seen = found.map((each) => `${each.version} in ${dirname(each.bin)}`).join(', ');
  const name = major === null ? 'postgresql' : `postgresql-${major}`;
  return new HoldfastError(
    'POSTGRES_SERVER_MISSING',
    `no PostgreSQL server${wanted} is installed on this machine${seen ? ` (found: ${seen})` : ''}`,
    {
      hint: `Install the Debian package ${name} (apt-get install ${name}; from apt.postgresql.org when your release does not have it).`,
    },
  );
}
