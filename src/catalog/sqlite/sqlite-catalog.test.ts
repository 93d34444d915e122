import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import type { BackupRow, LockRow, ProofRecord, RunRecord } from '../catalog.ts';
import { catalogFile, openCatalog } from './sqlite-catalog.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'holdfast-catalog-')), 'state');
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

const open = () => openCatalog(folder, systemClock);
const path = () => join(folder, catalogFile);
const thrown = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
};

const run: RunRecord = {
  id: '20261120-051500-abcdef',
  operation: 'backup',
  source: 'shop',
  backup: null,
  trigger: 'manual',
  state: 'running',
  startedAt: '2026-11-20T05:15:00.000Z',
  finishedAt: null,
  host: 'web-1',
  pid: 17,
  process: 'boot/1/2',
  error: null,
  result: null,
};

describe('the file', () => {
  test('T-d10 nobody else can read the state', () => {
    using catalog = open();
    catalog.runs.add(run);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const modes = readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]);
    expect(Object.fromEntries(modes)).toEqual({
      [catalogFile]: '600',
      [`${catalogFile}-wal`]: '600',
      [`${catalogFile}-shm`]: '600',
    });
  });
  test('a file that others could read is closed to them', () => {
    open()[Symbol.dispose]();
    chmodSync(path(), 0o644);
    open()[Symbol.dispose]();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });
  test('what was written is there for the next one who opens it', () => {
    {
      using catalog = open();
      catalog.runs.add(run);
    }
    using again = open();
    expect(again.runs.get(run.id)).toEqual(run);
  });
  test.skipIf(!existsSync('/proc/locks'))(
    'opened once more by the same process, as for new settings, it stays locked: who ends meanwhile removes no log',
    () => {
      using catalog = open();
      const { ino } = statSync(path());
      const locks = () =>
        readFileSync('/proc/locks', 'utf8')
          .split('\n')
          .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `));
      expect(locks()).toHaveLength(1);
      using again = open();
      again.probe();
      catalog[Symbol.dispose]();
      expect(locks()).toHaveLength(1);
    },
  );
  test.each([
    ['away', () => renameSync(path(), join(folder, 'elsewhere'))],
    ['away together with its folder', () => renameSync(folder, `${folder}-elsewhere`)],
    [
      'away, and another took its place',
      () => {
        for (const name of readdirSync(folder)) renameSync(join(folder, name), join(folder, `elsewhere-${name}`));
        open()[Symbol.dispose]();
      },
    ],
  ])('moved %s, nothing is written any more where nobody would see it', (_title, move) => {
    using catalog = open();
    catalog.runs.add(run);
    move();
    for (const write of [
      () => catalog.probe(),
      () => catalog.runs.update(run.id, { state: 'succeeded' }),
      () => catalog.runs.add({ ...run, id: 'another' }),
    ])
      expect(thrown(write)).toMatchObject({ code: 'CATALOG_MOVED', retryable: true, hint: expect.any(String) });
    expect(catalog.runs.get(run.id)).toEqual(run);
    expect(catalog.locks.list()).toEqual([]);
  });
  test('moved away and put back, it goes on', () => {
    using catalog = open();
    renameSync(folder, `${folder}-elsewhere`);
    expect(thrown(() => catalog.probe())).toMatchObject({ code: 'CATALOG_MOVED' });
    renameSync(`${folder}-elsewhere`, folder);
    catalog.runs.add(run);
    using other = open();
    expect(other.runs.get(run.id)).toEqual(run);
  });
  test('a newer schema is refused and left alone', () => {
    open()[Symbol.dispose]();
    {
      const raw = new DatabaseSync(path());
      raw.exec('pragma user_version = 99');
      raw.close();
    }
    expect(thrown(open)).toMatchObject({ code: 'CATALOG_NEWER', details: { schema: 99 } });
  });
  test.each([
    [
      'something else',
      () => writeFileSync(path(), 'not a database, and long enough to be looked at as the header of one. '.repeat(3)),
    ],
    ['cut off', () => truncateSync(path(), 5000)],
  ])('damaged: %s', (_title, damage) => {
    open()[Symbol.dispose]();
    damage();
    const error = thrown(() => {
      using catalog = open();
      catalog.runs.list({});
    });
    expect(error).toMatchObject({
      code: 'CATALOG_DAMAGED',
      kind: 'integrity',
      hint: expect.stringContaining('holdfast rebuild'),
    });
  });
  test('a state folder that is a file', () => {
    writeFileSync(folder, '');
    expect(thrown(open)).toMatchObject({ code: 'STATE_UNUSABLE', hint: expect.any(String) });
  });
  test('probe writes and leaves nothing', () => {
    using catalog = open();
    catalog.probe();
    expect(catalog.locks.list()).toEqual([]);
  });
});

describe('runs', () => {
  test('newest first by order, not by clock (S20); filters and limit', () => {
    using catalog = open();
    catalog.runs.add(run);
    catalog.runs.add({ ...run, id: 'b', startedAt: '2020-01-01T00:00:00.000Z', source: 'blog' });
    catalog.runs.add({ ...run, id: 'c', operation: 'drill', state: 'failed' });
    expect(catalog.runs.list({}).map(({ id }) => id)).toEqual(['c', 'b', run.id]);
    expect(catalog.runs.list({ limit: 2 }).map(({ id }) => id)).toEqual(['c', 'b']);
    expect(catalog.runs.list({ source: 'shop' }).map(({ id }) => id)).toEqual(['c', run.id]);
    expect(catalog.runs.list({ operation: 'backup', state: 'running', source: 'blog' }).map(({ id }) => id)).toEqual([
      'b',
    ]);
  });
  test('update changes what is given', () => {
    using catalog = open();
    catalog.runs.add(run);
    catalog.runs.update(run.id, {});
    const change = {
      state: 'failed',
      finishedAt: '2026-11-20T05:16:00.000Z',
      error: { code: 'X', message: `it's "bad"; drop table runs; --`, hint: null },
      result: { tables: [1, 2] },
    } as const;
    catalog.runs.update(run.id, { ...change, result: { tables: [1, 2] } });
    expect(catalog.runs.get(run.id)).toEqual({ ...run, ...change });
  });
  test('lines keep their order', () => {
    using catalog = open();
    catalog.runs.add(run);
    const line = { at: '2026-11-20T05:15:01.000Z', level: 'info', message: 'dump', fields: null } as const;
    catalog.runs.log(run.id, line);
    catalog.runs.log(run.id, { ...line, at: '2026-11-20T05:15:00.000Z', message: 'seal', fields: { bytes: 5 } });
    expect(catalog.runs.lines(run.id).map(({ message, fields }) => [message, fields])).toEqual([
      ['dump', null],
      ['seal', { bytes: 5 }],
    ]);
    expect(catalog.runs.get('unknown')).toBeNull();
  });
});

