import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Counts, DumpFormat, LoadOptions, StoredDump } from '../../src/engines/engine.ts';
import { openDatabase, shapeOf, stockDump, storedDump, temporaryFolder } from '../support/databases.ts';
import { clientTools, hasServer, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { wholeLoad } from '../support/whole-load.ts';
import { until } from '../support/until.ts';

const signal = new AbortController().signal;
const all = { tables: null, sequences: true, fingerprints: true };
const nothing: Counts = { tables: [], sequences: [] };

let server: TestPostgres;
let folder: { path: string } & AsyncDisposable;
let original: Counts;
let shape: string[];

/** A live shop for each test, made from a template. */
beforeAll(async () => {
  server = await startPostgres();
  folder = await temporaryFolder();
  await server.createDatabase('original');
  await fillShop(server, 'original');
  original = await open('original').count(all, signal);
  shape = await shapeOf(server, 'original');
  for (const format of ['custom', 'directory', 'tar', 'plain'] as const)
    await stockDump(server, 'original', format, path(format));
});

beforeEach(async () => {
  await open('live').drop({ unmarked: true }, signal);
  await server.createDatabase('live', 'template original');
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const open = (name: string, user?: string) =>
  openDatabase(server, name, {
    scratch: join(folder.path, 'scratch'),
    ...(user === undefined ? {} : { login: { user, password: user } }),
  });
const path = (name: string) => join(folder.path, name);
const dumpOf = (format: DumpFormat) => storedDump(path(format), format);

/** Changes of every kind that a restore has to undo. */
const damage = `
  delete from shop.item;
  update shop.customer set name = 'nobody';
  insert into shop.employee values (99, 'new', 1);
  drop table audit.event cascade;
  drop view shop.open_orders;
  create table public.intruder (id int primary key);
  create schema later create table t (id int);
  create function public.later() returns int language sql as 'select 1';
  create type public.mood as enum ('sad');
  create operator public.=== (leftarg = int, rightarg = int, function = int4eq);
  create collation public.later (locale = 'C');
  create cast (shop.state as int) with inout;
  create foreign data wrapper later;
  create server far foreign data wrapper later;
  create event trigger watch on ddl_command_end execute function shop.watch();
  create publication news for all tables;
  alter table shop.product add column extra int;
  select lo_unlink(424243), lo_create(77);
  select setval('shop.ticket', 5)`;

describe('S14: interrupted while the commit is on its way', () => {
  // A server that waits for a standby has committed already, and does not answer.
  const wait = async (standby: string) => {
    await server.sql('postgres', `alter system set synchronous_standby_names = '${standby}'`);
    await server.sql('postgres', 'select pg_reload_conf()');
  };
  afterEach(() => wait(''));

  test('what has been committed is told as restored', async () => {
    await server.sql('live', 'delete from shop.item');
    await server.sql('postgres', 'alter database live set synchronous_commit = on');
    await wait('nobody');
    const control = new AbortController();
    const replacing = open('live').replace(dumpOf('custom'), wholeLoad, original, control.signal);
    replacing.catch(() => undefined);
    await until(
      async () =>
        (await server.sql('postgres', `select from pg_stat_activity where wait_event = 'SyncRep'`)).length > 0,
      'a commit without an answer',
    );
    control.abort();
    await replacing;
    await wait('');
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('and what has not is told as interrupted, and is as it was', async () => {
    await server.sql('live', 'delete from shop.item');
    const control = new AbortController();
    const replacing = open('live').replace(dumpOf('custom'), wholeLoad, original, control.signal);
    replacing.catch(() => undefined);
    await using other = await server.session('live');
    await other.query('begin; lock table shop.item in access exclusive mode');
    await until(
      async () => (await server.sql('postgres', `select from pg_locks where not granted`)).length > 0,
      'a lock that is waited for',
    );
    control.abort();
    await expect(replacing).rejects.toMatchObject({ kind: 'interrupted' });
    await other.query('rollback');
    expect(await server.sql('live', 'select from shop.item')).toEqual([]);
  });
});

describe('the whole database in place', () => {
  test.each<DumpFormat>(['custom', 'directory', 'tar'])('is as it was in the backup (%s)', async (format) => {
    await server.sql('live', `create function shop.watch() returns event_trigger language plpgsql as 'begin end'`);
    await server.sql('live', damage);
    const { warnings } = await open('live').replace(dumpOf(format), wholeLoad, original, signal);
    expect(warnings).toEqual([expect.stringMatching(/^the publication news is not in the backup, and gone/)]);
    expect(await open('live').count(all, signal)).toEqual(original);
    expect(await shapeOf(server, 'live')).toEqual(shape);
    expect(
      await server.sql(
        'live',
        'select loid from pg_largeobject_metadata l, lateral (select l.oid as loid) x order by 1',
      ),
    ).toEqual([{ loid: 424242 }, { loid: 424243 }]);
    expect(
      await server.sql(
        'live',
        'select evtname from pg_event_trigger union all select fdwname from pg_foreign_data_wrapper union all select pubname from pg_publication',
      ),
    ).toEqual([]);
    expect(await server.connections()).toEqual([]);
  });

  test('T-d4 J-d9 S13 a dump damaged anywhere leaves everything as it was', async () => {
    const whole = await readFile(path('custom'));
    const tail = whole.length - 900;
    const cut = [0, 300, 5000, Math.floor(whole.length / 2), tail].map((at) => whole.subarray(0, at));
    // Bits of the table of contents may mean nothing; those of compressed rows never do.
    for (const bytes of [...cut, flipped(whole, tail), flipped(whole, tail - 1000)]) {
      await writeFile(path('damaged'), bytes);
      const outcome = open('live').replace(storedDump(path('damaged'), 'custom'), wholeLoad, original, signal);
      await expect(outcome, `${bytes.length}`).rejects.toThrow();
      expect(await open('live').count(all, signal), `${bytes.length}`).toEqual(original);
    }
    expect(await shapeOf(server, 'live')).toEqual(shape);
  });

  test('S13 bytes that turn out wrong at their end are never committed', async () => {
    await server.sql('live', 'delete from shop.item');
    const before = await open('live').count(all, signal);
    const dump = dumpOf('custom');
    const lying = {
      ...dump,
      open: async () =>
        (await dump.open(signal)).compose(async function* (source: AsyncIterable<Buffer>) {
          yield* source;
          throw new Error('the digest is wrong');
        }),
    };
    await expect(open('live').replace(lying, wholeLoad, original, signal)).rejects.toThrow('the digest is wrong');
    expect(await open('live').count(all, signal)).toEqual(before);
  });

  test('rows or positions that differ from the backup are not committed', async () => {
    await server.sql('live', 'delete from shop.item');
    const before = await open('live').count(all, signal);
    const more = {
      ...original,
      tables: original.tables.map((table) => ({ ...table, rows: (table.rows ?? 0) + (table.name === 'item' ? 1 : 0) })),
    };
    await expect(open('live').replace(dumpOf('custom'), wholeLoad, more, signal)).rejects.toMatchObject({
      code: 'RESTORE_DIFFERS',
      kind: 'integrity',
      message: expect.stringContaining('shop.item has 200 rows instead of 201'),
    });
    const moved = {
      ...original,
      sequences: original.sequences.map((each) => (each.name === 'ticket' ? { ...each, value: '1' } : each)),
    };
    await expect(open('live').replace(dumpOf('custom'), wholeLoad, moved, signal)).rejects.toMatchObject({
      message: expect.stringContaining('shop.ticket stands at 1070 instead of 1'),
    });
    const later = {
      ...original,
      sequences: original.sequences.map((each) =>
        each.name === 'ticket' ? { ...each, value: '1000', until: '2000' } : each,
      ),
    };
    expect(await open('live').count(all, signal)).toEqual(before);
    await open('live').replace(dumpOf('custom'), wholeLoad, later, signal);
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('S16 a role without the right to create databases restores what it owns', async () => {
    await server.sql('postgres', `create role tenant login password 'tenant'`);
    await server.createDatabase('own', 'owner tenant');
    const tenant = await open('own', 'tenant').server(signal);
    expect(tenant.mayNotCreate?.reason).toBe('role tenant may not create databases');
    const make = `set role tenant; create table t (id serial primary key, what text); insert into t (what) select 'x' from generate_series(1, 20);
      create schema more create table u (id int references public.t); insert into more.u values (3); comment on schema more is 'mine'`;
    await server.sql('own', make);
    await stockDump(server, 'own', 'custom', path('own'));
    const expected = await open('own').count(all, signal);
    await server.sql(
      'own',
      'set role tenant; drop schema more cascade; delete from t; create view v as select 1 as one',
    );
    const { warnings } = await open('own', 'tenant').replace(
      storedDump(path('own'), 'custom'),
      wholeLoad,
      expected,
      signal,
    );
    expect(warnings).toEqual([]);
    expect(await open('own').count(all, signal)).toEqual(expected);
    expect(await server.sql('own', `select to_regclass('public.v') as v`)).toEqual([{ v: null }]);
  });

  test('S16 what the role does not own is named, and nothing has changed', async () => {
    await server.sql('postgres', `create role guest login password 'guest'`);
    await expect(
      open('live', 'guest').replace(dumpOf('custom'), { ...wholeLoad, owners: 'none' }, nothing, signal),
    ).rejects.toMatchObject({
      code: 'DATABASE_NO_PRIVILEGE',
    });
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('a lock held by a client ends it within the limit', async () => {
    await using client = await server.session('live');
    await client.query('begin; select * from shop.item');
    await expect(open('live').replace(dumpOf('custom'), wholeLoad, original, signal)).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      retryable: true,
    });
    await client.query('commit');
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('a client that waits for it while it waits for the client ends it, and is told as that', async () => {
    await server.sql('postgres', `alter database live set deadlock_timeout = '1500ms'`);
    await using client = await server.session('live');
    // Who looks first is the one that gives way.
    await client.query(`set deadlock_timeout = '1min'; begin; select from shop.item limit 1`);
    const replacing = open('live').replace(dumpOf('custom'), wholeLoad, original, signal);
    replacing.catch(() => undefined);
    const taken = `select taken.relation::regclass::text as name from pg_locks waiting
      join pg_locks taken on taken.pid = waiting.pid and taken.granted and taken.mode = 'AccessExclusiveLock'
      join pg_class on pg_class.oid = taken.relation and relkind = 'r' where not waiting.granted limit 1`;
    let [table] = await server.sql('live', taken);
    await until(async () => {
      [table] = await server.sql('live', taken);
      return table !== undefined;
    }, 'a lock that is waited for');
    const answered = client.query(`select from ${String(table?.['name'])} limit 1`);
    await expect(replacing).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      message: expect.stringContaining('deadlock detected') as unknown,
      hint: expect.stringMatching(/Everything is as it was.*Stop the application/) as unknown,
      retryable: true,
    });
    await answered;
    await client.query('commit');
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('extensions stay, with the schemas they live in', async () => {
    await server.createDatabase('extended');
    await server.sql(
      'extended',
      `create schema ext; create extension hstore schema ext; create table ext.mine (a ext.hstore); create table t (h ext.hstore); insert into t values ('a=>1')`,
    );
    await stockDump(server, 'extended', 'custom', path('extended'));
    const expected = await open('extended').count(all, signal);
    const oid = await server.sql('extended', `select oid from pg_extension where extname = 'hstore'`);
    await server.sql('extended', 'delete from t; drop table ext.mine');
    await open('extended').replace(storedDump(path('extended'), 'custom'), wholeLoad, expected, signal);
    expect(await open('extended').count(all, signal)).toEqual(expected);
    expect(await server.sql('extended', `select oid from pg_extension where extname = 'hstore'`)).toEqual(oid);
  });

  test('extensions in a schema of their own come back with a plain dump, and those in public stay', async () => {
    await server.createDatabase('scripted');
    await server.sql(
      'scripted',
      `create schema "Ext"; create extension hstore schema "Ext"; create extension citext;
       create table t (h "Ext".hstore, c citext); insert into t values ('a=>1', 'C')`,
    );
    await stockDump(server, 'scripted', 'plain', path('scripted'));
    const expected = await open('scripted').count(all, signal);
    const before = await shapeOf(server, 'scripted');
    await server.sql('scripted', 'delete from t; create table "Ext".mine (h "Ext".hstore)');
    await open('scripted').replace(storedDump(path('scripted'), 'plain'), wholeLoad, expected, signal);
    expect(await open('scripted').count(all, signal)).toEqual(expected);
    expect(await shapeOf(server, 'scripted')).toEqual(before);
    expect(await server.sql('scripted', 'select h::text, c::text from t')).toEqual([{ h: '"a"=>"1"', c: 'C' }]);

    // One that the script does not bring would be lost.
    await server.sql('scripted', 'create extension pg_trgm schema "Ext"; create extension unaccent');
    await expect(
      open('scripted').replace(storedDump(path('scripted'), 'plain'), wholeLoad, expected, signal),
    ).rejects.toMatchObject({ code: 'DEPENDENTS_OUTSIDE', message: expect.stringContaining('pg_trgm would be lost') });
    expect(await open('scripted').count(all, signal)).toEqual(expected);
  });

  test('a plain dump is restored too, unless it commits by itself', async () => {
    await expect(open('live').replace(dumpOf('plain'), wholeLoad, original, signal)).rejects.toMatchObject({
      code: 'SCRIPT_COMMITS',
    });
    expect(await open('live').count(all, signal)).toEqual(original);

    await server.createDatabase('simple');
    await server.sql('simple', 'create table t (id int primary key); insert into t select generate_series(1, 50)');
    const dump = await stockDump(server, 'simple', 'plain', path('simple'));
    const expected = await open('simple').count(all, signal);
    const text = await readFile(path('simple'), 'utf8');
    await server.sql('simple', 'delete from t where id > 10; create table u ()');
    const before = await open('simple').count(all, signal);
    for (const cut of [text.indexOf('25\n'), text.indexOf('PRIMARY KEY') - 60]) {
      await writeFile(path('cut'), text.slice(0, cut));
      await expect(
        open('simple').replace(storedDump(path('cut'), 'plain'), wholeLoad, expected, signal),
      ).rejects.toThrow();
      expect(await open('simple').count(all, signal)).toEqual(before);
    }
    await open('simple').replace(dump, wholeLoad, expected, signal);
    expect(await open('simple').count(all, signal)).toEqual(expected);
    expect(await shapeOf(server, 'simple')).not.toContainEqual(expect.stringContaining('"u"'));
  });

  test('what is far away is fetched before anything is locked', async () => {
    await server.createDatabase('far');
    await server.sql('far', 'create table t (id int); insert into t values (1)');
    const dump = await stockDump(server, 'far', 'directory', path('far'));
    const held = `select relation::regclass from pg_locks where mode = 'AccessExclusiveLock'`;
    const locks: unknown[] = [];
    const far: StoredDump = {
      ...dump,
      locally: async (...asked) => {
        // As often as it takes psql to get that far.
        for (let turn = 0; turn < 40 && locks.length === 0; turn += 1) locks.push(...(await server.sql('far', held)));
        return dump.locally(...asked);
      },
    };
    await server.sql('far', 'delete from t');
    const table = { tables: [{ schema: 'public', name: 't' }], schemas: [] };
    for (const options of [wholeLoad, { ...wholeLoad, scope: table }]) {
      await open('far').replace(far, options, nothing, signal);
      expect(await server.sql('far', 'select * from t')).toEqual([{ id: 1 }]);
    }
    expect(locks).toEqual([]);
  });

  test('an interrupted restore in place has changed nothing', async () => {
    await server.createDatabase('long');
    await server.sql(
      'long',
      `create table t (id int); insert into t values (1);
      create function slow() returns int language sql immutable as 'select 1 from pg_sleep(600)'`,
    );
    const dump = await stockDump(server, 'long', 'plain', path('long'));
    await writeFile(
      path('long'),
      (await readFile(path('long'), 'utf8')).replace('-- Data for Name', 'select public.slow();\n-- Data for Name'),
    );
    const stop = new AbortController();
    const work = open('long').replace(dump, wholeLoad, nothing, stop.signal);
    await expect.poll(async () => (await server.connections()).some((each) => each.query.includes('slow'))).toBe(true);
    stop.abort();
    await expect(work).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await server.connections()).toEqual([]);
    expect(await server.sql('long', 'select * from t')).toEqual([{ id: 1 }]);
  });
});

test('what is read-only by default, so that nobody writes meanwhile, is restored in place all the same', async () => {
  await server.sql('live', 'delete from shop.item; alter database live set default_transaction_read_only = on');
  const part: LoadOptions = { ...wholeLoad, scope: { tables: [{ schema: 'shop', name: 'item' }], schemas: [] } };
  for (const options of [part, wholeLoad]) {
    await open('live').replace(dumpOf('custom'), options, nothing, signal);
    expect(await open('live').count(all, signal)).toEqual(original);
  }
});

describe('single tables in place', () => {
  const scoped = (...names: [schema: string, name: string][]): LoadOptions => ({
    ...wholeLoad,
    scope: { tables: names.map(([schema, name]) => ({ schema, name })), schemas: [] },
  });
  const rowsOf = (name: string, schema = 'shop') => ({
    tables: original.tables.filter((table) => table.schema === schema && table.name === name),
    sequences: [],
  });

  test('get their rows back and keep their definition, keys and triggers', async () => {
    await server.sql(
      'live',
      `delete from shop.item; update shop.customer set name = 'nobody'; select setval('shop.customer_id_seq', 1000);
      comment on constraint orders_customer_id_fkey on shop.orders is 'who'`,
    );
    await server.sql(
      'live',
      'create trigger loud after insert on shop.customer for each row execute function shop.touch()',
    );
    await server.sql('live', 'alter table shop.customer enable always trigger loud');
    const changed = await shapeOf(server, 'live');
    const options = scoped(['shop', 'customer'], ['shop', 'item']);
    const { warnings } = await open('live').replace(dumpOf('directory'), options, rowsOf('customer'), signal);
    expect(warnings).toEqual([]);
    expect(await open('live').count(all, signal)).toEqual(original);
    expect(await shapeOf(server, 'live')).toEqual(changed);
  });

  test('S18 names with newlines, quotes and spaces are the right ones', async () => {
    const odd: [string, string][] = [
      ['public', 'two\nlines'],
      ['public', '  spaces  '],
      ['public', 'select'],
      ['Sales & "Marketing"', 'a; drop table x; -- \'q\' "d" $1'],
    ];
    for (const [schema, name] of odd) {
      const table = `"${schema.replaceAll('"', '""')}"."${name.replaceAll('"', '""')}"`;
      await server.sql('live', `insert into ${table} select * from ${table} limit 0; delete from ${table}`);
      await open('live').replace(dumpOf('custom'), scoped([schema, name]), rowsOf(name, schema), signal);
    }
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('a partitioned table comes with its partitions, also those that are gone', async () => {
    await server.sql(
      'live',
      `alter table shop.item drop constraint item_order_id_placed_fkey; drop table shop.orders_2025;
      create table shop.orders_2027 partition of shop.orders for values from ('2027-01-01') to ('2028-01-01');
      insert into shop.orders (customer_id, placed, total) values (1, '2027-05-05', 1)`,
    );
    await open('live').replace(dumpOf('custom'), scoped(['shop', 'orders']), nothing, signal);
    const counts = await open('live').count(all, signal);
    expect(counts.tables.filter((table) => table.name !== 'orders_2027')).toEqual(original.tables);
    expect(counts.tables.find((table) => table.name === 'orders_2027')?.rows).toBe(0);
    expect(
      await server.sql('live', `select count(*)::int from pg_inherits where inhparent = 'shop.orders'::regclass`),
    ).toEqual([{ count: 4 }]);
    const keys = await server.sql(
      'live',
      `select count(*)::int from pg_index where indrelid = 'shop.orders_2025'::regclass and indisprimary and indisvalid`,
    );
    expect(keys).toEqual([{ count: 1 }]);
  });

  test('a partition has its own indexes, whatever they are called', async () => {
    for (const each of ['parts', 'alone']) await server.createDatabase(each);
    const made = `
      create schema elsewhere;
      create table parts (id int, at date, primary key (id, at)) partition by range (at);
      create table first partition of parts for values from ('2025-01-01') to ('2026-01-01');
      create table elsewhere.second partition of parts default;
      create index by_time on parts (at); alter index first_at_idx rename to "its own"; alter index elsewhere.second_at_idx rename to other;
      create index only_here on first (id) where id > 5; cluster first using "its own";
      insert into parts values (1, '2025-01-01'), (2, '2030-01-01')`;
    await server.sql('parts', made);
    const dump = await stockDump(server, 'parts', 'custom', path('parts'));
    const before = await shapeOf(server, 'parts');
    await server.sql('parts', 'drop table first; drop table elsewhere.second');
    await open('parts').replace(dump, scoped(['public', 'parts']), nothing, signal);
    expect(await shapeOf(server, 'parts')).toEqual(before);
    // A table that is there keeps its indexes: what was said of theirs is not asked for.
    await server.sql('parts', 'drop table first; drop index by_time');
    await open('parts').replace(dump, scoped(['public', 'parts']), nothing, signal);
    expect(await server.sql('parts', 'select id from parts order by 1')).toEqual([{ id: 1 }, { id: 2 }]);

    await open('alone').load(dump, scoped(['public', 'first']), signal);
    const indexes = `select indexname as name from pg_indexes where tablename = 'first' order by 1`;
    expect(await server.sql('alone', indexes)).toEqual([
      { name: 'first_pkey' },
      { name: 'its own' },
      { name: 'only_here' },
    ]);
  });

  test('rows as INSERTs are refused where a table is there already: nobody can tell their columns', async () => {
    await server.createDatabase('inserted');
    await server.sql(
      'inserted',
      `create table acc (id int, first text, last text); insert into acc values (1, 'Ada', 'Lovelace')`,
    );
    const dump = await stockDump(server, 'inserted', 'custom', path('inserted'), { args: ['--inserts'] });
    await server.sql('inserted', 'alter table acc drop column first; alter table acc add column first text');
    const before = await server.sql('inserted', 'select * from acc');
    await expect(open('inserted').replace(dump, scoped(['public', 'acc']), nothing, signal)).rejects.toMatchObject({
      code: 'DUMP_HAS_INSERTS',
    });
    expect(await server.sql('inserted', 'select * from acc')).toEqual(before);
  });

  test('rows of a partition that go through its table are restored with all of it, or not at all', async () => {
    await server.createDatabase('rooted');
    await server.sql(
      'rooted',
      `create table o (id int) partition by list (id); create table o1 partition of o for values in (1, 2);
       create table o2 partition of o for values in (3); insert into o values (1), (2), (3)`,
    );
    const dump = await stockDump(server, 'rooted', 'custom', path('rooted'), { args: ['--load-via-partition-root'] });
    await expect(open('rooted').replace(dump, scoped(['public', 'o1']), nothing, signal)).rejects.toMatchObject({
      code: 'TABLE_DIFFERS',
      hint: expect.stringContaining('public.o '),
    });
    await server.sql('rooted', 'delete from o');
    await open('rooted').replace(dump, scoped(['public', 'o']), nothing, signal);
    expect(await server.sql('rooted', 'select id from o order by 1')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  test('rows older than a check that was never validated come back, and the check stays as it was', async () => {
    const made = `
      create table measured (at date, v int) partition by range (at);
      create table measured_1 partition of measured for values from ('2026-01-01') to ('2026-07-01');
      create table measured_2 partition of measured for values from ('2026-07-01') to ('2027-01-01');
      insert into measured values ('2026-01-01', -1), ('2026-08-01', -2);
      alter table measured add constraint positive check (v > 0) not valid;
      comment on constraint positive on measured is 'from now on';
      create table single (v int); insert into single values (-3); alter table single add check (v > 0) not valid`;
    await server.createDatabase('checked');
    await server.sql('checked', made);
    const dump = await stockDump(server, 'checked', 'custom', path('checked'));
    const checks = `select conrelid::regclass::text as table, pg_get_constraintdef(oid) as def, obj_description(oid) as comment
      from pg_constraint where contype = 'c' and conrelid <> 0 order by 1`;
    const before = await server.sql('checked', checks);
    expect(before).toHaveLength(4);
    const content = 'select v from measured union all select v from single order by 1';
    for (const name of ['measured', 'measured_2', 'single']) {
      await server.sql('checked', `delete from ${name}`);
      await open('checked').replace(dump, scoped(['public', name]), nothing, signal);
      expect(await server.sql('checked', content)).toEqual([{ v: -3 }, { v: -2 }, { v: -1 }]);
      expect(await server.sql('checked', checks)).toEqual(before);
    }
    await expect(server.sql('checked', 'insert into single values (-4)')).rejects.toThrow(/violates check/);
  });

  test('a check that was never validated is still proven where a child or a partition had proven it', async () => {
    await server.createDatabase('proven');
    await server.sql(
      'proven',
      `create table parent (v int); insert into parent values (-3); alter table parent add check (v > 0) not valid;
       create table child () inherits (parent); create table grandchild () inherits (child);
       insert into child values (1)`,
    );
    const dump = await stockDump(server, 'proven', 'custom', path('proven'));
    const checks = `select conrelid::regclass::text as table, convalidated as proven from pg_constraint where contype = 'c' and conrelid <> 0 order by 1`;
    const before = await server.sql('proven', checks);
    expect(before.map(({ proven }) => proven)).toEqual([true, true, false]);
    for (const names of [['parent'], ['parent', 'child'], ['child']]) {
      await server.sql('proven', 'delete from parent');
      const chosen = names.map((name): [string, string] => ['public', name]);
      await open('proven').replace(dump, scoped(...chosen), nothing, signal);
      expect(await server.sql('proven', checks), names.join()).toEqual(before);
    }
  });

  test('a partition that is gone comes back alone under a check that was never validated', async () => {
    await server.createDatabase('checkedpart');
    await server.sql(
      'checkedpart',
      `create table measured (at int, v int) partition by list (at); create table measured_1 partition of measured for values in (1);
       create table measured_2 partition of measured for values in (2); insert into measured values (1, -1), (2, -2);
       alter table measured add constraint positive check (v > 0) not valid`,
    );
    const dump = await stockDump(server, 'checkedpart', 'custom', path('checkedpart'));
    const before = await shapeOf(server, 'checkedpart');
    await server.sql(
      'checkedpart',
      'drop table measured_1; alter table measured drop constraint positive; update measured set v = -3; alter table measured add constraint positive check (v > 0) not valid',
    );
    await open('checkedpart').replace(dump, scoped(['public', 'measured_1']), nothing, signal);
    expect(await shapeOf(server, 'checkedpart')).toEqual(before);
    expect(await server.sql('checkedpart', 'select * from measured order by 1')).toEqual([
      { at: 1, v: -1 },
      { at: 2, v: -3 },
    ]);
  });

  test('a table that is gone comes back with all its own', async () => {
    await server.sql('live', 'drop table shop.customer cascade');
    await open('live').replace(dumpOf('custom'), scoped(['shop', 'customer']), rowsOf('customer'), signal);
    const expected = shape.filter((entry) => !/orders_customer_id_fkey|open_orders/.test(entry));
    expect(await shapeOf(server, 'live')).toEqual(expected);
    expect((await open('live').count(all, signal)).sequences).toEqual(original.sequences);
  });

  test('a table that was renamed and left its names behind is told, and comes back once they are free', async () => {
    await server.createDatabase('renamed');
    await server.sql(
      'renamed',
      `create table ticket (id serial primary key, at date unique); create index by_time on ticket (at);
       create statistics pairs on id, at from ticket; insert into ticket (at) values ('2026-01-01')`,
    );
    const dump = await stockDump(server, 'renamed', 'custom', path('renamed'));
    await server.sql('renamed', 'alter table ticket rename to old; alter table old add more int');
    await expect(open('renamed').replace(dump, scoped(['public', 'ticket']), nothing, signal)).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      kind: 'refused',
      message:
        'public.by_time, public.pairs, public.ticket_at_key and 2 more are there already, and public.ticket needs the names',
    });
    await server.sql(
      'renamed',
      `alter index by_time rename to old1; alter statistics pairs rename to old2; alter index ticket_at_key rename to old3;
       alter index ticket_pkey rename to old4; alter sequence ticket_id_seq rename to old5`,
    );
    await open('renamed').replace(dump, scoped(['public', 'ticket']), nothing, signal);
    const rows = 'select (select count(*)::int from ticket) as now, (select count(*)::int from old) as before';
    expect(await server.sql('renamed', rows)).toEqual([{ now: 1, before: 1 }]);
  });

  test('rows that others point to and that the backup lacks: orphans are named, nothing has changed', async () => {
    await server.sql(
      'live',
      `insert into shop.customer (name) values ('after the backup');
      insert into shop.orders (customer_id, placed, total) select max(id), '2026-05-05', 1 from shop.customer`,
    );
    const before = await open('live').count(all, signal);
    await expect(
      open('live').replace(dumpOf('custom'), scoped(['shop', 'customer']), rowsOf('customer'), signal),
    ).rejects.toMatchObject({
      code: 'RESTORE_ORPHANS',
      kind: 'refused',
      message: expect.stringContaining('orders_customer_id_fkey'),
    });
    expect(await open('live').count(all, signal)).toEqual(before);
    expect(await shapeOf(server, 'live')).toEqual(shape);
  });

  test('a table with other columns is refused with their names', async () => {
    await server.sql('live', 'alter table shop.product add column colour text, drop column sizes');
    await expect(
      open('live').replace(dumpOf('custom'), scoped(['shop', 'product']), nothing, signal),
    ).rejects.toMatchObject({
      code: 'TABLE_DIFFERS',
      message: expect.stringMatching(/without sizes and with the new colour/),
    });
  });

  test('a role that owns only its tables can restore them', async () => {
    await server.sql('postgres', `create role clerk login password 'clerk'`);
    await server.sql(
      'live',
      `grant usage on schema shop to clerk; alter table shop.department owner to clerk; alter table shop.employee owner to clerk;
      update shop.employee set name = 'x'`,
    );
    const options = scoped(['shop', 'department'], ['shop', 'employee']);
    await open('live', 'clerk').replace(dumpOf('custom'), options, nothing, signal);
    expect(await open('live').count(all, signal)).toEqual(original);
  });

  test('a damaged dump leaves the table as it was', async () => {
    const whole = await readFile(path('custom'));
    await writeFile(path('damaged'), whole.subarray(0, whole.length - 20_000));
    await server.sql('live', 'delete from audit.event');
    await expect(
      open('live').replace(storedDump(path('damaged'), 'custom'), scoped(['audit', 'event']), nothing, signal),
    ).rejects.toThrow();
    expect(await server.sql('live', 'select count(*)::int from audit.event')).toEqual([{ count: 0 }]);
  });
});

describe('schemas in place', () => {
  test('partitions that lie in another schema are not lost with their table', async () => {
    await server.createDatabase('spread');
    await server.sql(
      'spread',
      `create schema core; create schema parts; create table core.o (id int, n int) partition by list (id);
       create table parts.o1 partition of core.o for values in (1); create statistics parts.st on id, n from parts.o1;
       insert into core.o values (1, 1)`,
    );
    const dump = await stockDump(server, 'spread', 'custom', path('spread'));
    const options: LoadOptions = { ...wholeLoad, scope: { tables: [], schemas: ['core'] } };
    await expect(open('spread').replace(dump, options, nothing, signal)).rejects.toMatchObject({
      code: 'DEPENDENTS_OUTSIDE',
      message: expect.stringContaining('parts.o1'),
    });
    expect(await server.sql('spread', 'select id from core.o')).toEqual([{ id: 1 }]);
    const both: LoadOptions = { ...wholeLoad, scope: { tables: [], schemas: ['core', 'parts'] } };
    await open('spread').replace(dump, both, nothing, signal);
    expect(await server.sql('spread', 'select id from core.o')).toEqual([{ id: 1 }]);
    const copy = open('spread').named('spread beside');
    await copy.create(await open('spread').probe(signal), 'test', signal);
    await copy.load(dump, options, signal);
    expect(await server.sql('spread beside', 'select id from core.o')).toEqual([{ id: 1 }]);
  });

  const schema = (...schemas: string[]): LoadOptions => ({ ...wholeLoad, scope: { tables: [], schemas } });

  describe('together with tables elsewhere', () => {
    const mixed = (schemas: string[], ...tables: string[]): LoadOptions => ({
      ...wholeLoad,
      scope: { tables: tables.map((name) => ({ schema: 'public', name })), schemas },
    });

    test('that they refer to', async () => {
      await server.createDatabase('referring');
      await server.sql(
        'referring',
        `create schema s; create table a (id int primary key, v text); insert into a values (1, 'x');
         create table s.b (id int primary key, a int references a); insert into s.b values (1, 1)`,
      );
      const dump = await stockDump(server, 'referring', 'custom', path('referring'));
      const before = await shapeOf(server, 'referring');
      await server.sql('referring', `delete from s.b; update a set id = 7; insert into s.b values (2, 7)`);
      await open('referring').replace(dump, mixed(['s'], 'a'), nothing, signal);
      expect(await shapeOf(server, 'referring')).toEqual(before);
      expect(await server.sql('referring', 'select b.id, a.v from s.b join a on a.id = b.a')).toEqual([
        { id: 1, v: 'x' },
      ]);
    });

    test('of which they hold partitions', async () => {
      await server.createDatabase('held');
      await server.sql(
        'held',
        `create schema s; create schema t; create table log (what text); create table kind (k int primary key);
         create function note() returns trigger language plpgsql as $$ begin insert into public.log values (tg_table_name); return new; end $$;
         create table p (id serial, k int references kind, v text, constraint filled check (v <> '')) partition by list (k);
         create trigger noted after insert on p for each row execute function note();
         create table s.p1 partition of p for values in (1); create table p2 partition of p for values in (2);
         create table t.p3 partition of p for values in (3) partition by list (id); create table s.p3all partition of t.p3 default;
         create table first (id int primary key); insert into first values (1); alter table s.p1 add foreign key (id) references first;
         create index on p (v); insert into kind select generate_series(1, 3);
         insert into p (k, v) select k, 'as it was' from kind; alter table p add constraint late check (id > 2) not valid; delete from log`,
      );
      const dump = await stockDump(server, 'held', 'custom', path('held'));
      const before = await shapeOf(server, 'held');
      const rows = 'select tableoid::regclass::text as at, id, v from p order by id';
      const content = await server.sql('held', rows);
      const states =
        'select tgrelid::regclass::text as at, tgname, tgenabled::text as on from pg_trigger where not tgisinternal order by 1, 2';
      const triggers = await server.sql('held', states);
      expect(content).toHaveLength(3);
      for (const changed of [
        'delete from p',
        'drop table s.p1, s.p3all',
        'drop table t.p3, p2',
        'drop table p cascade',
        'drop schema s cascade; drop table p',
      ]) {
        await server.sql('held', `alter table p disable trigger noted; ${changed}`);
        await server.sql(
          'held',
          `do $$ begin if to_regclass('p') is not null then alter table p enable trigger noted; end if; end $$`,
        );
        await open('held').replace(dump, mixed(['s'], 'p'), nothing, signal);
        expect(await shapeOf(server, 'held'), changed).toEqual(before);
        expect(await server.sql('held', rows), changed).toEqual(content);
        expect(await server.sql('held', states), changed).toEqual(triggers);
        expect(await server.sql('held', 'select * from log'), changed).toEqual([]);
      }
    });
  });

  test('partitions in them come back to a table elsewhere, under checks that were never validated', async () => {
    await server.createDatabase('apart');
    await server.sql(
      'apart',
      `create schema parts; create table o (id int, n int) partition by list (id);
       create table o0 partition of o for values in (0);
       create table parts.o1 partition of o for values in (1); create table parts.o2 partition of o for values in (2) partition by list (n);
       create table parts.o2all partition of parts.o2 default;
       insert into o values (0, -5), (1, -1), (2, -2); alter table o add constraint positive check (n > 0) not valid;
       comment on constraint positive on o is 'from now on';
       create table parts.o3 partition of o for values in (3); create table o4 partition of o for values in (4)`,
    );
    const dump = await stockDump(server, 'apart', 'custom', path('apart'));
    const before = await shapeOf(server, 'apart');
    const checks = `select conrelid::regclass::text as table, convalidated as proven, obj_description(oid) as comment from pg_constraint
      where contype = 'c' and conrelid <> 0 order by 1`;
    const checked = await server.sql('apart', checks);
    expect(checked.map(({ proven }) => proven)).toEqual([false, false, true, false, false, false, true]);
    for (const changed of ['delete from o where id > 0', 'drop table parts.o3', 'drop table parts.o2']) {
      await server.sql('apart', changed);
      await open('apart').replace(dump, schema('parts'), nothing, signal);
      expect(await shapeOf(server, 'apart'), changed).toEqual(before);
      expect(await server.sql('apart', checks), changed).toEqual(checked);
      expect(await server.sql('apart', 'select id, n from o order by 1')).toEqual([
        { id: 0, n: -5 },
        { id: 1, n: -1 },
        { id: 2, n: -2 },
      ]);
    }
  });

  test('are made again as they were', async () => {
    await server.sql(
      'live',
      `drop table audit.event; create table audit.later (id int); delete from public."select"; create table public.later (id int)`,
    );
    await open('live').replace(dumpOf('custom'), schema('audit'), nothing, signal);
    const counts = await open('live').count(all, signal);
    expect(counts.tables.filter((table) => table.schema === 'audit')).toEqual(
      original.tables.filter((table) => table.schema === 'audit'),
    );
    expect(counts.tables.map((table) => table.name)).toContain('later');
    // citext lives in public, and shop.customer needs it.
    await open('live').replace(dumpOf('custom'), schema('audit', 'public'), nothing, signal);
    expect(await open('live').count(all, signal)).toEqual(original);
    expect(await shapeOf(server, 'live')).toEqual(shape);
  });

  test.each(['My Shop', 'a "b"', 'order'])(
    'keep their comments and privileges, whatever they are called (%j)',
    async (name) => {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      for (const each of ['named', 'named2']) await open(each).drop({ unmarked: true }, signal);
      await server.createDatabase('named');
      await server.sql(
        'named',
        `create schema ${quoted}; comment on schema ${quoted} is 'ours'; grant usage on schema ${quoted} to pg_monitor;
         create table ${quoted}.t (id int)`,
      );
      const dump = await stockDump(server, 'named', 'custom', path('named'));
      const before = await shapeOf(server, 'named');
      await open('named').replace(dump, schema(name), nothing, signal);
      expect(await shapeOf(server, 'named')).toEqual(before);
      await server.createDatabase('named2');
      const { scope } = schema(name);
      await open('named2').load(dump, { ...wholeLoad, scope }, signal);
      expect(await shapeOf(server, 'named2')).toEqual(before);
    },
  );

  test('public is emptied and filled, not dropped', async () => {
    await server.createDatabase('simple2');
    await server.sql(
      'simple2',
      'create table t (id int); insert into t values (1); create schema other create table o (id int)',
    );
    await stockDump(server, 'simple2', 'custom', path('simple2'));
    await server.sql(
      'simple2',
      `delete from t; create view v as select * from t; insert into other.o values (1); comment on schema public is 'changed'`,
    );
    await open('simple2').replace(storedDump(path('simple2'), 'custom'), schema('public'), nothing, signal);
    expect(
      await server.sql(
        'simple2',
        `select (select count(*)::int from t) as t, (select count(*)::int from other.o) as o, to_regclass('public.v') as v`,
      ),
    ).toEqual([{ t: 1, o: 1, v: null }]);
  });

  test.each([
    ['whole', wholeLoad],
    ['schemas', { ...wholeLoad, scope: { tables: [], schemas: ['public', 'app'] } }],
    [
      'tables',
      {
        ...wholeLoad,
        scope: { tables: ['secret', 'listed'].map((name) => ({ schema: 'public', name })), schemas: [] },
      },
    ],
  ])(
    'S16 rights are those of the backup, whatever the role has ordered for what it makes (%s)',
    async (how, options) => {
      const name = `rights_${how}`;
      await server.createDatabase(name);
      await server.sql('postgres', `do $$ begin create role leak_r; exception when duplicate_object then null; end $$`);
      await server.sql(
        name,
        `create schema app; create table secret (i int); create table listed (i int); grant select on listed to leak_r;
       create function f() returns int language sql as 'select 1'; create table app.a (i int);
       create type mood as enum ('sad');
       alter default privileges grant select, insert on tables to leak_r with grant option;
       alter default privileges revoke execute on functions from public;
       alter default privileges revoke usage on types from public;
       alter default privileges in schema app grant update on tables to leak_r;
       alter default privileges in schema public grant usage on sequences to leak_r`,
      );
      const rights = () =>
        server.sql(
          name,
          `select (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('n', c.relname, 'acl', (select pg_catalog.jsonb_agg(a order by a.grantee, a.privilege_type)
             from pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) a)) order by c.relname)
           from pg_catalog.pg_class c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)) as tables,
         pg_catalog.has_function_privilege('leak_r', 'f()', 'execute') as f, pg_catalog.has_type_privilege('leak_r', 'mood', 'usage') as t,
         (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('k', d.defaclobjtype, 'n', n.nspname, 'acl', (select pg_catalog.jsonb_agg(a order by a.grantee, a.privilege_type)
             from pg_catalog.aclexplode(d.defaclacl) a)) order by d.defaclobjtype, n.nspname)
           from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace) as orders`,
        );
      const before = await rights();
      expect(before).toMatchObject([{ f: true, t: true }]);
      await stockDump(server, name, 'custom', path(name));
      await server.sql(name, 'drop table secret, listed');
      await open(name).replace(storedDump(path(name), 'custom'), options, nothing, signal);
      expect(await rights()).toEqual(before);
    },
  );

  test.each(['whole', 'schema'])(
    'partitioned tables, and aggregates of any kind, go and come back (%s)',
    async (how) => {
      const name = `parted_${how}`;
      await server.createDatabase(name);
      await server.sql(
        name,
        `create table part (id int, d date) partition by range (d);
       create table part_1 partition of part default;
       insert into part values (1, '2026-01-01'), (2, null);
       create aggregate cnt (*) (sfunc = int8inc, stype = int8, initcond = '0');
       create aggregate top (int) (sfunc = int4larger, stype = int);
       create aggregate middle (float8 order by anyelement)
         (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra)`,
      );
      const before = await shapeOf(server, name);
      const counts = await open(name).count(all, signal);
      await stockDump(server, name, 'custom', path(name));
      await server.sql(
        name,
        `delete from part; create table stale (a int) partition by list (a); drop aggregate top (int);
       create aggregate stale (*) (sfunc = int8inc, stype = int8, initcond = '0')`,
      );
      const options = how === 'whole' ? wholeLoad : schema('public');
      await open(name).replace(storedDump(path(name), 'custom'), options, nothing, signal);
      expect(await shapeOf(server, name)).toEqual(before);
      expect(await open(name).count(all, signal)).toEqual(counts);
      expect(
        await server.sql(name, `select proname from pg_proc where pronamespace = 'public'::regnamespace order by 1`),
      ).toEqual([{ proname: 'cnt' }, { proname: 'middle' }, { proname: 'top' }]);
      expect(await server.sql(name, `select to_regclass('stale') as gone`)).toEqual([{ gone: null }]);
    },
  );

  test('what elsewhere needs them is named, and nothing has changed', async () => {
    await server.sql('live', 'create view public.report as select * from audit.event');
    await expect(open('live').replace(dumpOf('custom'), schema('audit'), nothing, signal)).rejects.toMatchObject({
      code: 'DEPENDENTS_OUTSIDE',
      kind: 'refused',
      message: expect.stringContaining('report'),
    });
    await server.sql('live', 'drop view public.report');
    expect(await open('live').count(all, signal)).toEqual(original);
  });
});

const newer = clientTools(18) !== null && hasServer(14);

test.runIf(newer)('tools much newer than the server restore in place as well', async () => {
  await using other = await startPostgres({ version: 14 });
  await using scratch = await temporaryFolder();
  await other.createDatabase('shop');
  await fillShop(other, 'shop');
  const live = openDatabase(other, 'shop', { scratch: scratch.path, tools: 18 });
  const before = await live.count(all, signal);
  const dump = await stockDump(other, 'shop', 'directory', join(scratch.path, 'dump'), { tools: 18 });
  await other.sql('shop', 'delete from shop.item; drop table audit.event');
  await live.replace(dump, wholeLoad, before, signal);
  expect(await live.count(all, signal)).toEqual(before);
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 4;
  return copy;
}
