/** Newest first in; from 0 (the oldest) to 100 (the newest) out. */
export function placesInTime(moments: readonly string[]): number[] {
  const times = moments.map((moment) => new Date(moment).getTime());
  const newest = Math.max(...times);
  const length = newest - Math.min(...times);
  return times.map((time) => (length === 0 ? 100 : Math.round((1 - (newest - time) / length) * 1000) / 10));
}
