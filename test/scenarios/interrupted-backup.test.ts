import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { caught, until } from '../support/until.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  // Enough for a dump to be seen while it runs.
  await fillShop(server, 'shop', { rows: 80_000 });
});
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['custom', 'SIGINT'],
  ['directory', 'SIGTERM'],
  ['plain', 'SIGINT'],
] as const)(
  'S22: a %s backup ended by %s stops its tools, removes what it wrote and exits with 130',
  async (format, signal) => {
    await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { format } } });
    let before: string[] = [];
    const start = async () => {
      before = await readdir(join(holdfast.storage, 'shop')).catch(() => []);
      return holdfast.start({}, 'backup');
    };
    const { child, ended } = await caught(start, () => dumping(server), 'pg_dump is connected');
    child.kill(signal);
    const { status, stderr } = await ended;
    expect(status).toBe(130);
    expect(stderr).toMatch(/INTERRUPTED/);
    await until(async () => (await server.connections()).length === 0, 'no session is left on the server');
    expect(await readdir(join(holdfast.storage, 'shop'))).toEqual(before);
    const [run] = await holdfast.json<unknown[]>('runs');
    expect(run).toMatchObject({ operation: 'backup', state: 'cancelled' });
    expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  },
);

test('S6: the server restarted in the middle of the dump: failed, told as such, nothing listed', async () => {
  await using own = await startPostgres();
  await own.createDatabase('shop');
  await fillShop(own, 'shop', { rows: 20_000 });
  await using holdfast = await installHoldfast({ url: own.url('shop') });
  let before: string[] = [];
  const start = async () => {
    before = await holdfast.stored();
    return holdfast.start({}, 'backup');
  };
  const { ended } = await caught(start, () => dumping(own), 'pg_dump is connected');
  await own.restart('immediate');
  const { status, stderr } = await ended;
  expect(status, stderr).toBe(1);
  expect(stderr).toMatch(/DATABASE_/);
  expect(await holdfast.stored()).toEqual(before);
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
});

test('S7: a table locked by somebody else ends the backup by the lock timeout, names the reason, and blocks nobody', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { lockTimeout: '1s' } } });
  await using locker = await server.session('shop');
  await locker.query('begin; lock table shop.customer in access exclusive mode');
  const started = performance.now();
  const { status, stderr } = await holdfast.run('backup');
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(status).toBe(1);
  expect(stderr).toMatch(/DATABASE_LOCKED/);
  expect(await holdfast.stored()).toEqual([]);
  await locker.query('rollback');
});

test('T-16, T-d5, J-d17: a second backup of the same source is refused while the first runs, and does not disturb it', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { lockTimeout: '20s' } } });
  await using locker = await server.session('shop');
  await locker.query('begin; lock table shop.customer in access exclusive mode');
  const first = holdfast.start({}, 'backup');
  await until(
    async () => (await server.connections()).some(({ application }) => application.endsWith(' snapshot')),
    'the first one waits for the lock',
  );
  for (let again = 0; again < 2; again += 1) {
    const second = await holdfast.run('backup');
    expect(second.status).toBe(5);
    expect(second.stderr).toMatch(/SOURCE_BUSY/);
  }
  expect(await holdfast.run('list')).toMatchObject({ status: 0 });
  await locker.query('rollback');
  expect(await first.ended).toMatchObject({ status: 0 });
});

test('S21: two backups within one second get different ids', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { dump: { format: 'custom', rowCounts: 'none' } },
  });
  const [first, second] = await Promise.all([
    holdfast.json<{ id: string }>('backup'),
    installHoldfast({
      url: server.url('shop'),
      top: { storages: { local: { type: 'local', path: holdfast.storage } } },
    }).then(async (other) => {
      await using another = other; // a second machine on the same storage: another state, so no lock in common
      return await another.json<{ id: string }>('backup');
    }),
  ]);
  expect(first.id).not.toBe(second.id);
  expect((await holdfast.stored()).toSorted()).toEqual([first.id, second.id].toSorted());
});

async function dumping(on: TestPostgres): Promise<boolean> {
  return (await on.connections()).some(({ application }) => application.endsWith(' dump'));
}
