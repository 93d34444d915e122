import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock, type Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Catalog, LockRow, RunRecord } from './catalog.ts';
import { endSilentRuns, holdLock, type LockRequest } from './lease.ts';
import { ownProcess } from './process-identity.ts';
import { openCatalog } from './sqlite/sqlite-catalog.ts';

let folder: string;
let catalog: Catalog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-lease-'));
  catalog = openCatalog(folder, systemClock);
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const name = 'source:shop';
const ask = (rest: Partial<LockRequest> = {}): LockRequest => ({
  catalog,
  clock: systemClock,
  name,
  run: 'r1',
  signal: new AbortController().signal,
  ...rest,
});
const names = () => catalog.locks.list().map((lock) => lock.name);

/** The wall clock is off by `ms`; the monotonic one is not. */
const clockOff = (ms: number): Clock => ({ ...systemClock, now: () => new Date(Date.now() + ms) });

function leave(facts: Partial<LockRow> = {}): LockRow {
  const now = new Date().toISOString();
  const row: LockRow = {
    name,
    token: 'theirs',
    run: 'r0',
    ...ownProcess(),
    acquiredAt: now,
    renewedAt: now,
    leaseMs: 60_000,
    ...facts,
  };
  catalog.locks.acquire(row, () => true);
  return row;
}

const elsewhere = { host: 'elsewhere', pid: 1, process: null };
const gone = { process: ownProcess().process?.replace(/\d+$/, '1') ?? null };

