import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkDatabase } from '../../src/engines/postgres/check.ts';
import { countDatabase } from '../../src/engines/postgres/look/counts.ts';
import { propertiesOf, readFacts } from '../../src/engines/postgres/look/facts.ts';
import { parseTablePattern } from '../../src/engines/postgres/look/table-patterns.ts';
import { runProcess } from '../../src/base/run-process.ts';
import { listRelations } from '../../src/engines/postgres/look/tables.ts';
import { toolCommand } from '../../src/engines/postgres/connect/tool-command.ts';
import { hasServer, startPostgres, type Major, type TestPostgres } from '../support/postgres.ts';
import { accessTo } from '../support/postgres-access.ts';

const { signal } = new AbortController();

describe.each([14, 15, 16, 17, 18] as const)('server %i', (major: Major) => {
  test.skipIf(!hasServer(major))('T-d9 facts hold all that an equal database needs', async () => {
    await using server = await startPostgres({ version: major });
    await server.sql(
      'postgres',
      `create role "Shop Owner"; create role visitor; create role grantee; create role "policy only"`,
    );
    await server.createDatabase(
      'shop',
      `owner "Shop Owner" template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' connection limit 7`,
    );
    await server.sql(
      'postgres',
      `alter database shop set search_path = app, public; alter role visitor in database shop set work_mem = '5MB'`,
    );
    await server.sql(
      'postgres',
      `grant connect on database shop to visitor with grant option; comment on database shop is 'the; shop'`,
    );
    await server.sql(
      'shop',
      `create table t (x int); grant select on t to grantee; create policy p on t to "policy only" using (true)`,
    );
    await using connection = await accessTo(server.url('shop')).connect(signal);
    const facts = await readFacts(connection, { version: '15.18', via: 'host' });
    expect(facts).toMatchObject({
      engine: 'postgres',
      name: 'shop',
      toolVersion: '15.18',
      via: 'host',
      encoding: 'LATIN1',
      collation: 'C',
      owner: 'Shop Owner',
      settings: ['search_path=app, public'],
      roles: ['Shop Owner', 'grantee', 'policy only', 'postgres', 'visitor'],
    });
    expect(facts.serverVersion).toMatch(new RegExp(`^${major}\\.\\d+$`));
    expect(facts.extensions).toEqual([{ name: 'plpgsql', version: '1.0' }]);
    expect(facts.sizeBytes).toBeGreaterThan(1_000_000);
    const properties = propertiesOf(facts);
    expect(properties).toMatchObject({
      localeProvider: 'libc',
      ctype: 'C',
      locale: null,
      tablespace: 'pg_default',
      connectionLimit: 7,
      comment: 'the; shop',
      roleSettings: [{ role: 'visitor', setting: 'work_mem=5MB' }],
      systemIdentifier: expect.stringMatching(/^\d+$/),
    });
    expect(properties.privileges).toContainEqual({
      grantor: 'Shop Owner',
      grantee: 'visitor',
      privilege: 'CONNECT',
      grantable: true,
    });
    expect(properties.privileges).toContainEqual({
      grantor: 'Shop Owner',
      grantee: null,
      privilege: 'CONNECT',
      grantable: false,
    });
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });
});

