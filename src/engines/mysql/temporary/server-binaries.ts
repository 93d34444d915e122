import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, unlessLimited } from '../../../base/errors.ts';
import { baseEnvironment, runProcess } from '../../../base/run-process.ts';
import { flavourOf, numberOf } from '../connect/server-version.ts';
import { seriesOf, type ToolFlavour } from '../connect/tool-version.ts';

export interface ServerBinaries {
  flavour: ToolFlavour;
  version: string;
  server: string;
  /** `mariadb-install-db`; MySQL's server makes its own tables. */
  install: string | null;
}

/** An installed server of the same product, as old as `like` or newer. Null: of any version. */
export async function findServer(
  flavour: ToolFlavour,
  like: string | null,
  signal: AbortSignal,
): Promise<ServerBinaries> {
  const found: ServerBinaries[] = [];
  for (const folder of new Set(await folders())) {
    for (const program of ['mariadbd', 'mysqld']) {
      const server = join(folder, program);
      if (!(await isThere(server))) continue;
      const { stdout } = await runProcess({ program: server, args: ['--no-defaults', '--version'] }, { signal });
      const product = flavourOf(stdout);
      const install = product === 'mariadb' ? await installer(folder) : null;
      if (product === 'mariadb' && install === null) continue;
      found.push({ flavour: product, version: numberOf(stdout), server, install });
    }
  }
  const own = found
    .filter((each) => each.flavour === flavour)
    .toSorted((a, b) => seriesOf(a.version) - seriesOf(b.version));
  const chosen = like === null ? own.at(-1) : own.find((each) => seriesOf(each.version) >= seriesOf(like));
  if (chosen) return chosen;
  const product = flavour === 'mariadb' ? 'MariaDB' : 'MySQL';
  const seen = [...new Set(found.map((each) => `${each.flavour} ${each.version}`))].join(', ');
  throw new HoldfastError(
    'MYSQL_SERVER_MISSING',
    `no ${product} server${like === null ? '' : ` ${like} or newer`} is installed on this machine${seen ? ` (found: ${seen})` : ''}`,
    {
      hint: `Install the package ${flavour === 'mariadb' ? 'mariadb-server-core (Debian, Ubuntu)' : 'mysql-server-core'}, or drill on another server (drill.target).`,
    },
  );
}

async function folders(): Promise<string[]> {
  const brewed: string[] = [];
  for (const parent of ['/opt/homebrew/opt', '/usr/local/opt']) {
    const names = await readdir(parent).catch(unlessLimited<string[]>([]));
    brewed.push(...names.filter((name) => /^(mysql|mariadb)/.test(name)).map((name) => join(parent, name, 'bin')));
  }
  const path = (baseEnvironment()['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return ['/usr/sbin', '/usr/libexec', '/usr/local/mysql/bin', '/usr/local/sbin', ...brewed, ...path];
}

async function installer(folder: string): Promise<string | null> {
  for (const each of [
    join(folder, 'mariadb-install-db'),
    join(folder, '../bin/mariadb-install-db'),
    '/usr/bin/mariadb-install-db',
  ]) {
    if (await isThere(each)) return each;
  }
  return null;
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
