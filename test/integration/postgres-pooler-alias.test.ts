import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPooler } from '../support/pooler.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

test('what only a pooler calls by a name is not exchanged for what the server calls by it', async () => {
  for (const name of ['shop', 'shop_v2']) {
    await server.createDatabase(name);
    await server.sql(name, 'create table orders (id int primary key); insert into orders values (1)');
  }
  await using pooler = await startPooler(server, 'shop_v2', 'session', 'shop');
  await using holdfast = await installHoldfast({ url: server.url('shop_v2') });
  await holdfast.json('backup');
  const url = server.url('shop').replace(`:${server.port}/`, `:${pooler.port}/`);
  await holdfast.configure({
    state: './state',
    sources: { shop: { database: { url, ssl: 'disable' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const planned = await holdfast.run('restore', 'latest', '--dry-run', '--json');
  const { guards } = JSON.parse(planned.stdout) as { guards: { code: string; result: string; detail: string }[] };
  expect(guards.find(({ code }) => code === 'swap')).toMatchObject({
    result: 'block',
    detail: expect.stringContaining('the database shop_v2'),
  });
  const inPlace = await holdfast.run('restore', 'latest', '--dry-run', '--json', '--in-place');
  expect(inPlace.status, inPlace.stderr).toBe(0);
});