describe('locks', () => {
  const lock: LockRow = {
    name: 'source:shop',
    token: 'mine',
    run: 'r1',
    host: 'web-1',
    pid: 1,
    process: null,
    acquiredAt: '2026-11-20T05:15:00.000Z',
    renewedAt: '2026-11-20T05:15:00.000Z',
    leaseMs: 60_000,
  };
  const never = () => false;

  test('the second one is told who holds it', () => {
    using catalog = open();
    using other = open();
    expect(catalog.locks.acquire(lock, never)).toEqual({ ok: true });
    expect(other.locks.acquire({ ...lock, token: 'other' }, never)).toEqual({ ok: false, holder: lock });
    expect(other.locks.acquire({ ...lock, name: 'source:blog', token: 'other' }, never)).toEqual({ ok: true });
  });
  test('T-d5 only the holder renews and releases it', () => {
    using catalog = open();
    catalog.locks.acquire(lock, never);
    catalog.locks.release(lock.name, 'other');
    expect(catalog.locks.renew(lock.name, 'other', '2030-01-01T00:00:00.000Z')).toBe(false);
    expect(catalog.locks.list()).toEqual([lock]);
    expect(catalog.locks.renew(lock.name, 'mine', '2026-11-20T05:15:20.000Z')).toBe(true);
    expect(catalog.locks.list()[0]?.renewedAt).toBe('2026-11-20T05:15:20.000Z');
    catalog.locks.release(lock.name, 'mine');
    expect(catalog.locks.list()).toEqual([]);
  });
  test('taking over takes the token from the one before', () => {
    using catalog = open();
    catalog.locks.acquire(lock, never);
    expect(catalog.locks.acquire({ ...lock, token: 'other' }, (holder) => holder.token === 'mine')).toEqual({
      ok: true,
    });
    expect(catalog.locks.renew(lock.name, 'mine', lock.renewedAt)).toBe(false);
  });
});

