import { afterEach, beforeAll, afterAll, beforeEach, expect, test } from 'vitest';
import { contentOf, evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
let holdfast: Installation;
let id: string;
let backedUp: Record<string, string>;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
  holdfast = await installHoldfast({ url: server.url('shop') });
  backedUp = await contentOf(server, 'shop');
  ({ id } = await holdfast.json<{ id: string }>('backup'));
  await server.sql('shop', `create table later (note text); insert into later values ('written after the backup')`);
});
afterEach(async () => {
  await holdfast[Symbol.asyncDispose]();
  for (const name of await server.databases()) {
    if (name !== 'postgres') await server.sql('postgres', `drop database "${name}" with (force)`);
  }
});

interface Restored {
  previous: string | null;
  safety: string | null;
  state: string;
}

test('S15: connected clients are disconnected at the swap, and the restored database is what was backed up', async () => {
  await using client = await server.session('shop');
  client.on('error', () => undefined); // it is about to be disconnected
  const result = await holdfast.json<Restored>('restore', id, '--yes');
  expect(result.state).toBe('succeeded');
  expect(await contentOf(server, 'shop')).toEqual(backedUp);
  await expect(client.query('select 1')).rejects.toThrow();
  expect(await server.databases()).toEqual(['postgres', 'shop']);
});

test('S15: clients that keep connecting all the time cannot hold up the swap', async () => {
  let stop = false;
  const connecting = (async () => {
    while (!stop) await server.sql('shop', 'select 1').catch(() => undefined);
  })();
  const ended = await holdfast.run('restore', id, '--yes');
  stop = true;
  await connecting;
  expect(ended.status, ended.stderr).toBe(0);
  expect(await contentOf(server, 'shop')).toEqual(backedUp);
});

test('S15, N-d24: with `--if-connected refuse` a connected client makes the restore refuse, untouched', async () => {
  await using _client = await server.session('shop');
  const before = await evidenceOf(server, 'shop');
  const { status, stderr } = await holdfast.run('restore', id, '--yes', '--if-connected', 'refuse');
  expect(status).toBe(4);
  expect(stderr).toMatch(/connected/);
  expect(await evidenceOf(server, 'shop')).toEqual(before);
});

test('S17: `--keep-old` keeps the former database, and `--undo` swaps it back', async () => {
  const before = await evidenceOf(server, 'shop');
  const { previous } = await holdfast.json<Restored>('restore', id, '--yes', '--keep-old');
  expect(previous).toMatch(/^shop_before_/);
  expect(await contentOf(server, 'shop')).toEqual(backedUp);

  const undone = await holdfast.json<{ kept: string }>('restore', '--undo', '--yes');
  expect(await evidenceOf(server, 'shop')).toEqual(before);
  expect(await contentOf(server, undone.kept)).toEqual(backedUp);

  const again = await holdfast.run('restore', '--undo', '--yes');
  expect(again.status).toBe(2);
  expect(again.stderr).toMatch(/was undone already.*NO_WAY_BACK/s);
  expect(again.stderr.replaceAll(/\s+/g, ' ')).toContain(`What it had restored is kept as ${undone.kept}`);
});

test('S17, N-d24: the safety backup made before a restore brings back what was there', async () => {
  const before = await contentOf(server, 'shop');
  const { safety } = await holdfast.json<Restored>('restore', id, '--yes');
  expect(safety).not.toBeNull();
  await holdfast.json('restore', safety ?? '', '--yes');
  expect(await contentOf(server, 'shop')).toEqual(before);
});

test('T-10, T-d14, O-10: without a terminal and without --yes nothing happens (exit 4); FORCE_RESTORE=true is --yes (J-17)', async () => {
  const before = await evidenceOf(server, 'shop');
  const { status, stderr } = await holdfast.run('restore', id);
  expect(status).toBe(4);
  expect(stderr).toMatch(/NOT_CONFIRMED/);
  expect(await evidenceOf(server, 'shop')).toEqual(before);
  expect(await holdfast.runWith({ env: { FORCE_RESTORE: 'true' } }, 'restore', id)).toMatchObject({ status: 0 });
});

