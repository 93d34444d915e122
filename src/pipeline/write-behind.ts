import { open, type FileHandle } from 'node:fs/promises';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../base/abort.ts';
import { openDigestPlaces, type DigestPlaces, type Threads } from './digest-places.ts';
import type { Digest } from './digest.ts';
import { handOver, type HandOver } from './hand-over.ts';

/**
 * Writes a stream into a new file, and takes its digest meanwhile. What arrives is gathered into pieces of memory that
 * are used again, and its own memory is let go of at once, so that it is nobody else's any more: as garbage, the network's pieces would
 * have everything that the process holds looked through, again and again.
 */
export async function writeBehind(
  content: Readable,
  path: string,
  { threads, signal }: { threads: Threads; signal: AbortSignal },
): Promise<Digest> {
  throwIfAborted(signal);
  // It may break off before the file is open. The pipeline finds the error all the same.
  content.on('error', () => undefined);
  await using file = await open(path, 'wx', 0o600);
  await using places = openDigestPlaces(threads);
  const pieces = handOver<Buffer>(places.count);
  const stop = (error: unknown) => {
    places.fail(error);
    pieces.fail(error);
  };
  const written = writeAll(file, pieces).catch((error: unknown) => {
    stop(error);
    throw error;
  });
  written.catch(() => undefined);
  try {
    await pipeline(content, gatherInto(places, pieces), { signal });
    await written;
    return await places.end();
  } finally {
    stop(new Error('nothing is written any more'));
    // Nothing may be written to a file, or out of memory, that is given back.
    await written.catch(() => undefined);
  }
}

function gatherInto(places: DigestPlaces, pieces: HandOver<Buffer>): Writable {
  let place: Buffer | null = null;
  let used = 0;
  const give = () => {
    if (place === null || used === 0) return;
    places.fill(used);
    pieces.give(place.subarray(0, used));
    place = null;
    used = 0;
  };
  const add = async (chunk: Buffer): Promise<void> => {
    for (let taken = 0; taken < chunk.length;) {
      if (place === null) {
        await pieces.room();
        place = await places.place();
      }
      const copied = chunk.copy(place, used, taken);
      taken += copied;
      used += copied;
      if (used === place.length) give();
    }
  };
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (place !== null && used + chunk.length < place.length) {
        used += chunk.copy(place, used);
        letGo(chunk);
        return done();
      }
      add(chunk).then(() => {
        letGo(chunk);
        done();
      }, done);
    },
    final: (done) => {
      give();
      pieces.give(null);
      done();
    },
  });
}

/** Only where nothing else can lie in the same memory. */
function letGo({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

async function writeAll(file: FileHandle, pieces: HandOver<Buffer>): Promise<void> {
  for (;;) {
    const piece = await pieces.take();
    if (piece === null) return;
    for (let done = 0; done < piece.length;) {
      const { bytesWritten } = await file.write(piece, done, piece.length - done);
      done += bytesWritten;
    }
    pieces.free();
  }
}
