import { rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { LockRow } from '../../src/catalog/catalog.ts';
import { openEnduring } from '../../src/catalog/sqlite/enduring.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { anyPort, serveHoldfast, signIn, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { failingDisk } from '../support/read-only-disk.ts';
import { smallDisk } from '../support/small-disk.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery';
const probe = await smallDisk(1);
await probe?.[Symbol.asyncDispose]();
const noDisks = probe === null;
const failing = await failingDisk(16);
await failing?.[Symbol.asyncDispose]();

async function ownDisk(megabytes = 2): Promise<TemporaryFolder> {
  const disk = await smallDisk(megabytes);
  if (disk === null) throw new Error('no disk can be mounted any more');
  return disk;
}

const fillerOf = (disk: TemporaryFolder) => join(disk.path, 'filler');
const makeRoom = (disk: TemporaryFolder) => rm(fillerOf(disk));
const takeAllRoom = (disk: TemporaryFolder) =>
  writeFile(fillerOf(disk), Buffer.alloc(16 * 1024 * 1024, 1)).catch(() => undefined);

/** Where the restore came first, its end is seen at the next look of the scheduler, which is a minute later; where a try did, half a minute after that. */
const scheduleMs = 120_000;

interface Run {
  id: string;
  operation: string;
  state: string;
}

/** A file of a database with a backup of it; its state lies on the small disk. */
async function installWithBackup(disk: TemporaryFolder, hooks: object = {}, schedule?: object): Promise<Installation> {
  const holdfast = await installHoldfast({
    url: 'sqlite:./shop.db',
    top: {
      server: anyPort,
      state: disk.path,
      sources: { shop: { database: { engine: 'sqlite', path: './shop.db' }, hooks, ...(schedule && { schedule }) } },
    },
  });
  runIn(join(holdfast.folder, 'shop.db'), "create table items (name text); insert into items values ('saved')");
  await holdfast.json('backup');
  await writeFile(join(holdfast.folder, 'password'), password);
  await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', 'password');
  runIn(join(holdfast.folder, 'shop.db'), 'delete from items');
  return holdfast;
}

const lock = (): LockRow => ({
  name: 'source:shop',
  token: randomUUID(),
  run: null,
  host: 'here',
  pid: 1,
  process: null,
  acquiredAt: '2026-01-01T00:00:00.000Z',
  renewedAt: '2026-01-01T00:00:00.000Z',
  leaseMs: 60_000,
});

const items = ({ folder }: Installation) => rowsOf(join(folder, 'shop.db'), 'select name from items');

async function fill(disk: TemporaryFolder, { base }: Served): Promise<void> {
  await takeAllRoom(disk);
  await until(async () => {
    const { checks } = (await (await fetch(`${base}/healthz`)).json()) as {
      checks: { state: { code: string | null } };
    };
    return checks.state.code === 'DISK_FULL';
  }, 'the disk is full');
}

test.skipIf(noDisks)(
  'S3: where the disk of the state is full, people sign in and bring a backup back; once there is room, what they did is known',
  async () => {
    await using disk = await ownDisk();
    await using holdfast = await installWithBackup(disk);
    await using served = await serveHoldfast(holdfast);
    await fill(disk, served);

    const { cookie } = await signIn(served, { name: 'ada', password });
    const client = served.client(undefined, { cookie });
    const found = async (fresh: boolean) =>
      (await client.check({ query: { fresh: String(fresh) } })).findings.map(({ code }) => code);
    expect(await found(false), 'whoever looks in sees it').toContain('STATE_NOT_WRITABLE');
    expect(await found(true), 'so does whoever has it looked for').toContain('STATE_NOT_WRITABLE');
    const wish = { source: 'shop', id: 'latest', keepOld: true };
    const plan = await client.planRestore({ body: wish });
    expect(plan.blocked).toBe(false);
    const { run } = await client.restore({ body: { ...wish, confirm: plan.confirm ?? '' }, query: { wait: '1m' } });
    expect(run).toMatchObject({ operation: 'restore', state: 'succeeded' });
    expect(items(holdfast)).toEqual([{ name: 'saved' }]);
    expect(await client.runLog({ params: { id: run.id } })).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('known in a copy of it alone') }),
    );
    await expect(client.createBackup({ body: { source: 'shop' } }), 'what can wait waits').rejects.toMatchObject({
      code: 'DISK_FULL',
    });

    await makeRoom(disk);
    await until(async () => {
      const runs = await holdfast.json<Run[]>('runs');
      return runs.some(({ id, state }) => id === run.id && state === 'succeeded');
    }, 'the command line knows of it, too');
    expect(await found(true)).not.toContain('STATE_NOT_WRITABLE');
    expect(await client.session(), 'whoever signed in meanwhile still is').toMatchObject({ name: 'ada' });
    const audit = await client.audit({ query: {} });
    expect(audit.items.map(({ action, who, outcome, run: of }) => ({ action, who, outcome, of }))).toEqual(
      expect.arrayContaining([
        { action: 'signIn', who: 'ada', outcome: 'done', of: null },
        { action: 'restore', who: 'ada', outcome: 'done', of: run.id },
      ]),
    );
    const undone = await client.undoRestore({
      body: { source: 'shop', confirm: plan.confirm ?? '' },
      query: { wait: '1m' },
    });
    expect(undone.run, 'the way back is known').toMatchObject({ state: 'succeeded' });
    expect((await served.stop()).status).toBe(0);
  },
);

