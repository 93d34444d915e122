import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf, evidenceOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql('postgres', `create role plain login password 'a-word-of-its-own'`);
  await server.sql('postgres', 'create database app owner plain');
  await using session = await server.session('app');
  await session.query('set role plain');
  await session.query('create table notes (id serial primary key, note text)');
  await session.query(`insert into notes (note) select 'n' || g from generate_series(1, 500) g`);
  await session.query('create table refers (id int references notes)');
  await session.query('insert into refers select g from generate_series(1, 100) g');
});
afterAll(() => server[Symbol.asyncDispose]());

const asPlain = () => installHoldfast({ url: server.url('app', { user: 'plain', password: 'a-word-of-its-own' }) });

test('S16: a role that may not create databases is refused by name, and offered an in-place restore that works', async () => {
  await using holdfast = await asPlain();
  const content = await contentOf(server, 'app');
  const { id } = await holdfast.json<{ id: string }>('backup');
  await server.sql(
    'app',
    `update notes set note = 'wrecked'; delete from refers; create table intruder (id int); alter table intruder owner to plain`,
  );
  const before = await evidenceOf(server, 'app');

  const refused = await holdfast.run('restore', id, '--yes');
  expect(refused.status).toBe(4);
  expect(refused.stderr).toMatch(/rights: role plain may not create databases/);
  expect(refused.stderr).toMatch(/--in-place/);
  expect(await evidenceOf(server, 'app')).toEqual(before);

  await holdfast.json('restore', id, '--in-place', '--yes');
  expect(await contentOf(server, 'app')).toEqual(content);
});

test('S16: a role that gets into its own database alone restores in place, and is told so', async () => {
  await server.sql('postgres', `create role lodger login createdb password 'lodger'`);
  await server.createDatabase('flat', 'owner lodger');
  await server.sql('flat', 'create table t as select 1 as n; alter table t owner to lodger');
  const closed = (how: string) =>
    server.sql(
      'postgres',
      ['postgres', 'template1', 'app'].map((name) => `${how} public`.replace('%', name)).join('; '),
    );
  await closed('revoke connect on database % from');
  try {
    await using holdfast = await installHoldfast({ url: server.url('flat', { user: 'lodger', password: 'lodger' }) });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const content = await contentOf(server, 'flat');
    await server.sql('flat', 'update t set n = 2');
    const refused = await holdfast.run('restore', id, '--yes');
    expect(refused.status).toBe(4);
    expect(refused.stderr).toMatch(/lodger can use no other database of this server/);
    expect(refused.stderr).toMatch(/--in-place/);
    await holdfast.json('restore', id, '--table', 'public.t', '--yes');
    expect(await contentOf(server, 'flat')).toEqual(content);
    await server.sql('flat', 'update t set n = 2');
    await holdfast.json('restore', id, '--in-place', '--yes');
    expect(await contentOf(server, 'flat')).toEqual(content);
  } finally {
    await closed('grant connect on database % to');
  }
});

test('S16: a role without rights on one table is told which, before anything is dumped', async () => {
  await server.sql('app', `create table private (id int); revoke all on private from public`);
  await using holdfast = await asPlain();
  const { status, stderr } = await holdfast.run('backup');
  expect(status).toBe(1);
  expect(stderr).toMatch(/public\.private/);
  expect(stderr).toMatch(/DATABASE_NO_PRIVILEGE/);
  expect(await holdfast.stored()).toEqual([]);
  await server.sql('app', 'drop table private');
});

test('S16: a missing role and an older server are guards with their own overrides', async () => {
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 20 });
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  await using older = await startPostgres({ version: 14 });
  const refused = await holdfast.run('restore', id, '--into', older.url('shop'), '--yes');
  expect(refused.status).toBe(4);
  expect(refused.stderr).toMatch(/server-version/);
  expect(refused.stderr).toMatch(/roles missing on the server: .*shop_owner/);
  expect(await older.databases()).toEqual(['postgres']);
  const allowed = await holdfast.run(
    'restore',
    id,
    '--into',
    older.url('shop'),
    '--yes',
    '--allow',
    'server-version',
    '--no-owner',
  );
  // Row security names roles, which no option leaves out: the older server says so, and nothing half done stays there.
  if (allowed.status !== 0) expect(await older.databases()).toEqual(['postgres']);
  else expect(await contentOf(older, 'shop')).toEqual(await contentOf(server, 'shop'));
});

