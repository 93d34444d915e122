import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import type { CollationFix, Database } from '../../src/engines/engine.ts';
import { openDatabase, temporaryFolder } from '../support/databases.ts';
import { hasServer, startPostgres, type Major, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const signal = new AbortController().signal;
const icu = `template template0 encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'de'`;

let server: TestPostgres;
let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  server = await startPostgres();
  scratch = await temporaryFolder();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const open = (name: string, at = server, login?: { user: string; password: string }) =>
  openDatabase(at, name, { scratch: scratch.path, ...(login ? { login } : {}) });
const quiet = { everything: false, onIndex: () => undefined, onTable: () => undefined };
const check = (database: Database, during = signal) => collationsOf(database).check(during);
const fix = (database: Database, options = {}, during = signal): Promise<CollationFix> =>
  collationsOf(database).fix({ ...quiet, ...options }, during);

function collationsOf({ collations }: Database) {
  if (!collations) throw new Error('this engine knows no collations');
  return collations;
}

/** As after an update of the system: what was noted down is not what there is. */
const age = (name: string) =>
  server.sql('postgres', `update pg_database set datcollversion = '0.1' where datname = $1`, [name]);
const nodes = async (name: string): Promise<Record<string, string>> => {
  const rows = await server.sql<{ name: string; node: string }>(
    name,
    `select relname as name, relfilenode::text as node from pg_class where relkind = 'i' and relnamespace::regnamespace::text in ('public', 'we "ird')`,
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.node]));
};
const names = (indexes: readonly { name: string }[]) => indexes.map(({ name }) => name).toSorted();

describe('a database whose system has changed its order', () => {
  beforeAll(async () => {
    await server.createDatabase('shop', icu);
    await server.sql(
      'shop',
      `create collation swedish (provider = icu, locale = 'sv');
       create table people (id int primary key, name text, c_name text collate "C", sv text collate swedish, born date, tags text[]);
       create index people_name on people (name);
       create index people_lower on people (lower(c_name collate "C"));
       create index people_c on people (c_name);
       create index people_sv on people (sv);
       create index people_born on people (born);
       create index people_tags on people (tags);
       create index people_partial on people (born) where name > 'm';
       create index people_partial_born on people (born) where born is not null;
       create type text_range as range (subtype = text, collation = swedish);
       create type pair as (a int, b text);
       create table odd (r text_range, p pair, exclude using gist (r with &&));
       create index odd_pair on odd (p);
       create schema "we ""ird";
       create table "we ""ird"."ta ble;--" ("na me" text);
       create unique index "in dex;'$(x)" on "we ""ird"."ta ble;--" ("na me");
       create table parts (k text) partition by range (k);
       create table parts_a partition of parts for values from (minvalue) to ('m');
       create table parts_b partition of parts for values from ('m') to (maxvalue);
       create index parts_k on parts (k);
       insert into parts values ('a'), ('z');
       insert into people select n, 'name ' || n, 'c' || n, 's' || n, now(), array['x'] from generate_series(1, 200) n`,
    );
  });

  const followsDefault = [
    `in dex;'$(x)`,
    'odd_pair',
    'parts_a_k_idx',
    'parts_b_k_idx',
    'people_name',
    'people_partial',
    'people_tags',
  ];

  test('N-47: without a difference, nothing is named and nothing is touched', async () => {
    const report = await check(open('shop'));
    expect(report.collations.map(({ name, state }) => [name, state])).toEqual([
      ['de', 'ok'],
      ['swedish', 'ok'],
    ]);
    expect(report.indexes).toEqual([]);
    const before = await nodes('shop');
    const done = await fix(open('shop'));
    expect(done).toMatchObject({ rebuilt: [], refreshed: [], left: [] });
    expect(await nodes('shop')).toEqual(before);
  });

  test('N-47: the version of the database differs: exactly the indexes that follow it are named', async () => {
    await age('shop');
    const report = await check(open('shop'));
    expect(report.collations[0]).toMatchObject({
      schema: null,
      name: 'de',
      provider: 'icu',
      recorded: '0.1',
      state: 'differs',
    });
    expect(report.collations[0]?.actual).toMatch(/^\d/);
    expect(report.collations[1]).toMatchObject({ name: 'swedish', state: 'ok' });
    expect(names(report.indexes)).toEqual(followsDefault.toSorted());
    expect(report.partitioned).toEqual([{ schema: 'public', name: 'parts' }]);
  });

  test('N-48, N-d6: fix rebuilds these and only then notes the version down', async () => {
    const before = await nodes('shop');
    const done = await fix(open('shop'));
    expect(names(done.rebuilt)).toEqual(followsDefault.toSorted());
    expect(done).toMatchObject({ refreshed: ['default'], left: [], duplicates: [], misplaced: [] });
    const after = await nodes('shop');
    for (const name of Object.keys(before).filter((each) => each !== 'parts_k'))
      expect(after[name] !== before[name], name).toBe(followsDefault.includes(name));
    expect((await check(open('shop'))).collations.map(({ state }) => state)).toEqual(['ok', 'ok']);
  });

  test('N-48: a single collation, with the types that hide it, and what cannot be rebuilt beside the old one', async () => {
    await server.sql('shop', `update pg_collation set collversion = '0.1' where collname = 'swedish'`);
    const report = await check(open('shop'));
    expect(names(report.indexes)).toEqual(['odd_r_excl', 'people_sv']);
    expect(report.indexes[0]?.collations).toEqual(['public.swedish']);
    const done = await fix(open('shop'));
    expect(names(done.rebuilt)).toEqual(['odd_r_excl', 'people_sv']);
    expect(done.refreshed).toEqual(['public.swedish']);
    expect((await check(open('shop'))).indexes).toEqual([]);
  });

  test('everything: also where nothing differs', async () => {
    const before = await nodes('shop');
    const done = await fix(open('shop'), { everything: true });
    expect(names(done.rebuilt)).toEqual([...followsDefault, 'odd_r_excl', 'people_sv'].toSorted());
    expect(done.refreshed).toEqual([]);
    expect((await nodes('shop'))['people_born']).toBe(before['people_born']);
  });
});

