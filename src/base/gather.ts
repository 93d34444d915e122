const pieceBytes = 256 * 1024;

/**
 * pg_dump writes row by row, a few kilobytes at a time. Every piece costs a turn of each stage behind it, and a compressor's turn is a
 * round trip to a thread, so small pieces are put together before they go on.
 */
export function gather(pass: (piece: Buffer) => void): { add(chunk: Buffer): void; end(): void } {
  let piece = Buffer.allocUnsafeSlow(pieceBytes);
  let filled = 0;
  const flush = () => {
    if (filled === 0) return;
    pass(piece.subarray(0, filled));
    piece = Buffer.allocUnsafeSlow(pieceBytes);
    filled = 0;
  };
  return {
    add: (chunk) => {
      if (filled + chunk.length > pieceBytes) flush();
      if (chunk.length >= pieceBytes) return pass(chunk);
      filled += chunk.copy(piece, filled);
    },
    end: flush,
  };
}
