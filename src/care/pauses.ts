const dayMs = 86_400_000;
/** Shorter ones are holidays, and a clock that is wrong by less does little harm. */
const longMs = 60 * dayMs;
const times = 10;
const compared = 5;

/** A time without any backup that is quite unlike the distances before it: the clock has jumped, or there really was a pause. */
export interface Pause {
  /** The newest backup before it. */
  after: Date;
  ms: number;
  /** By how much everything up to `after` is younger when the pause counts as one of the usual distances. */
  deductMs: number;
}

/**
 * Compared with the distances right before it, which calendar rules make longer the further back they lie, so that thinned out
 * backups have none. Newest first.
 */
export function pausesBetween(backups: readonly Date[], now: Date): Pause[] {
  const moments = [now.getTime(), ...backups.map((at) => at.getTime()).toSorted((a, b) => b - a)];
  const distances = moments.slice(1).map((at, index) => (moments[index] ?? at) - at);
  return distances.flatMap((ms, index): Pause[] => {
    const before = distances.slice(index + 1, index + 1 + compared);
    const usualMs = Math.max(...before);
    const after = moments[index + 1];
    if (after === undefined || before.length === 0 || ms <= longMs || ms <= times * usualMs) return [];
    return [{ after: new Date(after), ms, deductMs: ms - usualMs }];
  });
}
