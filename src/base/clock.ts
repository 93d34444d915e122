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

/** What clocks are corrected by in daily life, and what those of different machines differ by. */
export const clockToleranceMs = 5 * 60_000;

/** Noted down as something that happened, and still to come: the clock was ahead then, and has been set back. */
export function isFromFuture(at: Date | string, now: Date): boolean {
  return new Date(at).getTime() > now.getTime() + clockToleranceMs;
}

/** When something is due that never waits longer than `longestMs`: what is further ahead was put off by a clock that was ahead, and is due now. */
export function dueAt(at: Date | string, longestMs: number, now: Date): Date {
  const due = new Date(at);
  return due.getTime() - now.getTime() > longestMs + clockToleranceMs ? now : due;
}
