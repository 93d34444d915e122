import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const passphrase = 'grüne-kanarie-4711-geheim';
const wrong = 'blaue-kanarie-0815-geheim';
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let api: Client;
let id: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); insert into orders select generate_series(1, 10)');
  holdfast = await installHoldfast({
    url: server.url('shop'),
    top: { server: anyPort, encryption: { passphrase } },
  });
  ({ id } = await holdfast.json<{ id: string }>('backup'));
  // The machine forgets it: what lies there is of another time.
  const text = await readFile(holdfast.configFile, 'utf8');
  await writeFile(holdfast.configFile, text.replace(/encryption:\n\s+passphrase: .*\n/, ''));
  served = await serveHoldfast(holdfast, { HOLDFAST_LOG_LEVEL: 'debug' });
  api = served.client(await served.token('test', '--role', 'operator'));
  await server.sql('shop', 'delete from orders where id > 3');
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
const orders = async () => (await server.sql<{ n: number }>('shop', 'select count(*)::int as n from orders'))[0]?.n;
const wait = { wait: '60s' };
const body = { confirm: 'shop', safetyBackup: false };

async function withFlippedBit(file: string, work: () => Promise<void>): Promise<void> {
  const whole = await readFile(file);
  const changed = Buffer.from(whole);
  const at = whole.length - 30;
  changed.writeUInt8(whole.readUInt8(at) ^ 1, at);
  await writeFile(file, changed);
  try {
    await work();
  } finally {
    await writeFile(file, whole);
  }
}

test('S26: without its password, and with a wrong one, the plan already says so, and nothing is touched', async () => {
  expect(await said(api.planRestore({ body: {} }))).toMatchObject({ code: 'KEY_NEEDED' });
  expect(await said(api.planRestore({ body: { password: wrong } }))).toMatchObject({ code: 'PASSPHRASE_WRONG' });
  for (const [given, code] of [
    [{}, 'KEY_NEEDED'],
    [{ password: wrong }, 'PASSPHRASE_WRONG'],
  ] as const) {
    const answer = await said(api.restore({ body: { ...body, ...given }, query: wait }));
    expect(answer, code).toMatchObject({ code });
  }
  expect(await orders()).toBe(3);
});

test('S26: damage is not taken for a wrong password, with the right one given', async () => {
  const key = (await readdir(join(holdfast.storage, 'shop', 'keys'))).find((name) => name.endsWith('.age'));
  await withFlippedBit(join(holdfast.storage, 'shop', 'keys', key ?? ''), async () => {
    expect(await said(api.planRestore({ body: { password: passphrase } }))).toMatchObject({ code: 'KEY_DAMAGED' });
  });
  const folder = join(holdfast.storage, 'shop', id);
  const files = await readdir(folder, { recursive: true });
  const artifact = files.find((name) => name.endsWith('.age')) ?? '';
  await withFlippedBit(join(folder, artifact), async () => {
    expect(await api.planRestore({ body: { password: passphrase } })).toMatchObject({ blocked: false });
    const { run } = await api.restore({ body: { ...body, password: passphrase }, query: wait });
    expect(run).toMatchObject({ state: 'failed', error: { code: expect.stringMatching(/DAMAGED|CHECKSUM|DIGEST/) } });
  });
  expect(await orders()).toBe(3);
});

test('S23: the password given for a restore is used for that one, and is kept nowhere', async () => {
  const api2 = served.client(await served.token('again', '--role', 'operator'), { 'idempotency-key': 'once' });
  const { run } = await api2.restore({ body: { ...body, password: passphrase }, query: wait });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  expect(await orders()).toBe(10);
  expect(await said(api.planRestore({ body: {} }))).toMatchObject({ code: 'KEY_NEEDED' });

  const log = await api.runLog({ params: { id: run.id } });
  expect(JSON.stringify([run, log, await api.runs()])).not.toContain('kanarie');
  expect(served.said()).toContain('restore/shop succeeded');
  expect(served.said()).not.toContain('kanarie');
  const files = await readdir(holdfast.folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    const path = join(file.parentPath, file.name);
    expect((await readFile(path)).includes('kanarie'), path).toBe(false);
  }
});
