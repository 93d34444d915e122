import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { BackupRow, Catalog, RunRecord, RunState } from '../catalog.ts';
import { first } from './migrations/001-first.ts';
import { copies } from './migrations/002-copies.ts';
import { keys } from './migrations/003-keys.ts';
import { watch } from './migrations/004-watch.ts';
import { cancel } from './migrations/005-cancel.ts';
import { figures } from './migrations/006-figures.ts';
import { access } from './migrations/007-access.ts';
import { parts } from './migrations/008-parts.ts';
import { audit } from './migrations/009-audit.ts';
import { turnedAwayRuns } from './migrations/010-turned-away.ts';
import { busyCodes } from '../turned-away.ts';
import { catalogFile, openCatalog } from './sqlite-catalog.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'holdfast-figures-')), 'state');
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

const open = () => openCatalog(folder, systemClock);
const time = (second: number) => `2026-11-21T08:00:${String(second).padStart(2, '0')}.500Z`;

function addRun(catalog: Catalog, id: string, state: RunState, [from, to]: [number, number]): void {
  const run: RunRecord = {
    id,
    operation: 'backup',
    source: 'shop',
    backup: null,
    trigger: 'manual',
    state: 'running',
    startedAt: time(from),
    finishedAt: null,
    host: 'h',
    pid: 1,
    process: null,
    error: null,
    result: null,
  };
  catalog.runs.add(run);
  if (state !== 'running') catalog.runs.update(id, { state, finishedAt: time(to) });
}

test('runs are counted when they end, and still known when they are forgotten', () => {
  using catalog = open();
  addRun(catalog, 'a', 'succeeded', [1, 3]);
  addRun(catalog, 'b', 'failed', [4, 5]);
  addRun(catalog, 'c', 'failed', [6, 10]);
  addRun(catalog, 'd', 'running', [11, 11]);
  catalog.runs.update('c', { result: { more: true } });
  const before = [catalog.figures.runTotals(), catalog.figures.latestRuns()];
  expect(before[0]).toEqual([
    { operation: 'backup', state: 'failed', count: 2 },
    { operation: 'backup', state: 'succeeded', count: 1 },
  ]);
  expect(before[1]).toEqual([
    {
      source: 'shop',
      operation: 'backup',
      startedAt: time(11),
      ended: { at: time(10), state: 'failed', seconds: expect.closeTo(4, 3) },
      succeeded: { at: time(3), seconds: expect.closeTo(2, 3) },
    },
  ]);
  expect(catalog.figures.running()).toEqual([{ operation: 'backup', count: 1 }]);

  using file = new DatabaseSync(join(folder, catalogFile));
  file.exec('delete from runs');
  expect([catalog.figures.runTotals(), catalog.figures.latestRuns()]).toEqual(before);
});

const busy = { message: 'in use', hint: null };

test.each([...busyCodes])('a run that %s turned away is counted as such, and is not how the last one went', (code) => {
  using catalog = open();
  addRun(catalog, 'a', 'succeeded', [1, 3]);
  addRun(catalog, 'b', 'running', [4, 4]);
  catalog.runs.update('b', { state: 'failed', error: { code, ...busy }, finishedAt: time(5) });
  expect(catalog.figures.runTotals()).toEqual([
    { operation: 'backup', state: 'succeeded', count: 1 },
    { operation: 'backup', state: 'turned-away', count: 1 },
  ]);
  expect(catalog.figures.latestRuns()).toMatchObject([
    { startedAt: time(4), ended: { at: time(3), state: 'succeeded' }, succeeded: { at: time(3) } },
  ]);
});

test('a run that was cancelled is counted as such, and is not how the last one went', () => {
  using catalog = open();
  addRun(catalog, 'a', 'failed', [1, 3]);
  addRun(catalog, 'b', 'cancelled', [4, 5]);
  expect(catalog.figures.runTotals()).toEqual([
    { operation: 'backup', state: 'cancelled', count: 1 },
    { operation: 'backup', state: 'failed', count: 1 },
  ]);
  expect(catalog.figures.latestRuns()).toMatchObject([
    { startedAt: time(4), ended: { at: time(3), state: 'failed' }, succeeded: null },
  ]);
});

test('how the last one went that was not cancelled is found for a state folder of the time before', () => {
  mkdirSync(folder, { recursive: true });
  using old = new DatabaseSync(join(folder, catalogFile));
  for (const sql of [first, copies, keys, watch, cancel, figures, access, parts, audit, turnedAwayRuns]) old.exec(sql);
  old.exec('pragma user_version = 10');
  const insert = old.prepare(
    `insert into runs (id, operation, source, trigger, state, started_at, host, pid)
     values (?, ?, 'shop', 'manual', 'running', ?, 'h', 1)`,
  );
  const end = old.prepare('update runs set state = ?, finished_at = ? where id = ?');
  const add = (id: string, operation: string, state: string, [from, to]: [number, number]) => {
    insert.run(id, operation, time(from));
    end.run(state, time(to), id);
  };
  add('a', 'backup', 'succeeded', [1, 3]);
  add('b', 'backup', 'cancelled', [4, 5]);
  add('c', 'drill', 'cancelled', [6, 7]);
  const ends = old.prepare('select ended_state from latest_runs').all();
  expect(ends.map((row) => row['ended_state'])).toEqual(['cancelled', 'cancelled']);
  using catalog = open();
  expect(catalog.figures.latestRuns()).toMatchObject([
    { operation: 'backup', ended: { at: time(3), state: 'succeeded' } },
    { operation: 'drill', ended: null },
  ]);
});

