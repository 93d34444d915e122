import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interrupted } from '../../src/base/errors.ts';
import { runProcess } from '../../src/base/run-process.ts';
import type { DumpPart, Snapshot } from '../../src/engines/engine.ts';
import { openSnapshot } from '../../src/engines/postgres/dump.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { accessTo, type AccessOptions } from '../support/postgres-access.ts';

let server: TestPostgres;
let folder: string;
const { signal } = new AbortController();
const place = { folders: true };

beforeAll(async () => {
  server = await startPostgres({ settings: { max_prepared_transactions: '4' } });
  folder = await mkdtemp(join(tmpdir(), 'holdfast-dump-test-'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function access(database: string, dump: Record<string, unknown> = {}, options: AccessOptions = {}) {
  return accessTo(server.url(database), { dump, ...options });
}

/** A database with what is asked for in it. */
async function databaseWith(name: string, sql: string): Promise<string> {
  await server.createDatabase(name);
  if (sql) await server.sql(name, sql);
  return name;
}

async function partsOf(snapshot: Snapshot): Promise<DumpPart[]> {
  const parts: DumpPart[] = [];
  for await (const part of snapshot.parts(signal)) parts.push(part);
  return parts;
}

async function databasePart(snapshot: Snapshot): Promise<DumpPart> {
  const part = (await partsOf(snapshot)).find((each) => each.role === 'database');
  if (!part) throw new Error('no database part');
  return part;
}

async function consume(part: DumpPart): Promise<Buffer> {
  if (part.kind === 'stream') return await buffer(part.open(signal));
  throw new Error('a folder');
}

/** What pg_restore sees in it, written as a script. */
async function script(dump: Buffer): Promise<string> {
  const path = join(folder, 'a.dump');
  await writeFile(path, dump);
  return (await runProcess({ program: '/usr/lib/postgresql/15/bin/pg_restore', args: ['-f', '-', path] }, { signal }))
    .stdout;
}

async function ourSessions(): Promise<string[]> {
  return (await server.connections()).map((each) => each.application).filter((name) => name.startsWith('holdfast'));
}

const tables = `
  create table users (id serial primary key, name text); insert into users (name) select 'user ' || n from generate_series(1, 50) n;
  create table empty (id int);
  create table "odd ""name""; drop" (x text); insert into "odd ""name""; drop" values ('a'), ('b');
  create unlogged table cache (x int); insert into cache values (1);
  create table measured (at date, v int) partition by range (at);
  create table measured_2025 partition of measured for values from ('2025-01-01') to ('2026-01-01');
  create table measured_2026 partition of measured for values from ('2026-01-01') to ('2027-01-01');
  insert into measured values ('2025-05-05', 1), ('2026-05-05', 2), ('2026-05-06', 3);
  create table parent (x int); create table child () inherits (parent); insert into parent values (1); insert into child values (2), (3);
  create view user_names as select name from users; create materialized view user_count as select count(*) from users;
  select lo_from_bytea(0, 'large'::bytea);`;

describe('a dump', () => {
  test.each([
    ['custom', 'database.dump', { codec: 'zstd', level: 1 }],
    ['tar', 'database.tar', { codec: 'zstd', level: 1 }],
    ['plain', 'database.sql', { codec: 'zstd', level: 1 }],
  ] as const)('%s streams, with roles before it', async (format, name, compression) => {
    const database = await databaseWith(`stream_${format}`, tables);
    await using snapshot = await openSnapshot(access(database, { format }), place, signal);
    const [globals, part, ...rest] = await partsOf(snapshot);
    expect(rest).toEqual([]);
    expect(globals).toMatchObject({ role: 'globals', name: 'globals.sql', format: 'plain' });
    expect(part).toMatchObject({ kind: 'stream', role: 'database', name, format, compression, compressedByTool: null });
    if (!globals || !part) return;
    expect((await consume(globals)).toString()).toMatch(/ALTER ROLE postgres .*PASSWORD 'SCRAM-SHA-256/);
    const dump = await consume(part);
    const text = format === 'plain' ? dump.toString() : await script(dump);
    expect(text).toContain('COPY public.users (id, name)');
    expect(text).toContain('lo_open');
    expect(snapshot.warnings).toEqual([]);
    expect(snapshot.snapshot).toEqual({
      isolation: 'serializable-deferrable',
      lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    });
  });

  test('directory with jobs fills a folder and leaves no session behind', async () => {
    const database = await databaseWith('into_folder', tables);
    const target = await mkdtemp(join(folder, 'dir-'));
    await using snapshot = await openSnapshot(access(database, { format: 'directory', jobs: 2 }), place, signal);
    const part = await databasePart(snapshot);
    expect(part).toMatchObject({ kind: 'folder', name: 'database.dir', compressedByTool: { codec: 'gzip', level: 1 } });
    if (part.kind === 'folder') await part.write(target, signal);
    expect(await readdir(target)).toContain('toc.dat');
    expect((await ourSessions()).filter((name) => !name.endsWith('snapshot'))).toEqual([]);
  });

  test('T-d8 exact counts and positions of the dump’s own moment, whatever is written meanwhile', async () => {
    const database = await databaseWith('counted', tables);
    await using snapshot = await openSnapshot(access(database, { format: 'custom' }), place, signal);
    await server.sql(
      database,
      `insert into users (name) values ('late'); delete from measured; insert into empty values (1)`,
    );
    const dump = await script(await consume(await databasePart(snapshot)));
    const counts = await snapshot.count(signal);
    expect(Object.fromEntries(counts.tables.map((table) => [table.name, table.rows]))).toEqual({
      users: 50,
      empty: 0,
      'odd "name"; drop': 2,
      cache: 1,
      measured_2025: 1,
      measured_2026: 2,
      parent: 1,
      child: 2,
    });
    expect(dump).not.toContain('late');
    expect(dump).toContain('2026-05-06');
  });

  test('sequences that move while the dump runs get the position they may have been dumped at', async () => {
    const database = await databaseWith(
      'moving',
      "create sequence still; create sequence moving; select nextval('moving')",
    );
    await using snapshot = await openSnapshot(access(database, { format: 'custom' }), place, signal);
    await server.sql(database, `select nextval('moving') from generate_series(1, 9)`);
    const dump = await script(await consume(await databasePart(snapshot)));
    const counts = await snapshot.settleSequences(await snapshot.count(signal), signal);
    expect(counts.sequences).toEqual([
      { schema: 'public', name: 'moving', value: '1', called: true, until: '10' },
      { schema: 'public', name: 'still', value: '1', called: false },
    ]);
    expect(dump).toContain(`setval('public.moving', 10, true)`);
  });

  test('S19 an empty database', async () => {
    const database = await databaseWith('nothing_in_it', '');
    await using snapshot = await openSnapshot(access(database), place, signal);
    expect(await script(await consume(await databasePart(snapshot)))).toContain('PostgreSQL database dump complete');
    expect(await snapshot.count(signal)).toEqual({ tables: [], sequences: [] });
  });

  test('excluded tables and rows: by pattern, with partitions and identity sequences, and told when nothing matches', async () => {
    const database = await databaseWith(
      'excluding',
      `${tables} create table gone (id int generated always as identity)`,
    );
    const exclude = { tables: ['gone', 'no_such'], tableData: ['measured', '"odd ""name""; drop"'] };
    await using snapshot = await openSnapshot(access(database, { format: 'custom', exclude }), place, signal);
    const dump = await script(await consume(await databasePart(snapshot)));
    expect(dump).not.toMatch(/public\.gone|2026-05-06|COPY public\."odd/);
    expect(dump).toContain('CREATE TABLE public.measured_2026');
    expect(dump).toContain('CREATE TABLE public."odd ""name""; drop"');
    const counts = await snapshot.count(signal);
    const rows = Object.fromEntries(counts.tables.map((table) => [table.name, table.rows]));
    expect(rows).toMatchObject({ users: 50, measured_2025: null, measured_2026: null, 'odd "name"; drop': null });
    expect(rows).not.toHaveProperty('gone');
    expect(counts.sequences.map((each) => each.name)).toEqual(['users_id_seq']);
    expect(snapshot.warnings).toEqual(['dump.exclude: no_such matches nothing']);
  });

  test('fingerprints do not depend on the order of rows and notice one changed value', async () => {
    const database = await databaseWith(
      'printed',
      `create table a (item text, v float8, t timestamptz); insert into a select 'x' || n, n / 3.0, timestamptz '2020-01-01' + n * interval '1 h' from generate_series(1, 100) n;
       create table b as select * from a order by v desc; create table c as select * from a; update c set v = v + 1e-9 where item = 'x7';
       create table huge (x text); alter database printed set timezone = 'Asia/Tokyo'`,
    );
    await using snapshot = await openSnapshot(access(database, { fingerprints: true }), place, signal);
    const { tables: counted } = await snapshot.count(signal);
    const print = (name: string) => counted.find((table) => table.name === name)?.fingerprint;
    expect(print('a')).toMatch(/^md5sum:-?\d+:-?\d+$/);
    expect(print('b')).toBe(print('a'));
    expect(print('c')).not.toBe(print('a'));
    expect(print('huge')).toBe('md5sum:0:0');
  });

  test('a role and database settings that cut sessions short do not touch the dump', async () => {
    const database = await databaseWith('limited', tables);
    await server.sql(
      database,
      `alter database limited set idle_in_transaction_session_timeout = '100ms'; alter database limited set statement_timeout = '50ms';
       alter database limited set default_transaction_isolation = 'serializable'`,
    );
    await using snapshot = await openSnapshot(access(database, { format: 'custom' }), place, signal);
    await server.sql('postgres', 'select pg_sleep(0.4)');
    await consume(await databasePart(snapshot));
    expect((await snapshot.count(signal)).tables.length).toBe(8);
  });

  test('an unfinished serializable transaction: waits a bounded time, then says so', async () => {
    const database = await databaseWith('anomalous', tables);
    await using writer = await server.session(database);
    await writer.query('begin isolation level serializable; select count(*) from users; insert into empty values (1)');
    await using snapshot = await openSnapshot(access(database), place, signal);
    expect(snapshot.snapshot.isolation).toBe('repeatable-read');
    expect(snapshot.warnings).toEqual([expect.stringContaining('an ordinary snapshot was taken')]);
    await consume(await databasePart(snapshot));
  });
});

describe('names', () => {
  test.each([
    ['S18 quotes, spaces and SQL', `it's "odd"; drop -- $x$`],
    ['S18 a newline', 'two\nlines'],
    ['S18 unicode', 'Ünïcode 😀'],
    ['S18 J-d16 like a connection string', 'host=203.0.113.1 dbname=evil'],
    ['S18 like an address', 'postgres://evil@203.0.113.1/x'],
  ])('%s: a database is dumped by its own name', async (_title, name) => {
    await databaseWith(name, 'create table here (x int); insert into here values (1)');
    for (const format of ['custom', 'directory'] as const) {
      await using snapshot = await openSnapshot(
        access(name, { format, jobs: format === 'custom' ? 'auto' : 2 }),
        place,
        signal,
      );
      expect(snapshot.facts.name).toBe(name);
      for (const part of await partsOf(snapshot)) {
        if (part.kind === 'folder') await part.write(await mkdtemp(join(folder, 'dir-')), signal);
        else if (part.role === 'database')
          expect(await script(await consume(part))).toContain('CREATE TABLE public.here');
        else await consume(part);
      }
    }
  });
});

describe('what stops a dump before it begins', () => {
  async function openFails(database: string, options: AccessOptions = {}, url = server.url(database)) {
    const opening = openSnapshot(accessTo(url, options), place, signal).then(async (snapshot) =>
      snapshot[Symbol.asyncDispose](),
    );
    return await opening.then(
      () => {
        throw new Error('it was opened');
      },
      (error: unknown) => error as Error & { code: string; hint: string; details: Record<string, unknown> },
    );
  }

  test('S16 T-d2 a role without rights: everything it lacks is named at once', async () => {
    const database = await databaseWith(
      'closed',
      `${tables} create schema secret; create table secret.plans (x int); create table diary (x int); alter table diary enable row level security;
       create role reader login password 'reader'; grant connect on database closed to reader; grant select on all tables in schema public to reader;
       grant select on all sequences in schema public to reader; revoke select on empty from reader`,
    );
    const error = await openFails(database, {}, server.url(database, { user: 'reader', password: 'reader' }));
    expect(error.code).toBe('DATABASE_NOT_DUMPABLE');
    expect(error.message).toContain('reader may not use the schema secret');
    expect(error.message).toContain('reader may not read public.empty');
    expect(error.message).toContain('row security would hide rows of public.diary');
    expect(error.message).toContain('1 large object');
    expect(error.hint).toContain('GRANT pg_read_all_data TO "reader"');
    await server.sql(
      database,
      'drop schema secret cascade; drop table diary; select lo_unlink(oid) from pg_largeobject_metadata',
    );
    const single = await openFails(database, {}, server.url(database, { user: 'reader', password: 'reader' }));
    expect(single).toMatchObject({
      code: 'DATABASE_NO_PRIVILEGE',
      message: 'closed cannot be dumped whole: reader may not read public.empty',
    });
  });

  test('a role that may read all tables but no passwords stores roles without them, and says so', async () => {
    const database = await databaseWith('reading', tables);
    await server.sql('postgres', `create role all_reader login password 'all_reader'`);
    await server.sql(
      database,
      `select lo_unlink(oid) from pg_largeobject_metadata;
       grant select on all tables in schema public to all_reader; grant select on all sequences in schema public to all_reader`,
    );
    const url = server.url(database, { user: 'all_reader', password: 'all_reader' });
    await using snapshot = await openSnapshot(accessTo(url, { dump: { format: 'custom' } }), place, signal);
    const [globals, part] = await partsOf(snapshot);
    if (!globals || !part) throw new Error('two parts were expected');
    const roles = (await consume(globals)).toString();
    expect(roles).toContain('CREATE ROLE all_reader');
    expect(roles).not.toContain('SCRAM-SHA-256');
    await consume(part);
    expect(snapshot.warnings).toEqual(['roles are stored without their passwords: all_reader may not read them']);
  });

  test('S7 a table locked by DDL ends by the lock timeout and names table and session', async () => {
    const database = await databaseWith('locked', tables);
    await using other = await server.session(database);
    await other.query('begin; alter table users add column more int');
    const error = await openFails(database, { dump: { lockTimeout: '300ms' } });
    expect(error).toMatchObject({
      code: 'DATABASE_LOCKED',
      retryable: true,
      details: expect.objectContaining({ object: 'public.users' }),
    });
    expect(error.message).toMatch(
      /the table public\.users stayed locked for 0\.3 s by another session \(process \d+, postgres, test\)/,
    );
  });

  test('a value that pg_dump cannot write is named', async () => {
    const database = await databaseWith(
      'oversized',
      `create table files (id int, body bytea); insert into files select 1, convert_to(repeat('x', 540000000), 'UTF8')`,
    );
    const error = await openFails(database);
    expect(error).toMatchObject({
      code: 'DATABASE_VALUE_TOO_LARGE',
      message: expect.stringContaining('a row of public.files needs'),
    });
    await using without = await openSnapshot(
      access(database, { exclude: { tables: [], tableData: ['files'] } }),
      place,
      signal,
    );
    await consume(await databasePart(without));
  });

  test('tools older than the server, missing tools, formats without a place', async () => {
    const fake = await mkdtemp(join(folder, 'tools-'));
    await writeFile(join(fake, 'pg_dump'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 12.3"\n');
    await chmod(join(fake, 'pg_dump'), 0o755);
    expect(await openFails('postgres', { database: { tools: fake } })).toMatchObject({
      code: 'TOOL_TOO_OLD',
      message: `pg_dump 15 or newer is needed; found: 12.3 (${fake})`,
      hint: expect.stringContaining('Install postgresql-client-15'),
    });
    expect(await openFails('postgres', { database: { tools: folder } })).toMatchObject({ code: 'TOOL_MISSING' });
    await expect(
      openSnapshot(access('postgres', { format: 'directory' }), { folders: false }, signal),
    ).rejects.toMatchObject({
      code: 'FORMAT_IMPOSSIBLE',
    });
    expect(await ourSessions()).toEqual([]);
  });
});

describe('what stops a dump half-way', () => {
  /** Large enough that the tool is still busy when something happens to it. */
  async function largeDatabase(name: string): Promise<string> {
    return await databaseWith(
      name,
      `create table big as select n, repeat(md5(n::text), 20) as body from generate_series(1, 150000) n; create table big2 as select * from big`,
    );
  }

  async function firstBytes(stream: Readable): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      stream.once('readable', resolve);
      stream.once('error', reject);
    });
  }

  test('S6 J-d13 a server restarted in the middle ends the stream with an error, never with an end', async () => {
    const database = await largeDatabase('restarted');
    const snapshot = await openSnapshot(access(database, { format: 'custom', compression: 'none' }), place, signal);
    const part = await databasePart(snapshot);
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    const stream = part.open(signal);
    await firstBytes(stream);
    await server.restart('immediate');
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST', retryable: true });
    await expect(snapshot.count(signal)).rejects.toMatchObject({ kind: 'failed' });
    await snapshot[Symbol.asyncDispose]();
  });

  test.each(['custom', 'directory'] as const)(
    'cancelling a %s dump leaves no program and no session',
    async (format) => {
      const database = await largeDatabase(`cancelled_${format}`);
      const controller = new AbortController();
      const snapshot = await openSnapshot(access(database, { format, compression: 'none' }), place, controller.signal);
      const part = await databasePart(snapshot);
      const work =
        part.kind === 'stream'
          ? firstBytes(part.open(controller.signal)).then(() => controller.abort(interrupted()))
          : part.write(await mkdtemp(join(folder, 'dir-')), controller.signal);
      if (part.kind === 'folder') {
        await expect.poll(async () => (await ourSessions()).filter((name) => name.endsWith(' dump')).length).toBe(3);
        controller.abort(interrupted());
        await expect(work).rejects.toMatchObject({ code: 'INTERRUPTED' });
      } else await work;
      await snapshot[Symbol.asyncDispose]();
      expect(await ourSessions()).toEqual([]);
      const processes = (await runProcess({ program: 'ps', args: ['-eo', 'args'] }, { signal })).stdout;
      expect(processes.split('\n').filter((line) => line.includes('pg_dump') && line.includes(database))).toEqual([]);
    },
  );

  test('dump.timeout ends it and says so', async () => {
    const database = await largeDatabase('slow');
    await using snapshot = await openSnapshot(access(database, { format: 'plain', timeout: '1ms' }), place, signal);
    await expect(consume(await databasePart(snapshot))).rejects.toMatchObject({ code: 'DUMP_TIMEOUT' });
  });

  test('T-d10 S23 the password is in no argument of any program', async () => {
    const database = await largeDatabase('watched');
    await using snapshot = await openSnapshot(access(database, { format: 'plain' }), place, signal);
    const part = await databasePart(snapshot);
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    const stream = part.open(signal);
    await firstBytes(stream);
    const processes = (await runProcess({ program: 'ps', args: ['-eo', 'args'] }, { signal })).stdout;
    expect(processes).toContain(`dbname='${database}'`);
    expect(processes).not.toContain(server.password);
    await buffer(stream);
  });
});

describe.skipIf(clientTools(18) === null)('newer client tools', () => {
  test('compress with zstd themselves', async () => {
    const database = await databaseWith('newer_tools', tables);
    const options = { database: { tools: clientTools(18) } };
    await using snapshot = await openSnapshot(access(database, { format: 'custom' }, options), place, signal);
    const part = await databasePart(snapshot);
    expect(part).toMatchObject({ compression: { codec: 'none' }, compressedByTool: { codec: 'zstd', level: 1 } });
    expect((await consume(part)).subarray(0, 5).toString()).toBe('PGDMP');
    expect(snapshot.facts.toolVersion).toMatch(/^18\./);
  });
});
