import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countDatabase } from '../../src/engines/postgres/look/counts.ts';
import { openSnapshot } from '../../src/engines/postgres/dump/dump.ts';
import { clientTools } from '../support/postgres.ts';
import { assortedTables, consume, databasePart, openDumpLab, partsOf, type DumpLab } from '../support/postgres-dump.ts';

let lab: DumpLab;
const { signal } = new AbortController();
const place = { folders: true };

beforeAll(async () => {
  lab = await openDumpLab();
});
afterAll(async () => lab[Symbol.asyncDispose]());

describe('a dump', () => {
  test.each([
    ['custom', 'database.dump', { codec: 'zstd', level: 1 }],
    ['tar', 'database.tar', { codec: 'zstd', level: 1 }],
    ['plain', 'database.sql', { codec: 'zstd', level: 1 }],
  ] as const)('%s streams, with roles behind it', async (format, name, compression) => {
    const database = await lab.databaseWith(`stream_${format}`, assortedTables);
    await using snapshot = await openSnapshot(lab.access(database, { format }), place, signal);
    const [part, globals, ...rest] = await partsOf(snapshot);
    expect(rest).toEqual([]);
    expect(globals).toMatchObject({ role: 'globals', name: 'globals.sql', format: 'plain' });
    expect(part).toMatchObject({ kind: 'stream', role: 'database', name, format, compression, compressedByTool: null });
    if (!globals || !part) return;
    expect((await consume(globals)).toString()).toMatch(/ALTER ROLE postgres .*PASSWORD 'SCRAM-SHA-256/);
    const dump = await consume(part);
    const text = format === 'plain' ? dump.toString() : await lab.script(dump);
    expect(text).toContain('COPY public.users (id, name)');
    expect(text).toContain('lo_open');
    expect(snapshot.warnings).toEqual([]);
    expect(snapshot.snapshot).toEqual({
      isolation: 'serializable-deferrable',
      lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    });
  });

  test('what counts needs no more room for locks the more tables there are', async () => {
    await using small = await openDumpLab({ settings: { max_locks_per_transaction: '64', max_connections: '20' } });
    const database = await small.databaseWith('many', '');
    for (let first = 1; first <= 1000; first += 100)
      await small.server.sql(
        database,
        `do $$ begin for i in ${first}..${first + 99} loop
           execute format('create table t%s (id serial primary key, a int unique, b int unique, c int unique)', i);
           execute format('insert into t%s (a) values (1)', i);
         end loop; end $$`,
      );
    for (const fingerprints of [false, true]) {
      const access = small.access(database, { format: 'custom', fingerprints });
      await using snapshot = await openSnapshot(access, place, signal);
      const [dump, counts] = await Promise.all([consume(await databasePart(snapshot)), snapshot.count(signal)]);
      expect(dump.length).toBeGreaterThan(10_000);
      expect(counts.tables).toHaveLength(1000);
      expect(counts.tables.every(({ rows }) => rows === 1)).toBe(true);
      expect(counts.tables.every(({ fingerprint }) => (fingerprint !== null) === fingerprints)).toBe(true);
      const settled = await snapshot.settleSequences(counts, signal);
      expect(settled.sequences.map(({ value }) => value)).toEqual(Array.from({ length: 1000 }, () => '1'));
      await using session = await access.connect(signal);
      expect(await countDatabase(session, { tables: null, sequences: true, fingerprints })).toEqual(settled);
    }
  });

  test('directory with jobs fills a folder and leaves no session behind', async () => {
    const database = await lab.databaseWith('into_folder', assortedTables);
    const target = await lab.emptyFolder();
    await using snapshot = await openSnapshot(lab.access(database, { format: 'directory', jobs: 2 }), place, signal);
    const part = await databasePart(snapshot);
    expect(part).toMatchObject({ kind: 'folder', name: 'database.dir', compressedByTool: { codec: 'gzip', level: 1 } });
    if (part.kind === 'folder') await part.write(target, signal);
    expect(await readdir(target)).toContain('toc.dat');
    expect((await lab.ourSessions()).filter((name) => !name.endsWith('snapshot'))).toEqual([]);
  });

  test('is read no faster than its limit, and auto takes a format that can be', async () => {
    const rows = `create table wide as select repeat(md5(n::text), 20) as text from generate_series(1, 1200) n`;
    const database = await lab.databaseWith('slowed', rows);
    const settings = { limit: '512kb', jobs: 2, compression: 'none' };
    await using snapshot = await openSnapshot(lab.access(database, settings), place, signal);
    const part = await databasePart(snapshot);
    expect(part).toMatchObject({ kind: 'stream', format: 'custom' });
    const started = performance.now();
    const dump = await consume(part);
    expect(performance.now() - started).toBeGreaterThan(((dump.length / (512 * 1024)) * 1000 - 100) * 0.9);
    expect(dump.length).toBeGreaterThan(700_000);
    expect((await lab.script(dump)).match(/^[0-9a-f]{640}$/gm)).toHaveLength(1200);
  });

  test('T-d8 exact counts and positions of the dump’s own moment, whatever is written meanwhile', async () => {
    const database = await lab.databaseWith('counted', assortedTables);
    await using snapshot = await openSnapshot(lab.access(database, { format: 'custom' }), place, signal);
    await lab.server.sql(
      database,
      `insert into users (name) values ('late'); delete from measured; insert into empty values (1)`,
    );
    const dump = await lab.script(await consume(await databasePart(snapshot)));
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
    const database = await lab.databaseWith(
      'moving',
      "create sequence still; create sequence moving; select nextval('moving')",
    );
    await using snapshot = await openSnapshot(lab.access(database, { format: 'custom' }), place, signal);
    await lab.server.sql(database, `select nextval('moving') from generate_series(1, 9)`);
    const dump = await lab.script(await consume(await databasePart(snapshot)));
    const counts = await snapshot.settleSequences(await snapshot.count(signal), signal);
    expect(counts.sequences).toEqual([
      { schema: 'public', name: 'moving', value: '1', called: true, until: '10' },
      { schema: 'public', name: 'still', value: '1', called: false },
    ]);
    expect(dump).toContain(`setval('public.moving', 10, true)`);
  });

  test('S19 an empty database', async () => {
    const database = await lab.databaseWith('nothing_in_it', '');
    await using snapshot = await openSnapshot(lab.access(database), place, signal);
    expect(await lab.script(await consume(await databasePart(snapshot)))).toContain(
      'PostgreSQL database dump complete',
    );
    expect(await snapshot.count(signal)).toEqual({ tables: [], sequences: [] });
  });

  test('excluded tables and rows: by pattern, with partitions and identity sequences, and told when nothing matches', async () => {
    const database = await lab.databaseWith(
      'excluding',
      `${assortedTables} create table gone (id int generated always as identity)`,
    );
    const exclude = { tables: ['gone', 'no_such'], tableData: ['measured', '"odd ""name""; drop"'] };
    await using snapshot = await openSnapshot(lab.access(database, { format: 'custom', exclude }), place, signal);
    const dump = await lab.script(await consume(await databasePart(snapshot)));
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
    const database = await lab.databaseWith(
      'printed',
      `create table a (item text, v float8, t timestamptz); insert into a select 'x' || n, n / 3.0, timestamptz '2020-01-01' + n * interval '1 h' from generate_series(1, 100) n;
       create table b as select * from a order by v desc; create table c as select * from a; update c set v = v + 1e-9 where item = 'x7';
       create table huge (x text); alter database printed set timezone = 'Asia/Tokyo'`,
    );
    await using snapshot = await openSnapshot(lab.access(database, { fingerprints: true }), place, signal);
    const { tables: counted } = await snapshot.count(signal);
    const print = (name: string) => counted.find((table) => table.name === name)?.fingerprint;
    expect(print('a')).toMatch(/^md5sum:-?\d+:-?\d+$/);
    expect(print('b')).toBe(print('a'));
    expect(print('c')).not.toBe(print('a'));
    expect(print('huge')).toBe('md5sum:0:0');
  });

  test('a role and database settings that cut sessions short do not touch the dump', async () => {
    const database = await lab.databaseWith('limited', assortedTables);
    await lab.server.sql(
      database,
      `alter database limited set idle_in_transaction_session_timeout = '100ms'; alter database limited set statement_timeout = '50ms';
       alter database limited set default_transaction_isolation = 'serializable'`,
    );
    await using snapshot = await openSnapshot(lab.access(database, { format: 'custom' }), place, signal);
    await lab.server.sql('postgres', 'select pg_sleep(0.4)');
    await consume(await databasePart(snapshot));
    expect((await snapshot.count(signal)).tables.length).toBe(8);
  });

  test('an unfinished serializable transaction: waits a bounded time, then says so', async () => {
    const database = await lab.databaseWith('anomalous', assortedTables);
    await using writer = await lab.server.session(database);
    await writer.query('begin isolation level serializable; select count(*) from users; insert into empty values (1)');
    await using snapshot = await openSnapshot(lab.access(database), place, signal);
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
    await lab.databaseWith(name, 'create table here (x int); insert into here values (1)');
    for (const format of ['custom', 'directory'] as const) {
      await using snapshot = await openSnapshot(
        lab.access(name, { format, jobs: format === 'custom' ? 'auto' : 2 }),
        place,
        signal,
      );
      expect(snapshot.facts.name).toBe(name);
      for (const part of await partsOf(snapshot)) {
        if (part.kind === 'folder') await part.write(await lab.emptyFolder(), signal);
        else if (part.role === 'database')
          expect(await lab.script(await consume(part))).toContain('CREATE TABLE public.here');
        else await consume(part);
      }
    }
  });
});

describe.skipIf(clientTools(18) === null)('newer client tools', () => {
  test('compress with zstd themselves', async () => {
    const database = await lab.databaseWith('newer_tools', assortedTables);
    const options = { database: { tools: clientTools(18) } };
    await using snapshot = await openSnapshot(lab.access(database, { format: 'custom' }, options), place, signal);
    const part = await databasePart(snapshot);
    expect(part).toMatchObject({ compression: { codec: 'none' }, compressedByTool: { codec: 'zstd', level: 1 } });
    expect((await consume(part)).subarray(0, 5).toString()).toBe('PGDMP');
    expect(snapshot.facts.toolVersion).toMatch(/^18\./);
  });
});
