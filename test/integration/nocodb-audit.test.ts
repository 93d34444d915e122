import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CleanResult } from '../../src/backup/clean-nocodb-audit.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { freePort } from '../support/s3-server.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

let made = 0;
let name: string;
beforeEach(() => {
  made += 1;
  name = `nocodb${made}`;
});

/** The tables of a NocoDB that matter here, 12,000 entries of the last 120 days among them. */
async function fill(schema = 'public'): Promise<void> {
  await server.createDatabase(name);
  const tables = ['nc_users_v2', 'nc_models_v2', 'nc_columns_v2', 'nc_views_v2', 'nc_bases_v2'];
  await server.sql(
    name,
    `create schema if not exists ${schema}; set search_path = ${schema};
     ${tables.map((table) => `create table ${table} (id text)`).join(';')};
     create table nc_audit_v2 (id int, created_at timestamptz not null default now());
     create table nc_hook_logs_v2 (id int, created_at timestamptz not null default now());
     create table nc_sync_logs_v2 (id int, created_at timestamp not null default now());
     insert into nc_audit_v2 select n, now() - n * interval '120 days' / 12000 - interval '1 minute' from generate_series(0, 11999) n;
     insert into nc_hook_logs_v2 values (1, now() - interval '1 year'), (2, now());
     insert into nc_sync_logs_v2 values (1, now() - interval '1 day')`,
  );
}

const rows = async (table: string) =>
  Number((await server.sql<{ count: string }>(name, `select count(*) from ${table}`))[0]?.count);
const clean = (holdfast: Installation, ...args: string[]) =>
  holdfast.json<CleanResult>('nocodb', 'audit-cleanup', '--older-than', '90d', ...args);

test('N-49: removes what is older than asked for, in batches, as a run; the rest stays', async () => {
  await fill();
  await using holdfast = await installHoldfast({ url: server.url(name) });
  await holdfast.json('backup');
  const counted = await clean(holdfast, '--dry-run');
  expect(counted).toMatchObject({ run: null, dryRun: true });
  expect(await rows('nc_audit_v2')).toBe(12_000);

  const done = await clean(holdfast, '--yes');
  expect(done.tables.map((table) => [table.name, table.older, table.removed])).toEqual([
    ['nc_audit_v2', 3000, 3000],
    ['nc_hook_logs_v2', 1, 1],
    ['nc_sync_logs_v2', 0, 0],
  ]);
  expect([await rows('nc_audit_v2'), await rows('nc_hook_logs_v2'), await rows('nc_sync_logs_v2')]).toEqual([
    9000, 1, 1,
  ]);
  expect(await holdfast.json('runs', '--operation', 'maintenance')).toMatchObject([
    { id: done.run, state: 'succeeded' },
  ]);
  const again = await holdfast.run('nocodb', 'audit-cleanup', '--older-than', '90d');
  expect(again.status).toBe(0);
  expect(again.stdout).toContain('nothing is that old');
});

test('N-d23: never without being asked, told how old, and answered', async () => {
  await fill();
  await using holdfast = await installHoldfast({ url: server.url(name) });
  await holdfast.json('backup');
  await holdfast.run('collation', 'check');
  expect((await holdfast.run('nocodb', 'audit-cleanup', '--yes')).status).toBe(2);
  expect((await holdfast.run('nocodb', 'audit-cleanup', '--older-than', 'all', '--yes')).status).toBe(2);
  const asked = await holdfast.run('nocodb', 'audit-cleanup', '--older-than', '90d');
  expect(asked.status).toBe(4);
  expect(asked.stderr).toContain('NOT_CONFIRMED');
  expect(await rows('nc_audit_v2')).toBe(12_000);
});

test('N-49: not without a backup of the last day, unless that is wanted', async () => {
  await fill();
  await using holdfast = await installHoldfast({ url: server.url(name) });
  const refused = await holdfast.run('nocodb', 'audit-cleanup', '--older-than', '90d', '--yes');
  expect(refused.status).toBe(4);
  expect(refused.stderr).toContain('NO_FRESH_BACKUP');
  expect(await rows('nc_audit_v2')).toBe(12_000);
  await clean(holdfast, '--without-backup', '--yes');
  expect(await rows('nc_audit_v2')).toBe(9000);
});

test('N-49: tables of these names in a database that is no NocoDB are not touched', async () => {
  await server.createDatabase(name);
  await server.sql(
    name,
    `create table nc_audit_v2 as select now() - interval '1 year' as created_at, 'precious' as what`,
  );
  await using holdfast = await installHoldfast({ url: server.url(name) });
  const { status, stderr } = await holdfast.run(
    'nocodb',
    'audit-cleanup',
    '--older-than',
    '90d',
    '--without-backup',
    '--yes',
  );
  expect(status).toBe(4);
  expect(stderr).toContain('NOT_NOCODB');
  expect(await rows('nc_audit_v2')).toBe(1);
});

test('in a schema of its own, and a table of the same name beside it stays', async () => {
  await fill('meta');
  await server.sql(name, `create table public.nc_audit_v2 as select now() - interval '1 year' as created_at`);
  await using holdfast = await installHoldfast({ url: server.url(name) });
  await clean(holdfast, '--without-backup', '--yes');
  expect([await rows('meta.nc_audit_v2'), await rows('public.nc_audit_v2')]).toEqual([9000, 1]);
});

test('S9: a server that is not there is told as such', async () => {
  await using holdfast = await installHoldfast({ url: `postgres://shop:x@127.0.0.1:${await freePort()}/shop` });
  const { status, stderr } = await holdfast.run('nocodb', 'audit-cleanup', '--older-than', '90d', '--yes');
  expect(status).toBe(1);
  expect(stderr).toContain('DATABASE_UNREACHABLE');
});
