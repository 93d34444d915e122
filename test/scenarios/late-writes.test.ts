import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Database } from '../../src/engines/engine.ts';
import type { RestoreRequest } from '../../src/restore/plan.ts';
import { restore } from '../../src/restore/restore.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { hasMysql, product, productName, startMysql } from '../support/mysql-server.ts';
import { startPostgres } from '../support/postgres.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();

/** What `late` does happens when the safety backup is made, and nothing has changed places yet. */
function restoring(house: SmallHouse, id: string, late: () => void, change: Partial<RestoreRequest> = {}) {
  const real = house.source.database;
  if (!real) throw new Error('it has a database');
  const database: Database = {
    ...real,
    swap: (...args) => {
      late();
      return real.swap(...args);
    },
    replace: (...args) => {
      late();
      return real.replace(...args);
    },
  };
  const source = { ...house.source, database };
  const request: RestoreRequest = {
    source,
    from: { storage: house.storage, id },
    into: null,
    onlyNew: false,
    guarded: { sources: [source], folders: [] },
    inPlace: false,
    files: false,
    scope: null,
    owners: 'keep',
    sessions: 'refuse',
    keepOld: false,
    safetyBackup: true,
    jobs: null,
    allowed: [],
    ...change,
  };
  return restore({
    request,
    confirm: async () => undefined,
    catalog: house.catalog,
    clock: systemClock,
    instance: 'test',
    version: '0.0.0',
    timezone: 'UTC',
    scratch: join(house.folder, 'scratch'),
    signal,
    report: () => undefined,
  });
}

describe.each(['wal', 'delete'])('SQLite in the mode %s: what is written after the safety backup has begun', (mode) => {
  const begin = async () => {
    const house = await smallHouse();
    const path = join(house.folder, 'app.sqlite');
    runIn(path, `pragma journal_mode = ${mode}`);
    runIn(path, 'create table notes (id integer primary key, text text)');
    const { id } = await house.take();
    runIn(path, "insert into notes (text) values ('since')");
    const late = () => runIn(path, "update notes set text = text || ', late'");
    return { house, id, late, path };
  };

  test('S17 keeps the former file, and nothing keeps none', async () => {
    const { house, id, late, path } = await begin();
    await using _ = house;
    const { previous, warnings } = await restoring(house, id, late);
    expect(previous).not.toBeNull();
    expect(warnings).toEqual([expect.stringContaining(`kept as ${previous}`)]);
    expect(rowsOf(join(house.folder, previous ?? ''), 'select text from notes')).toEqual([{ text: 'since, late' }]);
    expect(rowsOf(path, 'select text from notes')).toEqual([]);
    expect(await restoring(house, id, () => undefined)).toMatchObject({ previous: null, warnings: [] });
  });

  test('S14 ends a restore in place, which leaves everything as it was', async () => {
    const { house, id, late, path } = await begin();
    await using _ = house;
    const tables = { scope: { tables: [{ schema: '', name: 'notes' }], schemas: [] } };
    for (const change of [{ inPlace: true }, tables])
      await expect(restoring(house, id, late, change)).rejects.toMatchObject({ code: 'LIVE_CHANGED', kind: 'refused' });
    expect(rowsOf(path, 'select text from notes')).toEqual([{ text: 'since, late, late' }]);
    // Into another table than those that are replaced.
    const elsewhere = () => runIn(path, 'insert into orders default values');
    expect(await restoring(house, id, elsewhere, tables)).toMatchObject({ state: 'succeeded' });
    expect(await restoring(house, id, late, { inPlace: true, safetyBackup: false })).toMatchObject({
      mode: 'in-place',
    });
    expect(rowsOf(path, 'select text from notes')).toEqual([]);
  });
});

test.skipIf(!hasMysql())(
  `S17 ${productName}: what is written after the safety backup has begun is not dropped with the former database`,
  async () => {
    await using server = await startMysql();
    await server.sql(null, 'CREATE DATABASE shop CHARACTER SET utf8mb4');
    await server.sql(
      'shop',
      'CREATE TABLE a (id INT PRIMARY KEY)',
      'CREATE TABLE orders (id INT PRIMARY KEY, note TEXT)',
      ...{
        mariadb: ['CREATE SEQUENCE numbers'],
        // Of such a table the server has another sum each time.
        mysql: [
          'CREATE TABLE tags (id INT PRIMARY KEY, list JSON, KEY ((CAST(list AS UNSIGNED ARRAY))))',
          "INSERT INTO tags VALUES (1, '[1, 2]')",
        ],
      }[product],
      "INSERT INTO orders VALUES (1, 'old')",
    );
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const { id } = await holdfast.json<{ id: string }>('backup');
    await server.sql('shop', 'INSERT INTO a VALUES (1)');
    expect(await holdfast.json('restore', id, '--yes')).toMatchObject({ previous: null, warnings: [] });
    expect(await server.databases()).toEqual(['shop']);

    const before = await holdfast.stored();
    // Nothing can be renamed while this is open; the tables after it are still free.
    await using holder = await server.session(null);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT * FROM shop.a');
    const { ended } = holdfast.start({}, 'restore', id, '--yes', '--json');
    await until(async () => (await holdfast.stored()).length > before.length, 'the safety backup', 90_000);
    // The number of rows stays the same.
    await server.sql('shop', "UPDATE orders SET note = 'late'");
    await holder.query('COMMIT');
    const { status, stdout, stderr } = await ended;
    expect(status, stderr).toBe(0);
    const { previous, warnings } = JSON.parse(stdout) as { previous: string; warnings: string[] };
    expect(warnings).toEqual([expect.stringContaining(`kept as ${previous}`)]);
    expect(await server.sql(previous, 'SELECT note FROM orders')).toEqual([{ note: 'late' }]);
    expect(await server.sql('shop', 'SELECT note FROM orders')).toEqual([{ note: 'old' }]);
  },
);

test('S14 PostgreSQL: what is written after the safety backup has begun ends a restore in place', async () => {
  await using server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); create table notes (id int); insert into orders values (1)');
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const lateIn = async (table: string, ...args: string[]) => {
    await using other = await server.session('shop');
    await other.query('begin; lock table orders in share mode');
    const { ended } = holdfast.start({}, 'restore', id, '--yes', ...args);
    await until(
      async () => (await server.sql('postgres', 'select from pg_locks where not granted')).length > 0,
      'a restore that waits for a lock',
      90_000,
    );
    await other.query(`insert into ${table} values (2)`);
    await other.query('commit');
    await other.end();
    return await ended;
  };
  for (const args of [['--in-place'], ['--table', 'public.orders']]) {
    const { status, stderr } = await lateIn('orders', ...args);
    expect(stderr).toContain('LIVE_CHANGED');
    expect(status).toBe(4);
  }
  expect(await server.sql('shop', 'select id from orders order by id')).toEqual([{ id: 1 }, { id: 2 }, { id: 2 }]);
  const beside = await lateIn('notes', '--table', 'public.orders');
  expect(beside.status, beside.stderr).toBe(0);
  expect(await server.sql('shop', 'select id from orders')).toEqual([{ id: 1 }]);
});
