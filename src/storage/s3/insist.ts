import { pause } from '../../base/abort.ts';

const firstMs = 500;
const longestMs = 10_000;

export interface Patience {
  ms: number;
  mayPass: (error: unknown) => Promise<boolean>;
}

/**
 * Tries what the client itself has given up: its own tries are over within a second or two, a service that is started anew takes longer,
 * and what was uploaded for hours would have been in vain. From the first failure on it counts, so that what takes long is tried again, too.
 */
export async function insist<T>(
  work: () => Promise<T>,
  { ms, mayPass }: Patience,
  { signal, isOver = () => false }: { signal: AbortSignal; isOver?: () => boolean },
): Promise<T> {
  let until: number | undefined;
  for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, longestMs)) {
    try {
      return await work();
    } catch (error) {
      until ??= performance.now() + ms;
      const isLate = performance.now() + waitMs > until;
      if (signal.aborted || isOver() || isLate || !(await mayPass(error))) throw error;
      // Parts that failed together must not come back together.
      await pause((waitMs * (1 + Math.random())) / 2, signal);
    }
  }
}
