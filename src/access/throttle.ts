/** Slows down whoever guesses passwords, by user and by address, without ever locking the right person out for good. */
export interface Throttle {
  /** Milliseconds to wait before another try may be made; 0: now. */
  wait(keys: readonly string[], now: number): number;
  failed(keys: readonly string[], now: number): void;
  /** Takes one failure back that was counted before it was known. */
  forgive(keys: readonly string[]): void;
  succeeded(keys: readonly string[]): void;
}

const freeTries = 5;
const firstWaitMs = 2_000;
const longestWaitMs = 15 * 60_000;
/** After so long without a failure, everything is forgotten. */
const forgetMs = 60 * 60_000;
/** Guessing under ever new names must not fill the memory. */
const mostKeys = 10_000;

interface Failures {
  count: number;
  at: number;
}

export function createThrottle(): Throttle {
  const seen = new Map<string, Failures>();
  const failuresOf = (key: string, now: number): Failures => {
    const known = seen.get(key);
    return known && now - known.at < forgetMs ? known : { count: 0, at: now };
  };
  return {
    wait: (keys, now) =>
      Math.max(0, ...keys.map((key) => failuresOf(key, now)).map(({ count, at }) => at + waitAfter(count) - now)),
    failed: (keys, now) => {
      for (const key of keys) {
        const { count } = failuresOf(key, now);
        seen.delete(key);
        seen.set(key, { count: count + 1, at: now });
      }
      for (const oldest of seen.keys()) {
        if (seen.size <= mostKeys) break;
        seen.delete(oldest);
      }
    },
    forgive: (keys) => {
      for (const key of keys) {
        const known = seen.get(key);
        if (known) seen.set(key, { ...known, count: Math.max(0, known.count - 1) });
      }
    },
    succeeded: (keys) => {
      for (const key of keys) seen.delete(key);
    },
  };
}

function waitAfter(failures: number): number {
  if (failures < freeTries) return 0;
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - freeTries));
}
