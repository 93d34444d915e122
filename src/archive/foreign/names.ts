import type { Stamp } from './time.ts';

/** The systems whose backups are known by their names. */
export const foreignSystems = ['nocodb', 'nestjs-starter', 'ops-center', 'nocobase', 'tma-cloud'] as const;
export type ForeignSystem = (typeof foreignSystems)[number];

export interface ListedFile {
  /** With `/` between the parts, whatever the place. */
  path: string;
  bytes: number;
  modifiedAt: Date;
}

/** One backup of another system as its names tell it; nothing has been read yet. */
export interface ForeignBackup {
  system: ForeignSystem;
  /** As that system calls it: the name of the file, or of the folder. */
  name: string;
  /** The file that holds the database; null when this backup has none. */
  dump: ListedFile | null;
  /** What that system noted beside it, with sizes or digests. */
  metadata: ListedFile | null;
  /** Files that are not the database: they are not taken in. */
  others: ListedFile[];
  stamp: Stamp | null;
}

export interface Recognised {
  backups: ForeignBackup[];
  unrecognised: ListedFile[];
}

/** Finds the backups among names. `only`: take files for this system's by their endings alone, and no other system's at all. */
export function recogniseBackups(files: readonly ListedFile[], only: ForeignSystem | null): Recognised {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const wanted = (system: ForeignSystem) => only === null || only === system;
  const trees = wanted('nocodb') ? treesOf(files, only !== null) : [];
  const inTrees = new Set(trees.flatMap(filesOf));
  const single = files
    .filter((file) => !inTrees.has(file))
    .flatMap((file) => {
      const known = only === 'nocodb' ? null : recogniseFile(baseOf(file.path), only);
      if (!known) return [];
      const metadata = companionsOf(known.system, file.path).map((path) => byPath.get(path));
      return [
        {
          ...known,
          name: baseOf(file.path),
          dump: file,
          metadata: metadata.find((found) => found) ?? null,
          others: [],
        },
      ];
    });
  const backups = [...trees, ...single];
  const claimed = new Set(backups.flatMap(filesOf));
  return { backups, unrecognised: files.filter((file) => !claimed.has(file)) };
}

function filesOf({ dump, metadata, others }: ForeignBackup): ListedFile[] {
  return [dump, metadata, ...others].filter((file) => file !== null);
}

const compact = String.raw`(?<stamp>\d{8}_\d{6})`;
const dashed = String.raw`(?<stamp>\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2})`;

/** In this order: the more particular name first. */
const patterns: readonly { system: ForeignSystem; name: RegExp; zone: Stamp['zone'] }[] = [
  { system: 'nocobase', name: new RegExp(String.raw`^backup_${compact}_\d{4}(-[\w-]+)?\.nbdata$`, 's'), zone: 'local' },
  { system: 'tma-cloud', name: /^.+_(?<stamp>\d{8}T\d{6}Z)\.dump$/s, zone: 'utc' },
  { system: 'ops-center', name: new RegExp(String.raw`^backup_.+_${compact}\.sql\.gz$`, 's'), zone: 'local' },
  // Its first version wrote local times and let every format end in .dump; the second writes UTC.
  {
    system: 'nestjs-starter',
    name: new RegExp(String.raw`^.+_${dashed}\.(dump|sql|tar)(\.(gz|bz2|xz))?$`, 's'),
    zone: 'utc',
  },
  {
    system: 'nestjs-starter',
    name: new RegExp(String.raw`^.+_${compact}\.(dump|sql|tar)(\.(gz|bz2|xz))?$`, 's'),
    zone: 'local',
  },
];

const endings: Readonly<Record<Exclude<ForeignSystem, 'nocodb'>, RegExp>> = {
  nocobase: /\.nbdata$/,
  'tma-cloud': /\.dump$/,
  'ops-center': /\.sql(\.gz)?$/,
  'nestjs-starter': /\.(dump|sql|tar)(\.(gz|bz2|xz))?$/,
};

function recogniseFile(
  name: string,
  only: ForeignSystem | null,
): { system: ForeignSystem; stamp: Stamp | null } | null {
  for (const { system, name: pattern, zone } of patterns) {
    if (only !== null && only !== system) continue;
    const stamp = stampOf(pattern.exec(name)?.groups?.['stamp'], zone);
    if (stamp) return { system, stamp };
  }
  // Nothing else has this ending.
  if (endings.nocobase.test(name) && (only === null || only === 'nocobase')) return { system: 'nocobase', stamp: null };
  if (only === null || only === 'nocodb' || !endings[only].test(name)) return null;
  return { system: only, stamp: null };
}

function companionsOf(system: ForeignSystem, path: string): string[] {
  if (system === 'ops-center') return [`${path}.json`, path.replace(/\.sql(\.gz)?$/, '.json')];
  if (system === 'tma-cloud') return [`${path}.meta`, path.replace(/\.dump$/, '.meta')];
  if (system === 'nocobase') return [`${path}_metadata.json`, path.replace(/\.nbdata$/, '_metadata.json')];
  return [];
}

const treeName = new RegExp(`^${dashed}$`);
const treeDump = 'database.sql.gz';
const treeOthers = /^(nocodb-data\.tar\.gz$|bases\/)/;

/** A folder named by its time, with the dump, the data files or the export of NocoDB in it. */
function treesOf(files: readonly ListedFile[], anyName: boolean): ForeignBackup[] {
  const trees = new Map<string, ForeignBackup>();
  for (const file of files) {
    for (const { folder, inside } of splitsOf(file.path)) {
      const stamp = stampOf(treeName.exec(baseOf(folder))?.groups?.['stamp'], 'local');
      const dump = inside === treeDump;
      if (!(dump || inside === 'manifest.json' || treeOthers.test(inside))) continue;
      if (!stamp && !(anyName && (dump || trees.has(folder)))) continue;
      const tree = trees.get(folder) ?? emptyTree(baseOf(folder), stamp);
      trees.set(folder, tree);
      if (dump) tree.dump = file;
      else if (inside === 'manifest.json') tree.metadata = file;
      else tree.others.push(file);
      break;
    }
  }
  // A manifest alone may be anybody's.
  return [...trees.values()].filter(({ dump, others }) => dump !== null || others.length > 0);
}

function emptyTree(name: string, stamp: Stamp | null): ForeignBackup {
  return { system: 'nocodb', name, dump: null, metadata: null, others: [], stamp };
}

/** Every way to see a path as something inside of a folder, the outermost folder first. */
function splitsOf(path: string): { folder: string; inside: string }[] {
  return [...path.matchAll(/\//g)].map(({ index }) => ({
    folder: path.slice(0, index),
    inside: path.slice(index + 1),
  }));
}

function stampOf(text: string | undefined, zone: Stamp['zone']): Stamp | null {
  const digits = text?.replaceAll(/\D/g, '') ?? '';
  if (digits.length !== 14) return null;
  const wall = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6');
  const at = new Date(`${wall}Z`);
  // The 31st of a month that has 30 days would silently become the first of the next.
  return Number.isNaN(at.getTime()) || at.toISOString().slice(0, 19) !== wall ? null : { wall, zone };
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
