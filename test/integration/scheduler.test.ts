import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { holdLock } from '../../src/catalog/lease.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { holdDaemonLock } from '../../src/schedule/daemon.ts';
import { planJob, type JobParts } from '../../src/schedule/jobs.ts';
import { planMemory, takeOver } from '../../src/schedule/memory.ts';
import type { ScheduledPlan } from '../../src/schedule/plans.ts';
import { createScheduler, type Job, type Scheduler } from '../../src/schedule/scheduler.ts';
import type { Did } from '../../src/schedule/work.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const minute = 60_000;
const hour = 60 * minute;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let catalog: Catalog;
let clock: ReturnType<typeof fakeClock>;
/** What ran: name, time and why. */
let ran: { plan: string; at: string; trigger: string }[];

beforeEach(async () => {
  folder = await temporaryFolder();
  clock = fakeClock('2026-11-20T12:00:00Z');
  catalog = openCatalog(folder.path, clock);
  ran = [];
});
afterEach(async () => {
  catalog[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

function fakeClock(start: string): Clock & { pass(ms: number): void; set(at: string): void } {
  let now = Date.parse(start);
  let monotonic = 0;
  return {
    now: () => new Date(now),
    monotonic: () => monotonic,
    pass: (ms) => {
      now += ms;
      monotonic += ms;
    },
    set: (at) => {
      now = Date.parse(at);
    },
  };
}

function plan(source: string, change: Partial<ScheduledPlan> = {}): ScheduledPlan {
  return {
    name: `backup/${source}`,
    kind: 'backup',
    source,
    when: { cron: '15 5 * * *', timezone: 'UTC' },
    missed: 'run',
    retries: 3,
    retryDelayMs: minute,
    jitterMs: 0,
    runOnStart: false,
    ...change,
  };
}

type Work = (plan: ScheduledPlan, signal: AbortSignal) => Promise<Did>;

/** A daemon's scheduler; `work` stands for the recipe, and a good one leaves a run as a backup does. */
function schedule(plans: readonly ScheduledPlan[], work: Work = async () => good, concurrency = 1000): Scheduler {
  takeOver(plans, { catalog, clock });
  const memory = planMemory({ catalog, clock });
  const parts: JobParts = {
    sources: [],
    catalog,
    clock,
    logger: silentLogger,
    instance: 'web-1',
    version: '1',
    timezone: 'UTC',
    scratch: folder.path,
    memory,
    tell: (at) => at.toISOString(),
    changed: () => undefined,
    doWork: async (which, trigger, _parts, signal) => {
      ran.push({ plan: which.name, at: clock.now().toISOString(), trigger });
      const id = String(ran.length);
      const did = await work(which, signal);
      if (did.outcome === 'good') addRun(id, which.source);
      return did;
    },
  };
  const scheduler = createScheduler({
    jobs: plans.map((each) => planJob(each, parts)),
    clock,
    concurrency,
    foreignWrites: () => catalog.foreignWrites(),
    refresh: () => memory.refresh(),
    logger: silentLogger,
  });
  scheduler.replan();
  return scheduler;
}

const good: Did = { outcome: 'good', said: 'succeeded' };
const fails: Work = async () => {
  throw new HoldfastError('DATABASE_UNREACHABLE', 'the server does not answer');
};

function addRun(id: string, source: string | null): void {
  catalog.runs.add({
    id,
    operation: 'backup',
    source,
    backup: null,
    trigger: 'schedule',
    state: 'succeeded',
    startedAt: clock.now().toISOString(),
    finishedAt: clock.now().toISOString(),
    host: '',
    pid: 1,
    process: null,
    error: null,
    result: null,
  });
}

/** Lets time pass up to that moment, second by second or from one due time to the next. */
async function passUntil(scheduler: Scheduler, until: string, quick = true): Promise<void> {
  for (;;) {
    scheduler.tick();
    await scheduler.idle();
    const left = Date.parse(until) - clock.now().getTime();
    if (left <= 0) return;
    const next = scheduler.nextRuns()[0]?.at.getTime() ?? Infinity;
    const ahead = quick ? Math.max(1, next - clock.now().getTime()) : 1000;
    clock.pass(Math.min(left, ahead));
  }
}

function times(name = 'backup/shop'): string[] {
  return ran.filter((each) => each.plan === name).map(({ at }) => at.slice(0, 16));
}

test('S30 a thousand plans in a day: each fires once, at its time', async () => {
  const plans = Array.from({ length: 1000 }, (_, each) =>
    plan(`source-${each}`, { when: { cron: `${each % 60} ${Math.floor(each / 60) % 24} * * *`, timezone: 'UTC' } }),
  );
  const scheduler = schedule(plans);
  await passUntil(scheduler, '2026-11-21T12:00:00Z');
  expect(ran.length).toBe(1000);
  expect(new Set(ran.map(({ plan: name }) => name)).size).toBe(1000);
  for (const { plan: name, at } of ran) {
    const each = Number(name.slice('backup/source-'.length));
    const [hours, minutes] = [Math.floor(each / 60) % 24, each % 60];
    expect(at.slice(11)).toBe(`${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}:00.000Z`);
  }
}, 120_000);

describe('S20 N-d18 clocks', () => {
  const night: Partial<ScheduledPlan> = { when: { cron: '30 2 * * *', timezone: 'Europe/Berlin' } };
  test.each([
    ['forward', '2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['back', '2026-10-24T12:00:00Z', '2026-10-26T12:00:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
  ])('daylight saving %s: once a day', async (_title, from, until, expected) => {
    clock.set(from);
    await passUntil(schedule([plan('shop', night)]), until);
    expect(times()).toEqual(expected);
  });
  test.each([
    ['the 31st', '0 0 31 * *', ['2027-01-31T00:00', '2027-03-31T00:00', '2027-05-31T00:00']],
    ['the last day', '0 0 L * *', ['2027-01-31T00:00', '2027-02-28T00:00', '2027-03-31T00:00']],
    ['leap day', '0 0 29 2 *', ['2028-02-29T00:00']],
  ])('%s of the month', async (_title, cron, expected) => {
    clock.set('2027-01-01T12:00:00Z');
    const until = cron.includes('29') ? '2029-01-01T00:00:00Z' : expected.at(-1);
    await passUntil(
      schedule([plan('shop', { when: { cron, timezone: 'UTC' } })]),
      `${until}`.padEnd(17, ':').padEnd(20, '00Z'),
    );
    expect(times()).toEqual(expected);
  });
  test.each(['2026-11-21T05:14:58Z', '2026-11-21T04:20:00Z', '2026-11-20T12:00:00Z'])(
    'set back to %s after a run: the same time is served once, the next one as ever',
    async (back) => {
      const scheduler = schedule([plan('shop')]);
      await passUntil(scheduler, '2026-11-21T05:20:00Z');
      clock.set(back);
      await passUntil(scheduler, '2026-11-22T06:00:00Z');
      expect(times()).toEqual(['2026-11-21T05:15', '2026-11-22T05:15']);
    },
  );
  test.each([
    ['run', ['2026-11-24T09:00', '2026-11-25T05:15']],
    ['skip', ['2026-11-25T05:15']],
  ] as const)('set forward by days, or asleep over three times: %s', async (missed, expected) => {
    const scheduler = schedule([plan('shop', { missed })]);
    await passUntil(scheduler, '2026-11-20T13:00:00Z');
    clock.set('2026-11-24T09:00:00Z');
    await passUntil(scheduler, '2026-11-25T06:00:00Z');
    expect(times()).toEqual(expected);
  });
});

describe('S20 a clock that is a year ahead and is set right', () => {
  const daily = { cron: '15 5 * * *', timezone: 'UTC' };
  const kinds = [daily, { everyMs: 24 * hour }].flatMap((when) =>
    (['run', 'skip'] as const).flatMap((missed) =>
      [false, true].map((runOnStart): Partial<ScheduledPlan> => ({ when, missed, runOnStart })),
    ),
  );
  const afterwards = () => times().filter((at) => at > '2026-11-22' && at < '2027');

  test.each(kinds)('jumped while the daemon ran: nothing is left out for long: %j', async (kind) => {
    const scheduler = schedule([plan('shop', kind)]);
    await passUntil(scheduler, '2026-11-20T13:00:00Z');
    clock.set('2027-11-20T13:00:00Z');
    await passUntil(scheduler, '2027-11-22T13:00:00Z');
    expect(times().filter((at) => at.startsWith('2027')).length, 'nothing twice').toBeLessThanOrEqual(3);
    clock.set('2026-11-22T13:00:00Z');
    await passUntil(scheduler, '2026-11-25T14:00:00Z');
    const [first = '', ...more] = afterwards();
    expect([3, 4], afterwards().join()).toContain(more.length + 1);
    expect(first <= '2026-11-23T13:00', first).toBe(true);
  });

  test.each(kinds)('the daemon was started before it was set right: %j', async (kind) => {
    clock.set('2027-11-20T13:00:00Z');
    const scheduler = schedule([plan('shop', kind)]);
    await passUntil(scheduler, '2027-11-22T13:00:00Z');
    clock.set('2026-11-22T13:00:00Z');
    await passUntil(scheduler, '2026-11-25T14:00:00Z');
    const [first = '', ...more] = afterwards();
    expect([3, 4], afterwards().join()).toContain(more.length + 1);
    expect(first <= '2026-11-23T13:00', first).toBe(true);
  });

  test.each(kinds)('the daemon is restarted every four hours since: %j', async (kind) => {
    const plans = [plan('shop', kind)];
    clock.set('2027-11-20T13:00:00Z');
    await passUntil(schedule(plans), '2027-11-22T13:00:00Z');
    clock.set('2026-11-22T13:00:00Z');
    for (let restart = 0; restart < 18; restart += 1)
      await passUntil(schedule(plans), new Date(clock.now().getTime() + 4 * hour).toISOString());
    expect(afterwards().length).toBeGreaterThanOrEqual(3);
  });
});

describe('S20 down over three due times', () => {
  test.each([
    ['run', ['2026-11-21T05:15', '2026-11-24T09:00', '2026-11-25T05:15'], 'missed'],
    ['skip', ['2026-11-21T05:15', '2026-11-25T05:15'], 'schedule'],
  ] as const)('%s', async (missed, expected, trigger) => {
    const plans = [plan('shop', { missed })];
    await passUntil(schedule(plans), '2026-11-21T06:00:00Z');
    clock.set('2026-11-24T09:00:00Z');
    await passUntil(schedule(plans), '2026-11-25T06:00:00Z');
    expect(times()).toEqual(expected);
    expect(ran[1]?.trigger).toBe(trigger);
  });
  test('O-d7 restarted every hour, an interval of a day is kept', async () => {
    const plans = [plan('shop', { when: { everyMs: 24 * hour } })];
    for (let restart = 0; restart < 72; restart += 1) {
      await passUntil(schedule(plans), clock.now().toISOString());
      clock.pass(hour);
    }
    expect(times()).toEqual(['2026-11-20T12:00', '2026-11-21T12:00', '2026-11-22T12:00']);
  });
});

describe('attempts', () => {
  test('a failed one is repeated with growing distance, then waits for its next time', async () => {
    await passUntil(schedule([plan('shop', { retries: 2 })], fails), '2026-11-22T04:00:00Z');
    expect(ran).toEqual([
      { plan: 'backup/shop', at: '2026-11-21T05:15:00.000Z', trigger: 'schedule' },
      { plan: 'backup/shop', at: '2026-11-21T05:16:00.000Z', trigger: 'retry' },
      { plan: 'backup/shop', at: '2026-11-21T05:18:00.000Z', trigger: 'retry' },
    ]);
  });
  test('repetitions go on after a restart', async () => {
    const plans = [plan('shop', { retries: 2 })];
    await passUntil(schedule(plans, fails), '2026-11-21T05:15:30Z');
    await passUntil(schedule(plans), '2026-11-22T04:00:00Z');
    expect(times()).toEqual(['2026-11-21T05:15', '2026-11-21T05:16']);
  });
  test('S22 a failed one is repeated although its end could not be written, and what was to be written is in the end', async () => {
    const put = catalog.marks.put.bind(catalog.marks);
    let isFull = false;
    catalog.marks.put = (mark) => {
      if (isFull) throw new HoldfastError('DISK_FULL', 'no space left for the catalog', { retryable: true });
      put(mark);
    };
    const filled: Work = async () => {
      isFull = true;
      throw new HoldfastError('DISK_FULL', 'no space left', { retryable: true });
    };
    const plans = [plan('shop')];
    const scheduler = schedule(plans, (...given) => (ran.length === 1 ? filled(...given) : Promise.resolve(good)));
    await passUntil(scheduler, '2026-11-21T05:15:30Z');
    isFull = false;
    // A repetition writes it as well; so does looking after the plans.
    scheduler.replan();
    expect(catalog.marks.get('plan/backup/shop')?.detail).toMatchObject({
      running: false,
      retryAt: '2026-11-21T05:16:00.000Z',
    });
    await passUntil(scheduler, '2026-11-22T04:00:00Z');
    expect(times()).toEqual(['2026-11-21T05:15', '2026-11-21T05:16']);
  });
  test('what somebody has to set right first is not repeated', async () => {
    const wrong: Work = async () => {
      throw new HoldfastError('DATABASE_REFUSED', 'wrong password', { kind: 'usage' });
    };
    await passUntil(schedule([plan('shop')], wrong), '2026-11-22T04:00:00Z');
    expect(times()).toEqual(['2026-11-21T05:15']);
  });
  test('killed in the middle: made up for at the next start, and not for ever', async () => {
    const plans = [plan('shop', { retries: 2 })];
    const never: Work = () => new Promise(() => undefined);
    const starts: string[] = [];
    clock.set('2026-11-21T05:14:59Z');
    for (let kill = 0; kill < 5; kill += 1) {
      const before = ran.length;
      const scheduler = schedule(plans, never);
      for (let second = 0; second < 30 * 60 && ran.length === before; second += 1) {
        scheduler.tick();
        clock.pass(1000);
      }
      if (ran.length > before) starts.push(times().at(-1) ?? '');
    }
    // Due, at once again, then as a repetition; no fourth time before tomorrow.
    expect(starts).toEqual(['2026-11-21T05:15', '2026-11-21T05:15', '2026-11-21T05:17']);
  });
  test('stopped together with the daemon: still to be done at the next start', async () => {
    const plans = [plan('shop')];
    const untilStopped: Work = (_plan, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    clock.set('2026-11-21T05:14:59Z');
    const first = schedule(plans, untilStopped);
    clock.pass(1000);
    first.tick();
    first.cancel(new HoldfastError('INTERRUPTED', 'stopped', { kind: 'interrupted' }));
    await first.idle();
    clock.pass(10 * minute);
    await passUntil(schedule(plans), '2026-11-21T06:00:00Z');
    expect(times()).toEqual(['2026-11-21T05:15', '2026-11-21T05:25']);
  });
});

describe('limits', () => {
  /** Counts what runs at once. */
  function counting() {
    let now = 0;
    const peak = { all: 0 };
    const work: Work = async () => {
      now += 1;
      peak.all = Math.max(peak.all, now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
      return good;
    };
    return { peak, work };
  }
  test('no more runs at once than allowed, and all of them in the end', async () => {
    const { peak, work } = counting();
    const plans = Array.from({ length: 30 }, (_, each) => plan(`source-${each}`));
    await passUntil(schedule(plans, work, 4), '2026-11-21T05:20:00Z', false);
    expect(peak.all).toBe(4);
    expect(ran.length).toBe(30);
  }, 30_000);
  test('of one source one thing at a time', async () => {
    const { peak, work } = counting();
    const plans = [plan('shop'), plan('shop', { name: 'drill/shop', kind: 'drill' })];
    await passUntil(schedule(plans, work, 4), '2026-11-21T05:20:00Z', false);
    expect(peak.all).toBe(1);
    expect(ran.length).toBe(2);
  }, 30_000);
  test('N-d17 B-d14 a source another process works on is waited for, however long, and recorded as nothing else', async () => {
    const other = openCatalog(folder.path, clock);
    const held = await holdLock({
      catalog: other,
      clock,
      name: 'source:shop',
      run: 'by-hand',
      signal: new AbortController().signal,
    });
    const scheduler = schedule([plan('shop')]);
    const waitUntil = async (until: string) => {
      for (; clock.now() < new Date(until); clock.pass(30_000)) {
        held.assertHeld();
        scheduler.tick();
        await scheduler.idle();
      }
    };
    await waitUntil('2026-11-21T09:00:00Z');
    expect(ran).toEqual([]);
    await held[Symbol.asyncDispose]();
    scheduler.tick();
    await scheduler.idle();
    expect(times()).toEqual(['2026-11-21T09:00']);
    other[Symbol.dispose]();
  });
  test('a backup made by hand meanwhile puts an interval off: another process wrote', async () => {
    const scheduler = schedule([plan('shop', { when: { everyMs: 24 * hour } })]);
    await passUntil(scheduler, '2026-11-20T12:00:00Z');
    clock.pass(23 * hour);
    const mine = catalog;
    catalog = openCatalog(folder.path, clock);
    addRun('by-hand', 'shop');
    catalog[Symbol.dispose]();
    catalog = mine;
    scheduler.tick();
    expect(scheduler.nextRuns()).toEqual([{ plan: 'backup/shop', at: new Date('2026-11-22T11:00:00Z') }]);
  });
});

test('what one job leaves to another of its source, such as a copy that is owed, is seen at once', async () => {
  const done: string[] = [];
  const job = (name: string, next: () => boolean): Job => ({
    name,
    source: 'shop',
    heavy: true,
    shown: true,
    next: () => (next() ? { at: clock.now(), due: clock.now(), trigger: 'schedule', number: 1 } : null),
    run: async () => void done.push(name),
  });
  const scheduler = createScheduler({
    jobs: [job('copies/shop', () => done.length === 1), job('backup/shop', () => done.length === 0)],
    clock,
    concurrency: 1,
    foreignWrites: () => 0,
    refresh: () => undefined,
    logger: silentLogger,
  });
  scheduler.replan();
  for (let round = 0; round < 3; round += 1) {
    scheduler.tick();
    await scheduler.idle();
  }
  expect(done).toEqual(['backup/shop', 'copies/shop']);
});

test('a job that cannot even begin, because the state cannot be written, is tried now and then and complained of once, also beside others', async () => {
  const complaints: string[] = [];
  let begun = 0;
  const due = { at: clock.now(), due: clock.now(), trigger: 'schedule' as const, number: 1 };
  const scheduler = createScheduler({
    jobs: ['shop', 'blog'].map((source) => ({
      name: `backup/${source}`,
      source,
      heavy: true,
      shown: true,
      next: () => due,
      run: async () => {
        begun += 1;
        throw new HoldfastError('DISK_FULL', 'no space is left for the state');
      },
    })),
    clock,
    concurrency: 2,
    foreignWrites: () => 0,
    refresh: () => undefined,
    logger: { log: (_level, message) => complaints.push(message) },
  });
  scheduler.replan();
  for (let second = 0; second < 120; second += 1) {
    expect(scheduler.tick()).toBeGreaterThanOrEqual(0);
    await scheduler.idle();
    clock.pass(1000);
  }
  expect(begun).toBe(8);
  expect(complaints).toEqual(['shop', 'blog'].map((source) => `backup/${source}: no space is left for the state`));
});

test('S1 S22 the place of a daemon whose container was killed is taken after half a minute of silence', async () => {
  const hurried = { now: () => new Date(), monotonic: () => performance.now() * 20 };
  const elsewhere = { host: 'the-old-container', pid: 1, process: null };
  const renewedAt = new Date(Date.now() - 30_001).toISOString();
  const never = new AbortController();
  {
    await using _own = await holdDaemonLock(
      { catalog, enduring: catalog, clock: hurried, logger: silentLogger },
      never.signal,
    );
    expect(catalog.locks.list()).toMatchObject([{ name: 'daemon', leaseMs: 30_000 }]);
  }
  const old = { name: 'daemon', token: 'old', run: null, ...elsewhere, acquiredAt: renewedAt, leaseMs: 30_000 };
  catalog.locks.acquire({ ...old, renewedAt: new Date().toISOString() }, () => true);
  const said: string[] = [];
  const logger = { log: (_level: string, message: string) => said.push(message) };
  const waiting = holdDaemonLock({ catalog, enduring: catalog, clock: hurried, logger }, never.signal);
  await expect.poll(() => said).toHaveLength(1);
  catalog.locks.renew('daemon', 'old', renewedAt);
  await using _lease = await waiting;
  expect(catalog.locks.list()).not.toMatchObject([{ token: 'old' }]);
});

test('S20 two daemons on one state folder: one works, the other stands by and takes over', async () => {
  const real = { now: () => new Date(), monotonic: () => performance.now() };
  const other = openCatalog(folder.path, real);
  const said: string[] = [];
  const logger = { log: (_level: string, message: string) => said.push(message) };
  const never = new AbortController();
  const first = await holdDaemonLock({ catalog, enduring: catalog, clock: real, logger: silentLogger }, never.signal);
  let second: AsyncDisposable | undefined;
  const waiting = holdDaemonLock({ catalog: other, enduring: other, clock: real, logger }, never.signal).then(
    (lease) => (second = lease),
  );
  await expect.poll(() => said).toHaveLength(1);
  expect(said[0]).toMatch(/^standing by: process \d+ on .* works on this state folder/);
  expect(second).toBeUndefined();
  await first[Symbol.asyncDispose]();
  await waiting;
  await second?.[Symbol.asyncDispose]();

  const third = await holdDaemonLock({ catalog, enduring: catalog, clock: real, logger: silentLogger }, never.signal);
  const stop = new AbortController();
  const given = holdDaemonLock({ catalog: other, enduring: other, clock: real, logger: silentLogger }, stop.signal);
  stop.abort();
  await expect(given).rejects.toMatchObject({ kind: 'interrupted' });
  await third[Symbol.asyncDispose]();
  other[Symbol.dispose]();
});