test('what was turned away before it was told apart is counted anew, a prune by what it said of its storages', () => {
  mkdirSync(folder, { recursive: true });
  using old = new DatabaseSync(join(folder, catalogFile));
  for (const sql of [first, copies, keys, watch, cancel]) old.exec(sql);
  old.exec('pragma user_version = 5');
  const insert = old.prepare(
    `insert into runs (id, operation, source, trigger, state, started_at, finished_at, host, pid, error, result)
     values (?, ?, 'shop', 'manual', ?, ?, ?, 'h', 1, ?, ?)`,
  );
  const add = (
    id: string,
    operation: string,
    state: string,
    second: number,
    ends: { error?: object; result?: object },
  ) =>
    insert.run(
      id,
      operation,
      state,
      time(second),
      time(second + 1),
      ends.error ? JSON.stringify(ends.error) : null,
      ends.result ? JSON.stringify(ends.result) : null,
    );
  const away = { code: 'SOURCE_BUSY', ...busy };
  const full = { code: 'DISK_FULL', ...busy };
  const place = (error: object | null, failed: string[] = []) => ({ storage: 'local', failed, error });
  add('a', 'backup', 'failed', 1, { error: full });
  add('b', 'backup', 'failed', 3, { error: away });
  add('c', 'prune', 'succeeded', 5, { result: [place(null)] });
  add('d', 'prune', 'failed', 7, { result: [place(null), place(away)] });
  add('e', 'prune', 'failed', 9, { result: [place(full), place(away)] });
  add('f', 'prune', 'failed', 11, { result: [place(away), place(null, ['x'])] });
  add('g', 'prune', 'failed', 13, { result: [place(away)] });
  add('h', 'verify', 'failed', 15, { error: away });
  using catalog = open();
  expect(catalog.figures.runTotals()).toEqual([
    { operation: 'backup', state: 'failed', count: 1 },
    { operation: 'backup', state: 'turned-away', count: 1 },
    { operation: 'prune', state: 'failed', count: 2 },
    { operation: 'prune', state: 'succeeded', count: 1 },
    { operation: 'prune', state: 'turned-away', count: 2 },
    { operation: 'verify', state: 'turned-away', count: 1 },
  ]);
  expect(catalog.figures.latestRuns()).toMatchObject([
    { operation: 'backup', startedAt: time(3), ended: { at: time(2), state: 'failed' } },
    { operation: 'prune', startedAt: time(13), ended: { at: time(12), state: 'failed' }, succeeded: { at: time(6) } },
    { operation: 'verify', startedAt: time(15), ended: null },
  ]);
  expect(catalog.runs.get('d')?.error).toEqual(away);
  expect(catalog.runs.get('e')?.error).toBeNull();
});

test('a state folder of the time before knows its history as if it had been counted all along', () => {
  mkdirSync(folder, { recursive: true });
  using old = new DatabaseSync(join(folder, catalogFile));
  for (const sql of [first, copies, keys, watch, cancel]) old.exec(sql);
  old.exec('pragma user_version = 5');
  const insert = old.prepare(
    `insert into runs (id, operation, source, trigger, state, started_at, finished_at, host, pid)
     values (?, 'backup', 'shop', 'manual', ?, ?, ?, 'h', 1)`,
  );
  insert.run('a', 'succeeded', time(1), time(3));
  insert.run('b', 'failed', time(4), time(5));
  insert.run('c', 'running', time(6), null);
  using catalog = open();
  expect(catalog.figures.runTotals()).toEqual([
    { operation: 'backup', state: 'failed', count: 1 },
    { operation: 'backup', state: 'succeeded', count: 1 },
  ]);
  expect(catalog.figures.latestRuns()).toEqual([
    {
      source: 'shop',
      operation: 'backup',
      startedAt: time(6),
      ended: { at: time(5), state: 'failed', seconds: expect.closeTo(1, 3) },
      succeeded: { at: time(3), seconds: expect.closeTo(2, 3) },
    },
  ]);
});

