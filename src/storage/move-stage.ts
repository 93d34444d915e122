import { posix } from 'node:path';
import { pause } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import type { StageFolders } from './stage-folders.ts';
import { pieceMs } from './unsealed.ts';

export interface MoveTiming {
  /** How often it is looked whether the move is done. */
  lookMs: number;
  /** Nothing seems to have begun: so long it may still. */
  beginMs: number;
  /** It has begun: one large file may take the server so long, and nothing shows meanwhile. */
  pieceMs: number;
}

export const usualTiming: MoveTiming = { lookMs: 2000, beginMs: 120_000, pieceMs };

interface Move {
  from: string;
  to: string;
  /** What was put, by name, with its size. */
  files: ReadonlyMap<string, number>;
  timing: MoveTiming;
}

/** `unclear`: the server may still be moving, or go on with it later. */
export type Moved = { state: 'moved' } | { state: 'refused' | 'unclear'; error: unknown; exists: boolean };

/**
 * Moves a folder and finds out what became of it. A server need not move a folder in one step, and what answers may be a proxy that has
 * waited long enough: the server goes on behind it, file by file.
 */
export async function moveStage(folders: StageFolders, move: Move, signal: AbortSignal): Promise<Moved> {
  const { from, to, files, timing } = move;
  let failure: unknown;
  try {
    await folders.rename(from, to, signal);
    return { state: 'moved' };
  } catch (error) {
    failure = error;
  }
  let seen = '';
  let exists = false;
  for (let changedAt = performance.now(); !signal.aborted;) {
    try {
      const here = await filesBelow(folders, from, signal);
      const there = await filesBelow(folders, to, signal);
      exists = there !== null;
      const isUntouched = holdsAll(here, files);
      const isGone = here === null && there === null;
      // Said by the server itself, perhaps about a first try that a proxy repeated: then the rest of it is on its way.
      if (isRefusal(failure) && (isUntouched || isGone)) return { state: 'refused', error: failure, exists };
      // The answer was what was lost, not the move.
      if (holdsAll(there, files)) return { state: 'moved' };
      const state = JSON.stringify([here && [...here], there && [...there]]);
      if (state !== seen) changedAt = performance.now();
      seen = state;
      const patience = isRefusal(failure) || (isUntouched && !exists) ? timing.beginMs : timing.pieceMs;
      if (performance.now() - changedAt >= patience) break;
      if (isPutOff(failure) && isUntouched && !exists) {
        await pause(timing.lookMs, signal);
        failure = await folders.rename(from, to, signal).then(
          () => null,
          (error: unknown) => error,
        );
        if (failure === null) return { state: 'moved' };
        continue;
      }
    } catch {
      // Nobody answers at the moment.
      if (performance.now() - changedAt >= timing.beginMs) break;
    }
    await pause(timing.lookMs, signal).catch(() => undefined);
  }
  return { state: 'unclear', error: failure, exists };
}

/** An answer of the server itself, that it did not and will not. */
export function isRefusal(error: unknown): boolean {
  return error instanceof HoldfastError && !error.retryable && error.kind !== 'interrupted';
}

/** The server is too busy for it, or something is locked at the moment: it is to be asked again. */
export function isPutOff(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'STORAGE_BUSY';
}

/** Files by name with their sizes, marks and other hidden ones left out; null where there is no such folder. */
export async function filesBelow(
  folders: StageFolders,
  folder: string,
  signal: AbortSignal,
): Promise<Map<string, number> | null> {
  if (!(await folders.exists(folder, signal))) return null;
  const found = new Map<string, number>();
  const look = async (below: string): Promise<void> => {
    for (const { name, isFolder, bytes } of await folders.entries(posix.join(folder, below), signal)) {
      if (name.startsWith('.')) continue;
      if (isFolder) await look(posix.join(below, name));
      else found.set(posix.join(below, name), bytes);
    }
  };
  await look('');
  return found;
}

function holdsAll(found: ReadonlyMap<string, number> | null, files: ReadonlyMap<string, number>): boolean {
  return found !== null && [...files].every(([name, bytes]) => found.get(name) === bytes);
}
