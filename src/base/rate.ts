import { pipeline, Transform, type Readable } from 'node:stream';
import { pause, throwIfAborted } from './abort.ts';
import { systemClock, type Clock } from './clock.ts';

/** A speed that all who take from it share. */
export interface Rate {
  readonly bytesPerSecond: number;
  /** Resolves when so many bytes may pass. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Pieces are cut to this part of a second, and no more than that is saved up while nothing flows. */
const sliceMs = 50;

export function sharedRate(
  bytesPerSecond: number,
  clock: Pick<Clock, 'monotonic'> = systemClock,
  wait: (ms: number, signal: AbortSignal) => Promise<void> = pause,
): Rate {
  /** When everything taken so far has passed. */
  let free = Number.NEGATIVE_INFINITY;
  return {
    bytesPerSecond,
    take: async (bytes, signal) => {
      throwIfAborted(signal);
      const now = clock.monotonic();
      const begins = Math.max(free, now - sliceMs);
      free = begins + (bytes * 1000) / bytesPerSecond;
      // Timers are no finer; what is too early now is made up for by the next one.
      if (free - now >= 1) await wait(free - now, signal);
    },
  };
}

/** A stage of a stream that lets bytes pass no faster than the rate. */
export function slowedTo(rate: Rate, signal: AbortSignal): Transform {
  const slice = Math.max(1, Math.floor((rate.bytesPerSecond * sliceMs) / 1000));
  const passOn = async (stage: Transform, chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += slice) {
      const piece = chunk.subarray(at, at + slice);
      await rate.take(piece.length, signal);
      // An await away, the stream may be gone.
      if (stage.destroyed) return;
      stage.push(piece);
    }
  };
  return new Transform({
    readableHighWaterMark: 64 * 1024,
    writableHighWaterMark: 64 * 1024,
    transform(chunk: Buffer, _encoding, next) {
      passOn(this, chunk).then(
        () => next(),
        (error: Error) => next(error),
      );
    },
  });
}

/** The same of a stream that exists already; without a rate it is that stream itself. */
export function slowed(content: Readable, rate: Rate | null, signal: AbortSignal): Readable {
  return rate === null ? content : pipeline(content, slowedTo(rate, signal), () => undefined);
}
