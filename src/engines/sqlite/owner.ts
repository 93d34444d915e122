import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { userName } from '../../base/user-name.ts';
import type { Obstacle, RestoreAhead } from '../engine.ts';
import type { Access } from './access.ts';

/** Owner and group stay those of the live file, and few may give a file to somebody else: found out here, not after all has been loaded. */
export async function ownerObstacles(
  access: Access,
  { mode, exists }: Pick<RestoreAhead, 'mode' | 'exists'>,
): Promise<Obstacle[]> {
  if (mode !== 'swap' || !exists) return [];
  const path = await access.locate();
  const [{ uid, gid }, folder] = [await stat(path), await stat(dirname(path))];
  const own = process.getuid?.() ?? uid;
  const groups = [process.getgid?.() ?? gid, ...(process.getgroups?.() ?? [])];
  // Whatever is made in such a folder has its group.
  if ((folder.mode & 0o2000) !== 0) groups.push(folder.gid);
  if ((uid === own && groups.includes(gid)) || (await mayGiveAway())) return [];
  const reason = `${access.name} belongs to user ${uid}, group ${gid}, and ${userName()} cannot make a file that does: run holdfast as that user, or as root`;
  return [{ stops: 'swap', reason }];
}

/** The first of the rights that the system has for root, and that others can have as well. */
async function mayGiveAway(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return process.getuid?.() === 0;
  return (BigInt(`0x${effective}`) & 1n) === 1n;
}
