import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 100 });
});
afterAll(() => server[Symbol.asyncDispose]());

test('the storage is the truth: without any state, backups, holds and drills are listed, and restore', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const { id: first } = await holdfast.json<{ id: string }>('backup', '--description', 'the first');
  await holdfast.run('hold', first);
  await holdfast.json('drill', first);
  await holdfast.json('backup');
  const list = () => holdfast.json<{ id: string; held: boolean; drilled: { ok: boolean } | null }[]>('list');
  const before = await list();
  expect(before.find(({ id }) => id === first)).toMatchObject({ held: true, drilled: { ok: true } });

  await rm(holdfast.state, { recursive: true });
  expect(await holdfast.run('rebuild')).toMatchObject({ status: 0 });

  const stable = (rows: Awaited<ReturnType<typeof list>>) =>
    rows.map(({ id, held, drilled }) => ({ id, held, drilled: drilled?.ok }));
  expect(stable(await list())).toEqual(stable(before));
  expect(await holdfast.run('delete', first, '--yes')).toMatchObject({ status: 4 });
  expect(await holdfast.run('restore', first, '--into', 'again', '--yes')).toMatchObject({ status: 0 });
  await server.sql('postgres', 'drop database again');
});

test('S12, J-d12: foreign files and folders beside ours are never listed and never deleted', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { retention: { last: 1 } } });
  const foreign = [
    join(holdfast.storage, 'notes.txt'),
    join(holdfast.storage, 'shop', 'old.dump'),
    join(holdfast.storage, 'shop', '2020-01-01_00-00-00', 'somebody-elses.txt'),
    join(holdfast.storage, 'shop', 'not-an-id', 'manifest.json'),
    join(holdfast.storage, 'other', '2020-01-01_00-00-00', 'manifest.json'),
  ];
  for (const file of foreign) {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, '{"mine": false}');
  }
  for (let count = 0; count < 3; count += 1) expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  const listed = await holdfast.json<{ id: string }[]>('list');
  expect(listed).toHaveLength(1);
  expect(await holdfast.run('prune')).toMatchObject({ status: 0 });
  const { access } = await import('node:fs/promises');
  for (const file of foreign) await access(file);
});
