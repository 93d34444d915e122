import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Counts, LoadOptions, StoredDump } from '../../src/engines/engine.ts';
import { openDatabase, stockDump, temporaryFolder } from '../support/databases.ts';
import { hasServer, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { wholeLoad } from '../support/whole-load.ts';

/** What stands around the tables that are replaced in place, and is used by others. */

const signal = new AbortController().signal;
const nothing: Counts = { tables: [], sequences: [] };

let server: TestPostgres;
let folder: { path: string } & AsyncDisposable;

beforeAll(async () => {
  server = await startPostgres({ settings: { wal_level: 'logical' } });
  folder = await temporaryFolder();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

let made = 0;

/** A database of its own, dumped as it was made. */
async function databaseWith(content: string): Promise<{ name: string; dump: StoredDump }> {
  const name = `db${++made}`;
  await server.createDatabase(name);
  await server.sql(name, content);
  return { name, dump: await stockDump(server, name, 'custom', join(folder.path, name)) };
}

function tables(...names: string[]): LoadOptions {
  return { ...wholeLoad, scope: { tables: names.map((name) => ({ schema: 'public', name })), schemas: [] } };
}

const schemas = (...names: string[]): LoadOptions => ({ ...wholeLoad, scope: { tables: [], schemas: names } });

const open = (name: string, user?: string) =>
  openDatabase(server, name, {
    scratch: join(folder.path, 'scratch'),
    ...(user === undefined ? {} : { login: { user, password: user } }),
  });

describe('a sequence', () => {
  const next = async (name: string, sequence = 'ids') =>
    (await server.sql<{ next: string }>(name, `select nextval('${sequence}')::text as next`))[0]?.next;

  test.each([
    ['in a default', `create table b (id bigint primary key default nextval('ids'))`],
    ['in the default of a child', 'create table b () inherits (a)'],
    ['in the default of a domain', `create domain number as bigint default nextval('ids'); create table b (id number)`],
    ['in a view', `create view b as select nextval('ids') as id`],
    ['in a function', `create function b() returns bigint begin atomic select nextval('ids'); end`],
  ])('that others use as well is never set back (%s)', async (_, other) => {
    const { name, dump } = await databaseWith(
      `create sequence ids; create table a (id bigint primary key default nextval('ids'), v text);
       alter sequence ids owned by a.id; insert into a select from generate_series(1, 5); ${other}`,
    );
    await server.sql(name, `select nextval('ids') from generate_series(1, 20)`);
    const { warnings } = await open(name).replace(dump, tables('a'), nothing, signal);
    expect(warnings).toEqual([
      'the sequence public.ids was left at 25 and not set back to 5: what is not restored counts with it as well',
    ]);
    expect(await server.sql(name, 'select count(*)::int from only a')).toEqual([{ count: 5 }]);
    expect(await next(name)).toBe('26');
  });

  test('that belongs to another table by now is never set back', async () => {
    const { name, dump } = await databaseWith(
      'create table a (id serial primary key); insert into a select from generate_series(1, 5); create table b (id int)',
    );
    await server.sql(
      name,
      `select setval('a_id_seq', 30); alter table a alter id drop default; alter sequence a_id_seq owned by b.id`,
    );
    await open(name).replace(dump, tables('a'), nothing, signal);
    expect(await next(name, 'a_id_seq')).toBe('31');
  });

  const down = `create sequence ids increment -3 start 1000 maxvalue 1000; create table a (id bigint default nextval('ids'));
    alter sequence ids owned by a.id; create table b (id bigint default nextval('ids')); insert into a select from generate_series(1, 5)`;

  test('that counts down is never set up again', async () => {
    const { name, dump } = await databaseWith(down);
    await server.sql(name, `select nextval('ids')`);
    await open(name).replace(dump, tables('a'), nothing, signal);
    expect(await next(name)).toBe('982');
  });

  test.each([
    [
      'up',
      `create table a (id serial); create table b (id int default nextval('a_id_seq'));
      alter sequence a_id_seq rename to ids; insert into a select from generate_series(1, 9)`,
      '10',
    ],
    ['down', down, '985'],
    [
      'once',
      `create sequence ids; create table a (id int default nextval('ids')); alter sequence ids owned by a.id;
      create table b (id int default nextval('ids')); insert into a default values`,
      '2',
    ],
  ])(
    'that others use goes on to where the rows that came back are, or nowhere when they do not (%s)',
    async (_, content, after) => {
      const { name, dump } = await databaseWith(content);
      await server.sql(name, 'alter sequence ids restart; alter table b add unique (id)');
      const start = await server.sql(name, 'select last_value, is_called from ids');
      const more: Counts = { ...nothing, tables: [{ schema: 'public', name: 'a', rows: 77, fingerprint: null }] };
      await expect(open(name).replace(dump, tables('a'), more, signal)).rejects.toMatchObject({
        code: 'RESTORE_DIFFERS',
      });
      expect(await server.sql(name, 'select last_value, is_called from ids')).toEqual(start);
      expect(await open(name).replace(dump, tables('a'), nothing, signal)).toEqual({ warnings: [] });
      expect(await next(name)).toBe(after);
    },
  );

  test('of the restored tables alone stands where it stood, whatever else of them uses it', async () => {
    const { name, dump } = await databaseWith(
      `create table a (id serial, n int generated always as identity, other int); alter table a alter other set default nextval('a_id_seq');
       create table b (id int default nextval('a_id_seq')); insert into a select from generate_series(1, 5)`,
    );
    await server.sql(name, 'insert into a select from generate_series(1, 5)');
    expect(await open(name).replace(dump, tables('a', 'b'), nothing, signal)).toEqual({ warnings: [] });
    expect([await next(name, 'a_id_seq'), await next(name, 'a_n_seq')]).toEqual(['11', '6']);
  });

  test('of a schema that tables elsewhere use is not made anew', async () => {
    const { name, dump } = await databaseWith(
      `create schema core create sequence ids; create table b (id int default nextval('core.ids'))`,
    );
    await expect(open(name).replace(dump, schemas('core'), nothing, signal)).rejects.toMatchObject({
      code: 'DEPENDENTS_OUTSIDE',
      message: expect.stringContaining('default value for column id of table public.b'),
    });
  });
});

describe('triggers', () => {
  const content = `
    create table person (id int primary key, boss int references person on delete cascade);
    create table place (id int, part int, primary key (id, part)) partition by list (part);
    create table place_1 partition of place for values in (1);
    create table place_2 partition of place for values in (2) partition by list (part);
    create table place_2_all partition of place_2 default;
    create table stay (id int, part int, who int references person, foreign key (id, part) references place) partition by list (part);
    create table stay_1 partition of stay for values in (1);
    create table stay_2 partition of stay for values in (2);
    create table note (who int, constraint "the ü key" foreign key (who) references person on update set null);
    insert into person values (1, null), (2, 1); insert into place values (1, 1), (2, 2); insert into stay values (1, 1, 1), (2, 2, 2);
    insert into note values (1)`;
  /** Of foreign keys: one of each kind on each table they touch. */
  const keys = `select k.conname as key, t.tgrelid::regclass::text as on, t.tgfoid::regproc::text as calls, t.tgenabled as enabled, count(*)::int
    from pg_trigger t join pg_constraint k on k.oid = t.tgconstraint group by 1, 2, 3, 4 order by 1, 2, 3, 4`;
  const otherwise = `do $$ declare item record; begin
    for item in select tgrelid::regclass as on, tgname, tgfoid::regproc::text as calls from pg_trigger where tgconstraint <> 0 loop
      execute format('alter table only %s enable %s trigger %I', item.on,
        case item.calls when '"RI_FKey_setnull_upd"' then 'always' when '"RI_FKey_cascade_del"' then 'replica' else '' end, item.tgname);
    end loop; end $$`;

  test.each([
    ['of the keys of a table', 'alter table note disable trigger all'],
    ['of the keys to a table', 'alter table person disable trigger all'],
    ['of partitions', 'alter table stay_1 disable trigger all; alter table place_2_all disable trigger all'],
    ['in other ways', otherwise],
  ])('that were switched off stay so, and no others (%s)', async (_, off) => {
    const { name, dump } = await databaseWith(content);
    await server.sql(name, off);
    const before = await server.sql(name, keys);
    expect(before.filter(({ enabled }) => enabled !== 'O')).not.toEqual([]);
    for (const each of ['person', 'note', 'place', 'stay', 'stay_1']) {
      const { warnings } = await open(name).replace(dump, tables(each), nothing, signal);
      expect({ each, warnings, after: await server.sql(name, keys) }).toEqual({ each, warnings: [], after: before });
    }
  });

  test('of foreign keys are on again where the role may not switch them off, and it is told', async () => {
    const { name, dump } = await databaseWith(content);
    await server.sql('postgres', `create role writer login password 'writer'`);
    await server.sql(
      name,
      'alter table person owner to writer; alter table note owner to writer; alter table stay owner to writer',
    );
    await server.sql(name, 'grant references on person to writer; alter table note disable trigger all');
    const { warnings } = await open(name, 'writer').replace(dump, tables('note'), nothing, signal);
    expect(warnings).toEqual([
      'the foreign key "the ü key" of public.note was switched off, in part or in whole, and is on now: only a superuser may switch it off again',
    ]);
    expect((await server.sql(name, keys)).filter(({ enabled }) => enabled !== 'O')).toEqual([]);
  });

  test.runIf(hasServer(14)).each([14, 15] as const)(
    'of partitions sleep while rows come back (%i)',
    async (version) => {
      await using other = await startPostgres({ version });
      await other.createDatabase('parts');
      await other.sql(
        'parts',
        `create table log (what text); create table p (id int) partition by list (id);
       create table p1 partition of p for values in (1); create table p2 partition of p for values in (2);
       create function said() returns trigger language plpgsql as $$ begin insert into public.log values (tg_table_name || tg_op); return new; end $$;
       create trigger loud after insert on p for each row execute function said(); insert into p values (1), (2); truncate log`,
      );
      const dump = await stockDump(other, 'parts', 'custom', join(folder.path, `parts${version}`));
      await other.sql('parts', 'alter table p2 disable trigger loud; alter table p1 enable replica trigger loud');
      const states = 'select tgrelid::regclass::text as on, tgenabled as enabled from pg_trigger order by 1';
      const before = await other.sql('parts', states);
      expect(before.map(({ enabled }) => enabled)).toEqual(['O', 'R', 'D']);
      await other.sql('parts', 'alter table p1 enable trigger loud');
      const live = openDatabase(other, 'parts', { scratch: join(folder.path, 'scratch') });
      await live.replace(dump, tables('p'), nothing, signal);
      expect(await other.sql('parts', 'select * from log')).toEqual([]);
      expect((await other.sql('parts', states)).map(({ enabled }) => enabled)).toEqual(['O', 'O', 'D']);
    },
  );

  test('of a partition that was gone are as those of its table, or as the backup has them there', async () => {
    const { name, dump } = await databaseWith(
      `create table log (what text); create table p (id int) partition by list (id);
       create table p1 partition of p for values in (1); create table p2 partition of p for values in (2);
       create table p3 partition of p for values in (3) partition by list (id); create table p3_all partition of p3 default;
       create function said() returns trigger language plpgsql as $$ begin insert into public.log values (tg_table_name || tg_name); return new; end $$;
       create trigger loud after insert on p for each row execute function said();
       create trigger always before insert on p for each row execute function said(); alter table p enable always trigger always;
       create trigger off before insert on p for each row execute function said(); alter table p disable trigger off;
       insert into p values (1), (2), (3); truncate log; alter table p2 disable trigger loud`,
    );
    const states = `select tgrelid::regclass::text as on, tgname as name, tgenabled as enabled from pg_trigger order by 1, 2`;
    const before = await server.sql(name, states);
    await server.sql(name, 'drop table p1; drop table p2; drop table p3; insert into log select');
    await open(name).replace(dump, tables('p'), nothing, signal);
    expect(await server.sql(name, states)).toEqual(before);
    expect(await server.sql(name, 'select what from log')).toEqual([{ what: null }]);
    expect(await server.sql(name, 'select * from p order by 1')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });
});

describe('publications', () => {
  const members = `select pubname as in, schemaname || '.' || tablename as table, attnames as columns, rowfilter as rows
    from pg_publication_tables order by 1, 2`;
  const content = `create schema core; create table core.t (id int primary key, x int, "größe" int); create table core.later (id int);
    create table core.parted (id int) partition by list (id); create table core.parted_1 partition of core.parted for values in (1);
    create table public.t (id int); create publication old for table core.t, core.later, public.t, tables in schema public`;

  test.each(['core', 'public'])('keep what of the schema %s was theirs, and get nothing else', async (schema) => {
    const { name, dump } = await databaseWith(content);
    await server.sql(
      name,
      `alter publication old drop table core.t; alter publication old drop tables in schema public;
       create publication whole for all tables; create publication of_schema for tables in schema core, public;
       create publication chosen for table core.t (id, "größe") where ("größe" > 0), core.parted, public.t where (id > 1)`,
    );
    const before = await server.sql(name, members);
    expect(before.length).toBeGreaterThan(10);
    expect(await open(name).replace(dump, schemas(schema), nothing, signal)).toEqual({ warnings: [] });
    expect(await server.sql(name, members)).toEqual(before);
  });

  test.runIf(hasServer(14))('keep their tables on a server where they have nothing but tables', async () => {
    await using other = await startPostgres({ version: 14, settings: { wal_level: 'logical' } });
    await other.createDatabase('old');
    await other.sql('old', 'create schema core create table t (id int)');
    const dump = await stockDump(other, 'old', 'custom', join(folder.path, 'old'));
    await other.sql('old', 'create publication p for table core.t');
    const live = openDatabase(other, 'old', { scratch: join(folder.path, 'scratch') });
    expect(await live.replace(dump, schemas('core'), nothing, signal)).toEqual({ warnings: [] });
    expect(await other.sql('old', 'select tablename from pg_publication_tables')).toEqual([{ tablename: 't' }]);
  });

  test('that cannot have a table again are named', async () => {
    const { name, dump } = await databaseWith(content);
    await server.sql(
      'postgres',
      `do $$ begin create role tenant login password 'tenant'; exception when duplicate_object then null; end $$`,
    );
    await server.sql(
      name,
      `alter schema core owner to tenant; grant create on database ${name} to tenant; alter table core.t owner to tenant; alter table core.later owner to tenant;
       alter table core.parted owner to tenant; alter table core.parted_1 owner to tenant;
       alter table core.later add column extra int; create publication narrow for table core.later (extra); create publication mine for table core.t;
       alter publication narrow owner to tenant; drop publication old; create publication old for table core.t;
       create table core.new (id int); alter table core.new owner to tenant; alter publication mine add table core.new; drop table core.parted`,
    );
    const options = { ...schemas('core'), owners: 'none' as const };
    const { warnings } = await open(name, 'tenant').replace(dump, options, nothing, signal);
    expect(warnings.toSorted()).toEqual([
      'the table core.later is not in the publication narrow any more: column "extra" of relation "later" does not exist',
      'the table core.t is not in the publication mine any more: must be owner of publication mine',
      'the table core.t is not in the publication old any more: must be owner of publication old',
    ]);
  });

  test('of a table that was gone are those of the backup, as far as they are there', async () => {
    const { name, dump } = await databaseWith(
      `create table a (id int); create table b (id int); create publication stays for table a, b; create publication goes for table a;
       create publication grows for table a`,
    );
    await server.sql(name, 'drop table a; drop publication goes, grows; create publication grows for all tables');
    const { warnings } = await open(name).replace(dump, tables('a'), nothing, signal);
    expect(warnings).toEqual(['the table public.a was in the publication goes, which is not there any more']);
    const stays = members.replace('order by', `where pubname = 'stays' order by`);
    expect(await server.sql(name, stays)).toHaveLength(2);
  });

  test('that the backup does not have are named when everything is replaced', async () => {
    const { name, dump } = await databaseWith('create table a (id int); create publication old for table a');
    await server.sql(name, 'create publication "New one" for table a');
    const { warnings } = await open(name).replace(dump, wholeLoad, nothing, signal);
    expect(warnings).toEqual([
      'the publication "New one" is not in the backup, and gone: whoever subscribes to it gets nothing any more',
    ]);
    expect(await server.sql(name, 'select pubname from pg_publication')).toEqual([{ pubname: 'old' }]);
  });
});

describe('a subscription', () => {
  const fed = 'select srrelid::regclass::text as table from pg_subscription_rel order by 1';
  const tablesOfIt =
    'create table a (id int); create table b (id int); create schema core; create table core.c (id int)';

  async function subscriber(): Promise<{ name: string; dump: StoredDump } & AsyncDisposable> {
    const from = `from${++made}`;
    await server.createDatabase(from);
    await server.sql(from, `${tablesOfIt}; create publication p for all tables`);
    await server.sql(from, `select pg_create_logical_replication_slot('${from}', 'pgoutput')`);
    const url = `host=${server.host} port=${server.port} user=${server.user} password=${server.password} dbname=${from}`;
    const { name, dump } = await databaseWith(tablesOfIt);
    await server.sql(
      name,
      `create subscription feed connection '${url}' publication p with (create_slot = false, slot_name = ${from}, copy_data = false)`,
    );
    return {
      name,
      dump,
      [Symbol.asyncDispose]: async () => {
        await server.sql(name, 'alter subscription feed disable');
        await server.sql(name, 'drop subscription feed');
      },
    };
  }

  test('into tables that were made anew is told to have ended there', async () => {
    await using one = await subscriber();
    const ofSchema = await open(one.name).replace(one.dump, schemas('core'), nothing, signal);
    const again = 'Empty what it shall copy again, then `ALTER SUBSCRIPTION feed REFRESH PUBLICATION`';
    expect(ofSchema.warnings).toEqual([
      `the subscription feed does not write into core.c any more, which was made anew. ${again}`,
    ]);
    expect(await server.sql(one.name, fed)).toEqual([{ table: 'a' }, { table: 'b' }]);
    const { warnings } = await open(one.name).replace(one.dump, wholeLoad, nothing, signal);
    expect(warnings).toEqual([
      `the subscription feed does not write into public.a and public.b any more, which were made anew. ${again}`,
    ]);
    expect(await server.sql(one.name, fed)).toEqual([]);
  });

  test('into tables that got their rows back is told to go on, and not to bring what came meanwhile', async () => {
    await using one = await subscriber();
    const { warnings } = await open(one.name).replace(one.dump, tables('a'), nothing, signal);
    expect(warnings).toEqual([
      'the subscription feed goes on to write into public.a, and does not bring again what it has brought since the backup',
    ]);
    expect(await server.sql(one.name, fed)).toHaveLength(3);
  });

  test('that is in the backup and gone is not made again, and what is said of it neither', async () => {
    const { name, dump } = await databaseWith(
      `create table a (id int); create subscription s connection 'dbname=nowhere' publication p with (connect = false); comment on subscription s is 'x'`,
    );
    await server.sql(name, 'alter subscription s set (slot_name = none); drop subscription s');
    const { warnings } = await open(name).replace(dump, wholeLoad, nothing, signal);
    expect(warnings).toEqual(['the subscription s is not there any more, and was not made again']);
  });
});

describe('extensions', () => {
  test('whose names need quotes stay as they are, with the comments of whoever made them', async () => {
    const { name, dump } = await databaseWith('create extension "uuid-ossp"; create table t (id int)');
    await server.sql('postgres', `create role keeper login password 'keeper'`);
    await server.sql(name, 'alter schema public owner to keeper; alter table t owner to keeper');
    await open(name, 'keeper').replace(dump, { ...wholeLoad, owners: 'none' }, nothing, signal);
    expect(await server.sql(name, 'select * from t')).toEqual([]);
  });

  test('that live in public are no reason to refuse it, and stay with all that needs them', async () => {
    const { name, dump } = await databaseWith(
      `create extension citext; create schema shop; create table shop.customer (email citext); insert into shop.customer values ('A');
       create table t (email citext primary key); insert into t values ('B');
       create table setting (key text primary key, value text); alter extension citext add table setting;
       update pg_extension set extconfig = array['setting'::regclass::oid], extcondition = array['where key <> ''version''']
         where extname = 'citext'; insert into setting values ('version', '1'), ('mine', 'x')`,
    );
    const oid = `select oid from pg_extension where extname = 'citext'`;
    const before = await server.sql(name, oid);
    await server.sql(name, `delete from t; update setting set value = value || '!'; create table later (email citext)`);
    await open(name).replace(dump, schemas('public'), nothing, signal);
    expect(await server.sql(name, 'select email from t union all select email from shop.customer')).toEqual([
      { email: 'B' },
      { email: 'A' },
    ]);
    expect(await server.sql(name, 'select key, value from setting order by 1')).toEqual([
      { key: 'mine', value: 'x' },
      { key: 'version', value: '1!' },
    ]);
    expect(await server.sql(name, oid)).toEqual(before);
    expect(await server.sql(name, `select to_regclass('later') as later`)).toEqual([{ later: null }]);
  });

  test('in public that need something there which is no part of them are named', async () => {
    const { name, dump } = await databaseWith('create extension citext; create table t (id int)');
    await server.sql(name, 'create view v as select id from t; alter extension citext add view v');
    await expect(open(name).replace(dump, schemas('public'), nothing, signal)).rejects.toMatchObject({
      code: 'DEPENDENTS_OUTSIDE',
      message: expect.stringContaining('v'),
    });
  });

  test('are not lost with a table of a schema that belongs to them', async () => {
    const { name, dump } = await databaseWith(
      `create schema ext; create extension citext schema ext; create schema core; create table core.t (id int);
       create table public.user (email ext.citext); insert into public.user values ('a')`,
    );
    await server.sql(name, 'alter extension citext add table core.t');
    await expect(open(name).replace(dump, schemas('core'), nothing, signal)).rejects.toMatchObject({
      code: 'DEPENDENTS_OUTSIDE',
      message: expect.stringContaining('the extension citext'),
    });
    expect(await server.sql(name, 'select email from public.user')).toEqual([{ email: 'a' }]);
  });
});

test('names that are no ASCII, in a database of another encoding', async () => {
  await server.createDatabase('latin', `encoding 'LATIN1' template template0 locale 'C'`);
  await server.sql(
    'latin',
    `create table "tü" (id int primary key, "größe" int unique); insert into "tü" values (1, 1);
     create table ch ("fü" int, constraint "schlüssel" foreign key ("fü") references "tü" ("größe")); insert into ch values (1);
     comment on constraint "schlüssel" on ch is 'für'; create publication "veröffentlicht" for table "tü"`,
  );
  const dump = await stockDump(server, 'latin', 'custom', join(folder.path, 'latin'));
  const state = `select c.conname, pg_get_constraintdef(c.oid) as def, obj_description(c.oid, 'pg_constraint') as comment,
    p.tablename from pg_constraint c, pg_publication_tables p where contype = 'f'`;
  const before = await server.sql('latin', state);
  await open('latin').replace(dump, tables('tü'), nothing, signal);
  expect(await server.sql('latin', state)).toEqual(before);
  await open('latin').replace(dump, schemas('public'), nothing, signal);
  expect(await server.sql('latin', state)).toEqual(before);
});

describe('a table whose columns are others by now', () => {
  const column = '"the, ""value"';

  test.each([
    ['numeric', 'numeric(10,0)'],
    ['double precision', 'real'],
    ['timestamp(6) without time zone', 'timestamp(0) without time zone'],
    ['timestamp without time zone', 'timestamp with time zone'],
    ['character varying(10)', 'character(5)'],
    ['json', 'jsonb'],
    ['integer', 'integer[]'],
  ])('is refused where values could be changed without a word (%s, now %s)', async (from, to) => {
    const { name, dump } = await databaseWith(
      `create table t (id int default 1, ${column} ${from} default null not null, z text collate "C")`,
    );
    await server.sql(name, `alter table t drop ${column}; alter table t add ${column} ${to}`);
    await expect(open(name).replace(dump, tables('t'), nothing, signal)).rejects.toMatchObject({
      code: 'TABLE_DIFFERS',
      message: `public.t has other columns than in the dump: ${column} is ${to} and was ${from}`,
    });
  });

  test('gets its rows back where every value fits as it is', async () => {
    const { name, dump } = await databaseWith(
      `create domain short as varchar(5); create table t (a smallint, b int, c varchar(3), d short, e numeric(5, 2), f timestamp(0)) ;
       insert into t values (1, 2, 'abc', 'd', 1.50, '2026-01-01 12:00'); create table of_t () inherits (t); insert into of_t select * from t`,
    );
    await server.sql(
      name,
      `alter table t alter a type bigint, alter b type numeric, alter c type varchar(10), alter d type text, alter e type numeric, alter f type timestamp;
       delete from t`,
    );
    for (const each of ['t', 'of_t']) await open(name).replace(dump, tables(each), nothing, signal);
    const row = { a: '1', b: '2', c: 'abc', d: 'd', e: '1.50', f: '2026-01-01 12:00:00' };
    expect(await server.sql(name, 'select a::text, b::text, c, d, e::text, f::text from t')).toEqual([row, row]);
  });

  test.each([
    ['c', 'alter type c drop attribute x cascade; alter type c add attribute x int cascade'],
    [
      'c',
      'alter type c rename to old; create type c as (x int, y numeric(3,0)); alter table t alter v type c[] using null',
    ],
    ['c', 'alter type c rename to old; create type c as (y int, x int); alter table t alter v type c[] using null'],
    ['d', 'alter domain d rename to old; create domain d as numeric(3,0); alter table t alter w type d'],
    ['pair', 'alter table pair drop x; alter table pair add x int'],
  ])('is refused where the type %s has changed (%s)', async (_, change) => {
    const { name, dump } = await databaseWith(
      `create type c as (x int, y numeric); create domain d as numeric; create table pair (x int, y int); create table t (v c[], w d, r pair)`,
    );
    await server.sql(name, change);
    await expect(open(name).replace(dump, tables('t'), nothing, signal)).rejects.toMatchObject({
      code: 'TABLE_DIFFERS',
      message: expect.stringMatching(/^the type public\.(c|d|pair) of public\.t is another than in the dump/),
    });
  });

  test.each([
    ['a table that is gone', tables('t')],
    ['a schema', schemas('core')],
  ])('is not made anew with a type of another order either (%s)', async (what, options) => {
    const { name, dump } = await databaseWith(
      `create type c as (x int, y int); create domain d as c[]; create table t (v d); create schema core; create type core.own as (a int); create table core.t (v d, w core.own)`,
    );
    if (what !== 'a schema') await server.sql(name, 'drop table t');
    expect(await open(name).replace(dump, options, nothing, signal)).toEqual({ warnings: [] });
    if (what !== 'a schema') await server.sql(name, 'drop table t');
    await server.sql(
      name,
      'alter type c rename to old; create type c as (y int, x int); alter domain d rename to old_d; create domain d as c[]; drop type if exists core.own cascade; create type core.own as (b int)',
    );
    await expect(open(name).replace(dump, options, nothing, signal)).rejects.toMatchObject({
      code: 'TABLE_DIFFERS',
      message: expect.stringMatching(/^the type public\.c of (public|core)\.t is another than in the dump/),
    });
  });

  test('is refused where a partition is one no more', async () => {
    const { name, dump } = await databaseWith(
      `create table p (a int) partition by list (a); create table p1 partition of p for values in (1);
       create table p2 partition of p for values in (2); insert into p values (1), (2)`,
    );
    await server.sql(name, 'alter table p detach partition p2; insert into p2 values (77)');
    const differs = { code: 'TABLE_DIFFERS', message: 'public.p2 is not a partition of public.p any more' };
    await expect(open(name).replace(dump, tables('p'), nothing, signal)).rejects.toMatchObject(differs);
    await server.sql(name, 'drop table p');
    await expect(open(name).replace(dump, tables('p'), nothing, signal)).rejects.toMatchObject(differs);
    expect(await server.sql(name, 'select a from p2 order by 1')).toEqual([{ a: 2 }, { a: 77 }]);
    await open(name).replace(dump, tables('p2'), nothing, signal);
    expect(await server.sql(name, 'select a from p2')).toEqual([{ a: 2 }]);
  });
});

test('large objects that rows may name are told to come back only with all of the database', async () => {
  const { name, dump } = await databaseWith(
    `create table a (o oid); insert into a values (lo_from_bytea(4242, 'abc')); create table b (id int); create schema core create table c (o oid)`,
  );
  const told = (table: string) => [
    `large objects are restored only with all of the database: ${table} may name some that are not there or have changed`,
  ];
  expect((await open(name).replace(dump, tables('a', 'b'), nothing, signal)).warnings).toEqual(told('public.a'));
  expect((await open(name).replace(dump, schemas('core'), nothing, signal)).warnings).toEqual(told('core.c'));
  expect((await open(name).replace(dump, tables('b'), nothing, signal)).warnings).toEqual([]);
  const copy = open(name).named(`${name}_copy`);
  await copy.create(await open(name).probe(signal), 'test', signal);
  expect((await copy.load(dump, tables('a'), signal)).warnings).toEqual(told('public.a'));
});
