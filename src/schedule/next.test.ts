import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextStart, retryDelay, type Attempt, type PlanMemory, type Watch } from './next.ts';
import { makePlans, type ScheduledPlan, type Timing } from './plans.ts';

const hour = 3_600_000;
const daily: Timing = {
  plan: { cron: '15 5 * * *', timezone: 'UTC' },
  missed: 'run',
  retries: 3,
  retryDelayMs: 60_000,
  jitterMs: 0,
  runOnStart: false,
};
const every: Timing = { ...daily, plan: { everyMs: 24 * hour } };

function planOf(timing: Timing, source = 'shop'): ScheduledPlan {
  const scheduler = { enabled: true, concurrency: 1, stopWithin: 0, keepRuns: 1, keepRunsFor: 1 };
  const sources = { [source]: { schedule: timing, drill: { schedule: null }, verify: null } };
  const [plan] = makePlans({ scheduler, sources }).all;
  if (!plan) throw new Error('no plan was made');
  return plan;
}

function memory(rest: Partial<Record<'seenAt' | 'lastGood', string>> & { attempt?: Attempt } = {}): PlanMemory {
  return {
    seenAt: new Date(rest.seenAt ?? '2026-11-01T00:00:00Z'),
    lastGood: rest.lastGood === undefined ? null : new Date(rest.lastGood),
    attempt: rest.attempt ?? null,
  };
}

function attempt(startedAt: string, rest: { number?: number; retryAt?: string } = {}): Attempt {
  const retryAt = rest.retryAt === undefined ? null : new Date(rest.retryAt);
  return { startedAt: new Date(startedAt), due: new Date(startedAt), number: rest.number ?? 1, retryAt };
}

function watch(now: string, since = now, awakeSince = since): Watch {
  return { now: new Date(now), since: new Date(since), awakeSince: new Date(awakeSince), seed: 'web-1' };
}

describe('when a plan is started next', () => {
  const cases: [title: string, timing: Timing, PlanMemory, Watch, at: string | null, trigger: string][] = [
    [
      'N-d1 a cron plan that never ran waits for its time, and has one',
      daily,
      memory({ seenAt: '2026-11-20T12:00:00Z' }),
      watch('2026-11-20T12:00:00Z'),
      '2026-11-21T05:15:00Z',
      'schedule',
    ],
    [
      'N-26 an interval that never ran begins at once',
      every,
      memory(),
      watch('2026-11-20T12:00:07Z', '2026-11-20T12:00:00Z'),
      '2026-11-20T12:00:00Z',
      'schedule',
    ],
    [
      'O-d7 restarts do not put an interval off',
      every,
      memory({ lastGood: '2026-11-19T20:00:00Z' }),
      watch('2026-11-20T19:59:00Z'),
      '2026-11-20T20:00:00Z',
      'schedule',
    ],
    [
      'O-d7 a machine that is never on at the time of a cron plan makes up for it at its next start, from the first day on',
      daily,
      memory({ seenAt: '2026-11-19T18:00:00Z' }),
      watch('2026-11-20T09:00:00Z'),
      '2026-11-20T05:15:00Z',
      'missed',
    ],
    [
      'S20 down over three due times: one of them, at once',
      daily,
      memory({ lastGood: '2026-11-16T05:15:00Z' }),
      watch('2026-11-20T04:00:00Z'),
      '2026-11-17T05:15:00Z',
      'missed',
    ],
    [
      'S20 down over three due times, missed ones skipped: the next',
      { ...daily, missed: 'skip' },
      memory({ lastGood: '2026-11-16T05:15:00Z' }),
      watch('2026-11-20T04:00:00Z'),
      '2026-11-20T05:15:00Z',
      'schedule',
    ],
    [
      'S20 asleep over a due time, missed ones skipped: the next',
      { ...daily, missed: 'skip' },
      memory({ lastGood: '2026-11-19T05:15:00Z' }),
      watch('2026-11-20T09:00:00Z', '2026-11-18T00:00:00Z', '2026-11-20T09:00:00Z'),
      '2026-11-21T05:15:00Z',
      'schedule',
    ],
    [
      'S20 a clock corrected by a second does not make the same time come again',
      daily,
      memory({ lastGood: '2026-11-20T05:15:00.050Z', attempt: attempt('2026-11-20T05:15:00.010Z') }),
      watch('2026-11-20T05:14:59.500Z', '2026-11-01T00:00:00Z'),
      '2026-11-21T05:15:00Z',
      'schedule',
    ],
    [
      'S20 a clock set back by a day: the next time by the new clock, not a day later',
      daily,
      memory({ lastGood: '2026-11-21T05:15:00Z', attempt: attempt('2026-11-21T05:15:00Z') }),
      watch('2026-11-20T04:00:00Z', '2026-11-21T05:00:00Z'),
      '2026-11-20T05:15:00Z',
      'schedule',
    ],
    [
      'a failed attempt is repeated',
      daily,
      memory({ attempt: attempt('2026-11-20T05:15:00Z', { retryAt: '2026-11-20T05:17:00Z' }) }),
      watch('2026-11-20T05:16:00Z', '2026-11-19T00:00:00Z'),
      '2026-11-20T05:17:00Z',
      'retry',
    ],
    [
      'a failed attempt is not repeated once somebody made a good one by hand',
      daily,
      memory({
        lastGood: '2026-11-20T05:16:10Z',
        attempt: attempt('2026-11-20T05:15:00Z', { retryAt: '2026-11-20T05:17:00Z' }),
      }),
      watch('2026-11-20T05:16:30Z', '2026-11-19T00:00:00Z'),
      '2026-11-21T05:15:00Z',
      'schedule',
    ],
    [
      'the next due time goes before a repetition that is later',
      { ...daily, plan: { cron: '*/5 * * * *', timezone: 'UTC' } },
      memory({ attempt: attempt('2026-11-20T05:15:00Z', { number: 4, retryAt: '2026-11-20T05:23:00Z' }) }),
      watch('2026-11-20T05:16:00Z', '2026-11-19T00:00:00Z'),
      '2026-11-20T05:20:00Z',
      'schedule',
    ],
    [
      'a repetition far ahead is a clock that was set back: at once',
      daily,
      memory({ attempt: attempt('2026-12-20T05:15:00Z', { retryAt: '2026-12-20T05:17:00Z' }) }),
      watch('2026-11-20T03:00:00Z', '2026-12-19T00:00:00Z'),
      '2026-11-20T03:00:00Z',
      'retry',
    ],
    [
      'runOnStart: at once',
      { ...daily, runOnStart: true },
      memory({ lastGood: '2026-11-20T05:15:00Z' }),
      watch('2026-11-20T12:00:03Z', '2026-11-20T12:00:00Z'),
      '2026-11-20T12:00:00Z',
      'start',
    ],
    [
      'runOnStart: once only, also when it failed',
      { ...daily, runOnStart: true },
      memory({ lastGood: '2026-11-20T05:15:00Z', attempt: attempt('2026-11-20T12:00:01Z') }),
      watch('2026-11-20T12:00:03Z', '2026-11-20T12:00:00Z'),
      '2026-11-21T05:15:00Z',
      'schedule',
    ],
  ];
  test.each(cases)('%s', (_title, timing, remembered, at, expected, trigger) => {
    const start = nextStart(planOf(timing), remembered, at);
    expect(start?.at).toEqual(expected === null ? undefined : new Date(expected));
    expect(start?.trigger).toBe(trigger);
  });
});

