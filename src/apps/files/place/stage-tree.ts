import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError } from '../../../base/errors.ts';
import { runProcess } from '../../../base/run-process.ts';
import { toBytes } from '../tar/member.ts';
import { freeBytes, makePlace, noSpace, type Place } from './place.ts';
import { removeTree } from './remove-tree.ts';
import { feedJob, runJob } from '../thread/thread.ts';
import { differencesOf, type TreeContent } from '../tar/tree-content.ts';

export interface TreeToStage {
  name: string;
  /** Where it is to live. */
  target: string;
  /** What was saved; the tar may not hold more, and what was laid down must be equal to it. */
  expected: TreeContent;
  content: AsyncIterable<Uint8Array>;
}

export interface StageTask {
  signal: AbortSignal;
  /** Bytes of the tar so far. */
  tell: (bytes: number) => void;
}

/** A tree that lies ready. Nothing that lives was touched. */
export interface LaidTree extends Place {
  name: string;
  expected: TreeContent;
  /** What of it is not as it was saved; then it must not become live. */
  differences: string[];
  warnings: string[];
}

/** Lays a tree down beside its live folder and reads it back. Removes what it laid down when it fails. */
export async function stageTree(tree: TreeToStage, task: StageTask): Promise<LaidTree> {
  const place = await makePlace(tree.target);
  try {
    return await lay(tree, place, task);
  } catch (error) {
    await removeTree(place.staged).catch((unremoved: unknown) => {
      throw leftover(place.staged, error, unremoved);
    });
    throw error;
  }
}

async function lay(
  { name, expected, content }: TreeToStage,
  place: Place,
  { signal, tell }: StageTask,
): Promise<LaidTree> {
  // Now, and not when the disk of a living application is full.
  const free = await freeBytes(place.staged);
  if (free < expected.diskBytes) throw noSpace(dirname(place.staged), free, expected.diskBytes);
  const folder = toBytes(place.staged);
  const owner = process.getuid?.() === 0;
  const most = { entries: expected.files + expected.folders + expected.links, bytes: expected.bytes };
  const { ownersLost } = await feedJob({ kind: 'unpack', settings: { folder, owner, most } }, content, {
    signal,
    tell,
  });
  const settings = { root: folder, exclude: [], keepOut: [], optional: true };
  const { content: found, unreadable } = await runJob({ kind: 'measure', settings }, signal);
  await toDisk(place.staged, signal);
  const differences = differencesOf(expected, found);
  if (unreadable.count > 0) differences.push(`cannot be read back: ${unreadable.names.join(', ')}`);
  const warnings: string[] = [];
  if (!owner)
    warnings.push(`${name}: only root can give files their owners; they belong to the user that runs holdfast`);
  if (ownersLost) warnings.push(`${name}: this root may not give files their owners; they belong to root`);
  return { ...place, name, expected, differences, warnings };
}

/** One call for the file system: a sync of each of many files takes minutes, and Node has no other. */
async function toDisk(folder: string, signal: AbortSignal): Promise<void> {
  await runProcess({ program: 'sync', args: ['-f', folder] }, { signal }).catch(async () => {
    await using handle = await open(folder, constants.O_RDONLY);
    await handle.sync();
  });
}

function leftover(path: string, error: unknown, unremoved: unknown): HoldfastError {
  const why = error instanceof Error ? error.message : String(error);
  return new HoldfastError('LEFTOVER_FOLDER', `${why}; and ${path}, which was being laid down, could not be removed`, {
    cause: unremoved,
    hint: `Nothing live was changed. Remove ${path} by hand.`,
  });
}