describe('one at a time', () => {
  test('J-d17 a second one is refused and told who holds it', async () => {
    await using _lease = await holdLock(ask());
    const second = holdLock(ask({ run: 'r2' }));
    await expect(second).rejects.toMatchObject({
      code: 'SOURCE_BUSY',
      kind: 'busy',
      retryable: true,
      message: expect.stringMatching(
        new RegExp(`^source shop is in use by run r1 \\(process ${process.pid} on .+\\) since 20`),
      ),
      details: { run: 'r1', pid: process.pid },
    });
  });
  test('T-d5 a refused second run leaves the lock of the first', async () => {
    await using lease = await holdLock(ask());
    await expect(holdLock(ask())).rejects.toThrow();
    expect(names()).toEqual([name]);
    lease.assertHeld();
  });
  test('is free after it was disposed of, and locks on other things do not matter', async () => {
    {
      await using _lease = await holdLock(ask());
      await using _other = await holdLock(ask({ name: 'source:shop-2' }));
    }
    expect(names()).toEqual([]);
    await using _again = await holdLock(ask());
  });
  test('S22 let go of while the catalog cannot be written, it is nobody’s any more, for this process', async () => {
    const release = vi.spyOn(catalog.locks, 'release').mockImplementation(() => {
      throw new HoldfastError('DISK_FULL', 'full');
    });
    await (await holdLock(ask()))[Symbol.asyncDispose]();
    expect(names()).toEqual([name]);
    await using lease = await holdLock(ask({ run: 'r2' }));
    release.mockRestore();
    lease.assertHeld();
    expect(catalog.locks.list()).toMatchObject([{ name, run: 'r2' }]);
  });
  test('another error may be given', async () => {
    await using _lease = await holdLock(ask());
    const onBusy = (holder: LockRow) => new HoldfastError('BACKUP_BUSY', `in use by ${holder.run}`, { kind: 'busy' });
    await expect(holdLock(ask({ onBusy }))).rejects.toMatchObject({ code: 'BACKUP_BUSY', message: 'in use by r1' });
  });
  test('nothing is locked once the signal has fired', async () => {
    await expect(holdLock(ask({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(names()).toEqual([]);
  });
});

describe('shared', () => {
  test('several at once, but nobody alone', async () => {
    await using _first = await holdLock(ask({ mode: 'shared' }));
    await using _second = await holdLock(ask({ mode: 'shared', run: 'r2' }));
    await expect(holdLock(ask({ run: 'r3' }))).rejects.toMatchObject({ code: 'SOURCE_BUSY' });
    expect(names()).toHaveLength(2);
  });
  test('not while somebody is alone', async () => {
    await using _alone = await holdLock(ask());
    await expect(holdLock(ask({ mode: 'shared' }))).rejects.toMatchObject({
      message: expect.stringContaining('source shop is in use by run r1'),
    });
    expect(names()).toEqual([name]);
  });
  test('one whose process ended is in nobody’s way', async () => {
    leave({ name: `${name}#theirs`, ...gone });
    await using _alone = await holdLock(ask());
    expect(names()).toEqual([name]);
  });
});

const longAgo = '2026-01-01T00:00:00.000Z';
const runElsewhere = (id: string, source: string): RunRecord => ({
  id,
  operation: 'backup',
  source,
  backup: null,
  trigger: 'schedule',
  state: 'running',
  startedAt: longAgo,
  finishedAt: null,
  ...elsewhere,
  error: null,
  result: null,
});

describe('a holder that ended without a word', () => {
  test.runIf(ownProcess().process !== null)(
    'T-16 on this machine: taken over at once, whatever its lease says',
    async () => {
      leave({ ...gone, renewedAt: clockOff(3_600_000).now().toISOString() });
      await using lease = await holdLock(ask());
      lease.assertHeld();
      expect(catalog.locks.list()).toMatchObject([{ name, run: 'r1' }]);
    },
  );
  test('elsewhere, lease not over: busy', async () => {
    leave(elsewhere);
    await expect(holdLock(ask())).rejects.toMatchObject({ code: 'SOURCE_BUSY', details: { host: 'elsewhere' } });
  });
  test('S1 in a container that was killed: the run of whoever is taken over from has ended', async () => {
    catalog.runs.add(runElsewhere('r0', 'shop'));
    catalog.runs.add(runElsewhere('r9', 'blog'));
    leave({ ...elsewhere, leaseMs: 100, renewedAt: longAgo });
    await using _lease = await holdLock(ask());
    expect(catalog.runs.get('r0')).toMatchObject({ state: 'failed', error: { code: 'INTERRUPTED' } });
    expect(catalog.runs.get('r9')).toMatchObject({ state: 'running' });
  });
  test('S1 the same of one that shared the lock', async () => {
    catalog.runs.add(runElsewhere('r0', 'shop'));
    leave({ ...elsewhere, name: `${name}#theirs`, leaseMs: 100, renewedAt: longAgo });
    await using _lease = await holdLock(ask());
    expect(catalog.runs.get('r0')).toMatchObject({ state: 'failed', error: { code: 'INTERRUPTED' } });
  });
  test('elsewhere, lease over and no sign of life: taken over', async () => {
    leave({ ...elsewhere, leaseMs: 100, renewedAt: '2026-01-01T00:00:00.000Z' });
    await using lease = await holdLock(ask());
    lease.assertHeld();
    expect(catalog.locks.list()).toMatchObject([{ name, run: 'r1' }]);
  });
});

describe('runs elsewhere whose locks are renewed no more', () => {
  const silent = { ...elsewhere, leaseMs: 100, renewedAt: longAgo };
  const endSilent = () => endSilentRuns({ catalog, clock: systemClock, signal: new AbortController().signal });

  test('S1 have ended, and what they held is free', async () => {
    catalog.runs.add(runElsewhere('r0', 'shop'));
    leave(silent);
    leave({ ...silent, name: 'backup:shop/b#theirs' });
    expect((await endSilent()).map(({ id }) => id)).toEqual(['r0']);
    expect(catalog.runs.get('r0')).toMatchObject({ state: 'failed', error: { code: 'INTERRUPTED' } });
    expect(names()).toEqual([]);
    expect(await endSilent()).toEqual([]);
  });
  test('but not as long as one of them is', async () => {
    catalog.runs.add(runElsewhere('r0', 'shop'));
    leave(silent);
    const row = leave({ ...silent, name: 'backup:shop/b', leaseMs: 400 });
    const sign = () => catalog.locks.renew(row.name, row.token, new Date().toISOString());
    const timer = setInterval(sign, 20);
    expect(await endSilent()).toEqual([]);
    clearInterval(timer);
    expect(catalog.runs.get('r0')).toMatchObject({ state: 'running' });
    expect(names()).toHaveLength(2);
  });
  test('nor while they let go of them by themselves', async () => {
    catalog.runs.add(runElsewhere('r0', 'shop'));
    const row = leave({ ...silent, leaseMs: 400 });
    const ending = endSilent();
    catalog.locks.release(row.name, row.token);
    expect(await ending).toEqual([]);
    expect(catalog.runs.get('r0')).toMatchObject({ state: 'running' });
  });
  test('nor those of this machine, whose process can be asked', async () => {
    catalog.runs.add({ ...runElsewhere('r0', 'shop'), ...ownProcess() });
    leave({ ...silent, ...ownProcess() });
    expect(await endSilent()).toEqual([]);
    expect(catalog.runs.get('r0')).toMatchObject({ state: 'running' });
  });
});

describe('S20 a clock that was set never lets two hold it', () => {
  const living = (clock: Clock) => {
    const row = leave({ ...elsewhere, leaseMs: 400, renewedAt: clock.now().toISOString() });
    const timer = setInterval(() => catalog.locks.renew(row.name, row.token, clock.now().toISOString()), 50);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  };
  test.each([
    ['ours an hour ahead', 3_600_000, 0],
    ['ours an hour behind', -3_600_000, 0],
    ['theirs an hour ahead', 0, 3_600_000],
    ['theirs an hour behind', 0, -3_600_000],
  ])('%s', async (_title, ours, theirs) => {
    using _holder = living(clockOff(theirs));
    await expect(holdLock(ask({ clock: clockOff(ours), leaseMs: 400 }))).rejects.toMatchObject({ code: 'SOURCE_BUSY' });
  });
  test('our own is renewed with a new sign of life even while the clock stands still', async () => {
    const still: Clock = { ...systemClock, now: () => new Date('2026-11-20T05:15:00.000Z') };
    await using lease = await holdLock(ask({ clock: still }));
    const signs = [0, 1, 2].map(() => {
      lease.assertHeld();
      return catalog.locks.list()[0]?.renewedAt;
    });
    expect(new Set(signs).size).toBe(3);
  });
});

describe('a lock that is lost', () => {
  test('the signal fires, nothing may be sealed, and the new holder keeps it', async () => {
    {
      await using lease = await holdLock(ask({ leaseMs: 200 }));
      leave();
      await vi.waitFor(() => expect(lease.signal.aborted).toBe(true), 5000);
      expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', hint: expect.any(String) });
      expect(() => lease.assertHeld()).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
    }
    expect(catalog.locks.list()).toMatchObject([{ token: 'theirs' }]);
  });
  test('asserting notices it before the next renewal does', async () => {
    await using lease = await holdLock(ask());
    leave();
    expect(() => lease.assertHeld()).toThrow(expect.objectContaining({ code: 'LOCK_LOST' }));
    expect(lease.signal.aborted).toBe(true);
  });
  test('it could not be renewed for a whole lease', async () => {
    await using lease = await holdLock(ask({ leaseMs: 200 }));
    const renew = vi.spyOn(catalog.locks, 'renew').mockImplementation(() => {
      throw new HoldfastError('DISK_FULL', 'no space left');
    });
    await vi.waitFor(() => expect(lease.signal.aborted).toBe(true), 5000);
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST', cause: { code: 'DISK_FULL' } });
    renew.mockRestore();
  });
  test('S22 a patient one outlasts a full disk, but not somebody else who has taken it', async () => {
    await using lease = await holdLock(ask({ leaseMs: 200, patient: true }));
    let failures = 0;
    const renew = vi.spyOn(catalog.locks, 'renew').mockImplementation(() => {
      failures += 1;
      throw new HoldfastError('DISK_FULL', 'no space left');
    });
    await vi.waitFor(() => expect(failures).toBeGreaterThan(8), 5000);
    renew.mockRestore();
    expect(lease.signal.aborted).toBe(false);
    lease.assertHeld();
    leave();
    await vi.waitFor(() => expect(lease.signal.aborted).toBe(true), 5000);
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
  });
  test('a short trouble with the catalog does not lose it', async () => {
    await using lease = await holdLock(ask({ leaseMs: 2000, renewMs: 20 }));
    let failures = 0;
    const renew = vi.spyOn(catalog.locks, 'renew').mockImplementation(() => {
      failures += 1;
      throw new HoldfastError('CATALOG_BUSY', 'locked');
    });
    await vi.waitFor(() => expect(failures).toBeGreaterThan(2), 5000);
    renew.mockRestore();
    lease.assertHeld();
    expect(lease.signal.aborted).toBe(false);
  });
  test('the outer signal reaches the lease', async () => {
    const outer = new AbortController();
    await using lease = await holdLock(ask({ signal: outer.signal }));
    outer.abort(new HoldfastError('INTERRUPTED', 'interrupted', { kind: 'interrupted' }));
    expect(lease.signal.reason).toMatchObject({ code: 'INTERRUPTED' });
  });
});
