import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { beginningBeside } from './beside.ts';
import { insideMark } from '../thread/tree-walk.ts';

/** What restores that were killed left beside a folder or in it, and what finished ones kept. */
export async function findLeftovers(path: string): Promise<string[]> {
  const target = await realpath(path).catch(() => path);
  const name = beginningBeside(basename(target));
  const beside = (await names(dirname(target)))
    .filter(
      (other) =>
        other.startsWith(name) &&
        /^\.(holdfast-[0-9a-f]{8}|before-\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(?:-\d+)?)$/.test(other.slice(name.length)),
    )
    .map((other) => join(dirname(target), other));
  const inside = (await names(target))
    .filter((other) => other.startsWith(insideMark))
    .map((other) => join(target, other));
  return [...beside, ...inside].toSorted();
}

/** Whether it holds what once lived. */
export function isPrevious(leftover: string): boolean {
  return /(\.before-|\.holdfast-before-)[^/]*$/.test(leftover);
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
