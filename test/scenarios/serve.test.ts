import { readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { installHoldfast, type Ended, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { caught, until } from '../support/until.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 500 });
});
afterAll(() => server[Symbol.asyncDispose]());

interface ListedRun {
  id: string;
  operation: string;
  state: string;
  trigger: string;
  error: { code: string } | null;
}

const daily = { every: '24h' };

function install(settings: object = {}, top: object = {}): Promise<Installation> {
  return installHoldfast({
    url: server.url('shop'),
    settings: { schedule: daily, dump: { format: 'custom', lockTimeout: '60s' }, ...settings },
    top: { server: false, ...top },
  });
}

interface Served {
  said(): string;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<Ended>;
  ended: Promise<Ended>;
}

/** The daemon, as a container starts it. */
function serve(holdfast: Installation): Served {
  const { child, ended } = holdfast.start({}, 'serve');
  let said = '';
  child.stderr?.on('data', (text: string) => (said += text));
  return {
    said: () => said,
    signal: (signal) => child.kill(signal),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
    ended,
  };
}

/** Holds up every dump of the shop until it is let go. */
async function holdUp(): Promise<AsyncDisposable> {
  const session = await server.session('shop');
  await session.query('begin');
  await session.query('lock table shop.customer in access exclusive mode');
  return {
    [Symbol.asyncDispose]: async () => {
      await session.query('rollback').catch(() => undefined);
      await session[Symbol.asyncDispose]();
    },
  };
}

/** A dump that is held up waits for the lock before it begins to write. */
const dumping = async () =>
  (await server.connections()).some(({ application }) => / (snapshot|dump)$/.test(application)) && waitsForLock();
const waitsForLock = async () =>
  (await server.sql('postgres', `select 1 from pg_stat_activity where wait_event_type = 'Lock'`)).length > 0;
const nobody = async () => (await server.connections()).every(({ application }) => !/holdfast/.test(application));
const runsOf = (holdfast: Installation) => holdfast.json<ListedRun[]>('runs');
const leftovers = async (holdfast: Installation) =>
  (await readdir(join(holdfast.storage, 'shop')).catch(() => [])).filter((name) => name.startsWith('.partial-'));

test('N-01 N-24 N-26 O-01 O-06 J-03 T-15 N-d1: serve backs up by itself, says when it does so next, and ends with 0 when told to', async () => {
  await using holdfast = await install({
    drill: { cron: '0 4 * * SUN', timezone: 'Europe/Berlin', target: 'same' },
    verify: { every: '7d', depth: 'structure' },
  });
  const served = serve(holdfast);
  await until(() => /verify\/shop succeeded: 1 copy as stored/.test(served.said()), 'a backup was made, then verified');
  const [{ next } = { next: null }] = await holdfast.json<{ next: { backup: string; daemon: boolean } }[]>('status');
  expect(next?.daemon).toBe(true);
  const ahead = new Date(next?.backup ?? 0).getTime() - Date.now();
  expect(ahead / 3_600_000).toBeGreaterThan(23.9);
  expect(ahead / 3_600_000).toBeLessThanOrEqual(24);
  expect(served.said()).toMatch(/backup\/shop: every 24h; next now\n/);
  expect(served.said()).toMatch(/drill\/shop: at 0 4 \* \* SUN \(Europe\/Berlin\); next \d{4}-\d\d-\d\d /);
  expect(served.said()).toMatch(/backup\/shop succeeded in .*; next \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)/);
  expect(await served.stop()).toMatchObject({ status: 0, stdout: '' });
  expect(await runsOf(holdfast)).toMatchObject([
    { operation: 'verify', state: 'succeeded', trigger: 'schedule' },
    { operation: 'backup', state: 'succeeded', trigger: 'schedule' },
  ]);

  // O-d7: started anew it has nothing to do, because the backup is not a day old.
  const again = serve(holdfast);
  await until(() => /backup\/shop: every 24h; next \d/.test(again.said()), 'the next time is still that of before');
  await again.stop();
  expect(await runsOf(holdfast)).toHaveLength(2);
});

