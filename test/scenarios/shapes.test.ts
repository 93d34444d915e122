import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres({ settings: { max_locks_per_transaction: '4096' } });
});
afterAll(() => server[Symbol.asyncDispose]());

async function roundTrip(database: string, format: string): Promise<{ tables: number; rows: number }> {
  await using holdfast = await installHoldfast({
    url: server.url(database),
    settings: { dump: { format, fingerprints: true } },
  });
  const content = await contentOf(server, database);
  const backup = await holdfast.json<{ id: string; tables: number; rows: number }>('backup');
  await holdfast.json('restore', backup.id, '--into', 'restored', '--yes');
  expect(await contentOf(server, 'restored')).toEqual(content);
  await server.sql('postgres', 'drop database restored');
  return backup;
}

test.each(['custom', 'directory', 'tar', 'plain'])('S19: an empty database (%s)', async (format) => {
  await server.createDatabase('empty');
  expect(await roundTrip('empty', format)).toMatchObject({ tables: 0, rows: 0 });
  await server.sql('postgres', 'drop database empty');
});

test.each(['custom', 'directory', 'tar', 'plain'])(
  'S19, J-05: large objects, identity and generated columns, partitions, circular keys, row security, materialised views (%s)',
  async (format) => {
    await server.createDatabase('shop');
    await fillShop(server, 'shop', { rows: 100 });
    expect((await roundTrip('shop', format)).rows).toBeGreaterThan(100);
    await server.sql('postgres', 'drop database shop');
  },
);

test('S19: a partitioned table that comes back alone is compared with all its partitions', async () => {
  const { sql } = server;
  await server.createDatabase('parted');
  await sql(
    'parted',
    `create table sales (year int, n int) partition by list (year);
     create table sales_1 partition of sales for values in (1);
     create schema far; create table far.sales_2 partition of sales for values in (2) partition by list (n);
     create table far.sales_2_all partition of far.sales_2 default;
     create table other (id int);
     insert into sales values (1, 1), (2, 1), (2, 2)`,
  );
  await using holdfast = await installHoldfast({ url: server.url('parted') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  await sql('parted', 'delete from sales; drop table far.sales_2');
  const restored = await holdfast.json('restore', id, '--table', 'public.sales', '--yes');
  expect(restored).toMatchObject({ tables: { compared: 2, rows: 3, mismatched: [] } });
  expect(await sql('parted', 'select count(*)::int as rows from sales')).toEqual([{ rows: 3 }]);
  await sql('postgres', 'drop database parted');
});

test('S19: 5,000 tables', async () => {
  await server.createDatabase('many');
  for (let from = 1; from <= 5000; from += 500) {
    await server.sql(
      'many',
      `do $$ begin for i in ${from}..${from + 499} loop
         execute format('create table t%s (id int primary key)', i); execute format('insert into t%s values (%s)', i, i);
       end loop; end $$`,
    );
  }
  await using holdfast = await installHoldfast({ url: server.url('many') });
  const { id, tables, rows } = await holdfast.json<{ id: string; tables: number; rows: number }>('backup');
  expect({ tables, rows }).toEqual({ tables: 5000, rows: 5000 });
  expect(await holdfast.json('drill', id)).toMatchObject({ ok: true, tables: { compared: 5000 } });
  await server.sql('postgres', 'drop database many');
}, 240_000);

test('S19: a value of 250 MB survives, memory stays bounded; a bytea that pg_dump cannot write is named before anything is dumped', async () => {
  await server.createDatabase('huge');
  await server.sql('huge', `create table documents (id int primary key, body text)`);
  await server.sql(
    'huge',
    `insert into documents select 1, string_agg(md5(g::text), '') from generate_series(1, 8000000) g`,
  );
  await using holdfast = await installHoldfast({
    url: server.url('huge'),
    settings: { dump: { compression: 'zstd:1' } },
  });
  const { id } = await holdfast.json<{ id: string }>('backup');
  expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
  await server.sql('huge', `create table pictures (id int, data bytea)`);
  await server.sql('huge', `alter table pictures alter column data set storage external`);
  await server.sql('huge', `insert into pictures select 1, convert_to(repeat('x', 600000000), 'UTF8')`);
  const { status, stderr } = await holdfast.run('backup');
  expect(status).toBe(1);
  expect(stderr).toMatch(/public\.pictures/);
  expect(stderr).toMatch(/^hint: /m);
}, 240_000);

test('S19: two concurrent writers do not disturb the counts: they are those of the snapshot', async () => {
  await server.createDatabase('busy');
  await server.sql('busy', 'create table events (id serial primary key, at timestamptz default now())');
  await server.sql('busy', 'insert into events select from generate_series(1, 20000)');
  await using holdfast = await installHoldfast({ url: server.url('busy') });
  let stop = false;
  const writing = (async () => {
    await using session = await server.session('busy');
    while (!stop) await session.query('insert into events select from generate_series(1, 50)');
  })();
  const { id } = await holdfast.json<{ id: string }>('backup');
  stop = true;
  await writing;
  expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
});
