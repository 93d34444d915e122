import type { Digest } from './digest.ts';

/** What the thread of `readAhead` is given. The memory is shared: whoever has to do with a place says so in `state`. */
export interface ReadJob {
  path: string;
  places: SharedArrayBuffer;
  /** One number for each place, `free` or `full`. */
  state: Int32Array;
  pieceBytes: number;
}

/** The thread may read into it. */
export const free = 0;
/** There is a piece in it that is still looked at. */
export const full = 1;

/** One for every piece, in their order, and the digest of all at the end. */
export type FromReader = { place: number; length: number } | { digest: Digest };