test('S22: told to stop in the middle of a dump, it cancels after its time, leaves nothing behind, and makes up for it', async () => {
  await using holdfast = await install({}, { scheduler: { stopWithin: '1s' } });
  {
    await using _held = await holdUp();
    const served = serve(holdfast);
    await until(dumping, 'pg_dump is connected');
    const { status, stderr } = await served.stop();
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/stopping: 1 run may go on for 1s, then it is cancelled/);
    await until(nobody, 'no session is left on the server');
    expect(await readdir(join(holdfast.storage, 'shop'))).toEqual([]);
    expect(await runsOf(holdfast)).toMatchObject([{ state: 'cancelled' }]);
  }
  const served = serve(holdfast);
  await until(() => /backup\/shop succeeded/.test(served.said()), 'the backup is made up for');
  await served.stop();
});

test('S22: told to stop, it lets a run end that ends in time; a second signal does not wait', async () => {
  await using holdfast = await install({}, { scheduler: { stopWithin: '10m' } });
  {
    const held = await holdUp();
    const served = serve(holdfast);
    await until(dumping, 'pg_dump is connected');
    served.signal('SIGTERM');
    await until(() => /stopping: 1 run may go on/.test(served.said()), 'it waits for the run');
    await held[Symbol.asyncDispose]();
    expect(await served.ended).toMatchObject({ status: 0 });
    expect(await runsOf(holdfast)).toMatchObject([{ state: 'succeeded' }]);
  }
  await using hurried = await install({}, { scheduler: { stopWithin: '10m' } });
  await using _held = await holdUp();
  const served = serve(hurried);
  await until(dumping, 'pg_dump is connected');
  served.signal('SIGTERM');
  await until(() => /stopping: 1 run may go on/.test(served.said()), 'it waits for the run');
  served.signal('SIGINT');
  expect(await served.ended).toMatchObject({ status: 0 });
  expect(await runsOf(hurried)).toMatchObject([{ state: 'cancelled' }]);
  expect(await leftovers(hurried)).toEqual([]);
});

test('S1 S22: after kill -9 the next start marks the run, removes what it left, and makes up for it', async () => {
  await using holdfast = await install();
  {
    await using _held = await holdUp();
    const served = serve(holdfast);
    await until(dumping, 'pg_dump is connected');
    await until(async () => (await leftovers(holdfast)).length === 1, 'it has begun to write');
    served.signal('SIGKILL');
    await served.ended;
  }
  await until(nobody, 'the session of the killed daemon is gone');
  const served = serve(holdfast);
  await until(() => /backup\/shop succeeded/.test(served.said()), 'the backup is made up for');
  expect(served.said()).toMatch(/removed what \S+ left unfinished in local/);
  expect(await leftovers(holdfast)).toEqual([]);
  expect(await runsOf(holdfast)).toMatchObject([
    { state: 'succeeded', trigger: 'retry' },
    { state: 'failed', trigger: 'schedule', error: { code: 'INTERRUPTED' } },
  ]);
  const catalog = openCatalog(holdfast.state, systemClock);
  expect(catalog.daemons.list()).toMatchObject([{ stoppedAt: null }, { stoppedAt: null }]);
  catalog[Symbol.dispose]();
  expect(await served.stop()).toMatchObject({ status: 0 });
});