test('S16: an empty database that another restore has just made is not filled as well', async () => {
  await using holdfast = await asPlain();
  const { id } = await holdfast.json<{ id: string }>('backup');
  await server.sql('postgres', 'create database review owner plain');
  const mark = { note: 'restore of shop 2026-01-01_00-00-00, not yet proven', createdAt: '2026-01-02T00:00:00.000Z' };
  await server.sql('postgres', `comment on database review is 'holdfast scratch database: ${JSON.stringify(mark)}'`);
  const refused = await holdfast.run('restore', id, '--into', 'review', '--yes');
  expect(refused.status).toBe(4);
  expect(refused.stderr).toMatch(/target: review .*restore of shop 2026-01-01_00-00-00, not yet proven/);
  expect(await server.sql('review', `select 1 from pg_class where relname = 'notes'`)).toEqual([]);
  await server.sql('postgres', 'comment on database review is null');
  await holdfast.json('restore', id, '--into', 'review', '--yes');
  await server.sql('postgres', 'drop database review');
});

test('S16: a missing extension is named', async () => {
  await server.createDatabase('extended');
  await server.sql('extended', 'create extension pg_trgm');
  await using holdfast = await installHoldfast({ url: server.url('extended') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  await using bare = await startPostgres({ version: 15 });
  const plan = await holdfast.json<{ guards: { code: string; result: string }[] }>(
    'restore',
    id,
    '--into',
    bare.url('x'),
    '--dry-run',
  );
  const extensions = plan.guards.find(({ code }) => code === 'extensions');
  const there = await bare.sql('postgres', `select 1 from pg_available_extensions where name = 'pg_trgm'`);
  expect(extensions?.result).toBe(there.length > 0 ? 'pass' : 'block');
});

test.each([
  ['unreachable server', { host: '127.0.0.1', port: 1, user: 'x', name: 'x' }, /DATABASE_UNREACHABLE/],
  ['missing database', { database: 'nowhere' }, /DATABASE_MISSING/],
])('bad input: %s', async (_title, change, expected) => {
  const { database = 'app', ...rest } = change as { database?: string };
  await using holdfast = await installHoldfast({
    url: '',
    settings: {
      database: {
        host: server.host,
        port: server.port,
        user: server.user,
        password: server.password,
        name: database,
        ...rest,
      },
    },
  });
  const { status, stderr } = await holdfast.run('backup');
  expect(status).toBe(1);
  expect(stderr).toMatch(expected);
  expect(stderr).toMatch(/^hint: /m);
  expect(await holdfast.stored()).toEqual([]);
});

test('S16: who only was granted something needs no membership: the owner restores with owners and privileges', async () => {
  await server.sql('postgres', `create role makes login createdb password 'a-word-of-its-own'`);
  await server.sql('postgres', 'create role reads');
  await server.sql('postgres', 'create database granted owner makes');
  const login = { user: 'makes', password: 'a-word-of-its-own' };
  await using session = await server.session('granted');
  await session.query('set role makes');
  await session.query('create table notes as select 1 as id');
  await session.query('grant select on notes to reads');
  await using holdfast = await installHoldfast({ url: server.url('granted', login) });
  const { id } = await holdfast.json<{ id: string }>('backup');
  await session[Symbol.asyncDispose]();
  await holdfast.json('restore', id, '--yes');
  const acl = `select has_table_privilege('reads', 'notes', 'select') as may, pg_get_userbyid(relowner) as owner from pg_class where relname = 'notes'`;
  expect(await server.sql('granted', acl)).toEqual([{ may: true, owner: 'makes' }]);
  await server.sql('granted', 'create table kept as select 1 as id');
  const foreign = await holdfast.run('backup');
  expect(foreign.stderr).toContain('public.kept');
});