describe('history of runs', () => {
  const ended = (day: number, change: Partial<RunRecord> = {}): RunRecord => {
    const at = `2026-11-${String(day).padStart(2, '0')}T05:15:00.000Z`;
    return { ...run, id: `run-${day}`, state: 'succeeded', startedAt: at, finishedAt: at, ...change };
  };

  test('the last good one of each source, in the order they were recorded, whatever the clock said', () => {
    using catalog = open();
    catalog.runs.add(ended(20));
    catalog.runs.add(ended(12, { state: 'partial' }));
    catalog.runs.add(ended(13, { state: 'failed' }));
    catalog.runs.add(ended(14, { source: 'blog', operation: 'drill' }));
    expect(catalog.runs.lastGood('backup')).toEqual(new Map([['shop', '2026-11-12T05:15:00.000Z']]));
    expect(catalog.runs.lastGood('drill')).toEqual(new Map([['blog', '2026-11-14T05:15:00.000Z']]));
  });
  test('however long it is, what is new, and the last good one of a kind, are found without reading it', () => {
    using catalog = open();
    const text = 'x'.repeat(2000);
    catalog.atomically(() => {
      for (let at = 0; at < 4000; at += 1) {
        const old = ended(1, { id: `old-${at}`, source: `source-${at % 500}`, result: { text } });
        catalog.runs.add(old);
        catalog.runs.notice(old);
      }
      catalog.runs.add(ended(2));
    });
    const took = (work: () => unknown) => {
      const began = performance.now();
      work();
      return performance.now() - began;
    };
    const all = took(() => catalog.runs.list({}));
    expect(catalog.runs.unnoticed()).toMatchObject([{ id: 'run-2' }]);
    const lastGood = { source: 'source-7', operation: 'backup', state: 'succeeded', limit: 20 } as const;
    expect(catalog.runs.list(lastGood)).toHaveLength(8);
    const often = (work: () => unknown) => took(() => Array.from({ length: 20 }, work));
    expect(often(() => catalog.runs.unnoticed())).toBeLessThan(all);
    expect(often(() => catalog.runs.list(lastGood))).toBeLessThan(all);
  });
  test('is trimmed by number and age; what still runs and the last good one of each kind stay', () => {
    using catalog = open();
    catalog.runs.add(ended(1, { source: 'blog' }));
    catalog.runs.add(ended(2, { id: 'still-running', state: 'running', finishedAt: null }));
    for (let day = 3; day <= 12; day += 1) catalog.runs.add(ended(day));
    catalog.runs.log('run-3', { at: '2026-11-03T05:15:00.000Z', level: 'info', message: 'dump', fields: null });
    expect(catalog.runs.trim({ runs: 4, before: '2026-01-01T00:00:00.000Z' })).toBe(6);
    const left = () => catalog.runs.list({}).map(({ id }) => id);
    expect(left()).toEqual(['run-12', 'run-11', 'run-10', 'run-9', 'still-running', 'run-1']);
    expect(catalog.runs.lines('run-3')).toEqual([]);
    expect(catalog.runs.trim({ runs: 100, before: '2026-12-01T00:00:00.000Z' })).toBe(3);
    expect(left()).toEqual(['run-12', 'still-running', 'run-1']);
    expect(catalog.runs.trim({ runs: 100, before: '2026-12-01T00:00:00.000Z' })).toBe(0);
  });
});

