import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../base/errors.ts';
import { findLeftovers, isPrevious } from './leftovers.ts';
import type { TreeSettings } from '../options.ts';
import { insideMark, laidMark } from '../thread/tree-walk.ts';

/**
 * What a restore that was killed between its renames left: a folder of which a part is elsewhere. Saved as it is, it would be
 * a good backup of a half-empty folder, and would push out whole ones; restored over, what had not been moved yet would be lost.
 */
export async function refuseHalfSwapped({ name, path }: Pick<TreeSettings, 'name' | 'path'>): Promise<void> {
  const found = await findLeftovers(path);
  const previous = found.filter(isPrevious);
  const last = previous.at(-1);
  if (last === undefined) return;
  if (!(await exists(path))) {
    // Without it, that one was kept on purpose, and the folder is gone for another reason.
    const laid = found.find((each) => /\.holdfast-[0-9a-f]{8}$/.test(each));
    if (laid) throw halfSwapped(name, path, last, `To go back: mv '${last}' '${path}'. Then remove ${laid}.`);
    return;
  }
  const target = await realpath(path);
  for (const laid of found.filter((each) => each.startsWith(join(target, laidMark)))) {
    const before = await firstAfter(
      laid,
      previous.filter((each) => each.startsWith(join(target, insideMark))),
    );
    if (before === null) continue;
    const hint = `What lived is in ${before}, as far as it is not in its place: put what is there back into ${path}, over what has the same name, remove ${laid}, and restore again.`;
    throw halfSwapped(name, path, before, hint);
  }
}

/**
 * The folder for what lived, made after these files had been laid down: then the exchange had begun. One that an earlier restore
 * kept is older than they are. Where none are left, all have become live, and that was the last change, or there never were any.
 */
async function firstAfter(laid: string, previous: readonly string[]): Promise<string | null> {
  const entries = await readdir(laid);
  const times = await Promise.all(entries.map(async (entry) => (await lstat(join(laid, entry))).ctimeMs));
  const emptiedAt = times.length === 0 ? (await lstat(laid)).ctimeMs : null;
  for (const each of previous) {
    const { ctimeMs } = await lstat(each);
    if (emptiedAt === null ? ctimeMs >= Math.min(...times) : ctimeMs > emptiedAt) return each;
  }
  return null;
}

function halfSwapped(name: string, path: string, previous: string, hint: string): HoldfastError {
  return new HoldfastError(
    'FILES_HALF_SWAPPED',
    `a restore into ${path} (${name}) was cut off in the middle: what lived there is in ${previous}`,
    { kind: 'refused', hint },
  );
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
