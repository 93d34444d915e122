import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Finding } from '../../src/care/alerts/finding.ts';
import type { RunRecord } from '../../src/catalog/catalog.ts';
import { emailOptions } from '../../src/notify/email/options.ts';
import { never, openAlertsHouse, readPayload, webhook, type AlertsHouse, type Told } from '../support/alerts.ts';
import { pingOptions } from '../../src/notify/ping/options.ts';
import { readMail, startSmtpServer } from '../support/smtp-server.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const failed = (code: string, message: string): Partial<RunRecord> => ({
  state: 'failed',
  error: { code, message, hint: 'Start the server.' },
});
const down = failed('DATABASE_UNREACHABLE', 'no connection to the server at db:5432');
const good: Partial<RunRecord> = {
  backup: '2026-11-21_02-00-00',
  result: {
    id: '2026-11-21_02-00-00',
    bytes: 3_400_000,
    tables: 12,
    rows: 3400,
    artifacts: [
      { role: 'database', bytes: 3_000_000 },
      { role: 'globals', bytes: 400_000 },
    ],
    copies: { local: 'complete', offsite: 'complete' },
    warnings: [],
  },
};

describe('a source that fails', () => {
  test('thirty scheduled runs of a database that is down are one message and a few reminders', async () => {
    await using house = await openAlertsHouse();
    for (let night = 0; night < 30; night += 1) {
      house.ran({ ...down, trigger: 'schedule' });
      await house.work();
      house.pass(day);
    }
    expect(house.titles()).toEqual([
      'problem: backup of shop failed',
      ...Array.from({ length: 6 }, () => 'reminder: still: backup of shop failed'),
    ]);
    expect(house.catalog.incidents.get('backup-failed/shop')).toMatchObject({ times: 30, severity: 'critical' });
    house.ran(good);
    await house.work();
    expect(house.told().at(-1)).toMatchObject({
      kind: 'resolved',
      severity: 'info',
      title: 'backup of shop works again',
    });
    expect(house.told().at(-1)?.what).toContain('Before, for 30 d 0 h: backup of shop failed.');
    expect(house.catalog.incidents.open()).toEqual([]);
  });

  test('N-31: the message says what happened, what it means, what to do, and where things are', async () => {
    await using house = await openAlertsHouse({ level: 'all' });
    house.ran(good);
    await house.work();
    house.pass(day);
    const run = house.ran(down);
    await house.work();
    const [success, problem] = house.told();
    expect(success).toMatchObject({ kind: 'success', title: 'backup of shop succeeded' });
    expect(success?.what).toBe(
      'Backup 2026-11-21_02-00-00 was taken at 2026-11-21 01:59 UTC and read back: 12 tables, 3,400 records, 3.24 MB in 12.0 s.',
    );
    expect(Object.fromEntries((success?.facts ?? []).map(({ name, value }) => [name, value]))).toEqual({
      Instance: 'web-1',
      'Backup ID': '2026-11-21_02-00-00',
      Status: 'succeeded',
      Tables: '12',
      Records: '3,400',
      'Database Dump': '2.86 MB',
      'Total Size': '3.24 MB',
      Duration: '12.0 s',
      'Path (local)': '/srv/local/shop/2026-11-21_02-00-00',
      'Path (offsite)': '/srv/offsite/shop/2026-11-21_02-00-00',
      Run: 'run-1',
    });
    expect(problem).toMatchObject({
      kind: 'problem',
      severity: 'critical',
      source: 'shop',
      what: 'The backup that began at 2026-11-22 01:59 UTC failed after 12.0 s: no connection to the server at db:5432 (DATABASE_UNREACHABLE).',
      meaning:
        'The newest good backup is 2026-11-21_02-00-00, 24 h 00 min old, from 2026-11-21 01:59 UTC. What changed since then would be lost with the database.',
      todo: [
        'Start the server.',
        `See what happened: holdfast logs ${run.id}`,
        'When it is mended, take a backup: holdfast backup shop',
      ],
    });
  });

  test('a retry that is still to come is waited for; the last one is told', async () => {
    let retryAt: Date | null = new Date('2026-11-21T02:05:00.000Z');
    await using house = await openAlertsHouse({ retryAt: () => retryAt });
    house.ran({ ...down, trigger: 'schedule' });
    await house.work();
    expect(house.titles()).toEqual([]);
    expect(house.alerts.nextAt()).toEqual(new Date('2026-11-21T02:15:00.000Z'));
    house.pass(5 * minute);
    retryAt = null;
    house.ran({ ...down, trigger: 'retry' });
    await house.work();
    expect(house.titles()).toEqual(['problem: backup of shop failed']);
    expect(house.told()[0]?.what).toContain('It has failed 2 times in a row.');
  });

  test('a verification that could not be done and is to be repeated is waited for, too', async () => {
    let retryAt: Date | null = new Date('2026-11-21T02:05:00.000Z');
    await using house = await openAlertsHouse({ retryAt: () => retryAt });
    const away = { ...failed('STORAGE_UNREACHABLE', 'no connection to offsite'), operation: 'verify' } as const;
    house.ran({ ...away, trigger: 'schedule' });
    await house.work();
    expect(house.titles()).toEqual([]);
    house.pass(5 * minute);
    house.ran({ operation: 'verify', trigger: 'retry', result: { ok: true, storage: 'offsite' } });
    await house.work();
    expect([house.titles(), house.catalog.incidents.open()]).toEqual([[], []]);

    retryAt = null;
    house.ran({ ...away, trigger: 'retry' });
    await house.work();
    expect(house.told()).toMatchObject([{ kind: 'problem', severity: 'warning' }]);
  });

  test('a retry that works is nobody to be woken for', async () => {
    await using house = await openAlertsHouse({ retryAt: () => new Date('2026-11-21T02:05:00.000Z') });
    house.ran({ ...down, trigger: 'schedule' });
    await house.work();
    house.pass(5 * minute);
    house.ran({ ...good, trigger: 'retry' });
    await house.work();
    expect([house.titles(), house.catalog.incidents.open(), house.alerts.nextAt()]).toEqual([[], [], null]);
  });

  test('that another run has the source is neither better nor worse than the failure before', async () => {
    await using house = await openAlertsHouse();
    house.ran(down);
    await house.work();
    house.ran(failed('SOURCE_BUSY', 'source shop is in use by run x'));
    await house.work();
    house.pass(day);
    await house.work();
    expect(house.titles()).toEqual(['problem: backup of shop failed', 'reminder: still: backup of shop failed']);
    expect(house.told()[1]).toMatchObject({
      severity: 'critical',
      what: expect.stringContaining('DATABASE_UNREACHABLE'),
    });
  });

  test('with level all the end of a problem is its all-clear, not a success beside it', async () => {
    await using house = await openAlertsHouse({ level: 'all' });
    house.ran(down);
    await house.work();
    house.ran(good);
    house.ran({ ...good, source: 'crm' });
    await house.work();
    expect(house.titles().slice(1)).toEqual([
      'resolved: backup of shop works again',
      'success: backup of crm succeeded',
    ]);
  });

  test('what a person or a signal ended is no incident', async () => {
    await using house = await openAlertsHouse({ level: 'all' });
    house.ran({ state: 'cancelled', error: { code: 'INTERRUPTED', message: 'stopped by SIGTERM', hint: null } });
    house.ran({ ...failed('SOURCE_BUSY', 'source shop is in use by run x'), operation: 'drill' });
    await house.work();
    expect([house.titles(), house.catalog.incidents.open()]).toEqual([[], []]);
  });

  test('of a source that is not configured any more nothing is said', async () => {
    await using house = await openAlertsHouse({ sources: ['crm'] });
    house.ran(down);
    await house.work();
    expect([house.titles(), house.catalog.incidents.open()]).toEqual([[], []]);
  });
});

