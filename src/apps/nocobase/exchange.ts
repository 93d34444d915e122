import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One thing to be put in the place of another. */
export interface Exchange {
  name: string;
  /** Null: what is there is only put aside. */
  from: string | null;
  target: string;
}

export interface Exchanged extends Exchange {
  /** Where what was there before is now; null: nothing was there. */
  previous: string | null;
  placed: boolean;
}

/** All of them by renaming, or none. */
export async function exchangeAll(exchanges: readonly Exchange[], mark: string): Promise<Exchanged[]> {
  const done: Exchanged[] = [];
  try {
    for (const each of exchanges) {
      await mkdir(dirname(each.target), { recursive: true });
      const step: Exchanged = { ...each, previous: null, placed: false };
      done.push(step);
      if (await exists(each.target)) {
        step.previous = await putAside(each.target, mark);
      }
      if (each.from === null) continue;
      await rename(each.from, each.target);
      step.placed = true;
    }
    return done;
  } catch (error) {
    await takeBack(done);
    throw error;
  }
}

export async function takeBack(done: readonly Exchanged[]): Promise<void> {
  for (const { from, target, previous, placed } of done.toReversed()) {
    if (placed && from !== null) await rename(target, from);
    if (previous !== null) await rename(previous, target);
  }
}

/** Nothing that was put aside before is lost. */
async function putAside(path: string, mark: string): Promise<string> {
  let aside = `${path}.${mark}`;
  for (let number = 2; await exists(aside); number += 1) aside = `${path}.${mark}.${number}`;
  await rename(path, aside);
  return aside;
}

export async function removePrevious(done: readonly Exchanged[]): Promise<void> {
  for (const { previous } of done) if (previous !== null) await rm(previous, { recursive: true, force: true });
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