test.skipIf(noDisks)(
  'S3: a restore that goes on while the disk gets room keeps others from its source, as before',
  async () => {
    await using disk = await ownDisk();
    await using holdfast = await installWithBackup(disk, {
      restore: { before: ['sh', '-c', 'until test -e go; do sleep 0.1; done'] },
    });
    await using served = await serveHoldfast(holdfast);
    await fill(disk, served);
    const { cookie } = await signIn(served, { name: 'ada', password });
    const client = served.client(undefined, { cookie });
    const { run } = await client.restore({ body: { source: 'shop', id: 'latest', confirm: 'shop.db' } });
    await makeRoom(disk);
    await until(async () => (await holdfast.json<Run[]>('runs')).some(({ id }) => id === run.id), 'it is known there');
    expect(await holdfast.run('backup')).toMatchObject({ status: 5, stderr: expect.stringContaining(run.id) });

    await takeAllRoom(disk);
    await writeFile(join(holdfast.folder, 'go'), '');
    await until(async () => (await client.run({ params: { id: run.id } })).state !== 'running', 'it ends');
    expect(await client.run({ params: { id: run.id } }), 'it ends on a full disk').toMatchObject({
      state: 'succeeded',
    });
    expect(items(holdfast)).toEqual([{ name: 'saved' }]);

    // What is told of the copy outlives a daemon that is stopped before there is room.
    const { stderr } = await served.stop();
    const [, state = ''] = /HOLDFAST_STATE=(\S+)/.exec(stderr) ?? [];
    const known = await holdfast.runWith({ env: { HOLDFAST_STATE: state } }, 'runs', '--json');
    expect(JSON.parse(known.stdout)).toContainEqual(expect.objectContaining({ id: run.id, state: 'succeeded' }));
    await rm(state, { recursive: true });
  },
);

test.skipIf(noDisks)('S3: whoever comes first once there is room has the lock, and the other finds out', async () => {
  await using disk = await ownDisk();
  const folder = join(disk.path, 'own');
  using state = openEnduring(folder, { clock: systemClock, logger: silentLogger });
  using other = openCatalog(folder, systemClock);
  await takeAllRoom(disk);
  const [ours, theirs] = [lock(), lock()];
  expect(state.enduring.locks.acquire(ours, () => false)).toEqual({ ok: true });
  expect(() => state.catalog.probe(), 'the rest waits').toThrow(/no space left/);
  expect(state.enduring.locks.renew(ours.name, ours.token, ours.renewedAt)).toBe(true);
  await makeRoom(disk);
  expect(other.locks.acquire(theirs, () => false)).toEqual({ ok: true });
  expect(state.enduring.locks.renew(ours.name, ours.token, ours.renewedAt)).toBe(false);
  expect(state.catalog.locks.list()).toEqual([theirs]);
});

test.skipIf(noDisks)('S3: what can never be brought home keeps nothing else from being written', async () => {
  await using disk = await ownDisk();
  const folder = join(disk.path, 'own');
  const said: string[] = [];
  const logger = { ...silentLogger, log: (_: string, message: string) => void said.push(message) };
  using state = openEnduring(folder, { clock: systemClock, logger });
  await takeAllRoom(disk);
  const row = lock();
  expect(state.enduring.locks.acquire(row, () => false)).toEqual({ ok: true });
  const [, copy = ''] = / with a copy of it in (\S+)/.exec(said.at(-1) ?? '') ?? [];
  // As something that clears up folders for temporary files does.
  await rm(join(copy, 'catalog.sqlite'));
  expect(() => state.catalog.probe(), 'as long as there is no room, it waits').toThrow(/no space left/);
  await makeRoom(disk);
  state.catalog.probe();
  expect(said.at(-1)).toMatch(`HOLDFAST_STATE=${copy} `);
  expect(state.enduring.locks.renew(row.name, row.token, row.renewedAt), 'nor holds it any more what it held').toBe(
    false,
  );
  await rm(copy, { recursive: true });
});

