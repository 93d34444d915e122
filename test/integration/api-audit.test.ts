import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let token: string;
let api: Client;
let backup: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  // More than the buffers of a connection take, so that a download of it can be in the middle.
  await server.sql(
    'shop',
    `create table orders as select n, string_agg(md5(random()::text), '') as text
     from generate_series(1, 3000) n, generate_series(1, 300) m group by n`,
  );
  holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { dump: { format: 'custom', compression: 'none', lockTimeout: '60s' } },
    top: { server: anyPort },
  });
  served = await serveHoldfast(holdfast);
  token = await served.token('nightly', '--role', 'admin');
  api = served.client(token);
  const { run } = await api.createBackup({ query: { wait: '60s' } });
  backup = run.backup ?? '';
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const entries = async (action: string) => (await api.audit({ query: { action } })).items;
const newest = async (action: string) => (await entries(action))[0];
const asked = { who: 'nightly', via: 'token', from: '127.0.0.1', source: 'shop' };
const artifact = () => `/api/v1/backups/shop/latest/artifact?path=database.dump`;

/** Begun and not read: the rest of it stays on its way. */
async function beginDownload(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(served.base + path, { agent: false, headers: { authorization: `Bearer ${token}` } }, resolve)
      .once('error', reject)
      .end();
  });
}

/** As nobody is asked before a crash. */
async function killAndServeAgain(): Promise<void> {
  served.signal('SIGKILL');
  await served[Symbol.asyncDispose]();
  served = await serveHoldfast(holdfast);
  api = served.client(token);
}