test('a dry run prints the guards and touches nothing', async () => {
  const before = await evidenceOf(server, 'shop');
  const plan = await holdfast.json<{ guards: { code: string; result: string }[] }>('restore', id, '--dry-run');
  expect(plan.guards.map(({ code }) => code)).toEqual([
    'target',
    'rights',
    'server-version',
    'encoding',
    'collation',
    'roles',
    'extensions',
    'sessions',
  ]);
  expect(await evidenceOf(server, 'shop')).toEqual(before);
  expect(await server.databases()).toEqual(['postgres', 'shop']);
});

test('J-18, T-d9: the swap keeps owner, privileges, encoding, locale and settings of the original', async () => {
  await server.sql('postgres', `alter database shop owner to shop_owner`);
  await server.sql('postgres', `alter database shop set search_path = shop, public`);
  await server.sql('postgres', `alter role shop_reader in database shop set statement_timeout = '7s'`);
  await server.sql('postgres', `revoke connect on database shop from public`);
  await server.sql('postgres', `grant connect on database shop to shop_reader`);
  const facts = () =>
    server.sql(
      'postgres',
      `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding, datcollate, datctype, datacl::text,
         (select array_agg(setrole::regrole || ' ' || setconfig::text order by 1) from pg_db_role_setting s where setdatabase = d.oid) as settings,
         shobj_description(oid, 'pg_database') as comment
       from pg_database d where datname = 'shop'`,
    );
  const before = await facts();
  await holdfast.json('restore', id, '--yes');
  expect(await facts()).toEqual(before);
});

test('a restore of a database that is gone creates it as it was', async () => {
  await server.sql('postgres', 'drop database shop');
  await holdfast.json('restore', id, '--yes');
  expect(await contentOf(server, 'shop')).toEqual(backedUp);
});

test('--into a new database leaves the live one alone; the live one and a full one are refused', async () => {
  const before = await evidenceOf(server, 'shop');
  await holdfast.json('restore', id, '--into', 'beside', '--yes');
  expect(await contentOf(server, 'beside')).toEqual(backedUp);
  expect(await evidenceOf(server, 'shop')).toEqual(before);
  expect(await holdfast.run('restore', id, '--into', 'beside', '--yes')).toMatchObject({ status: 4 });
  expect(await holdfast.run('restore', id, '--into', 'shop', '--yes')).toMatchObject({ status: 4 });
});

test('--table brings one table back and leaves the others as they are', async () => {
  await server.sql('shop', `update shop.customer set name = 'overwritten'`);
  await holdfast.json('restore', id, '--table', 'shop.customer', '--yes');
  const now = await contentOf(server, 'shop');
  expect(now['shop.customer']).toEqual(backedUp['shop.customer']);
  expect(now).toHaveProperty('public.later');
});

test('S17: what is written after the safety backup has begun is not dropped with the former database', async () => {
  // Nothing can be renamed while this is open.
  await using other = await server.session('postgres');
  await other.query('begin; alter database shop connection limit 100');
  const { ended } = holdfast.start({}, 'restore', id, '--yes', '--json');
  await until(async () => (await holdfast.stored()).length === 2, 'the safety backup', 90_000);
  await server.sql('shop', `insert into later values ('meanwhile')`);
  await other.query('rollback');
  const { status, stdout, stderr } = await ended;
  expect(status, stderr).toBe(0);
  const { previous, warnings } = JSON.parse(stdout) as { previous: string; warnings: string[] };
  expect(warnings).toContainEqual(expect.stringContaining(previous));
  expect(await server.sql(previous, 'select note from later order by 1')).toEqual([
    { note: 'meanwhile' },
    { note: 'written after the backup' },
  ]);
  await holdfast.json('restore', '--undo', '--yes');
  expect(await server.sql('shop', 'select from later')).toHaveLength(2);
});
