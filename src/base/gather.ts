import { lend, reusedMemory } from './reuse.ts';

export interface Gathering {
  /** Where the next bytes are to be read to; the same place until some were. */
  room(): Buffer;
  /** So many bytes were read there. */
  took(bytes: number): void;
  /** Passes on what is left. */
  end(): void;
}

const pieceBytes = 256 * 1024;
/** As much as a program writes at once. */
const leastRoom = 64 * 1024;

/**
 * pg_dump writes row by row, a few kilobytes at a time. Every piece costs a turn of each stage behind it, and a compressor's turn is a
 * round trip to a thread, so small pieces are put together before they go on. They are read to where they belong in the piece.
 *
 * `see` is shown what was read before it goes on, and may still change it.
 */
export function gather(pass: (piece: Buffer) => void, see: (some: Buffer) => void = () => undefined): Gathering {
  let piece = reusedMemory(pieceBytes);
  let filled = 0;
  const flush = () => {
    if (filled === 0) return;
    const full = lend(piece.subarray(0, filled));
    piece = reusedMemory(pieceBytes);
    filled = 0;
    pass(full);
  };
  return {
    room: () => piece.subarray(filled),
    took: (bytes) => {
      see(piece.subarray(filled, filled + bytes));
      filled += bytes;
      if (pieceBytes - filled < leastRoom) flush();
    },
    end: flush,
  };
}