test('S11: a second storage that is down is one warning, and an all-clear once nothing is owed to it', async () => {
  await using house = await openAlertsHouse();
  const owe = (attempts: number) =>
    house.catalog.copies.put({
      source: 'shop',
      backup: '2026-11-21_02-00-00',
      storage: 'offsite',
      attempts,
      nextAt: '2026-11-21T02:10:00.000Z',
      lastError: { code: 'STORAGE_UNREACHABLE', message: 'offsite does not answer', hint: null },
      since: '2026-11-21T02:00:00.000Z',
    });
  owe(1);
  house.ran({
    state: 'partial',
    backup: '2026-11-21_02-00-00',
    result: { copies: { local: 'complete', offsite: 'pending' } },
  });
  await house.work();
  for (let attempt = 2; attempt < 6; attempt += 1) {
    house.pass(10 * minute);
    owe(attempt);
    house.ran({ operation: 'copy', state: 'partial', trigger: 'retry', result: [{ to: 'offsite', state: 'pending' }] });
    await house.work();
  }
  expect(house.titles()).toEqual(['problem: backups of shop are not copied to offsite']);
  expect(house.told()[0]).toMatchObject({ severity: 'warning' });
  expect(house.told()[0]?.what).toBe(
    'Backup 2026-11-21_02-00-00 could not be copied to offsite: offsite does not answer (STORAGE_UNREACHABLE).',
  );
  house.catalog.copies.remove('shop', '2026-11-21_02-00-00', 'offsite');
  house.ran({ operation: 'copy', trigger: 'retry', result: [{ to: 'offsite', state: 'complete' }] });
  await house.work();
  expect(house.titles().slice(1)).toEqual(['resolved: backups of shop are copied to offsite again']);
});

