import { access, constants, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, unlessLimited } from '../../../base/errors.ts';
import { baseEnvironment } from '../../../base/run-process.ts';
import type { FoundContainer } from '../../shared/container.ts';
import type { ToolSettings } from './database-options.ts';
import { versionNumber, versionOf, type ToolFlavour, type ToolVersion } from './tool-version.ts';

export type ToolName = 'dump' | 'client';

export interface ClientTool extends ToolVersion {
  /** The full path, or a plain name where the path is the container's business. */
  readonly path: string;
  /** Null: on this machine. */
  readonly container: FoundContainer | null;
}

export interface ToolWish {
  tool: ToolName;
  /** Of which product the server is. */
  flavour: ToolFlavour;
  /** The server's version. */
  version: string;
}

const productNames: Readonly<Record<ToolFlavour, string>> = { mariadb: 'MariaDB', mysql: 'MySQL' };
const programs: Readonly<Record<ToolName, readonly string[]>> = {
  dump: ['mariadb-dump', 'mysqldump'],
  client: ['mariadb', 'mysql'],
};

/** Finds the client tool to use. The error says what was wanted, what was found where, and what to install. */
export async function findTool(
  settings: ToolSettings,
  container: FoundContainer | null,
  wish: ToolWish,
  signal: AbortSignal,
): Promise<ClientTool> {
  const found = await toolsThere(settings, container, wish.tool, signal);
  const chosen = chooseTool(found, wish);
  if (chosen) return chosen;
  throw missing(settings, container, wish, found);
}

/** All there are. What they are is remembered: asked while the server is being reached, it takes no time. */
export async function toolsThere(
  settings: ToolSettings,
  container: FoundContainer | null,
  tool: ToolName,
  signal: AbortSignal,
): Promise<ClientTool[]> {
  const paths = container ? inContainer(settings, tool) : await candidates(settings, tool);
  const versions = await Promise.all(paths.map((path) => versionOf(path, container, signal)));
  return paths.flatMap((path, at) => {
    const version = versions[at];
    return version ? [{ ...version, path, container }] : [];
  });
}

/**
 * Of the server's own product: the version nearest to the server's, rather newer. MySQL's tools know nothing of sequences and history,
 * so they never do for MariaDB; MariaDB's do for MySQL, where there are no others.
 */
export function chooseTool<T extends ToolVersion>(found: readonly T[], wish: Omit<ToolWish, 'tool'>): T | null {
  const target = versionNumber(wish.version);
  const own = nearest(
    found.filter((each) => each.flavour === wish.flavour),
    target,
  );
  return own ?? (wish.flavour === 'mysql' ? nearest(found, target) : null);
}

function nearest<T extends ToolVersion>(found: readonly T[], target: number): T | null {
  const series = (each: T) => Math.floor(versionNumber(each.version) / 1000);
  const wanted = Math.floor(target / 1000);
  const sorted = found.toSorted((a, b) => series(a) - series(b) || versionNumber(b.version) - versionNumber(a.version));
  const newer = sorted.find((each) => series(each) >= wanted);
  if (newer) return newer;
  const newest = sorted.at(-1);
  return newest ? (sorted.find((each) => series(each) === series(newest)) ?? null) : null;
}

/** What of these it has, its answers tell. */
function inContainer(settings: ToolSettings, tool: ToolName): string[] {
  const named = settings[tool];
  if (named !== null) return [named];
  return programs[tool].map((program) => (settings.folder === null ? program : join(settings.folder, program)));
}

async function candidates(settings: ToolSettings, tool: ToolName): Promise<string[]> {
  const named = settings[tool];
  if (named !== null) return [named];
  const other = settings[tool === 'dump' ? 'client' : 'dump'];
  const beside = other?.includes('/') ? [dirname(other)] : [];
  const folders =
    settings.folder === null ? [...beside, ...(await usualFolders()), ...searchPath()] : [settings.folder];
  // One program has several names, and folders have: Debian's mysqldump is a link, and so is /bin.
  const paths = new Map<string, string>();
  for (const folder of new Set(folders)) {
    for (const program of programs[tool]) {
      const path = join(folder, program);
      const file = await fileOf(path, programs[tool]);
      if (file !== null && !paths.has(file)) paths.set(file, path);
    }
  }
  return [...paths.values()];
}

/** What there is to run under this name; null when there is nothing. A program that goes by the name it is called by stays as many as its names. */
async function fileOf(path: string, names: readonly string[]): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    const file = await realpath(path);
    return names.includes(basename(file)) ? file : path;
  } catch {
    return null;
  }
}

/** Where packages put them: Debian, Red Hat's, the projects' own, Homebrew on both kinds of Mac. */
async function usualFolders(): Promise<string[]> {
  const folders = ['/usr/bin', '/usr/local/bin', '/usr/local/mysql/bin', '/usr/local/mariadb/bin', '/opt/mysql/bin'];
  for (const parent of ['/opt/homebrew/opt', '/usr/local/opt']) {
    const names = await readdir(parent).catch(unlessLimited<string[]>([]));
    folders.push(...names.filter((name) => /^(mysql|mariadb)/.test(name)).map((name) => join(parent, name, 'bin')));
  }
  return folders;
}

function searchPath(): string[] {
  return (baseEnvironment()['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
}

function missing(
  settings: ToolSettings,
  container: FoundContainer | null,
  wish: ToolWish,
  found: readonly ClientTool[],
): HoldfastError {
  const names = programs[wish.tool].join(' or ');
  const where = container
    ? `in the container ${container.name}`
    : (settings[wish.tool] ?? settings.folder ?? 'on this machine');
  const seen = found.map((each) => `${productNames[each.flavour]} ${each.version} (${each.path})`).join(', ');
  return new HoldfastError(
    'TOOL_MISSING',
    `no usable ${names} of ${productNames[wish.flavour]} found ${where}${seen ? `; found: ${seen}` : ''}`,
    {
      hint: installHint(container, wish),
      details: { found: found.map(({ flavour, version, path }) => ({ flavour, version, path })) },
    },
  );
}

function installHint(container: FoundContainer | null, { flavour }: ToolWish): string {
  if (container)
    return `Name a container whose image has the client tools of ${productNames[flavour]}, or use those of this machine (leave out via).`;
  const packages =
    flavour === 'mariadb'
      ? 'mariadb-client (Debian, Ubuntu)'
      : 'mysql-client (from the MySQL repository) or mariadb-client';
  return `Install ${packages}, name the folder of the tools under database.tools, or use those of the database's container (via.container: auto).`;
}
