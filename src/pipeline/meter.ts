import { Transform } from 'node:stream';
import { bufferedBytes } from './pipeline.ts';

export interface Meter {
  stream: Transform;
  bytes(): number;
}

/** Counts what flows by. Tells at most ten times a second, and once at the end. */
export function meter(tell: (bytes: number) => void = () => undefined): Meter {
  let bytes = 0;
  let toldAt = 0;
  const stream = new Transform({
    highWaterMark: bufferedBytes,
    transform: (chunk: Buffer, _encoding, next) => {
      bytes += chunk.length;
      const now = performance.now();
      if (now - toldAt >= 100) {
        toldAt = now;
        tell(bytes);
      }
      next(null, chunk);
    },
    flush: (next) => {
      tell(bytes);
      next();
    },
  });
  return { stream, bytes: () => bytes };
}