test('N-d6: rows that contradict each other are named by their key, and nothing is noted down', async () => {
  await server.createDatabase('doubles', icu);
  await server.sql(
    'doubles',
    `create table users (name text); create unique index users_name on users (name); create index users_other on users (name);
     insert into users values ('anna'), ('bert');
     update pg_index set indisready = false, indisvalid = false where indexrelid = 'users_name'::regclass;`,
  );
  await server.sql('doubles', `insert into users values ('anna')`);
  await server.sql(
    'doubles',
    `update pg_index set indisready = true, indisvalid = true where indexrelid = 'users_name'::regclass`,
  );
  await age('doubles');
  const done = await fix(open('doubles'));
  expect(done.duplicates).toEqual([
    {
      index: { schema: 'public', name: 'users_name' },
      table: { schema: 'public', name: 'users' },
      detail: 'Key (name)=(anna) is duplicated.',
    },
  ]);
  expect(names(done.rebuilt)).toEqual(['users_other']);
  expect(done).toMatchObject({ refreshed: [], left: ['default'] });
  const report = await check(open('doubles'));
  expect(report.collations[0]?.state).toBe('differs');
  expect(report.leftovers).toEqual([]);
});

test('N-d6: rows in a partition where they do not belong keep the version from being noted down', async () => {
  await server.createDatabase('parts', icu);
  await server.sql(
    'parts',
    `create table p (k text not null) partition by range (k);
     create table low (k text not null, constraint fits check (k is not null and k < 'm') not valid);
     create table high partition of p for values from ('m') to (maxvalue);`,
  );
  await server.sql('parts', `alter table low drop constraint fits; insert into low values ('a'), ('z'), ('y')`);
  await server.sql(
    'parts',
    `alter table low add constraint fits check (k is not null and k < 'm') not valid;
     update pg_constraint set convalidated = true where conname = 'fits';`,
  );
  await server.sql('parts', `alter table p attach partition low for values from (minvalue) to ('m')`);
  await age('parts');
  const done = await fix(open('parts'));
  expect(done.misplaced).toEqual([{ table: { schema: 'public', name: 'low' }, rows: 2 }]);
  expect(done).toMatchObject({ refreshed: [], left: ['default'] });
});

