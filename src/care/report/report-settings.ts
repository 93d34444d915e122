import { formatBytes, formatSetting } from '../../base/units.ts';
import type { SourceFacts } from '../monitor/facts.ts';
import type { RetentionRules } from '../retention.ts';
import type { Source } from '../source.ts';

export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** As much of a plan as a report tells. */
export interface ReportedPlan {
  readonly kind: string;
  readonly source: string | null;
  readonly when: { readonly cron: string; readonly timezone: string } | { readonly everyMs: number };
}

/** What is in effect for a source, in words. */
export function settingsOf(source: Source, { settings }: SourceFacts, plans: readonly ReportedPlan[]): Setting[] {
  const planned = (kind: string) => {
    const plan = plans.find((each) => each.kind === kind && each.source === source.name);
    return plan ? describePlan(plan.when) : 'none';
  };
  const limits = [
    `at least ${settings.minBackups}`,
    ...(settings.maxSize === null ? [] : [`at most ${formatBytes(settings.maxSize)} each`]),
    ...(settings.sizeDrop === null ? [] : [`shrinking by at most ${Math.round(settings.sizeDrop * 100)}%`]),
    ...(settings.sizeJump === null ? [] : [`growing by at most ${Math.round(settings.sizeJump * 100)}%`]),
    ...(typeof settings.maxAgeMs === 'number' ? [`newest at most ${formatSetting(settings.maxAgeMs)} old`] : []),
  ];
  return [
    { name: 'schedule', value: planned('backup') },
    { name: 'drills', value: planned('drill') },
    { name: 'verifications', value: planned('verify') },
    { name: 'retention', value: describeRetention(source.retention) },
    { name: 'encryption', value: source.keys.wanted === null ? 'none' : 'age' },
    { name: 'storages', value: source.storages.map(({ name }) => name).join(', ') },
    { name: 'watched for', value: limits.join(', ') },
  ];
}

function describePlan(when: ReportedPlan['when']): string {
  return 'cron' in when ? `${when.cron} (${when.timezone})` : `every ${formatSetting(when.everyMs)}`;
}

function describeRetention({ minimum, maxAgeMs, ...counts }: RetentionRules): string {
  const rules = [
    ...Object.entries(counts).flatMap(([rule, count]) => (count === undefined ? [] : [`${rule} ${count}`])),
    ...(maxAgeMs === undefined ? [] : [`younger than ${formatSetting(maxAgeMs)}`]),
  ];
  return rules.length === 0 ? 'everything is kept' : `${rules.join(', ')}; never fewer than ${minimum}`;
}