describe('levels', () => {
  const runs: Record<string, Partial<RunRecord>> = {
    success: good,
    warning: { operation: 'prune', ...failed('STORAGE_DENIED', 'no right to delete') },
    error: down,
  };
  const cases = [
    { level: 'errors' as const, told: ['error'] },
    { level: 'warnings' as const, told: ['warning', 'error'] },
    { level: 'all' as const, told: ['success', 'warning', 'error'] },
  ];
  for (const { level, told } of cases) {
    test(`N-29: ${level} hears of ${told.join(', ')}, and of the end of what it heard of`, async () => {
      for (const [name, run] of Object.entries(runs)) {
        await using house = await openAlertsHouse({ level });
        house.ran(run);
        await house.work();
        const heard = told.includes(name);
        expect([name, house.told().length]).toEqual([name, heard ? 1 : 0]);
        if (name === 'success') continue;
        house.ran({ ...good, operation: run.operation ?? 'backup' });
        await house.work();
        expect(house.titles().filter((title) => title.startsWith('resolved')).length).toBe(heard ? 1 : 0);
      }
    });
  }

  test('a channel may have a level and sources of its own', async () => {
    await using house = await openAlertsHouse({
      channelOptions: (url) => [
        webhook(`${url}/everything`, { name: 'everything', level: 'all' }),
        webhook(`${url}/crm`, { name: 'crm', sources: ['crm'] }),
      ],
    });
    house.ran(good);
    house.ran({ ...down, source: 'crm' });
    await house.work();
    const places = house.receiver.requests.map(({ url, body }) => `${url} ${readPayload(body).source}`);
    expect(places.toSorted()).toEqual(['/crm/hook crm', '/everything/hook crm', '/everything/hook shop']);
  });

  test('what is the matter is told when a channel is added that wants it', async () => {
    await using house = await openAlertsHouse({ channelOptions: () => [] });
    house.ran(down);
    await house.work();
    expect(house.catalog.incidents.get('backup-failed/shop')).toMatchObject({ toldAt: null });
    expect(house.alerts.nextAt()).toBeNull();
  });
});

