import { HoldfastError, interrupted } from './errors.ts';

/** Throws our own interruption (or the reason given to `abort`) once the signal has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal);
}

export function abortReason(signal: AbortSignal): HoldfastError {
  return signal.reason instanceof HoldfastError ? signal.reason : interrupted(signal.reason);
}

/** Aborts when the outer signal does, or after `ms` with the error that `onTimeout` makes. */
export function withTimeout(
  signal: AbortSignal,
  ms: number | null,
  onTimeout: () => HoldfastError,
): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const follow = () => controller.abort(abortReason(signal));
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  // setTimeout overflows beyond 24.8 days and would fire at once.
  const timer = ms === null ? undefined : setTimeout(() => controller.abort(onTimeout()), Math.min(ms, 2 ** 31 - 1));
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  };
}

/** Fires only `ms` after the outer one: for a few statements that belong together, and must end all the same when nobody answers. */
export function withGrace(signal: AbortSignal, ms: number): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const follow = () => {
    timer = setTimeout(() => controller.abort(abortReason(signal)), ms);
  };
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  };
}

/** What cannot be interrupted goes on by itself; nobody waits for it any more. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(abortReason(signal));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Waits, or rejects as soon as the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', stop, { once: true });
    function done(): void {
      signal.removeEventListener('abort', stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      reject(abortReason(signal));
    }
  });
}