test('S22: the scratch database of a drill that was killed is dropped at the next start, that of somebody else stays', async () => {
  await using holdfast = await install({ schedule: undefined, drill: { every: '7d', target: 'same' } });
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  const mark = `comment on database shop_drill_20200101_000000_abcdef is 'holdfast scratch database: {"note":"drill"}'`;
  await server.createDatabase('shop_drill_20200101_000000_abcdef');
  await server.sql('postgres', mark);
  const scratch = async () => (await server.databases()).filter((name) => name.startsWith('shop_drill_'));

  const killed = serve(holdfast);
  await until(async () => (await scratch()).length === 2, 'the scratch database is there');
  killed.signal('SIGKILL');
  await killed.ended;
  expect(await scratch()).toHaveLength(2);
  const served = serve(holdfast);
  await until(() => /drill\/shop passed/.test(served.said()), 'the drill is made up for');
  expect(served.said()).toMatch(/dropped the scratch database shop_drill_/);
  expect(await scratch()).toEqual(['shop_drill_20200101_000000_abcdef']);
  await served.stop();
  await server.sql('postgres', 'drop database shop_drill_20200101_000000_abcdef');
});

test('S22: a scratch database that the server made after its drill was killed, so that nobody could mark it, goes as well', async () => {
  await using holdfast = await install({ schedule: undefined, drill: { every: '7d', target: 'same' } });
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  const scratch = async () => (await server.databases()).filter((name) => name.startsWith('shop_drill_'));
  // The server goes on making a database for somebody who is gone.
  const held = await server.session('postgres');
  await held.query('begin; lock table pg_catalog.pg_database in share mode');
  const killed = serve(holdfast);
  const making = `select from pg_stat_activity where query ~ '^CREATE DATABASE .*shop_drill_' and wait_event_type = 'Lock'`;
  await until(async () => (await server.sql('postgres', making)).length === 1, 'it is being made');
  killed.signal('SIGKILL');
  await killed.ended;
  await held.query('commit');
  await held[Symbol.asyncDispose]();
  await until(async () => (await scratch()).length === 1, 'it is there, without a mark');
  const served = serve(holdfast);
  await until(() => /drill\/shop passed/.test(served.said()), 'the drill is made up for');
  expect(served.said()).toMatch(/dropped the scratch database shop_drill_/);
  expect(await scratch()).toEqual([]);
  await served.stop();
});

test('N-d17: a backup by hand and the daemon never work on one source at once, and neither is recorded as failed', async () => {
  await using holdfast = await install({ schedule: { ...daily, runOnStart: true } });
  const held = await holdUp();
  const byHand = holdfast.start({}, 'backup');
  await until(dumping, 'the one by hand dumps');
  const served = serve(holdfast);
  await until(() => /backup\/shop waits: shop is in use by run/.test(served.said()), 'the daemon waits');
  await held[Symbol.asyncDispose]();
  expect(await byHand.ended).toMatchObject({ status: 0 });
  await until(() => /backup\/shop succeeded/.test(served.said()), 'then it does its own');
  await served.stop();
  expect(await runsOf(holdfast)).toMatchObject([
    { state: 'succeeded', trigger: 'start' },
    { state: 'succeeded', trigger: 'manual' },
  ]);
});

test('S20: two daemons on one state folder make one backup; the second takes over when the first ends', async () => {
  await using holdfast = await install({}, { server: { listen: '127.0.0.1:0' } });
  const first = serve(holdfast);
  await until(() => /backup\/shop succeeded/.test(first.said()), 'the first has made a backup');
  const second = serve(holdfast);
  await until(
    () => /standing by: process \d+ on \S+ works on this state folder/.test(second.said()),
    'the second waits',
  );
  expect(await first.stop()).toMatchObject({ status: 0 });
  await until(() => /backup\/shop: every 24h; next \d/.test(second.said()), 'the second works');
  expect(await second.stop()).toMatchObject({ status: 0 });
  expect(await runsOf(holdfast)).toHaveLength(1);
});

test('cancel ends a run of the daemon from another process; it is not begun again before its next time', async () => {
  await using holdfast = await install();
  await using _held = await holdUp();
  const served = serve(holdfast);
  await until(dumping, 'pg_dump is connected');
  const [run] = await runsOf(holdfast);
  const cancelled = await holdfast.run('cancel', run?.id ?? '');
  expect(cancelled).toMatchObject({ status: 0 });
  expect(cancelled.stdout).toMatch(/ended: cancelled/);
  await until(
    () => /backup\/shop ended: cancelled by .*; next \d{4}-/.test(served.said()),
    'the daemon tells who did it',
  );
  expect(await runsOf(holdfast)).toMatchObject([{ state: 'cancelled', error: { code: 'RUN_CANCELLED' } }]);
  expect(await leftovers(holdfast)).toEqual([]);
  expect(await holdfast.run('cancel', run?.id ?? '')).toMatchObject({ status: 2 });
  await served.stop();
});

