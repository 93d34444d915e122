import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  await server.sql('postgres', 'drop database if exists shop with (force)');
  await server.sql('postgres', 'drop database if exists other with (force)');
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int primary key); insert into orders values (1), (2)');
  await server.createDatabase('other', 'template shop');
});

test('who waits for a table of the other database to write into it makes the restore none that differs', async () => {
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { dump: { fingerprints: true } },
  });
  await holdfast.json('backup');
  await using reader = await server.session('other');
  await reader.query('begin; select * from orders');
  const restoring = holdfast.start({}, 'restore', 'latest', '--table', 'orders', '--into', 'other', '--yes', '--json');
  await until(async () => (await waiting('LOCK TABLE')) > 0, 'the restore waits for the table');
  const writing = server.sql('other', 'insert into orders values (3)');
  await until(async () => (await waiting('insert')) > 0, 'the application waits behind it');
  await reader.query('commit');
  await writing;
  const { status, stdout, stderr } = await restoring.ended;
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ state: 'succeeded', tables: { compared: 1, rows: 2, mismatched: [] } });
  expect(await server.sql('other', 'select id from orders order by 1')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});

async function waiting(statement: string): Promise<number> {
  const rows = await server.sql(
    'postgres',
    `select from pg_stat_activity where wait_event_type = 'Lock' and query like $1`,
    [`${statement}%`],
  );
  return rows.length;
}
