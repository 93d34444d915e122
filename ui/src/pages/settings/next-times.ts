import { Cron } from 'croner';

/** When a cron pattern is due next; null where it is none. */
export function nextTimes(cron: string, timezone: string, count: number, from = new Date()): Date[] | null {
  if (cron.trim().split(/\s+/).length !== 5) return null;
  try {
    return new Cron(cron.trim(), { timezone, paused: true }).nextRuns(count, from);
  } catch {
    return null;
  }
}
