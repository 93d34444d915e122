// One file because calendars, missed times, intervals and their properties are one table of when something is due.
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextDue, validateCron, type Plan, type PlanHistory } from './due.ts';

const hour = 3_600_000;
const day = 24 * hour;

function history(
  now: string,
  rest: Partial<Record<'since' | 'lastGood' | 'lastAttempt', string>> = {},
  missed: 'run' | 'skip' = 'run',
): PlanHistory {
  const at = (text: string | undefined) => (text === undefined ? null : new Date(text));
  return {
    now: new Date(now),
    since: new Date(rest.since ?? now),
    lastGood: at(rest.lastGood),
    lastAttempt: at(rest.lastAttempt ?? rest.lastGood),
    missed,
  };
}

/** The times a scheduler that is always there would start the plan. */
function firings(plan: Plan, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at = from; found.length < count;) {
    const due = nextDue(plan, history(at, { lastGood: at }));
    if (!due) break;
    at = due.toISOString();
    found.push(at.slice(0, 16));
  }
  return found;
}

describe('calendar (S20)', () => {
  const cases: [title: string, cron: string, timezone: string, from: string, expected: string[]][] = [
    ['every day', '15 5 * * *', 'UTC', '2026-11-20T05:15:00.020Z', ['2026-11-21T05:15', '2026-11-22T05:15']],
    ['local time', '15 5 * * *', 'Europe/Berlin', '2026-06-01T00:00:00Z', ['2026-06-01T03:15', '2026-06-02T03:15']],
    [
      '02:30 does not exist: right after the gap, once',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'two times in the gap: once',
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:00'],
    ],
    [
      '02:30 happens twice: once',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'a list of times happens once each',
      '30 2,14 * * *',
      'America/New_York',
      '2026-11-01T00:00:00Z',
      ['2026-11-01T07:30', '2026-11-01T19:30', '2026-11-02T07:30'],
    ],
    [
      'midnight does not exist: every six hours has its run right after the gap',
      '0 */6 * * *',
      'America/Santiago',
      '2026-09-05T12:00:00Z',
      ['2026-09-05T16:00', '2026-09-05T22:00', '2026-09-06T04:00', '2026-09-06T09:00', '2026-09-06T15:00'],
    ],
    [
      'an hour of a step happens twice: once',
      '0 */2 * * *',
      'Europe/Berlin',
      '2026-10-24T20:00:00Z',
      ['2026-10-24T22:00', '2026-10-25T00:00', '2026-10-25T03:00', '2026-10-25T05:00'],
    ],
    [
      'steps in a range of hours, of which one does not exist',
      '15 0-4/2,20 * * *',
      'Africa/Cairo',
      '2026-04-23T12:00:00Z',
      ['2026-04-23T18:15', '2026-04-23T22:00', '2026-04-23T23:15', '2026-04-24T01:15'],
    ],
    [
      'several times in an hour that does not exist: once right after the gap, not left out that day',
      '*/30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:00', '2026-03-30T00:30'],
    ],
    [
      'every minute of an hour that does not exist',
      '* 2 * * *',
      'Europe/Berlin',
      '2026-03-29T00:30:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:00', '2026-03-30T00:01'],
    ],
    [
      'all hours as a range are every hour',
      '0 0-23 * * *',
      'Europe/Berlin',
      '2026-10-24T23:00:00Z',
      ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
    ],
    [
      'every hour stays every hour, forward',
      '0 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T01:00', '2026-03-29T02:00'],
    ],
    [
      'every hour stays every hour, back',
      '0 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:00:00Z',
      ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
    ],
    [
      'several times an hour, almost all day: both times the hour happens',
      '*/30 0-22 * * *',
      'Europe/Berlin',
      '2026-10-24T23:40:00Z',
      [
        '2026-10-25T00:00',
        '2026-10-25T00:30',
        '2026-10-25T01:00',
        '2026-10-25T01:30',
        '2026-10-25T02:00',
        '2026-10-25T02:30',
      ],
    ],
    [
      'several times in some hours: both times such an hour happens',
      '15,45 1,5 * * *',
      'America/New_York',
      '2026-11-01T04:00:00Z',
      ['2026-11-01T05:15', '2026-11-01T05:45', '2026-11-01T06:15', '2026-11-01T06:45', '2026-11-01T10:15'],
    ],
    [
      'hours in a row: both times one of them happens',
      '20 0-5 * * *',
      'America/New_York',
      '2026-11-01T04:00:00Z',
      ['2026-11-01T04:20', '2026-11-01T05:20', '2026-11-01T06:20', '2026-11-01T07:20', '2026-11-01T08:20'],
    ],
    [
      'hours in a row over midnight, which happens twice',
      '10 23,0,1 * * *',
      'America/Santiago',
      '2026-04-05T01:00:00Z',
      ['2026-04-05T02:10', '2026-04-05T03:10', '2026-04-05T04:10', '2026-04-05T05:10', '2026-04-06T03:10'],
    ],
    [
      'half an hour happens twice',
      '*/15 0-22 * * *',
      'Australia/Lord_Howe',
      '2026-04-04T14:20:00Z',
      ['2026-04-04T14:30', '2026-04-04T14:45', '2026-04-04T15:00', '2026-04-04T15:15', '2026-04-04T15:30'],
    ],
    [
      'a time of its own beside hours in a row: once',
      '0 2,14-20 * * *',
      'Europe/Berlin',
      '2026-10-24T22:00:00Z',
      ['2026-10-25T00:00', '2026-10-25T13:00'],
    ],
    [
      'the 31st skips short months',
      '0 0 31 * *',
      'UTC',
      '2026-01-15T00:00:00Z',
      ['2026-01-31T00:00', '2026-03-31T00:00', '2026-05-31T00:00'],
    ],
    ['last day of the month', '0 0 L * *', 'UTC', '2028-01-31T12:00:00Z', ['2028-02-29T00:00', '2028-03-31T00:00']],
    ['leap day', '0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['0 and 7 are Sunday', '0 3 * * 7', 'UTC', '2026-11-20T00:00:00Z', ['2026-11-22T03:00', '2026-11-29T03:00']],
    ['half-hour zone', '0 9 * * *', 'Asia/Kolkata', '2026-11-20T00:00:00Z', ['2026-11-20T03:30', '2026-11-21T03:30']],
  ];
  test.each(cases)('%s', (_title, cron, timezone, from, expected) => {
    expect(firings({ cron, timezone }, from, expected.length)).toEqual(expected);
  });
});

