import { accessSync, constants } from 'node:fs';
import { systemErrno } from '../../base/errors.ts';
import { toLine, toPath } from './member.ts';
import { mostNames } from './tree-content.ts';
import { walkTree, type WalkSettings } from './tree-walk.ts';

/** What could not be read, found without reading anything. */
export interface TreeLook {
  files: number;
  unreadable: { count: number; names: string[] };
  /** Never part of a backup: excluded, or of ours. */
  leftOut: { count: number; names: string[] };
}

export function lookAtTree(settings: WalkSettings): TreeLook {
  const look: TreeLook = { files: 0, unreadable: { count: 0, names: [] }, leftOut: { count: 0, names: [] } };
  const refuse = (path: string, error: unknown) => {
    const errno = systemErrno(error);
    if (errno === undefined) throw error;
    if (errno === 'ENOENT') return;
    look.unreadable.count += 1;
    const name = `${path === '' ? '.' : toLine(path)} (${errno})`;
    if (look.unreadable.names.length < mostNames) look.unreadable.names.push(name);
  };
  const leave = (path: string) => {
    look.leftOut.count += 1;
    if (look.leftOut.names.length < mostNames) look.leftOut.names.push(toLine(path));
  };
  const troubles = { unreadable: refuse, vanished: () => undefined, leftOut: leave, excluded: leave };
  for (const { path, kind } of walkTree(settings, troubles)) {
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
