import { expect, test } from 'vitest';
import { makePlans, type PlanSettings, type Timing } from './plans.ts';
import { sourceSchedules } from './source-schedules.ts';

const hour = 3_600_000;
const day = 24 * hour;

function timing(plan: Timing['plan']): Timing {
  return { plan, missed: 'run', retries: 0, retryDelayMs: 1000, jitterMs: 0, runOnStart: false };
}

function schedules(backup: Timing['plan'] | null, drill: Timing['plan'] | null = null, enabled = true) {
  const scheduler = { enabled, concurrency: 1, stopWithin: 0, keepRuns: 1, keepRunsFor: 1 };
  const sources: PlanSettings['sources'] = {
    shop: { schedule: backup && timing(backup), drill: { schedule: drill && timing(drill) }, verify: null },
  };
  return sourceSchedules(makePlans({ scheduler, sources }), ['shop']);
}

test.each<[string, Timing['plan'], number]>([
  ['an interval', { everyMs: 6 * hour }, 6 * hour],
  ['once a day, by local time', { cron: '15 5 * * *', timezone: 'Europe/Berlin' }, day],
  ['in UTC', { cron: '15 5 * * *', timezone: 'UTC' }, day],
  ['on workdays', { cron: '0 3 * * 1-5', timezone: 'UTC' }, 3 * day],
  ['once a month', { cron: '0 3 1 * *', timezone: 'UTC' }, 31 * day],
])('the longest distance of %s', (_, plan, expected) => {
  const [schedule] = schedules(plan, plan);
  expect(schedule).toMatchObject({ source: 'shop', backupEveryMs: expected, drillEveryMs: expected });
});

test('N-d1: the first due time after a backup', () => {
  const at = new Date('2026-11-20T05:15:00Z');
  const next = (plan: Timing['plan']) => schedules(plan)[0]?.nextAfter(at)?.toISOString();
  expect(next({ everyMs: 6 * hour })).toBe('2026-11-20T11:15:00.000Z');
  expect(next({ cron: '15 5 * * *', timezone: 'UTC' })).toBe('2026-11-21T05:15:00.000Z');
  expect(next({ cron: '16 5 * * *', timezone: 'UTC' })).toBe('2026-11-20T05:16:00.000Z');
});

test('what a due time of backups may be put off by is told', () => {
  const scheduler = { enabled: true, concurrency: 1, stopWithin: 0, keepRuns: 1, keepRunsFor: 1 };
  const schedule = { ...timing({ everyMs: day }), jitterMs: 8 * hour };
  const plans = makePlans({ scheduler, sources: { shop: { schedule, drill: { schedule: null }, verify: null } } });
  expect(sourceSchedules(plans, ['shop'])).toMatchObject([{ jitterMs: 8 * hour }]);
});

test('without a schedule, or with a scheduler that is switched off, nothing is ever due', () => {
  expect(schedules(null)).toEqual([]);
  expect(schedules({ everyMs: day }, null, false)).toEqual([]);
  const [drillsOnly] = schedules(null, { everyMs: day });
  expect(drillsOnly).toMatchObject({ backupEveryMs: null, drillEveryMs: day });
  expect(drillsOnly?.nextAfter(new Date())).toBeNull();
});