describe('missed times (S20)', () => {
  const plan = { cron: '0 5 * * *', timezone: 'UTC' };
  const down = { lastGood: '2026-11-17T05:00:00Z', since: '2026-11-20T12:00:00Z' };

  test('down over three due times: due at once, and once', () => {
    const now = '2026-11-20T12:00:00Z';
    const due = nextDue(plan, history(now, down));
    expect(due?.getTime()).toBeLessThanOrEqual(new Date(now).getTime());
    const after = nextDue(plan, history('2026-11-20T12:05:00Z', { lastGood: now, since: down.since }));
    expect(after).toEqual(new Date('2026-11-21T05:00:00Z'));
  });
  test('down over three due times, missed times skipped: the next one', () => {
    expect(nextDue(plan, history('2026-11-20T12:00:00Z', down, 'skip'))).toEqual(new Date('2026-11-21T05:00:00Z'));
  });
  test('a plan that was changed counts from what was done by the old one: a time of today that has passed since is made up for', () => {
    const nightly = { cron: '0 3 * * *', timezone: 'UTC' };
    const now = '2026-11-20T12:00:00Z';
    const due = (lastGood: string, missed: 'run' | 'skip') =>
      nextDue(nightly, history(now, { lastGood }, missed))?.toISOString();
    // It was to come at 23:00 until now: tomorrow at 03:00 would be 28 hours after the last one.
    expect(due('2026-11-19T23:00:00Z', 'run')).toBe('2026-11-20T03:00:00.000Z');
    expect(due('2026-11-20T05:15:00Z', 'run')).toBe('2026-11-21T03:00:00.000Z');
    expect(due('2026-11-19T23:00:00Z', 'skip')).toBe('2026-11-21T03:00:00.000Z');
  });
  test('a scheduler that wakes up late has missed nothing, also when missed times are skipped', () => {
    const late = history('2026-11-21T05:00:03Z', down, 'skip');
    expect(nextDue(plan, late)).toEqual(new Date('2026-11-21T05:00:00Z'));
  });
  test('a failed attempt is not repeated at once', () => {
    const failed = history('2026-11-20T05:01:00Z', {
      lastGood: '2026-11-19T05:00:00Z',
      lastAttempt: '2026-11-20T05:00:00Z',
    });
    expect(nextDue(plan, failed)).toEqual(new Date('2026-11-21T05:00:00Z'));
  });
  test('a new plan waits for its first time', () => {
    expect(nextDue(plan, history('2026-11-20T12:00:00Z'))).toEqual(new Date('2026-11-21T05:00:00Z'));
  });
});

