import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

test('S14, S15: with --in-place the folders stay live until only the commit is left, and keep what is written meanwhile', async () => {
  await using server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); insert into orders values (1)');
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { files: [{ path: './uploads' }] },
  });
  const uploads = join(holdfast.folder, 'uploads');
  await mkdir(uploads);
  await writeFile(join(uploads, 'old.png'), 'old');
  const { id } = await holdfast.json<{ id: string }>('backup');
  await writeFile(join(uploads, 'since.png'), 'since');

  await using other = await server.session('shop');
  await other.query('begin; lock table orders in share mode');
  const { child, ended } = holdfast.start({}, 'restore', id, '--in-place', '--yes');
  await until(
    async () => (await server.sql('postgres', 'select from pg_locks where not granted')).length > 0,
    'a restore that waits for a lock',
    90_000,
  );
  await writeFile(join(uploads, 'contract.pdf'), 'uploaded by a user during the load');
  expect((await readdir(uploads)).toSorted()).toEqual(['contract.pdf', 'old.png', 'since.png']);
  child.kill('SIGINT');
  expect((await ended).status).toBe(130);
  await other.query('rollback');
  expect((await readdir(uploads)).toSorted()).toEqual(['contract.pdf', 'old.png', 'since.png']);

  await holdfast.json('restore', id, '--in-place', '--yes');
  expect(await readdir(uploads)).toEqual(['old.png']);
  expect(await server.sql('shop', 'select id from orders')).toEqual([{ id: 1 }]);
});