describe('many at once', () => {
  test('twenty sources whose server is down are one message', async () => {
    await using house = await openAlertsHouse();
    for (let number = 1; number <= 20; number += 1) house.ran({ ...down, source: `shop-${number}` });
    await house.work();
    expect(house.titles()).toEqual(['problem: 20 problems on web-1']);
    const [digest] = house.told();
    expect(digest).toMatchObject({ severity: 'critical', source: null });
    expect(digest?.facts.map(({ value }) => value)).toContain('backup of shop-7 failed');
    expect(digest?.todo).toContain('Start the server.');
    expect(house.catalog.incidents.open().every(({ toldAt }) => toldAt !== null)).toBe(true);
  });

  test('what was told by a clock that was ahead holds nothing back once it is right', async () => {
    await using house = await openAlertsHouse();
    for (const source of ['a', 'b', 'c']) {
      house.ran({ source, ...down });
      await house.work();
      house.pass(minute);
    }
    expect(house.titles().length).toBe(3);
    house.pass(-30 * day);
    house.ran({ source: 'd', ...down });
    await house.work();
    expect(house.titles().length).toBe(4);
  });

  test('one after the other, three are told and the others wait ten minutes to be told together', async () => {
    await using house = await openAlertsHouse();
    for (let number = 1; number <= 20; number += 1) {
      house.ran({ ...down, source: `shop-${number}` });
      await house.work();
      house.pass(10_000);
    }
    expect(house.titles().length).toBe(3);
    const next = house.alerts.nextAt();
    expect(next).toEqual(new Date('2026-11-21T02:10:00.000Z'));
    house.pass(10 * minute);
    await house.work();
    expect(house.titles().slice(3)).toEqual(['problem: 17 problems on web-1']);
  });

  test('a run whose end was written late is a reason to look', async () => {
    await using house = await openAlertsHouse();
    const { id } = house.ran({ state: 'running', finishedAt: null });
    await house.work();
    expect(house.alerts.nextAt()).toBeNull();
    house.catalog.runs.update(id, { ...down, finishedAt: nowOf(house).toISOString() });
    expect(house.alerts.nextAt()).toEqual(nowOf(house));
    await house.work();
    expect([house.titles(), house.alerts.nextAt()]).toEqual([
      ['problem: backup of shop failed'],
      new Date(nowOf(house).getTime() + day),
    ]);
  });

  test('a process that ends holds nothing back', async () => {
    await using house = await openAlertsHouse();
    for (let number = 1; number <= 5; number += 1) {
      house.ran({ ...down, source: `shop-${number}` });
      await house.alerts.work(never, { last: true });
    }
    expect(house.titles().length).toBe(5);
  });
});

test('S22: that the state cannot be written is told past it, and so is its end; a channel that is down is none the wiser', async () => {
  const dead = { ...webhook('http://127.0.0.1:1/hook'), name: 'dead' };
  await using house = await openAlertsHouse({ channelOptions: (url) => [webhook(url), dead] });
  const finding = {
    code: 'STATE_NOT_WRITABLE',
    severity: 'critical' as const,
    source: null,
    storage: null,
    value: null,
    threshold: null,
    message: 'the state cannot be written: no space left',
    meaning: 'Nothing runs.',
    hint: 'Make room.',
  };
  house.catalog[Symbol.dispose]();
  await house.alerts.shout('problem', finding, never);
  await house.alerts.shout('resolved', finding, never);
  expect(house.told()).toMatchObject([
    { kind: 'problem', severity: 'critical', what: 'A check found: the state cannot be written: no space left.' },
    { kind: 'resolved', severity: 'info', title: 'over: the state cannot be written: no space left' },
  ]);
});

