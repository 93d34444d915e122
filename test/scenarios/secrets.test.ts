import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { watchArguments } from '../support/watch-arguments.ts';

/** Appears nowhere else; wherever it turns up, it leaked. */
const canary = 'kanarienvogel-4711-geheim';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.sql('postgres', `create role keeper login superuser password '${canary}'`);
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 5000 });
});
afterAll(() => server[Symbol.asyncDispose]());

test.each(['custom', 'directory', 'plain'])(
  'S23, T-d10: the password is in no argument list, output, log, manifest, catalog or readable file (%s)',
  async (format) => {
    await using holdfast = await installHoldfast({
      url: server.url('shop', { user: 'keeper', password: canary }),
      settings: { dump: { format } },
    });
    const seen = watchArguments();
    const outputs: string[] = [];
    const run = async (...args: string[]) => {
      const { stdout, stderr } = await holdfast.runWith({ env: { HOLDFAST_LOG_LEVEL: 'debug' } }, ...args);
      outputs.push(stdout, stderr);
    };
    await seen.untilSeen('pg_dump', () => run('backup', '--debug'));
    await run('drill', 'latest', '--debug');
    await run('restore', 'latest', '--yes', '--debug');
    await run('config', 'show');
    await run('config', 'export');
    await run('doctor');
    await run('runs', '--json');
    await run('show', 'latest', '--json');
    for (const { id } of await holdfast.json<{ id: string }[]>('runs')) await run('logs', id);
    const processes = await seen.stop();

    expect(processes.filter((line) => line.includes(canary))).toEqual([]);
    for (const output of outputs) expect(output).not.toContain(canary);
    expect(await filesWith(canary, holdfast)).toEqual([holdfast.configFile]); // the operator wrote it there
    await expectPrivate(holdfast.storage);
    await expectPrivate(holdfast.state);
  },
);

test('S23: a wrong password is told as such, without the password', async () => {
  const wrong = 'falscher-vogel-4712';
  await using holdfast = await installHoldfast({ url: server.url('shop', { user: 'keeper', password: wrong }) });
  const { status, stdout, stderr } = await holdfast.run('backup', '--debug');
  expect(status).toBe(1);
  expect(stderr).toMatch(/DATABASE_LOGIN_FAILED/);
  expect(stdout + stderr).not.toContain(wrong);
});

test('S23: configuration errors never quote a secret', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  await holdfast.configure({
    sources: { shop: { database: { url: `postgres://keeper:${canary}@db:notaport/shop`, passwort: canary } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const { status, stdout, stderr } = await holdfast.run('config', 'validate');
  expect(status).toBe(2);
  expect(stdout + stderr).not.toContain(canary);
});

async function filesWith(text: string, { folder }: Installation): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

async function expectPrivate(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    expect(((await stat(path)).mode & 0o077).toString(8), path).toBe('0');
  }
}
