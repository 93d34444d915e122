import { formatSetting } from '../../base/units.ts';
import type { NextRun } from '../../schedule/daemon.ts';
import type { Plan } from '../../schedule/due.ts';
import type { Plans } from '../../schedule/plans.ts';
import { formatTime } from './time.ts';

const shownAtMost = 20;

/** What the daemon does when, a line for each plan. */
export function describePlans(
  plans: Plans,
  next: readonly NextRun[],
  { timezone, now }: { timezone: string; now: Date },
): string[] {
  if (!plans.enabled) return ['nothing is started by the clock: scheduler.enabled is false. It stays and answers.'];
  const sources = plans.all.filter(({ source }) => source !== null);
  const none =
    sources.length === 0 ? ['no source has a schedule, so nothing is backed up by itself. It stays and answers.'] : [];
  const when = new Map(plans.all.map((plan) => [plan.name, plan.when]));
  const lines = next.map(({ plan, at }) => {
    const rhythm = when.get(plan);
    return `${plan}: ${rhythm ? `${describeWhen(rhythm)}; ` : ''}${describeNext(at, now, timezone)}`;
  });
  const more = lines.length - shownAtMost;
  return [...none, ...lines.slice(0, shownAtMost), ...(more > 0 ? [`and ${more} more plans`] : [])];
}

export function describeWhen(when: Plan): string {
  return 'cron' in when ? `at ${when.cron} (${when.timezone})` : `every ${formatSetting(when.everyMs)}`;
}

export function describeNext(at: Date, now: Date, timezone: string): string {
  return at <= now ? 'next now' : `next ${formatTime(at, timezone)} (${timezone})`;
}
