import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { digested, filled, type DigestJob, type FromDigestThread } from './digest-thread-job.ts';

/** The thread of `openDigestPlaces`. It is told of pieces by their count alone: a message for each would cost both sides more. */
const { places, pieceBytes, lengths, counts } = workerData as DigestJob;

const hash = createHash('sha256');
let bytes = 0;
for (let piece = 0; ; piece += 1) {
  while (Atomics.load(counts, filled) <= piece) Atomics.wait(counts, filled, piece);
  const place = piece % lengths.length;
  const length = lengths[place] ?? 0;
  if (length === 0) break;
  hash.update(new Uint8Array(places, place * pieceBytes, length));
  bytes += length;
  Atomics.store(counts, digested, piece + 1);
  Atomics.notify(counts, digested);
}
parentPort?.postMessage({ bytes, sha256: hash.digest('hex') } satisfies FromDigestThread, []);
