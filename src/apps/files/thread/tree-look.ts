import { accessSync, constants, lstatSync, type BigIntStats } from 'node:fs';
import { systemErrno } from '../../../base/errors.ts';
import { toLine, toPath } from '../tar/member.ts';
import { mostNames } from '../tar/tree-content.ts';
import { walkTree, type WalkSettings } from './tree-walk.ts';

/** What could not be read, found without reading anything. */
export interface TreeLook {
  files: number;
  unreadable: { count: number; names: string[] };
  /** Never part of a backup: excluded, or of ours. */
  leftOut: { count: number; names: string[] };
  /** Written to after `since`. */
  changed: { count: number; names: string[] };
}

export interface LookSettings extends WalkSettings {
  /** Null, or nothing: nobody wants to know. */
  since?: bigint | null;
  /** The entries of the tree itself were moved there since. */
  moved?: boolean;
}

export function lookAtTree(settings: LookSettings): TreeLook {
  const look: TreeLook = {
    files: 0,
    unreadable: { count: 0, names: [] },
    leftOut: { count: 0, names: [] },
    changed: { count: 0, names: [] },
  };
  const refuse = (path: string, error: unknown) => {
    const errno = systemErrno(error);
    if (errno === undefined) throw error;
    if (errno === 'ENOENT') return;
    look.unreadable.count += 1;
    const name = `${path === '' ? '.' : toLine(path)} (${errno})`;
    if (look.unreadable.names.length < mostNames) look.unreadable.names.push(name);
  };
  const note = (list: TreeLook['changed'], path: string) => {
    list.count += 1;
    if (list.names.length < mostNames) list.names.push(path === '' ? '.' : toLine(path));
  };
  const leave = (path: string) => note(look.leftOut, path);
  const troubles = { unreadable: refuse, vanished: () => undefined, leftOut: leave, excluded: leave };
  for (const { path, kind, stats } of walkTree(settings, troubles)) {
    if (isChanged(settings, path, stats)) note(look.changed, path);
    if (kind !== 'file') continue;
    look.files += 1;
    try {
      accessSync(toPath(`${settings.root}/${path}`), constants.R_OK);
    } catch (error) {
      refuse(path, error);
    }
  }
  return look;
}

function isChanged({ root, since, moved }: LookSettings, path: string, stats: BigIntStats | null): boolean {
  if (since === null || since === undefined) return false;
  // A change of name is a change of the folder that was given another one, and of each entry that was moved.
  const renamed = path === '' || (moved === true && !path.includes('/'));
  if (moved === true && path === '') return false;
  const { ctimeNs, mtimeNs } = stats ?? lstatSync(toPath(`${root}/${path}`), { bigint: true });
  // The clock of a file system stands still for some milliseconds at a time.
  return (renamed ? mtimeNs : ctimeNs) >= since;
}

/** About how much is in its files; what cannot be looked at is told by whoever reads it. */
export function sizeOfTree(settings: WalkSettings): number {
  const nobody = { unreadable: () => undefined, vanished: () => undefined, leftOut: () => undefined };
  let bytes = 0;
  for (const { path, kind } of walkTree(settings, nobody)) {
    if (kind !== 'file') continue;
    try {
      bytes += lstatSync(toPath(`${settings.root}/${path}`), { throwIfNoEntry: false })?.size ?? 0;
    } catch (error) {
      if (systemErrno(error) === undefined) throw error;
    }
  }
  return bytes;
}
