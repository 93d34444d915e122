import { lstatSync, readdirSync, type BigIntStats, type Dirent } from 'node:fs';
import { systemErrno } from '../../../base/errors.ts';
import { compileExcludes } from './exclude.ts';
import { toPath, toText } from '../tar/member.ts';

/** A tree as it is handed to the thread that reads it. Paths are bytes, a character each. */
export interface WalkSettings {
  root: string;
  exclude: readonly string[];
  /** Folders that are no part of it, as `device:inode`: also found under another name. */
  keepOut: readonly string[];
}

export interface Found {
  path: string;
  kind: 'file' | 'folder' | 'symlink' | 'special';
  /** What a special one is. */
  what: string;
  /** Of folders only: others are looked at by whoever reads them. */
  stats: BigIntStats | null;
}

export interface WalkTroubles {
  unreadable(path: string, error: unknown): void;
  vanished(path: string): void;
  /** Something of ours. */
  leftOut(path: string): void;
  /** By the configuration; nobody needs to know but those who remove what is not saved. */
  excluded?(path: string): void;
}

/** What a restore of ours lays down inside of a folder that it cannot rename, and what it keeps there. */
export const insideMark = '.holdfast-';
export const laidMark = `${insideMark}new-`;

/** Depth first and in the order of the bytes of the names, so that the same tree gives the same tar. A folder comes before what is in it. */
export function* walkTree(settings: WalkSettings, troubles: WalkTroubles): Generator<Found> {
  const excluded = compileExcludes(settings.exclude);
  const keepOut = new Set(settings.keepOut);
  yield* walk('');

  function* walk(path: string): Generator<Found> {
    const at = path === '' ? settings.root : `${settings.root}/${path}`;
    const listed = list(path, at);
    if (listed === null) return;
    if (keepOut.has(`${listed.stats.dev}:${listed.stats.ino}`)) {
      troubles.leftOut(path);
      return;
    }
    yield { path, kind: 'folder', what: 'folder', stats: listed.stats };
    for (const entry of listed.entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (path === '' && entry.name.startsWith(insideMark)) {
        troubles.leftOut(below);
        continue;
      }
      const { kind, what } = kindOf(entry, `${at}/${entry.name}`);
      if (excluded?.(toText(below), kind === 'folder')) {
        troubles.excluded?.(below);
        continue;
      }
      if (kind === 'folder') yield* walk(below);
      else yield { path: below, kind, what, stats: null };
    }
  }

  function list(path: string, at: string): { stats: BigIntStats; entries: Dirent[] } | null {
    try {
      const stats = lstatSync(toPath(at), { bigint: true });
      if (!stats.isDirectory()) throw Object.assign(new Error('not a folder any more'), { code: 'ENOENT' });
      const entries = readdirSync(toPath(at), { encoding: 'latin1', withFileTypes: true });
      return { stats, entries: entries.toSorted(({ name: a }, { name: b }) => (a < b ? -1 : 1)) };
    } catch (error) {
      if (systemErrno(error) === 'ENOENT' && path !== '') troubles.vanished(path);
      else troubles.unreadable(path, error);
      return null;
    }
  }
}

type Kinds = Pick<
  Dirent,
  'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isSocket' | 'isFIFO' | 'isBlockDevice' | 'isCharacterDevice'
>;

/** Some file systems do not tell the kind with the name. */
function kindOf(entry: Kinds, at: string): { kind: Found['kind']; what: string } {
  // What is gone by now is found to be by whoever opens it.
  return (
    nameKind(entry) ?? nameKind(lstatSync(toPath(at), { throwIfNoEntry: false })) ?? { kind: 'file', what: 'file' }
  );
}

function nameKind(entry: Kinds | undefined): { kind: Found['kind']; what: string } | null {
  if (entry?.isFile()) return { kind: 'file', what: 'file' };
  if (entry?.isDirectory()) return { kind: 'folder', what: 'folder' };
  if (entry?.isSymbolicLink()) return { kind: 'symlink', what: 'symlink' };
  if (entry?.isSocket()) return { kind: 'special', what: 'socket' };
  if (entry?.isFIFO()) return { kind: 'special', what: 'named pipe' };
  if (entry?.isBlockDevice() || entry?.isCharacterDevice()) return { kind: 'special', what: 'device' };
  return null;
}
