const firstMs = 60_000;
const longestMs = 6 * 3_600_000;
const spread = 0.2;
export const longestRetryDelayMs = longestMs * (1 + spread);

/**
 * How long to wait before a copy that failed so often is tried again: doubling from a minute to six hours, spread by a fifth either way, so that
 * many sources whose storage was down do not come back all at once. `random` is from 0 to 1.
 */
export function retryDelayMs(attempts: number, random: number): number {
  const doubled = firstMs * 2 ** Math.max(0, Math.min(attempts, 40) - 1);
  return Math.round(Math.min(doubled, longestMs) * (1 - spread + 2 * spread * random));
}