describe('J-d4: what a check finds is told', () => {
  const finding = (change: Partial<Finding> = {}): Finding => ({
    code: 'SPACE_SHORT',
    severity: 'warning',
    source: null,
    storage: 'local',
    value: '4%',
    threshold: '10%',
    message: 'only 4% of local are free',
    meaning: 'The next backups may not fit.',
    hint: 'Free some space.',
    ...change,
  });

  test('once, again when it gets worse, and its end after ten good minutes', async () => {
    await using house = await openAlertsHouse();
    const check = async (...findings: Finding[]) => {
      house.alerts.report(findings);
      await house.work();
      house.pass(5 * minute);
    };
    await check(finding());
    await check(finding());
    await check(finding({ severity: 'critical', message: 'only 1% of local is free' }));
    await check();
    await check(finding({ severity: 'critical' }));
    await check();
    expect(house.titles()).toEqual(['problem: only 4% of local are free', 'problem: only 1% of local is free']);
    expect(house.alerts.nextAt()).toEqual(new Date('2026-11-21T02:35:00.000Z'));
    await check();
    await check();
    expect(house.titles().slice(2)).toEqual(['resolved: over: only 4% of local are free']);
  });

  test('but not a second time what the failed run has told', async () => {
    await using house = await openAlertsHouse();
    house.ran(down);
    await house.work();
    const same = { source: 'shop', storage: null };
    house.alerts.report([
      finding({ ...same, code: 'BACKUP_FAILED', severity: 'warning' }),
      finding({ ...same, code: 'NO_BACKUP', severity: 'critical' }),
      finding({ ...same, code: 'DATABASE_UNREACHABLE', severity: 'warning' }),
    ]);
    await house.work();
    expect(house.titles()).toEqual(['problem: backup of shop failed']);
  });

  test('nor what a run will tell that nobody has looked at yet: one thing is one incident', async () => {
    await using house = await openAlertsHouse();
    const same = { source: 'shop', storage: null };
    const seen = () => {
      house.alerts.report([
        finding({ ...same, code: 'BACKUP_FAILED', severity: 'warning' }),
        finding({ ...same, code: 'DATABASE_UNREACHABLE', severity: 'warning' }),
      ]);
    };
    house.ran(down);
    // As of a killed one, which the check itself finds out, or while the alerts wait for a channel that hangs.
    seen();
    await house.work();
    seen();
    await house.work();
    expect(house.titles()).toEqual(['problem: backup of shop failed']);
    expect(house.catalog.incidents.open().map(({ key }) => key)).toEqual(['backup-failed/shop']);

    house.ran(good);
    house.alerts.report([finding({ ...same, code: 'DATABASE_UNREACHABLE', severity: 'warning' })]);
    await house.work();
    expect(house.titles().slice(1).toSorted()).toEqual([
      'problem: only 4% of local are free',
      'resolved: backup of shop works again',
    ]);
  });
});

describe('damage', () => {
  const damage: Partial<RunRecord> = {
    operation: 'verify',
    state: 'failed',
    backup: '2026-11-20_02-00-00',
    result: {
      ok: false,
      storage: 'local',
      checks: [{ artifact: 'database.dump', ok: false, detail: 'other bytes than were written (ARTIFACT_DAMAGED)' }],
    },
  };

  test('is critical, and over when the copy was replaced', async () => {
    await using house = await openAlertsHouse({ level: 'errors' });
    house.ran(damage);
    await house.work();
    expect(house.told()[0]).toMatchObject({
      severity: 'critical',
      title: 'backup 2026-11-20_02-00-00 of shop is damaged in local',
      errors: ['database.dump: other bytes than were written (ARTIFACT_DAMAGED)'],
    });
    house.ran({ ...damage, state: 'succeeded', result: { ok: true, storage: 'offsite', checks: [] } });
    await house.work();
    expect(house.titles().length, 'another copy').toBe(1);
    house.ran({ ...damage, state: 'succeeded', result: { ok: true, storage: 'local', checks: [] } });
    await house.work();
    expect(house.titles().slice(1)).toEqual(['resolved: backup 2026-11-20_02-00-00 of shop is whole in local']);
  });

  test('is over when the backup was removed', async () => {
    await using house = await openAlertsHouse();
    house.ran(damage);
    await house.work();
    house.ran({ operation: 'prune', result: { removed: ['2026-11-19_02-00-00'] } });
    await house.work();
    expect(house.titles().length).toBe(1);
    house.ran({ operation: 'delete', backup: '2026-11-20_02-00-00' });
    await house.work();
    expect(house.titles().slice(1)).toEqual([
      'resolved: the damaged copy of backup 2026-11-20_02-00-00 of shop is gone from local',
    ]);
  });

  test('a drill that found a difference is critical and names it', async () => {
    await using house = await openAlertsHouse();
    const tables = { mismatched: [{ schema: 'public', name: 'item', expected: 5, actual: 4, reason: 'rows' }] };
    house.ran({
      operation: 'drill',
      state: 'failed',
      backup: 'x',
      result: { ok: false, tables, sequences: { mismatched: [] }, checks: [] },
    });
    await house.work();
    expect(house.told()[0]).toMatchObject({ severity: 'critical', title: 'drill of shop failed' });
    expect(house.told()[0]?.what).toContain('table public.item has 4 rows instead of 5');
  });
});

