import { constants } from 'node:fs';
import { chmod, chown, lstat, mkdir, open, readdir, rename, rmdir, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, systemErrno } from '../../../base/errors.ts';
import type { SwappedTree } from '../../app.ts';
import { previousPath, type Place } from './place.ts';
import { insideMark, laidMark } from '../thread/tree-walk.ts';

/** A folder that is to become live. */
export interface Candidate extends Place {
  name: string;
}

interface Renaming {
  from: string | Buffer;
  to: string | Buffer;
}

/** What was done, in order; the way back is the same backwards. */
export interface Swap {
  trees: SwappedTree[];
  done: Renaming[];
}

/** Makes all trees live or none. Only renames: there is no moment in which a file of theirs is half there. */
export async function swapTrees(trees: readonly Candidate[], at: Date): Promise<Swap> {
  const swap: Swap = { trees: [], done: [] };
  try {
    for (const tree of trees) swap.trees.push(await swapOne(tree, await previousPath(tree, at), swap.done));
  } catch (error) {
    await undo(swap.done).catch((stuck: unknown) => {
      throw stuckError(swap.done, error, stuck);
    });
    for (const { how, target } of trees) if (how === 'inside') await removeEmpty(target);
    throw new HoldfastError('SWAP_FAILED', `the folders could not change places: ${messageOf(error)}`, {
      cause: error,
      hint: 'What lived before is live again, and nothing was changed.',
    });
  }
  for (const { target } of swap.trees) await syncFolder(dirname(target));
  return swap;
}

export async function swapBack(swap: Swap): Promise<void> {
  for (const { target, previous } of swap.trees)
    if (previous?.startsWith(`${target}/`)) await likeFolder(previous, target);
  await undo(swap.done).catch((error: unknown) => {
    throw stuckError(swap.done, error, error);
  });
  for (const { target, previous } of swap.trees) {
    if (previous?.startsWith(`${target}/`)) await removeEmpty(target);
    await syncFolder(dirname(target));
  }
}

async function swapOne(tree: Candidate, previous: string, done: Renaming[]): Promise<SwappedTree> {
  const { name, target, staged, how, replaces } = tree;
  if (how === 'inside') {
    await setAside(tree);
    await mkdir(previous, { mode: 0o700 });
    await moveEntries(target, previous, done);
    await likeFolder(target, previous);
    await moveEntries(staged, target, done);
    await likeFolder(staged, target);
    return { name, target, previous };
  }
  // A rename onto an empty folder succeeds, and what somebody has just put there must not be lost.
  if (!replaces && (await exists(target))) throw new Error(`${target} has come into being meanwhile`);
  if (replaces) await move({ from: target, to: previous }, done);
  await move({ from: staged, to: target }, done);
  return { name, target, previous: replaces ? previous : null };
}

/** What a killed restore laid down would look, beside what is kept from now on, like an exchange that was cut off. */
async function setAside({ target, staged }: Candidate): Promise<void> {
  for (const name of await readdir(target)) {
    if (!name.startsWith(laidMark) || join(target, name) === staged) continue;
    await rename(join(target, name), join(target, `${insideMark}left-${name.slice(laidMark.length)}`));
  }
}

/** Names are bytes here: nothing may be lost of one that is not UTF-8. */
async function moveEntries(from: string, to: string, done: Renaming[]): Promise<void> {
  for (const name of await readdir(from, { encoding: 'buffer' })) {
    if (name.toString('latin1').startsWith(insideMark)) continue;
    await move({ from: below(from, name), to: below(to, name) }, done);
  }
}

function below(folder: string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name]);
}

async function move(renaming: Renaming, done: Renaming[]): Promise<void> {
  await relocate(renaming);
  done.push(renaming);
}

/** A folder that goes into another one is written to, for its way back up; one that is read-only its owner has to open for that. */
async function relocate({ from, to }: Renaming): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const stats = await lstat(from);
    const readOnly = stats.isDirectory() && (stats.mode & constants.S_IWUSR) === 0;
    if (systemErrno(error) !== 'EACCES' || !readOnly) throw error;
    const mode = stats.mode & 0o7777;
    await chmod(from, mode | constants.S_IWUSR);
    const moved = await rename(from, to).then(
      () => true,
      () => false,
    );
    await chmod(moved ? to : from, mode);
    if (!moved) throw error;
  }
}

async function undo(done: Renaming[]): Promise<void> {
  for (let last = done.at(-1); last; last = done.at(-1)) {
    await relocate({ from: last.to, to: last.from });
    done.pop();
  }
}

/** The live folder stays the same one, and takes on what the restored one had. */
async function likeFolder(from: string, to: string): Promise<void> {
  const { uid, gid, mode, atime, mtime } = await lstat(from);
  if (process.getuid?.() === 0) await chown(to, uid, gid).catch(() => undefined);
  await chmod(to, mode & 0o7777).catch(() => undefined);
  await utimes(to, atime, mtime).catch(() => undefined);
}

async function removeEmpty(target: string): Promise<void> {
  for (const name of await readdir(target)) {
    if (name.startsWith(`${insideMark}before-`)) await rmdir(join(target, name)).catch(() => undefined);
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** A rename is only sure to be there after a power failure when its folder was written. */
async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY);
  await handle.sync().catch(() => undefined);
}

function stuckError(undone: readonly Renaming[], error: unknown, stuck: unknown): HoldfastError {
  const steps = undone.toReversed().map(({ from, to }) => `mv '${String(to)}' '${String(from)}'`);
  return new HoldfastError(
    'SWAP_FAILED',
    `the folders could not change places (${messageOf(error)}), and not all are back: ${messageOf(stuck)}`,
    {
      cause: stuck,
      hint: `Finish by hand, in this order: ${steps.slice(0, 20).join('; ')}${steps.length > 20 ? `; and ${steps.length - 20} more` : ''}.`,
    },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
