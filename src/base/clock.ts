/** Time as the program sees it; tests bring their own. */
export interface Clock {
  now(): Date;
  /** Milliseconds that only go forward, for durations. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
};
