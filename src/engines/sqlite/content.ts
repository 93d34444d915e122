import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import { filePieces } from '../../base/file-pieces.ts';
import { outputOf } from '../../base/piped-program.ts';
import type { Access } from './access.ts';
import type { Frozen } from './process/freeze.ts';
import { copyFailed } from './room.ts';
import type { Session } from './session.ts';
import { isOpenHere } from './users.ts';

/** One state of a database: its bytes, and what is asked about it. */
export interface Content extends AsyncDisposable {
  /** Whether a copy was read, or is; true for good once it is. */
  readonly isCopy: boolean;
  /** All of the file, asked for once. The end is only shown when it was kept still as long as that was needed. */
  pieces(signal: AbortSignal): AsyncIterable<Buffer>;
  /** Asks about that same state. It may be asked twice, of which only the answer to the last time counts. */
  within<T>(ask: Ask<T>, signal: AbortSignal): Promise<T>;
}

export type Ask<T> = (session: Session, signal: AbortSignal) => Promise<T>;

export interface Source {
  access: Access;
  /** Keeps the state, and goes after the content. */
  session: Session;
  /** Where the file really is. */
  path: string;
}

/** The live file stands still as long as the session keeps its transaction, while others write. */
export function standing({ access, session, path }: Source): Content {
  return {
    isCopy: false,
    pieces: async function* (signal) {
      const { size } = await stat(path);
      const bytes = yield* counting(await openLive(path, signal));
      const kept = await session.ask('isFrozen', {}, signal);
      if (!kept || bytes !== size) throw changed(access.path);
    },
    within: async (ask, signal) => ask(session, signal),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function openLive(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  // Closing any handle of a file ends all locks a process has on it. Where we have it open ourselves, which is when our own
  // catalog is what is saved, another process reads it.
  if (await isOpenHere(path)) return outputOf({ program: 'cat', args: ['--', path] }, { signal });
  return filePieces(path);
}

/** SQLite itself copies a file that others change meanwhile, in an order of its own: only all of it can be read. */
export async function copied(source: Source, folder: string, signal: AbortSignal): Promise<Content> {
  const path = copyIn(folder);
  await copyAway(source, { folder, how: 'moving', from: 0 }, signal);
  const { access, session } = source;
  return {
    isCopy: true,
    pieces: async function* () {
      const { size } = await stat(path);
      if ((yield* counting(filePieces(path))) !== size) throw changed(access.path);
    },
    within: async (ask, later) => ask(session, later),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export function copyIn(folder: string): string {
  return join(folder, 'copy.sqlite');
}

/** Has the session copy the file, from there on at least, and let it go; fails when that was not one state until then. */
export async function copyAway(
  { access, session }: Source,
  { folder, how, from }: { folder: string; how: Frozen; from: number },
  signal: AbortSignal,
): Promise<void> {
  try {
    const isSame = await session.ask('copy', { to: copyIn(folder), how, from }, signal);
    if (!isSame) throw changed(access.path);
  } catch (error) {
    throw copyFailed(error, folder, access.path);
  }
}

async function* counting(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, number, void> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    yield piece;
  }
  return bytes;
}

export function changed(path: string): HoldfastError {
  return new HoldfastError('DATABASE_CHANGED', `${path} changed while it was read`, {
    retryable: true,
    hint: 'Another file has taken its place, something other than SQLite writes to it, or the reading process was ended; try again.',
  });
}
