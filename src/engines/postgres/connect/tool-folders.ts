import { access, constants, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessLimited } from '../../../base/errors.ts';
import { baseEnvironment } from '../../../base/run-process.ts';

export type ToolName = 'pg_dump' | 'pg_restore' | 'psql' | 'pg_dumpall';

const toolNames: readonly ToolName[] = ['pg_dump', 'pg_restore', 'psql', 'pg_dumpall'];

/** The tools of every folder that has one of them; of the given folder only, when there is one. */
export async function toolFolders(folder: string | null): Promise<Record<ToolName, string | null>[]> {
  const folders = folder === null ? [...(await usualFolders()), ...searchPath()] : [folder];
  const found: Record<ToolName, string | null>[] = [];
  for (const each of new Set(folders)) {
    const tools: Record<ToolName, string | null> = { pg_dump: null, pg_restore: null, psql: null, pg_dumpall: null };
    for (const tool of toolNames) tools[tool] = await usable(join(each, tool));
    if (Object.values(tools).some((path) => path !== null)) found.push(tools);
  }
  return found;
}

/** Where packages put them: Debian, Red Hat's and the project's own, Homebrew on both kinds of Mac, Postgres.app, Arch, Alpine, Nix. */
const parents: readonly (readonly [folder: string, versioned: RegExp, below: string])[] = [
  ['/usr/lib/postgresql', /^\d+$/, 'bin'],
  ['/usr', /^pgsql-\d+$/, 'bin'],
  ['/opt/homebrew/opt', /^(postgresql|libpq)(@\d+)?$/, 'bin'],
  ['/usr/local/opt', /^(postgresql|libpq)(@\d+)?$/, 'bin'],
  ['/Applications/Postgres.app/Contents/Versions', /^\d+$/, 'bin'],
  ['/opt', /^postgresql-?\d+$/, 'bin'],
  ['/usr/libexec', /^postgresql\d*$/, ''],
];

async function usualFolders(): Promise<string[]> {
  const folders: string[] = [];
  for (const [parent, versioned, below] of parents) {
    const names = await readdir(parent).catch(unlessLimited<string[]>([]));
    folders.push(...names.filter((name) => versioned.test(name)).map((name) => join(parent, name, below)));
  }
  return [...folders, '/usr/local/pgsql/bin', '/usr/local/bin'];
}

function searchPath(): string[] {
  return (baseEnvironment()['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
}

async function usable(path: string): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    // Debian's /usr/bin/pg_dump chooses a version by looking at local clusters; the versions themselves are found above.
    return (await realpath(path)).endsWith('/pg_wrapper') ? null : path;
  } catch {
    return null;
  }
}