test('backups are replaced, listed by storage and source, cleared', () => {
  using catalog = open();
  const row: BackupRow = {
    storage: 'local',
    source: 'shop',
    id: '2026-11-20_05-15-00',
    state: 'complete',
    stamp: '100:5',
    facts: {
      startedAt: '2026-11-20T05:15:00.000Z',
      finishedAt: '2026-11-20T05:15:04.000Z',
      durationMs: 4000,
      trigger: 'manual',
      safetyFor: null,
      description: 'before "2.0"; ü',
      instance: 'web-1',
      bytes: 100,
      rawBytes: null,
      artifacts: 2,
      database: null,
      warnings: 0,
      only: null,
      lacks: [],
    },
    problem: null,
    held: { at: '2026-11-20T05:15:00.000Z', reason: 'audit' },
  };
  catalog.backups.put(row);
  catalog.backups.put({ ...row, stamp: '101:6', held: null });
  catalog.backups.put({ ...row, storage: 'offsite' });
  expect(catalog.backups.list('local', 'shop')).toEqual([{ ...row, stamp: '101:6', held: null }]);
  expect(catalog.backups.list('local', 'blog')).toEqual([]);
  catalog.backups.put({ ...row, source: 'blog' });
  catalog.backups.clear('local', 'shop');
  expect(catalog.backups.list('local', 'shop')).toEqual([]);
  expect(catalog.backups.list('local', 'blog')).toHaveLength(1);
  catalog.backups.clear('local');
  expect(catalog.backups.list('local', 'blog')).toEqual([]);
  catalog.backups.remove('offsite', 'shop', row.id);
  expect(catalog.backups.list('offsite', 'shop')).toEqual([]);
});

test('proofs: newest first, the same one twice is one', () => {
  using catalog = open();
  const proof: ProofRecord = {
    kind: 'drill',
    source: 'shop',
    backup: '2026-11-20_05-15-00',
    storage: 'local',
    at: '2026-11-20T06:00:00.000Z',
    ok: true,
    depth: null,
    seconds: 1.5,
    result: { id: 'x' },
  };
  catalog.proofs.add(proof);
  catalog.proofs.add(proof);
  catalog.proofs.add({ ...proof, kind: 'verify', depth: 'checksum', at: '2026-11-21T06:00:00.000Z', ok: false });
  expect(catalog.proofs.list({}).map(({ kind, ok }) => [kind, ok])).toEqual([
    ['verify', false],
    ['drill', true],
  ]);
  expect(catalog.proofs.list({ kind: 'drill', source: 'shop', backup: proof.backup })).toEqual([proof]);
  catalog.proofs.remove('shop', proof.backup);
  expect(catalog.proofs.list({})).toEqual([]);
});

test('proofs: what was found last counts, whatever a clock that was ahead said before; what is learnt takes its place by time', () => {
  using catalog = open();
  const proof = { source: 'shop', backup: 'b', storage: 'local', depth: null, seconds: 1, result: null };
  const ahead = { ...proof, kind: 'verify', at: '2027-11-20T06:00:00.000Z', ok: true } as const;
  catalog.proofs.add(ahead);
  catalog.proofs.add({ ...ahead, storage: 'offsite' });
  catalog.proofs.add({ ...ahead, at: '2026-11-20T06:00:00.000Z', ok: false });
  expect(catalog.proofs.list({}).map(({ storage, ok }) => [storage, ok])).toEqual([
    ['offsite', true],
    ['local', false],
  ]);
  catalog.proofs.learn({ ...ahead, at: '2026-11-19T06:00:00.000Z', ok: true });
  expect(catalog.proofs.list({}).map(({ ok }) => ok)).toEqual([true, false, true]);
});

test('incidents that were over before a time are forgotten; what is still the matter never is', () => {
  using catalog = open();
  const put = (key: string, day: number, resolvedAt: string | null) =>
    catalog.incidents.put({
      key,
      severity: 'warning',
      source: 'shop',
      title: key,
      openedAt: `2026-01-0${day}T00:00:00.000Z`,
      lastSeenAt: `2026-01-0${day}T00:00:00.000Z`,
      times: 1,
      toldAt: null,
      resolvedAt,
      detail: null,
    });
  put('old', 1, '2026-01-02T00:00:00.000Z');
  put('open', 1, null);
  put('late', 3, '2026-01-05T00:00:00.000Z');
  catalog.incidents.trim('2026-01-04T00:00:00.000Z');
  expect(catalog.incidents.list({}).map(({ key }) => key)).toEqual(['late', 'open']);
});
