import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Counts, DumpFormat, StoredDump } from '../../src/engines/engine.ts';
import { openDatabase, shapeOf, stockDump, temporaryFolder } from '../support/databases.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { hasServer, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { wholeLoad } from '../support/whole-load.ts';

const signal = new AbortController().signal;
const all = { tables: null, sequences: true, fingerprints: false };

/** As far as people can tell: its owner, who may what in it, and what is said of it. */
const publicOf = (server: TestPostgres, database: string) =>
  server.sql(
    database,
    `select pg_get_userbyid(nspowner) as owner, obj_description(oid) as comment,
       (select array_agg(concat(coalesce(nullif(grantee, 0)::regrole::text, 'public'), ' ', privilege_type) order by grantee, privilege_type) from aclexplode(nspacl)) as rights
     from pg_namespace where nspname = 'public'`,
  );

describe.for(([14, 15] as const).filter(hasServer))('the schema public that was dropped, on %s', (version) => {
  let server: TestPostgres;
  let folder: { path: string } & AsyncDisposable;
  let counts: Counts;
  let shape: string[];
  let made: unknown;
  const open = (name: string, user?: string) =>
    openDatabase(server, name, {
      scratch: `${folder.path}/scratch`,
      tools: 15,
      ...(user === undefined ? {} : { login: { user, password: user } }),
    });
  const dump = (format: DumpFormat): Promise<StoredDump> =>
    stockDump(server, 'original', format, `${folder.path}/${format}`, { tools: 15 });

  beforeAll(async () => {
    server = await startPostgres({ version });
    folder = await temporaryFolder();
    await server.sql('postgres', `create role app login password 'app'; create role reader`);
    await server.createDatabase('original', 'owner app');
    await server.sql(
      'original',
      `grant create on schema public to reader; revoke usage on schema public from public;
       set role app; create schema side; create table side.note (id int primary key);
       reset role; grant all on schema public to app; set role app;
       create table orders (id int primary key); insert into orders values (1), (2);
       create function twice(int) returns int language sql as 'select $1 * 2'; create view public.some as select * from orders`,
    );
    counts = await open('original').count(all, signal);
    shape = await shapeOf(server, 'original', 15);
    made = await publicOf(server, 'original');
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await server.createDatabase('live', 'template original owner app');
    await server.sql('live', 'drop schema public cascade');
  });
  afterEach(() => open('live').drop({ unmarked: true }, signal));

  test.each<DumpFormat>(['custom', 'directory', 'plain'])('comes back in place with all of it (%s)', async (format) => {
    await open('live').replace(await dump(format), wholeLoad, counts, signal);
    expect(await open('live').count(all, signal)).toEqual(counts);
    expect(await shapeOf(server, 'live', 15)).toEqual(shape);
    expect(await publicOf(server, 'live')).toEqual(made);
  });

  test('comes back in place by the role that owns the database, with what is its own', async () => {
    const options = { ...wholeLoad, owners: 'none' as const };
    await open('live', 'app').replace(await dump('custom'), options, counts, signal);
    expect(await open('live', 'app').count(all, signal)).toEqual(counts);
    const owner = version === 14 ? 'app' : 'pg_database_owner';
    const everybody = version === 14 ? ['public CREATE', 'public USAGE'] : ['public USAGE'];
    expect(await publicOf(server, 'live')).toEqual([
      { owner, comment: 'standard public schema', rights: [...everybody, `${owner} CREATE`, `${owner} USAGE`] },
    ]);
  });

  test('comes back for itself, and with one of its tables', async () => {
    const scope = { tables: [], schemas: ['public'] };
    await open('live').replace(await dump('custom'), { ...wholeLoad, scope }, counts, signal);
    expect(await shapeOf(server, 'live', 15)).toEqual(shape);
    expect(await publicOf(server, 'live')).toEqual(made);
    await server.sql('live', 'drop schema public cascade');
    const table = { tables: [{ schema: 'public', name: 'orders' }], schemas: [] };
    await open('live').replace(
      await dump('custom'),
      { ...wholeLoad, scope: table },
      { tables: [], sequences: [] },
      signal,
    );
    expect(await server.sql('live', 'select * from orders order by 1')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await publicOf(server, 'live')).toEqual(made);
  });

  test('is not there after a restore that makes a new database, nor in one that it is missing in', async () => {
    await server.sql('live', 'create table side.paper (id int)');
    await using holdfast = await installHoldfast({ url: server.url('live') });
    await holdfast.json('backup');
    await holdfast.json('restore', 'latest', '--into', 'beside', '--yes');
    expect(await publicOf(server, 'beside')).toEqual([]);
    await holdfast.json('restore', 'latest', '--yes', '--no-safety-backup');
    expect(await publicOf(server, 'live')).toEqual([]);
    await holdfast.json('restore', 'latest', '--yes', '--no-safety-backup', '--in-place');
    expect(await publicOf(server, 'live')).toEqual([]);
  });
});

describe('a schema that was dropped', () => {
  test('has the privileges of the backup when one of its tables is made anew', async () => {
    await using server = await startPostgres();
    await using folder = await temporaryFolder();
    await server.sql('postgres', 'create role reader');
    await server.createDatabase('live');
    await server.sql(
      'live',
      `create schema side; comment on schema side is 'aside'; grant usage on schema side to reader; create table side.note (id int)`,
    );
    const dump = await stockDump(server, 'live', 'custom', `${folder.path}/dump`);
    await server.sql('live', 'drop schema side cascade');
    const scope = { tables: [{ schema: 'side', name: 'note' }], schemas: [] };
    const live = openDatabase(server, 'live', { scratch: `${folder.path}/scratch` });
    await live.replace(dump, { ...wholeLoad, scope }, { tables: [], sequences: [] }, signal);
    const [side] = await server.sql(
      'live',
      `select has_schema_privilege('reader', oid, 'usage') as usage, obj_description(oid) as comment from pg_namespace where nspname = 'side'`,
    );
    expect(side).toEqual({ usage: true, comment: 'aside' });
  });
});
