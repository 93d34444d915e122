import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { abortReason, throwIfAborted } from '../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { openDigestPlaces, type DigestPlaces, type Threads } from './digest-places.ts';
import { digestProblem, type Digest } from './digest.ts';
import { handOver, type HandOver } from './hand-over.ts';

/**
 * A local file, read ahead and held against its digest. The pieces lie in memory that is used again: each is good
 * until the next is asked for.
 * Fails in the place of the last piece when the bytes were not the expected ones.
 */
export async function* readAhead(
  path: string,
  { expected, what, threads, signal }: { expected: Digest; what: string; threads: Threads; signal: AbortSignal },
): AsyncGenerator<Buffer, void, void> {
  throwIfAborted(signal);
  await using file = await told(what, open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  await using places = openDigestPlaces(threads);
  const pieces = handOver<Buffer>(places.count);
  const stop = (error: unknown) => {
    places.fail(error);
    pieces.fail(error);
  };
  const interrupt = () => stop(abortReason(signal));
  signal.addEventListener('abort', interrupt, { once: true });
  const read = readAll(file, { places, pieces, what }).catch(stop);
  try {
    let next = await pieces.take();
    while (next !== null) {
      const piece = next;
      // The last piece is given only when the digest is right: who has been given all bytes looks for no error.
      next = await pieces.take();
      if (next === null) assertSame(expected, await told(what, places.end()), what);
      yield piece;
      pieces.free();
    }
  } finally {
    signal.removeEventListener('abort', interrupt);
    stop(new Error('nobody reads any more'));
    // Nothing may be read into memory, or from a file, that is given back.
    await read;
  }
}

interface Reading {
  places: DigestPlaces;
  pieces: HandOver<Buffer>;
  what: string;
}

async function readAll(file: FileHandle, { places, pieces, what }: Reading): Promise<void> {
  for (;;) {
    await pieces.room();
    const place = await told(what, places.place());
    const { bytesRead } = await told(what, file.read(place, 0, place.length, null));
    if (bytesRead === 0) return pieces.give(null);
    places.fill(bytesRead);
    pieces.give(place.subarray(0, bytesRead));
  }
}

function assertSame(expected: Digest, actual: Digest, what: string): void {
  const problem = digestProblem(expected, actual, what);
  if (problem) throw problem;
}

async function told<T>(what: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('ARTIFACT_UNREADABLE', `${what} cannot be read: ${toHoldfastError(error).message}`, {
      cause: error,
      hint: 'Look at the disk and at the rights of its files, or use another copy.',
    });
  }
}