describe('delivery', () => {
  test('a channel that is down is tried again, less and less often, then given up and told of by the check', async () => {
    await using house = await openAlertsHouse();
    house.receiver.answer({ status: 503 });
    house.ran(down);
    await house.work();
    expect(house.alerts.problems(), 'a hiccup').toEqual([]);
    const waits: number[] = [];
    for (let next = house.alerts.nextAt(); next !== null; next = house.alerts.nextAt()) {
      const [pending] = house.catalog.deliveries.list({ state: 'pending' });
      if (!pending) break;
      const wait = next.getTime() - nowOf(house).getTime();
      waits.push(wait / minute);
      house.pass(wait);
      await house.work();
    }
    expect(waits.slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120]);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(24 * 60);
    expect(house.alerts.problems()).toMatchObject([
      { code: 'ALERT_UNDELIVERED', severity: 'critical', value: 1, message: expect.stringContaining('webhook') },
    ]);
    expect(new Set(house.told().map(({ id }) => id)).size, 'the id stays').toBe(1);
    house.receiver.answer({ status: 200 });
    house.ran({ ...down, ...failed('DISK_FULL', 'no space') });
    await house.work();
    expect(house.alerts.problems(), 'it is there again').toEqual([]);
  });

  test('what a clock that was ahead has put off waits no longer than usual once it is right', async () => {
    await using house = await openAlertsHouse({ remindAfterMs: null });
    house.receiver.answer({ status: 503 });
    house.ran(down);
    await house.work();
    house.pass(-30 * day);
    house.receiver.answer({ status: 200 });
    expect(house.alerts.nextAt()?.getTime()).toBeLessThanOrEqual(nowOf(house).getTime() + 2 * hour);
    await house.work();
    expect(house.catalog.deliveries.list({}).map(({ state }) => state)).toEqual(['sent']);
  });

  test('what does not arrive is told, and given up, although a clock that was ahead wrote it or the last that arrived', async () => {
    await using house = await openAlertsHouse({ remindAfterMs: null });
    house.ran({ ...down, source: 'crm' });
    await house.work();
    house.receiver.answer({ status: 503 });
    house.ran(down);
    await house.work();
    house.pass(-30 * day);
    expect(house.alerts.problems()).toMatchObject([{ code: 'ALERT_UNDELIVERED', severity: 'warning' }]);
    for (let hours = 0; hours < 60; hours += 1) {
      house.pass(hour);
      await house.work();
    }
    expect(house.catalog.deliveries.list({ state: 'pending' })).toEqual([]);
    expect(house.alerts.problems()).toMatchObject([{ code: 'ALERT_UNDELIVERED', severity: 'critical' }]);
    house.receiver.answer({ status: 200 });
    house.ran({ ...down, source: 'wiki' });
    await house.work();
    expect(house.alerts.problems(), 'it is there again').toEqual([]);
  });

  test('what was given up is forgotten after a while although nothing arrives, but not that nothing does', async () => {
    await using house = await openAlertsHouse({ remindAfterMs: null });
    house.receiver.answer({ status: 400 });
    for (const source of ['shop', 'crm', 'wiki']) {
      house.ran({ ...down, source });
      await house.work();
      for (let hours = 0; hours < 30; hours += 1) {
        house.pass(hour);
        await house.work();
      }
    }
    const sources = () =>
      house.catalog.deliveries.list({ state: 'failed' }).map(({ message }) => (message as Told).source);
    expect(sources()).toEqual(['shop', 'crm', 'wiki']);
    const now = () => new Date('2027-01-15T00:00:00.000Z');
    await using later = await openAlertsHouse({
      catalog: house.catalog,
      clock: { ...systemClock, now },
      remindAfterMs: null,
    });
    await later.work();
    expect(sources()).toEqual(['wiki']);
    expect(house.alerts.problems()).toMatchObject([{ code: 'ALERT_UNDELIVERED', severity: 'critical' }]);
  });

  test('what was given up by a clock that was ahead is no matter any more once something arrived', async () => {
    await using house = await openAlertsHouse();
    house.receiver.answer({ status: 503 });
    house.ran(down);
    for (let hours = 0; hours < 26; hours += 1) {
      await house.work();
      house.pass(hour);
    }
    expect(house.alerts.problems()).toMatchObject([{ code: 'ALERT_UNDELIVERED', severity: 'critical' }]);
    house.pass(-30 * day);
    house.receiver.answer({ status: 200 });
    house.ran({ ...down, source: 'crm' });
    await house.work();
    expect(house.alerts.problems()).toEqual([]);
  });

  test('what nobody tried to deliver for days, or a clock says so, is not given up at the first try', async () => {
    await using house = await openAlertsHouse();
    house.receiver.answer({ status: 503 });
    house.ran(down);
    await house.work();
    house.pass(365 * day);
    await house.work();
    house.receiver.answer({ status: 200 });
    house.pass(2 * minute);
    await house.work();
    expect(house.catalog.deliveries.list({}).map(({ state }) => state)).toEqual(['sent', 'sent']);
    expect(house.titles().slice(-2)).toEqual([
      'problem: backup of shop failed',
      'reminder: still: backup of shop failed',
    ]);
  });

  test('order is kept: an all-clear does not overtake its problem, and waits no longer than it must', async () => {
    await using house = await openAlertsHouse();
    house.receiver.answer({ status: 503 });
    house.ran(down);
    await house.work();
    house.pass(30_000);
    house.receiver.answer({ status: 200 });
    house.ran(good);
    await house.work();
    expect(house.titles().slice(1)).toEqual(['problem: backup of shop failed', 'resolved: backup of shop works again']);
    expect(house.alerts.nextAt()).toBeNull();
  });

  test('a channel that is down is not asked for each message', async () => {
    await using house = await openAlertsHouse();
    house.receiver.answer({ status: 503 });
    house.ran(down);
    house.ran({ ...down, source: 'crm' });
    await house.work();
    expect(house.receiver.requests.length).toBe(1);
    house.receiver.answer({ status: 200 });
    house.pass(minute);
    await house.work();
    expect(house.told().map(({ source }) => source)).toEqual(['shop', 'shop', 'crm']);
  });

  test('a channel that is down does not hold up another', async () => {
    await using house = await openAlertsHouse({
      channelOptions: (url) => [webhook('http://127.0.0.1:1', { name: 'down' }), webhook(url, { name: 'up' })],
    });
    house.ran(down);
    await house.work();
    expect(house.titles()).toEqual(['problem: backup of shop failed']);
    expect(house.alerts.overview().undelivered).toMatchObject([{ channel: 'down', attempts: 1, state: 'pending' }]);
  });

  test('a message that one service will never take does not hold up the next', async () => {
    await using house = await openAlertsHouse();
    house.receiver.answer(({ body }) => ({ status: body.includes('crm') ? 400 : 200 }));
    house.ran({ ...down, source: 'crm' });
    house.ran(down);
    await house.work();
    expect(house.catalog.deliveries.list({ state: 'sent' }).length).toBe(1);
    expect(house.catalog.deliveries.list({ state: 'pending' })).toMatchObject([
      { lastError: { code: 'ALERT_REFUSED' } },
    ]);
  });

  test('what waits for a channel that is not configured any more is dropped', async () => {
    await using house = await openAlertsHouse();
    house.catalog.deliveries.put({
      id: 'x/gone',
      channel: 'gone',
      message: {},
      createdAt: '2026-11-21T01:00:00.000Z',
      attempts: 3,
      nextAt: '2026-11-21T01:00:00.000Z',
      state: 'pending',
      endedAt: null,
      lastError: null,
    });
    await house.work();
    expect(house.catalog.deliveries.list({})).toMatchObject([
      { state: 'failed', lastError: { code: 'ALERT_CHANNEL_UNKNOWN' } },
    ]);
    expect([house.alerts.nextAt(), house.alerts.problems()]).toEqual([null, []]);
  });
});

