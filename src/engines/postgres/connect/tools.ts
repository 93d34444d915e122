import { HoldfastError } from '../../../base/errors.ts';
import type { FoundContainer } from '../../shared/container.ts';
import type { ToolSettings } from './database-options.ts';
import { toolFolders, type ToolName } from './tool-folders.ts';
import { codecsOf, versionOf, type ToolCodec, type ToolVersion } from './tool-version.ts';

export type { ToolName };

/** Client tools of one version, on this machine or in a container. */
export interface ClientTools extends ToolVersion {
  /** The full path of each, or its plain name where the path is the container's business; null when it is not there. */
  readonly paths: Readonly<Record<ToolName, string | null>>;
  readonly container: FoundContainer | null;
  /** Which of these `pg_dump --compress` can really do; asked once, when the tool is of version 16 or newer. */
  codecs(wanted: readonly ToolCodec[], signal: AbortSignal): Promise<ReadonlySet<ToolCodec>>;
}

export interface ToolWish {
  /** The tools needed; a folder without them is no candidate. */
  tools: readonly ToolName[];
  /** Not older than this major version: the server's for a dump, the dump's for reading it. */
  minimum: number | null;
  /** The best major version, when it is at least the minimum; the server's own, because newer clients say things old servers refuse. */
  preferred: number | null;
}

/** Finds the client tools to use. The error says what was wanted, what was found where, and what to install. */
export async function findTools(
  settings: ToolSettings,
  container: FoundContainer | null,
  wish: ToolWish,
  signal: AbortSignal,
): Promise<ClientTools> {
  const found: ClientTools[] = [];
  for (const paths of container ? [pathsInContainer(settings)] : await pathsOnHost(settings)) {
    if (wish.tools.some((tool) => paths[tool] === null)) continue;
    const first = wish.tools.map((tool) => paths[tool]).find((path) => path !== null);
    const version = first === undefined ? null : await versionOf(first, container, signal);
    if (first === undefined || version === null) continue;
    found.push({
      ...version,
      paths,
      container,
      codecs: async (wanted, later) =>
        paths.pg_dump === null
          ? new Set()
          : codecsOf({ path: paths.pg_dump, major: version.major, container }, wanted, later),
    });
  }
  const chosen = chooseTools(found, wish);
  if (chosen) return chosen;
  throw found.length === 0 ? missing(settings, container, wish) : tooOld(found, container, wish);
}

/** The preferred version, else the nearest newer one, else the newest that is not too old. */
export function chooseTools<T extends ToolVersion>(
  found: readonly T[],
  wish: Pick<ToolWish, 'minimum' | 'preferred'>,
): T | null {
  const fitting = found
    .filter((each) => wish.minimum === null || each.major >= wish.minimum)
    .toSorted((left, right) => left.major - right.major || right.minor - left.minor);
  const target = wish.preferred ?? Number.POSITIVE_INFINITY;
  const nearest = fitting.find((each) => each.major >= target);
  if (nearest) return nearest;
  const newest = fitting.at(-1)?.major;
  return fitting.find((each) => each.major === newest) ?? null;
}

type Paths = Record<ToolName, string | null>;

function pathsInContainer(settings: ToolSettings): Paths {
  const inFolder = (tool: ToolName) => (settings.folder === null ? tool : `${settings.folder}/${tool}`);
  return {
    pg_dump: settings.pgDump ?? inFolder('pg_dump'),
    pg_restore: settings.pgRestore ?? inFolder('pg_restore'),
    psql: settings.psql ?? inFolder('psql'),
    pg_dumpall: settings.pgDumpall ?? inFolder('pg_dumpall'),
  };
}

async function pathsOnHost(settings: ToolSettings): Promise<Paths[]> {
  const explicit = {
    pg_dump: settings.pgDump,
    pg_restore: settings.pgRestore,
    psql: settings.psql,
    pg_dumpall: settings.pgDumpall,
  };
  const folders = await toolFolders(settings.folder);
  const named = Object.values(explicit).some((path) => path !== null);
  // A tool that is named is used whatever its version; what is not named is looked for beside it, then anywhere.
  if (!named) return folders;
  const beside = Object.values(explicit).find((path) => path?.includes('/'));
  const neighbours = beside ? await toolFolders(beside.slice(0, beside.lastIndexOf('/')) || '/') : [];
  return [...neighbours, ...folders, emptyPaths].map((paths) => ({
    pg_dump: explicit.pg_dump ?? paths.pg_dump,
    pg_restore: explicit.pg_restore ?? paths.pg_restore,
    psql: explicit.psql ?? paths.psql,
    pg_dumpall: explicit.pg_dumpall ?? paths.pg_dumpall,
  }));
}

const emptyPaths: Paths = { pg_dump: null, pg_restore: null, psql: null, pg_dumpall: null };

function missing(settings: ToolSettings, container: FoundContainer | null, wish: ToolWish): HoldfastError {
  const where = container ? `in the container ${container.name}` : (settings.folder ?? 'on this machine');
  return new HoldfastError('TOOL_MISSING', `no usable ${wish.tools.join(', ')} found ${where}`, {
    hint: installHint(container, wish),
  });
}

function tooOld(found: readonly ClientTools[], container: FoundContainer | null, wish: ToolWish): HoldfastError {
  const list = found.map((each) => `${each.version}${placeOf(each)}`).join(', ');
  return new HoldfastError(
    'TOOL_TOO_OLD',
    `${wish.tools[0] ?? 'the tool'} ${wish.minimum} or newer is needed; found: ${list}`,
    {
      hint: installHint(container, wish),
      details: { needed: wish.minimum, found: found.map((each) => each.version) },
    },
  );
}

function placeOf(tools: ClientTools): string {
  const path = Object.values(tools.paths).find((each) => each?.includes('/'));
  return path ? ` (${path.slice(0, path.lastIndexOf('/'))})` : '';
}

function installHint(container: FoundContainer | null, wish: ToolWish): string {
  const version = wish.minimum ?? wish.preferred;
  const name = version === null ? 'postgresql-client' : `postgresql-client-${version}`;
  if (container)
    return `Use a container whose image has the client tools${version === null ? '' : ` of version ${version}`}, or those of this machine (leave out via).`;
  return `Install ${name} (Debian, Ubuntu: from apt.postgresql.org), name the folder of the tools under database.tools, or use those of the database's container (via.container: auto).`;
}