describe('with one server', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  test('counting now: members of extensions and temporary tables are not ours; some tables only on request', async () => {
    await server.createDatabase('counting');
    await server.sql(
      'counting',
      `create table a as select generate_series(1, 3) x; create table member (x int); create extension citext; alter extension citext add table member;
       create sequence s; create table b (x int); insert into b values (1)`,
    );
    await using connection = await accessTo(server.url('counting')).connect(signal);
    await connection.rows('create temporary table passing (x int)');
    const all = await countDatabase(connection, { tables: null, sequences: true, fingerprints: true });
    expect(all.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ['a', 3],
      ['b', 1],
    ]);
    expect(all.sequences).toEqual([{ schema: 'public', name: 's', value: '1', called: false }]);
    const some = await countDatabase(connection, {
      tables: [{ schema: 'public', name: 'b' }],
      sequences: false,
      fingerprints: false,
    });
    expect(some).toEqual({ tables: [{ schema: 'public', name: 'b', rows: 1, fingerprint: null }], sequences: [] });
  });

  test('S19 thousands of tables are counted', async () => {
    await server.createDatabase('many');
    // Some hundreds in each statement: a transaction can only lock so many.
    for (let from = 1; from <= 2000; from += 500) {
      await server.sql(
        'many',
        `do $$ begin for n in ${from}..${from + 499} loop execute format('create table t%s (x int)', n); end loop; end $$`,
      );
    }
    await server.sql('many', 'insert into t777 values (1), (2)');
    await using connection = await accessTo(server.url('many')).connect(signal);
    const { tables } = await countDatabase(connection, { tables: null, sequences: false, fingerprints: false });
    expect(tables.length).toBe(2000);
    expect(tables.filter((table) => table.rows !== 0)).toEqual([
      { schema: 'public', name: 't777', rows: 2, fingerprint: null },
    ]);
  });

  test('our patterns for tables mean what those of psql mean', async () => {
    await server.createDatabase('patterns');
    await server.sql(
      'patterns',
      `create schema "We.ird"; create table users (x int); create table "Users" (x int); create table audit_log (x int); create table "a.b" (x int);
       create table "price$" (x int); create table "We.ird"."x""y" (x int); create table "line
break" (x int)`,
    );
    const access = accessTo(server.url('patterns'));
    const tools = await access.tools({ tools: ['psql'], minimum: null, preferred: 15 }, signal);
    await using connection = await access.connect(signal);
    const all = await listRelations(connection);
    for (const pattern of [
      'users',
      'USERS',
      '"Users"',
      'public.*',
      'audit?log',
      '*.*',
      '"We.ird".*',
      '"We.ird"."x""y"',
      '"a.b"',
      'a?b',
      'price$',
      'nothing',
      '*line*',
    ]) {
      const { schema, name } = parseTablePattern(pattern);
      const isOurs = (table: { schema: string; name: string }) =>
        name.test(table.name) && (schema ? schema.test(table.schema) : table.schema === 'public');
      const args = [
        '--no-psqlrc',
        '--no-align',
        '--tuples-only',
        '--field-separator-zero',
        '--record-separator-zero',
        '--command',
        `\\dt ${pattern}`,
      ];
      const listing = await runProcess(toolCommand(tools, 'psql', args, { address: access.address }), { signal });
      for (const table of all)
        expect([pattern, table.name, listing.stdout.includes(`\0${table.name}\0`)]).toEqual([
          pattern,
          table.name,
          isOurs(table),
        ]);
    }
  });

  test('doctor: everything in order, and everything that is not', async () => {
    await server.createDatabase('checked');
    await server.sql('checked', `create table t (x int); create role weak login password 'weak'`);
    const good = await checkDatabase(accessTo(server.url('checked')), signal);
    expect(good.map(({ name, result }) => `${name}: ${result}`)).toEqual([
      'connection: ok',
      'dump tools: ok',
      'restore tools: ok',
      'rights: ok',
      'clock: ok',
    ]);
    expect(good[0]?.detail).toMatch(/^checked on 127\.0\.0\.1:\d+ as postgres: PostgreSQL 15\.\d+, \d/);
    const weak = await checkDatabase(
      accessTo(server.url('checked', { user: 'weak', password: 'weak' }), {
        dump: { exclude: { tables: ['none_such'] } },
        database: { tools: '/nonexistent' },
      }),
      signal,
    );
    expect(weak.map(({ name, result }) => `${name}: ${result}`)).toEqual([
      'connection: ok',
      'client tools: failed',
      'rights: failed',
      'dump.exclude: warning',
      'scratch databases: warning',
      'roles and tablespaces: warning',
      'clock: ok',
    ]);
    expect(weak.find((check) => check.name === 'rights')?.detail).toContain('public.t');
    const away = await checkDatabase(accessTo('postgres://nobody@127.0.0.1:1/x'), signal);
    expect(away).toEqual([
      {
        name: 'connection',
        result: 'failed',
        detail: expect.stringContaining('DATABASE_UNREACHABLE'),
        hint: expect.any(String),
      },
    ]);
  });

  test('clocks that disagree by more than five minutes are a failure', async () => {
    const access = accessTo(server.url('postgres'));
    const slow = {
      ...access,
      context: { ...access.context, clock: { now: () => new Date(Date.now() - 6 * 60_000), monotonic: () => 0 } },
    };
    expect((await checkDatabase(slow, signal)).find((check) => check.name === 'clock')).toMatchObject({
      result: 'failed',
      detail: expect.stringMatching(/6 min 0\d s apart/),
    });
  });
});
