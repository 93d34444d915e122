import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, startProcess } from '../../src/base/run-process.ts';
import { openSnapshot } from '../../src/engines/postgres/dump/dump.ts';
import { clientTools, startPostgres } from '../support/postgres.ts';
import { accessTo } from '../support/postgres-access.ts';
import { assortedTables, consume, partsOf } from '../support/postgres-dump.ts';

const { signal } = new AbortController();

test('a standby is dumped in an ordinary snapshot, without the rows of unlogged tables', async () => {
  await using primary = await startPostgres();
  await primary.createDatabase('shop');
  await primary.sql('shop', assortedTables);
  await using cleanup = new AsyncDisposableStack();
  const port = await freePort();
  const { uid, gid } = await stat(primary.folder);
  const bin = clientTools(15) ?? '';
  const data = join(primary.folder, 'standby');
  const user = process.getuid?.() === 0 ? { uid, gid } : undefined;
  const copy = [
    '-h',
    primary.host,
    '-p',
    String(primary.port),
    '-U',
    primary.user,
    '-D',
    data,
    '-R',
    '-X',
    'stream',
    '-c',
    'fast',
  ];
  const env = { PGPASSWORD: primary.password };
  await runProcess({ program: join(bin, 'pg_basebackup'), args: copy, env, cwd: primary.folder, user }, { signal });
  // A standby refuses to start with less than its primary has.
  const locks = await primary.sql<{ setting: string }>(
    'postgres',
    `select setting from pg_settings where name = 'max_locks_per_transaction'`,
  );
  const args = [
    '-c',
    `max_locks_per_transaction=${locks[0]?.setting}`,
    '-D',
    data,
    '-p',
    String(port),
    '-k',
    primary.folder,
    '-c',
    'listen_addresses=127.0.0.1',
  ];
  const standby = startProcess({ program: join(bin, 'postgres'), args, cwd: primary.folder, user }, { signal });
  cleanup.defer(async () => {
    standby.kill('SIGINT');
    await standby.done.catch(() => undefined);
  });
  standby.stdout?.resume();

  const url = `postgres://${primary.user}:${encodeURIComponent(primary.password)}@127.0.0.1:${port}/shop`;
  const access = accessTo(url, { dump: { format: 'custom' } });
  const answers = () => access.connect(signal).then((connection) => connection[Symbol.asyncDispose]());
  await expect
    .poll(
      () =>
        answers().then(
          () => true,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
  await using snapshot = await openSnapshot(access, { folders: true }, signal);
  expect(snapshot.snapshot).toEqual({ isolation: 'repeatable-read', lsn: expect.stringContaining('/') });
  for (const part of await partsOf(snapshot)) expect((await consume(part)).length).toBeGreaterThan(100);
  const { tables } = await snapshot.count(signal);
  expect(tables.find((table) => table.name === 'cache')).toMatchObject({ rows: null });
  expect(tables.find((table) => table.name === 'users')).toMatchObject({ rows: 50 });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