describe('intervals', () => {
  const plan = { everyMs: day };

  test('counts from the last good backup, whenever the program was started', () => {
    const restarted = history('2026-11-20T12:00:00Z', {
      lastGood: '2026-11-19T20:00:00Z',
      since: '2026-11-20T11:59:00Z',
    });
    expect(nextDue(plan, restarted)).toEqual(new Date('2026-11-20T20:00:00Z'));
  });
  test('a failed attempt waits for the next point of the same grid', () => {
    const failed = history('2026-11-20T20:05:00Z', {
      lastGood: '2026-11-19T20:00:00Z',
      lastAttempt: '2026-11-20T20:01:00Z',
    });
    expect(nextDue(plan, failed)).toEqual(new Date('2026-11-21T20:00:00Z'));
  });
  test('without any backup it is due at once, or after one interval when missed times are skipped', () => {
    const now = '2026-11-20T12:00:00Z';
    expect(nextDue(plan, history(now))).toEqual(new Date(now));
    expect(nextDue(plan, history(now, {}, 'skip'))).toEqual(new Date('2026-11-21T12:00:00Z'));
  });
  test('down for a week: at once, or at the next point when missed times are skipped', () => {
    const down = { lastGood: '2026-11-10T20:00:00Z', since: '2026-11-20T12:00:00Z' };
    expect(nextDue(plan, history('2026-11-20T12:00:00Z', down))?.getTime()).toBeLessThan(Date.UTC(2026, 10, 20, 12));
    expect(nextDue(plan, history('2026-11-20T12:00:00Z', down, 'skip'))).toEqual(new Date('2026-11-20T20:00:00Z'));
  });
});