describe('jitter', () => {
  const spread = { ...daily, jitterMs: 10 * 60_000 };
  const at = (source: string, seed = 'web-1') =>
    nextStart(planOf(spread, source), memory(), { ...watch('2026-11-20T12:00:00Z'), seed })?.at.getTime() ?? 0;

  test('the same time gets the same delay, whenever it is asked', () => {
    expect(at('shop')).toBe(at('shop'));
    expect(new Set(Array.from({ length: 50 }, (_, each) => at(`source-${each}`))).size).toBeGreaterThan(45);
    expect(at('shop', 'web-2')).not.toBe(at('shop'));
  });
  test('within its bounds, and never into the next time', () => {
    const often = planOf({ ...spread, plan: { cron: '* * * * *', timezone: 'UTC' } });
    for (const plan of [planOf(spread), often]) {
      const start = nextStart(plan, memory({ seenAt: '2026-11-20T12:00:00Z' }), watch('2026-11-20T12:00:00Z'));
      const delay = (start?.at.getTime() ?? 0) - (start?.due.getTime() ?? 0);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThan(plan === often ? 30_000 : 10 * 60_000);
    }
  });
});

test('repetitions wait twice as long each time, up to an hour or what was asked for', () => {
  expect([1, 2, 3, 7, 40].map((number) => retryDelay({ retryDelayMs: 60_000 }, number) / 60_000)).toEqual([
    1, 2, 4, 60, 60,
  ]);
  expect(retryDelay({ retryDelayMs: 2 * hour }, 5)).toBe(2 * hour);
});

test('S20 whatever the clocks did, a plan with a next time is never more than its distance away', () => {
  const instant = fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(instant, instant, instant, fc.option(instant), fc.boolean(), (now, seenAt, last, retryAt, interval) => {
      const remembered: PlanMemory = {
        seenAt,
        lastGood: last,
        attempt: { startedAt: last, due: last, number: 1, retryAt },
      };
      const start = nextStart(planOf(interval ? every : daily), remembered, {
        now,
        since: now,
        awakeSince: now,
        seed: '',
      });
      const correction = 5 * 60_000;
      expect(start && start.at.getTime() - now.getTime()).toBeLessThanOrEqual(24 * hour + correction);
    }),
    { numRuns: 500 },
  );
});