test('J-11: a failed backup is a mail', async () => {
  await using server = await startSmtpServer({ tls: 'none' });
  const smtp = { host: '127.0.0.1', port: server.port, tls: 'none' };
  const email = emailOptions.parse({ type: 'email', from: 'backup@example.com', to: ['ops@example.com'], smtp });
  await using house = await openAlertsHouse({ channelOptions: () => [email] });
  house.ran(down);
  await house.work();
  expect(server.mails.length).toBe(1);
  const mail = readMail(server.mails[0]?.raw ?? '');
  expect(mail.headers.get('subject')).toContain('backup of shop failed');
  expect(mail.parts.map(({ text }) => text).join('\n')).toContain(
    'When it is mended, take a backup: holdfast backup shop',
  );
});

test('health pings say nothing of a failure that is to be retried', async () => {
  let retryAt: Date | null = new Date('2026-11-21T02:05:00.000Z');
  const options = (url: string) => [pingOptions.parse({ type: 'ping', url, style: 'healthchecks' })];
  await using house = await openAlertsHouse({ retryAt: () => retryAt, channelOptions: options });
  house.ran({ ...down, trigger: 'schedule' });
  await house.work();
  expect(house.receiver.requests).toEqual([]);
  retryAt = null;
  house.ran({ ...down, trigger: 'retry' });
  await house.work();
  expect(house.receiver.requests.map(({ url }) => url.split('?')[0])).toEqual(['/fail']);
});