test('N-48: who may not rebuild everything is told before anything is rebuilt', async () => {
  await server.sql('postgres', `create role clerk login password 'clerk-0815'`);
  await server.createDatabase('owned', icu);
  await server.sql('owned', `create table t (name text); create index t_name on t (name)`);
  await age('owned');
  const before = await nodes('owned');
  const clerk = open('owned', server, { user: 'clerk', password: 'clerk-0815' });
  const error = await fix(clerk).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(HoldfastError);
  expect(error).toMatchObject({
    code: 'DATABASE_NO_PRIVILEGE',
    details: { lacking: ['the table public.t', 'the database owned'] },
  });
  expect(await nodes('owned')).toEqual(before);
  await server.sql('owned', `alter table t owner to clerk; alter database owned owner to clerk`);
  expect(await fix(clerk)).toMatchObject({ refreshed: ['default'] });
});

test('N-48: stopped in the middle, nothing is noted down and no half index stays', async () => {
  await server.createDatabase('busy', icu);
  await server.sql(
    'busy',
    `create table t (name text); create index t_name on t (name); insert into t select 'n' || n from generate_series(1, 1000) n`,
  );
  await age('busy');
  await using writer = await server.session('busy');
  await writer.query(`begin; insert into t values ('held back')`);
  const stop = new AbortController();
  const working = fix(open('busy'), {}, stop.signal).catch((error: unknown) => error);
  // The rebuilding waits for the writer; by then it has made its new index.
  await until(
    async () => (await server.sql('busy', `select 1 from pg_class where relname = 't_name_ccnew'`)).length > 0,
    'it has begun',
  );
  stop.abort(new HoldfastError('INTERRUPTED', 'stopped', { kind: 'interrupted' }));
  await writer.query('commit');
  expect(await working).toMatchObject({ code: 'INTERRUPTED' });
  const report = await check(open('busy'));
  expect(report.collations[0]?.state).toBe('differs');
  expect(report.leftovers).toEqual([]);
});

test('N-48: what a killed rebuilding has left behind is found and removed by the next', async () => {
  await server.createDatabase('left', icu);
  await server.sql('left', `create table t (name text); create index t_name on t (name)`);
  await server.sql(
    'left',
    `create index t_name_ccnew on t (name); update pg_index set indisvalid = false where indexrelid = 't_name_ccnew'::regclass`,
  );
  await age('left');
  expect((await check(open('left'))).leftovers).toEqual([{ schema: 'public', name: 't_name_ccnew' }]);
  const done = await fix(open('left'));
  expect(done.removed).toEqual([{ schema: 'public', name: 't_name_ccnew' }]);
  expect(Object.keys(await nodes('left'))).toEqual(['t_name']);
});

test.each([14, 16, 17, 18] as const)('N-47, N-48: server %i', async (version: Major) => {
  if (!hasServer(version)) return;
  await using other = await startPostgres({ version });
  await other.sql(
    'postgres',
    `create table t (name text, de text collate "unicode"); create index t_name on t (name); create index t_de on t (de)`.replace(
      version < 16 ? ' collate "unicode"' : ' ',
      version < 16 ? ' collate "de-x-icu"' : ' ',
    ),
  );
  const database = open('postgres', other);
  const [own] = (await check(database)).collations;
  if (version === 14) expect(own).toMatchObject({ recorded: null, actual: null });
  await other.sql(
    'postgres',
    `update pg_collation set collversion = '0.1' where oid = (select attcollation from pg_attribute where attrelid = 't'::regclass and attname = 'de')`,
  );
  expect(names((await check(database)).indexes)).toEqual(['t_de']);
  const done = await fix(database);
  expect(names(done.rebuilt)).toEqual(['t_de']);
  expect(done.refreshed).toHaveLength(1);
  expect((await check(database)).indexes).toEqual([]);
});
