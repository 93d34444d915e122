import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

const names = [
  `it's "quoted"`,
  'two\nlines',
  'semi; drop database postgres; --',
  '$HOME `id` $(id)',
  'host=evil.example dbname=other',
  'postgres://evil.example/other',
  '-h evil',
  '  spaces  ',
  'ünï ☃ 数据库',
  'x'.repeat(63),
  '50% \\ back',
];

test.each(names)('S18, T-d2, J-d16, J-d11: a database named %j is backed up, drilled and restored', async (name) => {
  await server.createDatabase(name);
  await fillShop(server, name, { rows: 20 });
  await using holdfast = await installHoldfast({
    url: '',
    settings: {
      database: { host: server.host, port: server.port, user: server.user, password: server.password, name },
    },
  });
  const content = await contentOf(server, name);
  const { id } = await holdfast.json<{ id: string }>('backup', '--description', `before "2.0"; $(id) 'x' -- ☃`);
  expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
  await server.sql(name, 'delete from shop.item');
  await holdfast.json('restore', id, '--yes');
  expect(await contentOf(server, name)).toEqual(content);
  const listed = await holdfast.json<{ description: string }[]>('list');
  expect(listed.some(({ description }) => description === `before "2.0"; $(id) 'x' -- ☃`)).toBe(true);
  expect(await server.databases()).toEqual(['postgres', name].toSorted());
  await server.sql('postgres', `drop database "${name.replaceAll('"', '""')}"`);
});

test('J-d16: a password with every awkward character works, in an address and in parts', async () => {
  const password = `p@ss:w/o?r#d%20&'"\\ $\{x} ü`;
  await server.sql('postgres', `create role awkward login superuser password '${password.replaceAll("'", "''")}'`);
  await server.createDatabase('plain_name');
  await using parts = await installHoldfast({
    url: '',
    settings: {
      database: { host: server.host, port: server.port, user: 'awkward', name: 'plain_name', password: '${PASSWORD}' },
    },
  });
  expect(await parts.runWith({ env: { PASSWORD: password } }, 'backup')).toMatchObject({ status: 0 });
  await using address = await installHoldfast({ url: server.url('plain_name', { user: 'awkward', password }) });
  expect(await address.run('backup')).toMatchObject({ status: 0 });
});
