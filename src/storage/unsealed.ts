import { posix } from 'node:path';
import type { StageFolders } from './stage-folders.ts';

/** What is written last, and makes the rest count. */
export const manifestName = 'manifest.json';
const partialMark = '.partial-';
const sealingMark = '.sealing-';
/** Lies in what somebody still writes, until it is moved. */
export const writerMark = '.writer-';
/** A server that moves a folder file by file may take so long for one. */
export const pieceMs = 600_000;

/** Where a set of files lies while it comes about: what was put, its manifest, and in the end both. */
export function placesOf(prefix: string): { partial: string; sealing: string; final: string } {
  const final = prefix.slice(0, -1);
  const [above, name] = [posix.dirname(final), posix.basename(final)];
  return { partial: posix.join(above, partialMark + name), sealing: posix.join(above, sealingMark + name), final };
}

export interface FolderTouched {
  name: string;
  touchedAt: Date;
}

/** Which of the folders below a prefix somebody began to write, with the newest time of each. */
export function unfinishedAmong(
  folders: readonly FolderTouched[],
  prefix: string,
): { prefix: string; touchedAt: Date }[] {
  const found = new Map<string, Date>();
  for (const { name, touchedAt } of folders) {
    const mark = [partialMark, sealingMark].find((each) => name.startsWith(each));
    if (mark === undefined) continue;
    const key = `${prefix}${name.slice(mark.length)}/`;
    const before = found.get(key);
    if (before === undefined || before < touchedAt) found.set(key, touchedAt);
  }
  return [...found].map(([key, touchedAt]) => ({ prefix: key, touchedAt }));
}

export function isUnfinished(name: string): boolean {
  return name.startsWith(partialMark) || name.startsWith(sealingMark);
}

/**
 * Removes what a writer left, wherever it stopped. Where its manifest still waits, what was moved to its place is no backup and goes too;
 * that the manifest goes first keeps anybody from sealing it meanwhile. The folder it waited in tells of the rest until the end. What a
 * server may still be moving stays for another time: it would go on, and leave what nothing tells of.
 */
export async function removeUnsealed(folders: StageFolders, prefix: string, signal: AbortSignal): Promise<void> {
  const { partial, sealing, final } = placesOf(prefix);
  if (await folders.exists(sealing, signal)) {
    if (await mayBeMoving(folders, { partial, sealing }, signal)) return;
    await folders.remove(posix.join(sealing, manifestName), signal);
    if (!(await isSealed(folders, final, signal))) await folders.removeTree(final, signal);
  }
  await folders.removeTree(partial, signal);
  await folders.removeTree(sealing, signal);
}

async function mayBeMoving(
  folders: StageFolders,
  { partial, sealing }: { partial: string; sealing: string },
  signal: AbortSignal,
): Promise<boolean> {
  const waiting = await folders.entries(sealing, signal);
  if (!waiting.some(({ name }) => name === manifestName)) return false;
  const newest = Math.max(...waiting.map(({ modifiedAt }) => modifiedAt.getTime()));
  if (Date.now() - newest > pieceMs) return false;
  const rest = await folders.entries(partial, signal);
  return !rest.some(({ name }) => name.startsWith(writerMark));
}

/** That a manifest was not found counts only when the listing does not show it either. */
async function isSealed(folders: StageFolders, final: string, signal: AbortSignal): Promise<boolean> {
  if (await folders.exists(posix.join(final, manifestName), signal)) return true;
  return (await folders.entries(final, signal)).some(({ name }) => name === manifestName);
}