test('a backup, a download and a refusal have one line each: who, from where, what it really was, how it ended', async () => {
  const run = (await api.runs({ query: { operation: 'backup' } }))[0];
  expect(await entries('createBackup')).toMatchObject([
    { ...asked, target: backup, run: run?.id, outcome: 'done', detail: null },
  ]);

  const { run: verified } = await api.verifyBackup({
    params: { source: 'shop', id: 'latest' },
    query: { wait: '60s' },
  });
  expect(await entries('verifyBackup')).toMatchObject([{ target: backup, run: verified.id, outcome: 'done' }]);

  const answer = await fetch(served.base + artifact(), { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  await until(async () => (await newest('downloadArtifact'))?.outcome !== 'started', 'its end is written down');
  expect(await entries('downloadArtifact')).toMatchObject([
    { ...asked, target: `${backup}/database.dump`, run: null, outcome: 'done', detail: null },
  ]);

  await expect(
    api.restore({ body: { id: 'latest', keepOld: false, confirm: 'shopp' }, query: { wait: '60s' } }),
  ).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
  expect(await entries('restore')).toMatchObject([
    { ...asked, target: backup, run: null, outcome: 'refused', detail: 'NOT_CONFIRMED' },
  ]);

  const viewer = served.client(await served.token('watcher', '--role', 'viewer'));
  await expect(viewer.createBackup({ body: { source: 'shop' } })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  expect(await newest('createBackup')).toMatchObject({ who: 'watcher', outcome: 'refused', detail: 'NOT_ALLOWED' });

  await api.changeSettings({ body: { changes: [{ path: ['sources', 'shop', 'retention', 'last'], value: 9 }] } });
  expect(await newest('changeSettings')).toMatchObject({ target: 'sources.shop.retention.last', outcome: 'done' });
  await until(async () => !(await api.settings()).pending, 'they are in effect');
});

test('a run that fails or is cancelled ends its line, also for whoever did not wait for it', async () => {
  await server.sql('postgres', 'alter database shop rename to away');
  try {
    await api.createBackup({ query: { wait: '60s' } });
  } finally {
    await server.sql('postgres', 'alter database away rename to shop');
  }
  expect(await newest('createBackup')).toMatchObject({ ...asked, outcome: 'failed', detail: 'DATABASE_MISSING' });

  await using session = await server.session('shop');
  await session.query('begin; lock table orders in access exclusive mode');
  const { run } = await api.createBackup();
  expect(await newest('createBackup')).toMatchObject({ run: run.id, outcome: 'started', detail: null });
  await api.cancelRun({ params: { id: run.id } });
  await until(async () => (await newest('createBackup'))?.outcome !== 'started', 'it has ended');
  expect(await newest('createBackup')).toMatchObject({ run: run.id, outcome: 'cancelled', detail: 'RUN_CANCELLED' });
});

test('a download that was broken off is no good one', async () => {
  const content = await beginDownload(artifact());
  expect(await newest('downloadArtifact')).toMatchObject({
    ...asked,
    target: `${backup}/database.dump`,
    outcome: 'started',
  });
  content.destroy();
  await until(async () => (await newest('downloadArtifact'))?.outcome !== 'started', 'its end is written down');
  expect(await newest('downloadArtifact')).toMatchObject({ outcome: 'failed', detail: 'INTERRUPTED' });
});

test('a large upload is on record with its name, and becomes what was sent', async () => {
  const content = Uint8Array.from(await readFile(join(holdfast.storage, 'shop', backup, 'database.dump')));
  expect(content.length).toBeGreaterThan(16 * 1024 * 1024);
  const query = { name: 'from-afar.dump', allow: 'superuser' as const, wait: '60s' };
  const { run } = await api.importFile({ query, content });
  expect(run, JSON.stringify(run.error)).toMatchObject({ operation: 'import', state: 'succeeded' });
  expect(await entries('importFile')).toMatchObject([
    { ...asked, target: 'from-afar.dump', run: run.id, outcome: 'done', detail: null },
  ]);
  const { manifest } = await api.backup({ params: { source: 'shop', id: run.backup ?? '' } });
  expect(JSON.stringify(manifest)).toContain(createHash('sha256').update(content).digest('hex'));
  await api.deleteBackup({ params: { source: 'shop', id: run.backup ?? '' }, query: { wait: '60s' } });
});

test('Ops-Center: a restore by its routes is found among the restores', async () => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const [file] = (await (await fetch(`${served.base}/api/backups`, { headers })).json()) as { filename: string }[];
  const body = JSON.stringify({ backup_filename: file?.filename });
  const answer = await fetch(`${served.base}/api/backups/restore`, { method: 'POST', headers, body });
  expect(await answer.json()).toMatchObject({ success: true });
  expect(await newest('restore')).toMatchObject({ ...asked, target: backup, outcome: 'done' });
});

test('kill -9 in the middle of a restore: who began it, and of which backup, was on record before', async () => {
  await using session = await server.session('shop');
  await session.query('begin; lock table orders in access exclusive mode');
  const of = { id: backup, keepOld: false, safetyBackup: true, confirm: 'shop' };
  // Answers only at its end, which does not come.
  const waiting = api.restore({ body: of, query: { wait: '10m' } }).catch((error: unknown) => error);
  const line = async () => (await newest('restore'))?.outcome === 'started' && (await newest('restore'))?.run;
  await until(async () => typeof (await line()) === 'string', 'it is on record while it works');
  const { run } = (await newest('restore')) ?? {};
  expect(await newest('restore')).toMatchObject({ ...asked, target: backup, detail: null });
  await killAndServeAgain();
  expect(await waiting).toBeInstanceOf(Error);
  await until(async () => (await newest('restore'))?.outcome !== 'started', 'it was found cut off');
  expect(await newest('restore')).toMatchObject({
    ...asked,
    run,
    target: backup,
    outcome: 'failed',
    detail: 'INTERRUPTED',
  });
  expect((await entries('restore')).filter((entry) => entry.run === run)).toHaveLength(1);
});

test('kill -9 in the middle of a download', async () => {
  const content = await beginDownload(artifact());
  content.once('error', () => undefined);
  expect(await newest('downloadArtifact')).toMatchObject({ ...asked, outcome: 'started' });
  const before = (await entries('downloadArtifact')).length;
  await killAndServeAgain();
  expect(await entries('downloadArtifact')).toHaveLength(before);
  const target = `${backup}/database.dump`;
  expect(await newest('downloadArtifact')).toMatchObject({
    ...asked,
    target,
    outcome: 'failed',
    detail: 'INTERRUPTED',
  });
});
