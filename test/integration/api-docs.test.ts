import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { clientTools, startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);

test('what docs/api.md says to type works as it stands there', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block ?? '');
  expect(blocks.length).toBeGreaterThan(5);
  await using server = await startPostgres();
  const login = { user: 'shop', password: 'a-word-of-its-own' };
  await server.sql('postgres', `create role shop login createdb password '${login.password}'`);
  await server.sql('postgres', 'create database shop owner shop');
  await server.sql(
    'shop',
    'set role shop; create table orders (id int); insert into orders select generate_series(1, 10)',
  );
  await using uploads = await temporaryFolder();
  await writeFile(join(uploads.path, 'a.txt'), 'a');
  await using holdfast = await installHoldfast({
    url: server.url('shop', login),
    settings: { files: [{ name: 'uploads', path: uploads.path }] },
    top: { server: anyPort },
  });
  await using served = await serveHoldfast(holdfast);
  const env = {
    PATH: `${clientTools(15) ?? ''}:${process.env['PATH'] ?? ''}`,
    HOLDFAST: served.base,
    TOKEN: await served.token('docs', '--role', 'operator'),
    DATABASE_URL: server.url('shop', login),
  };
  for (const block of blocks) {
    const { stdout } = await run('bash', ['-ec', block], { cwd: holdfast.folder, env });
    expect(stdout, block).not.toMatch(/"state":"(failed|cancelled)"/);
  }
  expect((await holdfast.stored()).length).toBeGreaterThanOrEqual(3);
});