describe('properties', () => {
  const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2032-01-01'), noInvalidDate: true });
  const plans: fc.Arbitrary<Plan> = fc.oneof(
    fc.record({
      cron: fc
        .tuple(
          fc.integer({ min: 0, max: 59 }),
          fc.integer({ min: 0, max: 23 }),
          fc.constantFrom('*', '1', '15', '31', 'L'),
          fc.constantFrom('*', '0', '1-5'),
        )
        .map(([minute, at, date, weekday]) => `${minute} ${at} ${date} * ${weekday}`),
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
    }),
    fc.record({ everyMs: fc.integer({ min: 60_000, max: 40 * day }) }),
  );

  test('after a run the next time lies after it', () => {
    fc.assert(
      fc.property(plans, instant, (plan, at) => {
        const due = nextDue(plan, { now: at, since: at, lastGood: at, lastAttempt: at, missed: 'run' });
        expect(due === null || due > at).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('S20 a clock set back or forward never puts a backup off for longer than without any history', () => {
    fc.assert(
      fc.property(
        plans,
        instant,
        instant,
        fc.constantFrom('run' as const, 'skip' as const),
        (plan, now, last, missed) => {
          const due = nextDue(plan, { now, since: now, lastGood: last, lastAttempt: last, missed });
          const atLatest =
            'cron' in plan
              ? nextDue(plan, { now, since: now, lastGood: null, lastAttempt: null, missed })
              : new Date(now.getTime() + plan.everyMs);
          expect(due?.getTime() ?? Infinity).toBeLessThanOrEqual(atLatest?.getTime() ?? Infinity);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a fixed time of the day happens once on every local day of a year', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 23 }),
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'UTC'),
        (minute, at, timezone) => {
          const plan = { cron: `${minute} ${at} * * *`, timezone };
          const days = firings(plan, '2026-01-01T12:00:00.000Z', 366).map((time) =>
            new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short' }).format(new Date(`${time}Z`)),
          );
          expect(new Set(days).size).toBe(366);
          expect(Date.parse(days[365] ?? '') - Date.parse(days[0] ?? '')).toBe(365 * day);
        },
      ),
      { numRuns: 12 },
    );
  }, 30_000);
});

test('what comes several times an hour, or in hours in a row, has none left out where the clock is set back', () => {
  const zones: [timezone: string, day: string][] = [
    ['Europe/Berlin', '2026-10-25'],
    ['America/New_York', '2026-11-01'],
    ['Australia/Lord_Howe', '2026-04-05'],
    ['America/Santiago', '2026-04-04'],
  ];
  const minutes = fc.constantFrom('*/7', '*/15', '5,35', '10-50/20', '0');
  const hours = fc.constantFrom('0-22', '0-5,22-23', '1-23', '0,1,2,3,23', '*');
  fc.assert(
    fc.property(fc.constantFrom(...zones), minutes, hours, ([timezone, date], minute, at) => {
      const cron = `${minute} ${at} * * *`;
      const from = new Date(Date.parse(date) - 18 * hour);
      const to = from.getTime() + 2 * day;
      // Every minute of these days by the clock on the wall, whichever time it shows it.
      const matches = new Cron(cron, { timezone, mode: '5-part', paused: true });
      const expected: string[] = [];
      for (let time = from.getTime() + 60_000; time < to; time += 60_000) {
        if (matches.match(new Date(time))) expected.push(new Date(time).toISOString().slice(0, 16));
      }
      expect(firings({ cron, timezone }, from.toISOString(), expected.length)).toEqual(expected);
    }),
    { numRuns: 25 },
  );
}, 30_000);

test('where no clock is set, the times are those of the pattern as it is written', () => {
  const field = (size: number) => {
    const range = fc
      .tuple(fc.nat(size - 1), fc.nat(size - 1), fc.option(fc.integer({ min: 1, max: 10 })))
      .map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}${step === null ? '' : `/${step}`}`);
    const part = fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 1, max: size - 1 }).map((step) => `*/${step}`),
      fc.nat(size - 1).map(String),
      range,
    );
    return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join());
  };
  const instant = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true });
  const days = fc.constantFrom('* * *', '1 * *', 'L * *', '* * 1-5', '* 2 0');
  fc.assert(
    fc.property(field(60), field(24), days, instant, (minutes, hours, rest, from) => {
      const cron = `${minutes} ${hours} ${rest}`;
      const times = new Cron(cron, { timezone: 'UTC', mode: '5-part', paused: true }).nextRuns(20, from);
      const expected = times.map((at) => at.toISOString().slice(0, 16));
      expect(firings({ cron, timezone: 'UTC' }, from.toISOString(), 20)).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['15 5 * * *', null],
  ['*/15 8-18 * * MON-FRI', null],
  ['@daily', null],
  ['0 0 29 2 *', null],
  ['0 0 31 2 *', 'this date never happens'],
  ['', 'five parts are needed (minute hour day month weekday), found 0'],
  ['0 5 * * * *', 'five parts are needed (minute hour day month weekday), found 6'],
  ['? 5 * * *', '"?" is not supported'],
])('validateCron(%j) is %j', (pattern, problem) => {
  expect(validateCron(pattern)).toBe(problem);
});

test.each(['61 * * * *', '* 24 * * *', 'a b c d e', '@reboot', '5/5 * * * *'])(
  'validateCron(%j) finds a problem',
  (pattern) => {
    expect(validateCron(pattern)).toEqual(expect.any(String));
  },
);
