import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { full, type FromReader, type ReadJob } from './read-ahead-job.ts';

/** The thread of `readAhead`: reads pieces into the places that are free, and takes the digest of all. */
const { path, places, state, pieceBytes } = workerData as ReadJob;
const count = state.length;
const say = (message: FromReader) => parentPort?.postMessage(message, []);

const hash = createHash('sha256');
let bytes = 0;
const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
try {
  for (let place = 0; ; place = (place + 1) % count) {
    Atomics.wait(state, place, full);
    const piece = new Uint8Array(places, place * pieceBytes, pieceBytes);
    const length = readSync(file, piece, 0, pieceBytes, null);
    if (length === 0) break;
    Atomics.store(state, place, full);
    say({ place, length });
    hash.update(piece.subarray(0, length));
    bytes += length;
  }
  say({ digest: { bytes, sha256: hash.digest('hex') } });
} finally {
  closeSync(file);
}
