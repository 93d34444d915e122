import type { Digest } from './digest.ts';

/** What the thread of `openDigestPlaces` is given. Everything is shared: pieces lie in places that are used again and again. */
export interface DigestJob {
  places: SharedArrayBuffer;
  pieceBytes: number;
  /** How long the piece in each place is; nothing is in it: the end. */
  lengths: Int32Array;
  /** At `filled` and `digested`: how many pieces so far. */
  counts: Int32Array;
}

export const filled = 0;
export const digested = 1;

export type FromDigestThread = Digest;