test('copies that are owed are made when their time comes, without any backup', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { storages: ['local', 'offsite'] },
    top: {
      server: false,
      storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
    },
  });
  expect(await holdfast.run('backup', '--json')).toMatchObject({ status: 0 });
  const [id = ''] = await holdfast.stored();
  expect(await holdfast.run('delete', id, '--storage', 'offsite', '--yes', '--allow-last')).toMatchObject({
    status: 0,
  });
  const catalog = openCatalog(holdfast.state, systemClock);
  const now = new Date().toISOString();
  const served = serve(holdfast);
  await until(() => /no source has a schedule/.test(served.said()), 'it says that nothing is scheduled');
  catalog.copies.put({
    source: 'shop',
    backup: id,
    storage: 'offsite',
    attempts: 3,
    nextAt: now,
    lastError: null,
    since: now,
  });
  await until(() => /copies\/shop 1 of 1 owed copy made/.test(served.said()), 'the copy is made');
  catalog[Symbol.dispose]();
  await served.stop();
  expect(await readdir(join(holdfast.folder, 'offsite', 'shop'))).toContain(id);
});

test('N-d16 O-d6: with nothing to do by the clock it stays, and says so', async () => {
  await using idle = await install({ schedule: undefined });
  const served = serve(idle);
  await until(() => /no source has a schedule, so nothing is backed up by itself/.test(served.said()), 'it says so');
  expect((await idle.run('health')).status).toBe(0);
  expect(await served.stop()).toMatchObject({ status: 0 });

  await using off = await install({}, { scheduler: { enabled: false } });
  const waiting = serve(off);
  await until(() => /scheduler\.enabled is false/.test(waiting.said()), 'it says so');
  expect(await waiting.stop()).toMatchObject({ status: 0 });
  expect(await runsOf(off)).toEqual([]);
});

test('a port that is in use ends it with a clear error, before it has done anything', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await using holdfast = await install({}, { server: { listen: `127.0.0.1:${port}` } });
  const { status, stderr } = await serve(holdfast).ended;
  taken.close();
  expect(status).toBe(2);
  expect(stderr).toMatch(/LISTEN_IN_USE/);
  expect(await runsOf(holdfast)).toEqual([]);
});

test('S14 a scratch database that could not be dropped when its run ended goes as soon as it can', async () => {
  await server.sql('postgres', `create role owner login createdb password 'owner'`);
  await server.createDatabase('small', 'owner owner');
  const url = server.url('small', { user: 'owner', password: 'owner' });
  await using holdfast = await installHoldfast({
    url,
    settings: { drill: { target: 'same', checks: ['select true from pg_sleep(2)'] } },
    top: { server: false },
  });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const scratch = async () => (await server.databases()).filter((name) => name.startsWith('small_drill_'));
  const isAsleep = async () => (await server.connections()).some(({ query }) => query.includes('pg_sleep'));
  const { ended } = await caught(() => holdfast.start({}, 'drill', id), isAsleep, 'the check of the drill');
  const [left = ''] = await scratch();
  {
    // Whom an ordinary role may not end.
    await using _ = await server.session(left);
    expect(await ended).toMatchObject({ status: 1, stderr: expect.stringContaining('(LEFTOVER_DATABASE)') });
    expect(await scratch()).toEqual([left]);
  }
  const served = serve(holdfast);
  await until(async () => (await scratch()).length === 0, 'the scratch database is gone');
  await served.stop();
  expect(served.said()).toContain(`dropped the scratch database ${left}`);
});
