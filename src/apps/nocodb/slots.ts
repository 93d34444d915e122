import { abortReason, throwIfAborted } from '../../base/abort.ts';

export interface Slots {
  /** Resolves when fewer than so many are at work; who has it gives it back by disposing it. */
  take(signal: AbortSignal): Promise<Disposable>;
}

export function slots(most: number): Slots {
  let taken = 0;
  const waiting = new Set<() => void>();
  const free = () => {
    const [next] = waiting;
    if (next === undefined) taken -= 1;
    else next();
  };
  const slot = (): Disposable => {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) free();
        held = false;
      },
    };
  };
  return {
    take: async (signal) => {
      throwIfAborted(signal);
      if (taken < most) {
        taken += 1;
        return slot();
      }
      await new Promise<void>((resolve, reject) => {
        const go = () => {
          waiting.delete(go);
          signal.removeEventListener('abort', stop);
          resolve();
        };
        const stop = () => {
          waiting.delete(go);
          reject(abortReason(signal));
        };
        waiting.add(go);
        signal.addEventListener('abort', stop, { once: true });
      });
      return slot();
    },
  };
}
