import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { readPayload } from '../support/alerts.ts';
import { anyPort, serveHoldfast, signIn, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startReceiver, type HttpReceiver } from '../support/http-receiver.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery staple';
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let api: Client;
let page: Client;
let receiver: HttpReceiver;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); insert into orders select generate_series(1, 10)');
  receiver = await startReceiver();
  holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { storages: ['local', 'second'], retention: { last: 5 } },
    top: {
      alerts: { channels: [{ type: 'webhook', name: 'duty', url: `${receiver.url}/hook` }] },
      server: anyPort,
      storages: { local: { type: 'local', path: './backups' }, second: { type: 'local', path: './second' } },
    },
  });
  served = await serveHoldfast(holdfast);
  api = served.client(await served.token('nightly', '--role', 'operator'));
  const file = join(holdfast.folder, 'password');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  await holdfast.json('user', 'create', 'ada', '--role', 'operator', '--password-file', file);
  const { cookie } = await signIn(served, { name: 'ada', password });
  page = served.client(undefined, { cookie, 'x-holdfast': '1' });
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const wait = { wait: '60s' };
const line = (text: RegExp) => until(() => text.test(served.said()), `the log has ${text}`);

test('what is begun over HTTP stands in the log like what is begun by schedule: when, by whom, how it ended', async () => {
  const { run } = await api.createBackup({ query: wait });
  expect(run).toMatchObject({ state: 'succeeded', trigger: 'api' });
  await line(/ backup\/shop begins, asked for by nightly \(token\)\n/);
  await line(new RegExp(` backup/shop succeeded in \\S+ m?s: ${run.backup}, `));

  const verified = await page.verifyBackup({ params: { source: 'shop', id: 'latest' }, query: wait });
  expect(verified.run).toMatchObject({ state: 'succeeded', trigger: 'console' });
  await line(/ verify\/shop begins, asked for by ada \(console\)\n/);
  await line(/ verify\/shop succeeded in /);

  const lines = () => served.said().match(/ begins, asked for by /g)?.length;
  const before = lines();
  await server.sql('postgres', 'alter database shop rename to away');
  try {
    const failed = await api.createBackup({ query: wait });
    expect(failed.run).toMatchObject({ state: 'failed', error: { code: 'DATABASE_MISSING' } });
  } finally {
    await server.sql('postgres', 'alter database away rename to shop');
  }
  await line(/ backup\/shop failed: .* \(DATABASE_MISSING\)/);
  expect(lines()).toBe((before ?? 0) + 1);
});

test('how it ended is told to the channels when it has ended, not when the scheduler looks at everything again', async () => {
  const told = (kind: string) => receiver.requests.filter(({ body }) => readPayload(body).kind === kind).length;
  const before = told('problem');
  await server.sql('postgres', 'alter database shop rename to away');
  try {
    await api.createBackup({ query: wait });
    await until(() => told('problem') > before, 'the failure is told', 15_000);
  } finally {
    await server.sql('postgres', 'alter database away rename to shop');
  }
  await api.createBackup({ query: wait });
  await until(() => told('resolved') > 0, 'its end is told', 15_000);
  expect(told('problem')).toBe(before + 1);
});

test('a run says who began it: a program, or somebody on the console; restores and the way back as well', async () => {
  const backup = await page.createBackup({ query: wait });
  expect(backup.run).toMatchObject({ state: 'succeeded', trigger: 'console' });
  const body = { id: 'latest', keepOld: true, safetyBackup: false, confirm: 'shop' };
  expect((await api.restore({ body, query: wait })).run).toMatchObject({ state: 'succeeded', trigger: 'api' });
  expect((await page.restore({ body, query: wait })).run).toMatchObject({ state: 'succeeded', trigger: 'console' });
  await line(/ restore\/shop begins, asked for by nightly \(token\)\n/);
  await line(/ restore\/shop begins, asked for by ada \(console\)\n/);
  const { run } = await page.undoRestore({ body: { confirm: 'shop' }, query: wait });
  expect(run).toMatchObject({ state: 'succeeded', trigger: 'undo' });
  // The manifest tells kinds of backups, and its words are part of the format.
  const { manifest } = await api.backup({ params: { source: 'shop', id: backup.run.backup ?? '' } });
  expect(manifest).toMatchObject({ trigger: 'api' });
});

test('retention is applied by a run that can be watched; what it would do is said without one', async () => {
  for (let made = 0; made < 6; made += 1) await api.createBackup({ query: wait });
  const before = (await api.runs({ query: { operation: 'prune' } })).length;
  const plan = await api.planPrune({ body: { source: 'shop' } });
  expect(plan.map(({ source, storage, removed }) => ({ source, storage, removed }))).toEqual([
    { source: 'shop', storage: 'local', removed: [] },
    { source: 'shop', storage: 'second', removed: [] },
  ]);
  expect((await api.runs({ query: { operation: 'prune' } })).length).toBe(before);

  const begun = await api.prune({ body: { source: 'shop' } });
  expect(begun.run).toMatchObject({ operation: 'prune', source: 'shop', trigger: 'api' });
  const over = async () => (await api.run({ params: { id: begun.run.id } })).state === 'succeeded';
  await until(over, 'the first one is over');
  const { run } = await page.prune({ query: wait });
  expect(run, JSON.stringify(run.error)).toMatchObject({ operation: 'prune', state: 'succeeded', trigger: 'console' });
  expect(run.result).toMatchObject([{ storage: 'local' }, { storage: 'second' }]);
  expect((await api.runLog({ params: { id: run.id } })).map(({ message }) => message)).toContain('retention');
  await line(/ prune\/shop succeeded in /);
});