test('a mail server is tried without sending anything', async () => {
  const login = { user: 'backup', password: 'right-one' };
  await using server = await startSmtpServer({ tls: 'none', login });
  const smtp = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'backup' };
  const email = (password: string) =>
    emailOptions.parse({ type: 'email', from: 'a@example.com', to: 'b@example.com', smtp: { ...smtp, password } });
  await using house = await openAlertsHouse({
    channelOptions: (url) => [email('right-one'), email('wrong'), webhook(url)],
  });
  expect(await house.alerts.check(never)).toMatchObject([
    { channel: 'email', state: 'works' },
    { channel: 'email-2', state: 'failed', error: { code: 'ALERT_AUTH' } },
    { channel: 'webhook', state: 'untried' },
  ]);
  expect([server.mails, house.receiver.requests]).toEqual([[], []]);
});

test('S23: no secret leaves in a message or lies in the outbox', async () => {
  const password = new Secret('correct-horse-battery');
  await using house = await openAlertsHouse({
    channelOptions: (url) => [webhook(url, { secret: 'webhook-secret-value' })],
  });
  house.receiver.answer({ status: 503 });
  house.ran(failed('DUMP_FAILED', `pg_dump: password ${password.reveal()} is wrong`));
  await house.work();
  expect(house.told()[0]?.errors).toEqual(['pg_dump: password •••••• is wrong (DUMP_FAILED)']);
  for (const name of await readdir(house.folder)) {
    const bytes = await readFile(join(house.folder, name));
    expect([name, bytes.includes('webhook-secret-value')]).toEqual([name, false]);
  }
  const rows = JSON.stringify([house.catalog.deliveries.list({}), house.catalog.incidents.list({})]);
  expect(rows).not.toContain(password.reveal());
});

function nowOf({ ran }: AlertsHouse): Date {
  return new Date(ran({ state: 'cancelled', operation: 'key' }).finishedAt ?? '');
}
