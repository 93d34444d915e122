import type { SourceSchedule } from '../care/monitor/settings.ts';
import { nextDue, type Plan } from './due.ts';
import type { Plans } from './plans.ts';

/** What the monitor wants to know of the plans: when a backup should have come, and how often drills do. */
export function sourceSchedules({ all, enabled }: Plans, sources: readonly string[]): SourceSchedule[] {
  if (!enabled) return [];
  const distances = new Map<string, number | null>();
  const distanceOf = (plan: Plan | undefined): number | null => {
    if (plan === undefined) return null;
    const key = JSON.stringify(plan);
    const known = distances.get(key) ?? longestDistance(plan);
    distances.set(key, known);
    return known;
  };
  const plans = new Map(all.map((plan) => [`${plan.kind} ${plan.source}`, plan]));
  return sources.flatMap((source): SourceSchedule[] => {
    const planned = plans.get(`backup ${source}`);
    const backup = planned?.when;
    const drill = plans.get(`drill ${source}`)?.when;
    if (!backup && !drill) return [];
    return [
      {
        source,
        planned: backup !== undefined,
        // Asked for where something is late; for a thousand different ones it would take seconds.
        get backupEveryMs() {
          return distanceOf(backup);
        },
        get drillEveryMs() {
          return distanceOf(drill);
        },
        jitterMs: planned?.jitterMs ?? 0,
        nextAfter: (at) => (backup ? timeAfter(backup, at) : null),
      },
    ];
  });
}

/** The next point of the plan itself, whatever was done before. */
export function timeAfter(plan: Plan, at: Date): Date | null {
  return nextDue(plan, { now: at, since: at, lastGood: at, lastAttempt: at, missed: 'skip' });
}

/** Enough to see a weekend, and of what happens once a month or once a year, the longest. */
const looks = 24;
const anyDay = new Date('2027-01-01T00:00:00Z');

function longestDistance(plan: Plan): number | null {
  if ('everyMs' in plan) return plan.everyMs;
  let longest: number | null = null;
  let at = timeAfter(plan, anyDay);
  for (let look = 0; look < looks && at !== null; look += 1) {
    const next = timeAfter(plan, at);
    if (next !== null) longest = Math.max(longest ?? 0, next.getTime() - at.getTime());
    at = next;
  }
  return longest;
}