test('what the storages hold: sums per storage, and the newest good backup of each source', () => {
  using catalog = open();
  const put = (storage: string, id: string, change: Partial<BackupRow>, bytes: number, trigger = 'schedule') =>
    catalog.backups.put({
      storage,
      source: 'shop',
      id,
      state: 'complete',
      stamp: '',
      problem: null,
      held: null,
      facts: {
        startedAt: time(Number(id)),
        finishedAt: time(Number(id)),
        durationMs: 1,
        trigger,
        safetyFor: null,
        description: null,
        instance: 'i',
        bytes,
        rawBytes: id === '02' ? null : bytes * 2,
        artifacts: 1,
        database: null,
        warnings: 0,
        only: null,
        lacks: [],
      },
      ...change,
    });
  put('local', '01', {}, 10);
  put('local', '02', {}, 20);
  put('local', '03', { state: 'corrupt', facts: null }, 0);
  put('local', '04', {}, 40, 'safety');
  put('offsite', '01', {}, 10);
  expect(catalog.figures.stored()).toEqual([
    { source: 'shop', storage: 'local', backups: 4, damaged: 1, bytes: 70 },
    { source: 'shop', storage: 'offsite', backups: 1, damaged: 0, bytes: 10 },
  ]);
  expect(catalog.figures.newestBackups()).toEqual([{ source: 'shop', startedAt: time(2), bytes: 20, rawBytes: null }]);
});

test('the newest proof of each kind, pending copies, deliveries and incidents', () => {
  using catalog = open();
  const proof = { source: 'shop', backup: 'b', storage: 'local', depth: null, result: null };
  catalog.proofs.add({ ...proof, kind: 'drill', at: time(2), ok: false, seconds: 7, backup: 'a' });
  catalog.proofs.add({ ...proof, kind: 'drill', at: time(1), ok: true, seconds: 5 });
  expect(catalog.figures.latestProofs()).toEqual([
    { kind: 'drill', source: 'shop', at: time(2), ok: false, seconds: 7 },
  ]);

  for (const backup of ['a', 'b'])
    catalog.copies.put({ source: 'shop', backup, storage: 'o', attempts: 1, nextAt: '', lastError: null, since: '' });
  expect(catalog.figures.pendingCopies()).toEqual([{ source: 'shop', storage: 'o', count: 2 }]);

  for (const [id, state] of Object.entries({ a: 'pending', b: 'failed', c: 'sent', d: 'failed' } as const))
    catalog.deliveries.put({
      id,
      channel: 'email',
      message: {},
      createdAt: '',
      attempts: 1,
      nextAt: '',
      state,
      endedAt: null,
      lastError: null,
    });
  expect(catalog.figures.deliveries()).toEqual([
    { channel: 'email', state: 'failed', count: 2 },
    { channel: 'email', state: 'pending', count: 1 },
  ]);

  const incident = { source: null, title: '', openedAt: '', lastSeenAt: '', times: 1, toldAt: null, detail: null };
  catalog.incidents.put({ ...incident, key: 'a', severity: 'critical', resolvedAt: null });
  catalog.incidents.put({ ...incident, key: 'b', severity: 'critical', resolvedAt: time(1) });
  expect(catalog.figures.openIncidents()).toEqual([{ severity: 'critical', count: 1 }]);
});

test('which copies failed their last verification or drill: they are not whole, and not the newest good backup', () => {
  using catalog = open();
  const put = (storage: string, id: string) =>
    catalog.backups.put({
      storage,
      source: 'shop',
      id,
      state: 'complete',
      stamp: '',
      problem: null,
      held: null,
      facts: {
        startedAt: time(Number(id)),
        finishedAt: time(Number(id)),
        durationMs: 1,
        trigger: 'schedule',
        safetyFor: null,
        description: null,
        instance: 'i',
        bytes: 10,
        rawBytes: 10,
        artifacts: 1,
        database: null,
        warnings: 0,
        only: null,
        lacks: [],
      },
    });
  const proof = (kind: 'verify' | 'drill', backup: string, second: number, ok: boolean, storage = 'local') =>
    catalog.proofs.add({
      kind,
      backup,
      ok,
      storage,
      at: time(second),
      source: 'shop',
      depth: null,
      seconds: 1,
      result: null,
    });
  const damaged = () => catalog.figures.stored().map(({ storage, damaged: count }) => `${storage} ${count}`);
  put('local', '01');
  put('local', '02');
  put('offsite', '02');
  proof('verify', '02', 3, false);
  proof('verify', '02', 3, true, 'offsite');
  proof('verify', '01', 4, true);
  proof('verify', 'gone', 5, false);
  expect(catalog.figures.failedVerifications()).toEqual([{ source: 'shop', storage: 'local', count: 1 }]);
  expect(damaged()).toEqual(['local 1', 'offsite 0']);
  expect(catalog.figures.newestBackups()).toMatchObject([{ startedAt: time(2) }]);

  catalog.backups.remove('offsite', 'shop', '02');
  expect(catalog.figures.newestBackups()).toMatchObject([{ startedAt: time(1) }]);
  proof('drill', '01', 6, false);
  expect(damaged()).toEqual(['local 2']);
  expect(catalog.figures.newestBackups()).toEqual([]);

  proof('verify', '02', 7, true);
  expect(catalog.figures.failedVerifications()).toEqual([]);
  expect(damaged()).toEqual(['local 1']);
  expect(catalog.figures.newestBackups()).toMatchObject([{ startedAt: time(2) }]);
});
