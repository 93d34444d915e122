import { finished, Readable } from 'node:stream';

export interface RelayHooks {
  /** The reader waits for bytes. */
  asked?(): void;
  /** Bytes were handed on. */
  passed?(bytes: number): void;
  /** All of it was handed on. */
  ended?(): void;
  /** The source failed or closed early: what to go on with, or a rejection that becomes the reader's. */
  failed?(error: unknown, passed: number): Promise<Readable>;
}

const bufferedBytes = 256 * 1024;

/**
 * Hands on what another stream gives and can go on with a further one where it failed. Not an async generator: destroying one waits
 * for the piece that is just being read, and a source that hangs never gives it.
 */
export function relay(first: Readable, hooks: RelayHooks): Readable {
  let current = first;
  let passed = 0;
  const outer = new Readable({
    highWaterMark: bufferedBytes,
    read() {
      hooks.asked?.();
      current.resume();
    },
    destroy(error, next) {
      current.once('error', () => undefined);
      current.destroy();
      next(error);
    },
  });
  const follow = (source: Readable) => {
    current = source;
    source.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      hooks.passed?.(chunk.length);
      if (!outer.push(chunk)) source.pause();
    });
    finished(source, { writable: false }, (error) => {
      if (outer.destroyed) return;
      if (!error) {
        hooks.ended?.();
        outer.push(null);
        return;
      }
      const goOn = hooks.failed?.(error, passed) ?? Promise.reject<Readable>(error);
      goOn.then(
        (next) => {
          if (!outer.destroyed) return follow(next);
          next.once('error', () => undefined);
          next.destroy();
        },
        (failure: Error) => outer.destroy(failure),
      );
    });
  };
  follow(first);
  return outer;
}