test.skipIf(noDisks).each(['nobody else has open', 'another process has open'])(
  'S3: a service that is started on a full disk, with a state that %s, lets people in and restore, and works on once there is room',
  async (title) => {
    // Room for what a service writes before its log is brought into the file.
    await using disk = await ownDisk(12);
    await using holdfast = await installWithBackup(
      disk,
      { before: ['sh', '-c', 'until test ! -e hold; do sleep 0.1; done'] },
      { every: '1d', runOnStart: true },
    );
    // One that was killed in the middle of a backup is to be made up for.
    await writeFile(join(holdfast.folder, 'hold'), '');
    await using killed = await serveHoldfast(holdfast);
    await until(() => /backup\/shop begins/.test(killed.said()), 'its backup has begun');
    killed.signal('SIGKILL');
    await killed.stop();
    await rm(join(holdfast.folder, 'hold'));
    // What it had written past the file leaves with whoever closes it last.
    openCatalog(disk.path, systemClock)[Symbol.dispose]();
    using _open = title.startsWith('another') ? openCatalog(disk.path, systemClock) : undefined;
    await takeAllRoom(disk);
    await using served = await serveHoldfast(holdfast);
    const health = (await (await fetch(`${served.base}/healthz`)).json()) as { checks: { state: { code: string } } };
    expect(health.checks.state.code).toBe('DISK_FULL');
    expect(served.said()).toMatch(/the state in \S+ cannot be written: .*\(DISK_FULL\)/);
    const { cookie } = await signIn(served, { name: 'ada', password });
    const client = served.client(undefined, { cookie });
    const wish = { source: 'shop', id: 'latest', keepOld: true, confirm: 'shop.db' };
    const { run } = await client.restore({ body: wish, query: { wait: '1m' } });
    expect(run).toMatchObject({ operation: 'restore', state: 'succeeded' });
    expect(items(holdfast)).toEqual([{ name: 'saved' }]);

    await makeRoom(disk);
    await until(async () => {
      const runs = await holdfast.json<Run[]>('runs');
      return runs.some(({ id, state }) => id === run.id && state === 'succeeded');
    }, 'the command line knows of it, too');
    await until(
      async () => {
        const [last, ...before] = await holdfast.json<Run[]>('runs', '--operation', 'backup');
        return before.length > 1 && last?.state === 'succeeded';
      },
      'what the killed one had begun is made up for',
      scheduleMs,
    );
    const backups = await holdfast.json<Run[]>('runs', '--operation', 'backup');
    expect(
      backups.map(({ state }) => state),
      'once',
    ).toEqual(['succeeded', 'failed', 'succeeded']);
    expect((await holdfast.run('health')).status).toBe(0);
    expect((await served.stop()).status).toBe(0);
  },
  2 * scheduleMs,
);

test.skipIf(failing === null)(
  'S3: where the disk of the state can only be read any more, people restore as well, also with a service that is started then',
  async () => {
    await using disk = await failingDisk(16);
    if (disk === null) throw new Error('no disk can be mounted any more');
    await using holdfast = await installWithBackup(disk);
    await using served = await serveHoldfast(holdfast);
    await disk.turnReadOnly();
    const stateOf = async ({ base }: Served) => {
      const health = (await (await fetch(`${base}/healthz`)).json()) as { checks: { state: { code: string | null } } };
      return health.checks.state.code;
    };
    await until(async () => (await stateOf(served)) !== null, 'it is told');
    const restore = async (through: Served) => {
      const { cookie } = await signIn(through, { name: 'ada', password });
      const client = through.client(undefined, { cookie });
      const { run } = await client.restore({
        body: { source: 'shop', id: 'latest', keepOld: true, confirm: 'shop.db' },
        query: { wait: '1m' },
      });
      expect(run).toMatchObject({ operation: 'restore', state: 'succeeded' });
      expect(items(holdfast)).toEqual([{ name: 'saved' }]);
      runIn(join(holdfast.folder, 'shop.db'), 'delete from items');
      return client;
    };
    const client = await restore(served);
    expect(await stateOf(served)).toBe('NO_PERMISSION');
    await expect(client.createBackup({ body: { source: 'shop' } }), 'what can wait waits').rejects.toMatchObject({
      code: 'NO_PERMISSION',
      hint: expect.stringMatching(/^Mount the disk for writing/),
    });
    const copyOf = async (one: Served) => {
      const [, state = ''] = /HOLDFAST_STATE=(\S+)/.exec((await one.stop()).stderr) ?? [];
      await rm(state, { recursive: true });
    };
    await copyOf(served);

    await using another = await serveHoldfast(holdfast);
    await restore(another);
    await copyOf(another);
  },
);
