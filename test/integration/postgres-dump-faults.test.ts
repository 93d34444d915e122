import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interrupted } from '../../src/base/errors.ts';
import { runProcess } from '../../src/base/run-process.ts';
import { openSnapshot } from '../../src/engines/postgres/dump/dump.ts';
import { accessTo, type AccessOptions } from '../support/postgres-access.ts';
import { toolsWith } from '../support/tools.ts';
import { assortedTables, consume, databasePart, openDumpLab, partsOf, type DumpLab } from '../support/postgres-dump.ts';

let lab: DumpLab;
const { signal } = new AbortController();
const place = { folders: true };

beforeAll(async () => {
  lab = await openDumpLab();
});
afterAll(async () => lab[Symbol.asyncDispose]());

describe('what stops a dump before it begins', () => {
  async function openFails(database: string, options: AccessOptions = {}, url = lab.server.url(database)) {
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
    const database = await lab.databaseWith(
      'closed',
      `${assortedTables} create schema secret; create table secret.plans (x int); create table diary (x int); alter table diary enable row level security;
       create role reader login password 'reader'; grant connect on database closed to reader; grant select on all tables in schema public to reader;
       grant select on all sequences in schema public to reader; revoke select on empty from reader`,
    );
    const error = await openFails(database, {}, lab.server.url(database, { user: 'reader', password: 'reader' }));
    expect(error.code).toBe('DATABASE_NOT_DUMPABLE');
    expect(error.message).toContain('reader may not use the schema secret');
    expect(error.message).toContain('reader may not read public.empty');
    expect(error.message).toContain('row security would hide rows of public.diary');
    expect(error.message).toContain('1 large object');
    expect(error.hint).toContain('GRANT pg_read_all_data TO "reader"');
    await lab.server.sql(
      database,
      'drop schema secret cascade; drop table diary; select lo_unlink(oid) from pg_largeobject_metadata',
    );
    const single = await openFails(database, {}, lab.server.url(database, { user: 'reader', password: 'reader' }));
    expect(single).toMatchObject({
      code: 'DATABASE_NO_PRIVILEGE',
      message: 'closed cannot be dumped whole: reader may not read public.empty',
    });
  });

  test('a role that may read all tables but no passwords stores roles without them, and says so', async () => {
    const database = await lab.databaseWith('reading', assortedTables);
    await lab.server.sql('postgres', `create role all_reader login password 'all_reader'`);
    await lab.server.sql(
      database,
      `select lo_unlink(oid) from pg_largeobject_metadata;
       grant select on all tables in schema public to all_reader; grant select on all sequences in schema public to all_reader`,
    );
    const url = lab.server.url(database, { user: 'all_reader', password: 'all_reader' });
    await using snapshot = await openSnapshot(accessTo(url, { dump: { format: 'custom' } }), place, signal);
    const [part, globals] = await partsOf(snapshot);
    if (!globals || !part) throw new Error('two parts were expected');
    const roles = (await consume(globals)).toString();
    expect(roles).toContain('CREATE ROLE all_reader');
    expect(roles).not.toContain('SCRAM-SHA-256');
    await consume(part);
    expect(snapshot.warnings).toEqual(['roles are stored without their passwords: all_reader may not read them']);
  });

  test('S7 a table locked by DDL ends by the lock timeout and names table and session', async () => {
    const database = await lab.databaseWith('locked', assortedTables);
    await using other = await lab.server.session(database);
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
    const database = await lab.databaseWith(
      'oversized',
      `create table files (id int, body bytea); insert into files select 1, convert_to(repeat('x', 540000000), 'UTF8')`,
    );
    const error = await openFails(database);
    expect(error).toMatchObject({
      code: 'DATABASE_VALUE_TOO_LARGE',
      message: expect.stringContaining('a row of public.files needs'),
    });
    await using without = await openSnapshot(
      lab.access(database, { exclude: { tables: [], tableData: ['files'] } }),
      place,
      signal,
    );
    await consume(await databasePart(without));
  });

  test('tools older than the server, and missing tools', async () => {
    const fake = await mkdtemp(join(lab.folder, 'tools-'));
    await writeFile(join(fake, 'pg_dump'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 12.3"\n');
    await chmod(join(fake, 'pg_dump'), 0o755);
    expect(await openFails('postgres', { database: { tools: fake } })).toMatchObject({
      code: 'TOOL_TOO_OLD',
      message: `pg_dump 15 or newer is needed; found: 12.3 (${fake})`,
      hint: expect.stringContaining('Install postgresql-client-15'),
    });
    expect(await openFails('postgres', { database: { tools: lab.folder } })).toMatchObject({ code: 'TOOL_MISSING' });
    expect(await lab.ourSessions()).toEqual([]);
  });

  test('a directory that was asked for is written where the storage takes no folders, too', async () => {
    const access = lab.access('postgres', { format: 'directory', globals: false });
    await using snapshot = await openSnapshot(access, { folders: false }, signal);
    const kinds: string[] = [];
    for await (const part of snapshot.parts(signal)) kinds.push(part.kind);
    expect(kinds).toEqual(['folder']);
  });
});

describe('what stops a dump half-way', () => {
  /** Large enough that the tool is still busy when something happens to it. */
  async function largeDatabase(name: string): Promise<string> {
    return await lab.databaseWith(
      name,
      `create table big as select n, repeat(md5(n::text), 20) as body from generate_series(1, 150000) n; create table big2 as select * from big`,
    );
  }

  test.each(['custom', 'directory'] as const)(
    'roles that are wanted, and cannot be had, end a dump in the format %s at once',
    async (format) => {
      const tools = await toolsWith(join(lab.folder, `no-roles-${format}`), {
        pg_dump: 'exec sleep 100',
        pg_dumpall: 'sleep 0.5; echo "pg_dumpall: error: permission denied for table pg_tablespace" >&2; exit 1',
      });
      const access = accessTo(lab.server.url('postgres'), { database: { tools }, dump: { format, globals: true } });
      await using snapshot = await openSnapshot(access, place, signal);
      const take = async () => {
        for await (const part of snapshot.parts(signal))
          if (part.kind === 'folder') await part.write(await lab.emptyFolder(), signal);
          else await consume(part);
      };
      const begun = performance.now();
      await expect(take()).rejects.toMatchObject({ message: expect.stringContaining('pg_tablespace') });
      expect(performance.now() - begun).toBeLessThan(20_000);
    },
  );

  async function firstBytes(stream: Readable): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      stream.once('readable', resolve);
      stream.once('error', reject);
    });
  }

  test('S6 J-d13 a server restarted in the middle ends the stream with an error, never with an end', async () => {
    const database = await largeDatabase('restarted');
    const snapshot = await openSnapshot(lab.access(database, { format: 'custom', compression: 'none' }), place, signal);
    const part = await databasePart(snapshot);
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    const stream = part.open(signal);
    await firstBytes(stream);
    await lab.server.restart('immediate');
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'DATABASE_CONNECTION_LOST', retryable: true });
    await expect(snapshot.count(signal)).rejects.toMatchObject({ kind: 'failed' });
    await snapshot[Symbol.asyncDispose]();
  });

  test.each(['custom', 'directory'] as const)(
    'cancelling a %s dump leaves no program and no session',
    async (format) => {
      const database = await largeDatabase(`cancelled_${format}`);
      const controller = new AbortController();
      const snapshot = await openSnapshot(
        lab.access(database, { format, compression: 'none' }),
        place,
        controller.signal,
      );
      const part = await databasePart(snapshot);
      const work =
        part.kind === 'stream'
          ? firstBytes(part.open(controller.signal)).then(() => controller.abort(interrupted()))
          : part.write(await lab.emptyFolder(), controller.signal);
      if (part.kind === 'folder') {
        await expect
          .poll(async () => (await lab.ourSessions()).filter((name) => name.endsWith(' dump')).length)
          .toBe(3);
        controller.abort(interrupted());
        await expect(work).rejects.toMatchObject({ code: 'INTERRUPTED' });
      } else await work;
      await snapshot[Symbol.asyncDispose]();
      expect(await lab.ourSessions()).toEqual([]);
      const processes = (await runProcess({ program: 'ps', args: ['-eo', 'args'] }, { signal })).stdout;
      expect(processes.split('\n').filter((line) => line.includes('pg_dump') && line.includes(database))).toEqual([]);
    },
  );

  test('a session that outlives the tool is ended, and the dump is not believed', async () => {
    const database = await lab.databaseWith('outlived', assortedTables);
    const folder = await lab.emptyFolder();
    const tool = join(folder, 'pg_dump');
    const wish = { tools: ['pg_dump', 'psql'] as const, minimum: null, preferred: null };
    const { pg_dump, psql } = (await lab.access(database).tools(wish, signal)).paths;
    await writeFile(
      tool,
      `#!/bin/sh
"${pg_dump}" "$@" || exit
case $* in *--dbname*) ;; *) exit ;; esac
for to; do :; done
setsid "${psql}" --quiet --dbname "$to" --command 'select pg_sleep(60)' </dev/null >/dev/null 2>&1 &
sleep 1
`,
    );
    await chmod(tool, 0o755);
    const access = accessTo(lab.server.url(database), {
      database: { tools: { pgDump: tool } },
      dump: { format: 'directory', globals: false },
    });
    await using snapshot = await openSnapshot(access, place, signal);
    const part = await databasePart(snapshot);
    if (part.kind !== 'folder') throw new Error('a folder was expected');
    await expect(part.write(join(folder, 'dump'), signal)).rejects.toMatchObject({
      code: 'DUMP_SURVIVORS',
      retryable: true,
    });
    await expect.poll(async () => (await lab.ourSessions()).filter((name) => name.endsWith(' dump'))).toEqual([]);
  });

  test('the session with the snapshot may be lost once the tool has it', async () => {
    const database = await largeDatabase('forsaken');
    await lab.server.sql(database, 'create sequence numbers');
    await using snapshot = await openSnapshot(
      lab.access(database, { format: 'directory', compression: 'none' }),
      place,
      signal,
    );
    const counts = await snapshot.count(signal);
    const part = await databasePart(snapshot);
    if (part.kind !== 'folder') throw new Error('a folder was expected');
    const writing = part.write(join(await lab.emptyFolder(), 'dump'), signal);
    // Connected is not enough: each worker takes the snapshot for itself.
    const having = `select 1 from pg_stat_activity where datname = '${database}' and application_name like '% dump'
      and (query ilike 'copy %' or query ilike 'lock table % nowait')`;
    await expect
      .poll(async () => (await lab.server.sql('postgres', having)).length, { interval: 10, timeout: 20_000 })
      .toBe(2);
    await lab.server.sql(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and application_name like '% snapshot'`,
    );
    await writing;
    await lab.server.sql(database, `select nextval('numbers')`);
    const settled = await snapshot.settleSequences(counts, signal);
    expect(settled.sequences).toEqual([{ schema: 'public', name: 'numbers', value: '1', called: false, until: '1' }]);
  });

  test('a server that goes away while a table is locked is told as that, and not as a table that stays locked', async () => {
    const database = await lab.databaseWith('gone_while_locking', assortedTables);
    const folder = await lab.emptyFolder();
    // What pg_dump says when the question for the lock fails for whatever reason; the server's own words it keeps to itself.
    const tools = await toolsWith(join(folder, 'tools'), {
      pg_dump: `touch '${folder}/begun'
until [ -e '${folder}/restarted' ]; do sleep 0.05; done
echo 'pg_dump: error: could not obtain lock on relation "public.notes"' >&2
echo 'This usually means that someone requested an ACCESS EXCLUSIVE lock on the table.' >&2
exit 1`,
    });
    const dump = { format: 'directory', globals: false } as const;
    const dumpFails = async (meanwhile: () => Promise<void>) => {
      await using snapshot = await openSnapshot(
        accessTo(lab.server.url(database), { database: { tools }, dump }),
        place,
        signal,
      );
      const part = await databasePart(snapshot);
      if (part.kind !== 'folder') throw new Error('a folder was expected');
      const writing = part.write(await mkdtemp(join(folder, 'dump-')), signal).catch((error: unknown) => error);
      await expect.poll(() => existsSync(join(folder, 'begun'))).toBe(true);
      await meanwhile();
      await writeFile(join(folder, 'restarted'), '');
      return await writing;
    };
    expect(await dumpFails(async () => {})).toMatchObject({ code: 'DATABASE_LOCKED' });
    for (const mark of ['begun', 'restarted']) await rm(join(folder, mark));
    expect(await dumpFails(() => lab.server.restart())).toMatchObject({
      code: 'DATABASE_CONNECTION_LOST',
      retryable: true,
    });
  });

  test('dump.timeout ends it and says so', async () => {
    const database = await largeDatabase('slow');
    await using snapshot = await openSnapshot(lab.access(database, { format: 'plain', timeout: '1ms' }), place, signal);
    await expect(databasePart(snapshot).then((part) => consume(part))).rejects.toMatchObject({ code: 'DUMP_TIMEOUT' });
  });

  test('T-d10 S23 the password is in no argument of any program', async () => {
    const database = await largeDatabase('watched');
    await using snapshot = await openSnapshot(lab.access(database, { format: 'plain' }), place, signal);
    const part = await databasePart(snapshot);
    if (part.kind !== 'stream') throw new Error('a stream was expected');
    const stream = part.open(signal);
    await firstBytes(stream);
    const processes = (await runProcess({ program: 'ps', args: ['-eo', 'args'] }, { signal })).stdout;
    expect(processes).toContain(`dbname='${database}'`);
    expect(processes).not.toContain(lab.server.password);
    await buffer(stream);
  });
});
