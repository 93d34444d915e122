import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import type { RunView } from '../../src/api/contract.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let api: Client;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
  holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: { dump: { format: 'custom', lockTimeout: '60s' }, storages: ['local', 'second'] },
    top: {
      server: anyPort,
      encryption: { passphrase: 'a long passphrase' },
      storages: { local: { type: 'local', path: './backups' }, second: { type: 'local', path: './second' } },
    },
  });
  served = await serveHoldfast(holdfast);
  api = served.client(await served.token('test', '--role', 'admin'));
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const backUp = async (description?: string) => {
  const { run: made } = await api.createBackup({ query: { wait: '60s' }, body: { description } });
  expect(made.state, JSON.stringify(made.error)).toBe('succeeded');
  return { source: 'shop', id: made.backup ?? '' };
};
const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

test('B-01 O-d8: a backup is begun, watched, listed and shown', async () => {
  const begun = await api.createBackup({ body: { description: 'before the move' } });
  expect(begun.run).toMatchObject({ operation: 'backup', source: 'shop', trigger: 'api' });
  let last: RunView = begun.run;
  await until(async () => {
    last = await api.run({ params: { id: begun.run.id } });
    return last.finishedAt !== null;
  }, 'the backup is done');
  expect(last).toMatchObject({ state: 'succeeded', error: null, progress: null });
  const params = { source: 'shop', id: last.backup ?? '' };
  const shown = await api.backup({ params });
  expect(shown.backup).toMatchObject({
    ...params,
    description: 'before the move',
    state: 'complete',
    copies: { local: 'complete', second: 'complete' },
    trigger: 'api',
  });
  expect(shown.manifest).toMatchObject({ id: params.id, database: { name: 'shop' } });
  expect(JSON.stringify(shown)).not.toContain(server.password);
  const { items } = await api.backups();
  expect(items[0]).toEqual(shown.backup);
  const [source] = await api.sources();
  expect(source).toMatchObject({ name: 'shop', encrypted: true, newest: { id: params.id }, running: [], failed: null });
  expect(await api.source({ params: { source: 'shop' } })).toEqual(source);
  expect(await api.runLog({ params: { id: last.id } })).toContainEqual(
    expect.objectContaining({ message: expect.stringMatching(/^dump done/) }),
  );
  expect(await holdfast.json<{ id: string }[]>('list')).toMatchObject([{ id: params.id }]);
});

test('an Idempotency-Key makes one backup of many wishes, also of those at the same time', async () => {
  const headers = { 'idempotency-key': 'deploy-17' };
  const wish = () => api.createBackup({ body: { description: 'deploy' }, query: { wait: '60s' }, headers });
  const [first, second] = await Promise.all([wish(), wish()]);
  const third = await wish();
  expect(second.run.id).toBe(first.run.id);
  expect(third.run).toEqual(first.run);
  expect(first.run.state).toBe('succeeded');
  expect(second.run.state).toBe('succeeded');
  expect(await said(api.createBackup({ body: { description: 'another' }, headers }))).toMatchObject({
    status: 422,
    code: 'KEY_REUSED',
  });
});

test('lists page with a cursor that new backups do not shift', async () => {
  const before = (await api.backups()).items.map(({ id }) => id);
  expect(before.length).toBeGreaterThanOrEqual(2);
  const first = await api.backups({ query: { limit: 1 } });
  expect(first.next).not.toBeNull();
  await backUp('in between');
  const second = await api.backups({ query: { limit: 1, cursor: first.next ?? '' } });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(before.slice(0, 2));
  const rest = await api.backups({ query: { cursor: first.next ?? '' } });
  expect(rest.items.map(({ id }) => id)).toEqual(before.slice(1));
  expect(rest.next).toBeNull();

  const runs = (await api.runs()).map(({ id }) => id);
  expect((await api.runs({ query: { before: runs[0] ?? '', limit: 2 } })).map(({ id }) => id)).toEqual(
    runs.slice(1, 3),
  );
  expect(await api.runs({ query: { before: runs.at(-1) ?? '' } })).toEqual([]);
  expect(await api.runs({ query: { before: 'unknown' } })).toEqual([]);
});

test('hold, release, verify, drill, copy, delete, prune', async () => {
  const params = await backUp();
  expect(await api.changeBackup({ params, body: { held: true, reason: 'audit' } })).toEqual({
    storages: ['local', 'second'],
  });
  expect((await api.backup({ params })).backup.held).toBe(true);
  expect(await said(api.deleteBackup({ params, query: { wait: '60s' } }))).toMatchObject({
    status: 422,
    code: 'BACKUP_HELD',
  });
  await api.changeBackup({ params, body: { held: false } });

  const verified = await api.verifyBackup({ params, query: { wait: '60s' } });
  expect(verified.run).toMatchObject({ operation: 'verify', state: 'succeeded', trigger: 'api', backup: params.id });
  const drilled = await api.drillBackup({ params, query: { wait: '60s' } });
  expect(drilled.run).toMatchObject({ operation: 'drill', state: 'succeeded' });
  const shown = await api.backup({ params });
  expect(shown.backup).toMatchObject({ verified: { ok: true }, drilled: { ok: true } });
  expect(shown.proofs.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['verify', 'drill']));

  const removed = await api.deleteBackup({ params, query: { storage: 'second', wait: '60s' } });
  expect(removed.run).toMatchObject({ operation: 'delete', state: 'succeeded', result: { removed: ['second'] } });
  expect((await api.backup({ params })).backup.copies).toEqual({ local: 'complete', second: 'missing' });
  const copied = await api.copyBackup({ params, body: { to: 'second' }, query: { wait: '60s' } });
  expect(copied.run).toMatchObject({ operation: 'copy', state: 'succeeded' });
  expect((await api.backup({ params })).backup.copies).toEqual({ local: 'complete', second: 'complete' });

  expect(await api.planPrune()).toMatchObject([{ source: 'shop' }, { source: 'shop' }]);
  const gone = await api.deleteBackup({ params, query: { wait: '60s' } });
  expect(gone.run.state).toBe('succeeded');
  expect(await said(api.backup({ params }))).toMatchObject({ status: 404, code: 'BACKUP_UNKNOWN' });
  expect(await holdfast.stored()).not.toContain(params.id);
});

test('a run is cancelled, and leaves nothing behind', async () => {
  const before = await holdfast.stored();
  const session = await server.session('shop');
  await session.query('begin; lock table shop.customer in access exclusive mode');
  const { run: begun } = await api.createBackup({ body: {} });
  await until(
    async () =>
      (await server.sql('postgres', `select 1 from pg_stat_activity where wait_event_type = 'Lock'`)).length > 0,
    'the dump waits',
  );
  expect((await api.runs({ query: { state: 'running' } })).map(({ id }) => id)).toContain(begun.id);
  expect(await said(api.createBackup({ body: {}, query: { wait: '60s' } }))).toMatchObject({
    status: 409,
    code: 'SOURCE_BUSY',
  });
  await api.cancelRun({ params: { id: begun.id } });
  await until(async () => (await api.run({ params: { id: begun.id } })).state === 'cancelled', 'it is cancelled');
  await session.query('rollback');
  await session[Symbol.asyncDispose]();
  expect(await holdfast.stored()).toEqual(before);
  expect(await said(api.cancelRun({ params: { id: begun.id } }))).toMatchObject({ status: 409, code: 'RUN_ENDED' });
});

describe('downloads', () => {
  test('the tar is a whole backup with its keys: unpacked into a storage of another installation it is restored', async () => {
    const params = await backUp('to carry away');
    await using folder = await temporaryFolder();
    const response = await api.downloadBackup({ params });
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="shop-${params.id}.tar"`);
    const file = join(folder.path, 'backup.tar');
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    await using other = await installHoldfast({
      url: server.url('shop'),
      top: { encryption: { passphrase: 'a long passphrase' }, server: false },
    });
    await run('mkdir', ['-p', other.storage]);
    await run('tar', ['-xf', file, '-C', other.storage]);
    expect(await other.stored()).toEqual([params.id]);
    expect(await other.json('verify', params.id)).toMatchObject({ ok: true });
    await other.json('restore', params.id, '--into', 'carried', '--yes');
    const count = 'select count(*)::int as n from shop.orders';
    expect(await server.sql('carried', count)).toEqual(await server.sql('shop', count));
  });

  test('an artifact comes whole or from where it broke off', async () => {
    const params = await backUp();
    const { manifest } = await api.backup({ params });
    const { artifacts } = manifest as { artifacts: { path: string; bytes: number; sha256: string }[] };
    const artifact = artifacts.find(({ bytes }) => bytes > 5000);
    if (!artifact) throw new Error('there is no artifact');
    const query = { path: artifact.path };
    const whole = await api.downloadArtifact({ params, query });
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(artifact.sha256);
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    const rest = await api.downloadArtifact({ params, query, headers: { range: 'bytes=1000-' } });
    expect(rest.status).toBe(206);
    expect(rest.headers.get('content-range')).toBe(`bytes 1000-${artifact.bytes - 1}/${artifact.bytes}`);
    expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(1000))).toBe(true);
    const changed = await api.downloadArtifact({
      params,
      query,
      headers: { range: 'bytes=1000-', 'if-range': '"other"' },
    });
    expect(changed.status).toBe(200);
    await changed.arrayBuffer();
    expect(
      await said(api.downloadArtifact({ params, query, headers: { range: `bytes=${artifact.bytes}-` } })),
    ).toMatchObject({ status: 416 });
    expect(await said(api.downloadArtifact({ params, query: { path: '../manifest.json' } }))).toMatchObject({
      status: 404,
      code: 'ARTIFACT_UNKNOWN',
    });
  });

  test('a large one is read in threads of their own: whole, six at once, and broken off where it is damaged', async () => {
    await server.sql('shop', 'create table shop.noise as select md5(n::text) as x from generate_series(1, 900000) n');
    const params = await backUp();
    await server.sql('shop', 'drop table shop.noise');
    const { manifest } = await api.backup({ params });
    const { artifacts } = manifest as { artifacts: { path: string; bytes: number; sha256: string }[] };
    const artifact = artifacts.toSorted((a, b) => b.bytes - a.bytes)[0];
    if (!artifact) throw new Error('there is no artifact');
    expect(artifact.bytes).toBeGreaterThan(10 * 1024 * 1024);
    const query = { path: artifact.path };
    const fetched = async () =>
      createHash('sha256')
        .update(Buffer.from(await (await api.downloadArtifact({ params, query })).arrayBuffer()))
        .digest('hex');
    expect(new Set(await Promise.all(Array.from({ length: 6 }, fetched)))).toEqual(new Set([artifact.sha256]));
    const tar = Buffer.from(await (await api.downloadBackup({ params })).arrayBuffer());
    const name = `shop/${params.id}/${artifact.path}`;
    const at = tar.indexOf(name) + 512;
    expect(
      createHash('sha256')
        .update(tar.subarray(at, at + artifact.bytes))
        .digest('hex'),
    ).toBe(artifact.sha256);
    const file = join(holdfast.storage, 'shop', params.id, artifact.path);
    const content = await readFile(file);
    content[artifact.bytes - 1] = (content[artifact.bytes - 1] ?? 0) ^ 1;
    await writeFile(file, content);
    await expect(fetched()).rejects.toThrow();
    const small = artifacts.find(({ bytes }) => bytes > 100 && bytes < 1024 * 1024);
    if (!small) throw new Error('there is no small artifact');
    const smallFile = join(holdfast.storage, 'shop', params.id, small.path);
    const bytes = await readFile(smallFile);
    bytes[50] = (bytes[50] ?? 0) ^ 1;
    await writeFile(smallFile, bytes);
    const first = api.downloadArtifact({ params, query: { path: small.path } });
    await expect(first.then((response) => response.arrayBuffer())).rejects.toThrow();
    await rm(file);
    expect(await said(api.downloadArtifact({ params, query }))).toMatchObject({ code: 'ARTIFACT_MISSING' });
    await api.deleteBackup({ params, query: { wait: '60s' } });
  });

  test('a copy that was changed breaks the download off', async () => {
    const params = await backUp();
    const folder = join(holdfast.storage, 'shop', params.id);
    const dump = (await readdir(folder)).find((name) => name.startsWith('database')) ?? '';
    const content = await readFile(join(folder, dump));
    content[100] = (content[100] ?? 0) ^ 1;
    await writeFile(join(folder, dump), content);
    const broken = await api
      .downloadBackup({ params, query: { storage: 'local' } })
      .then((response) => response.arrayBuffer())
      .then(
        () => 'whole',
        () => 'broken off',
      );
    expect(broken).toBe('broken off');
    expect((await fetch(`${served.base}/healthz`)).status).toBe(200);
    await api.deleteBackup({ params, query: { wait: '60s' } });
  });
});

test('B-15: a restore is planned, confirmed by the name, carried out and undone', async () => {
  const params = await backUp();
  await server.sql('shop', `update shop.customer set name = 'changed'`);
  const body = { id: params.id, keepOld: true, safetyBackup: false };
  const plan = await api.planRestore({ body });
  expect(plan).toMatchObject({ id: params.id, mode: 'swap', blocked: false, confirm: 'shop' });
  expect(plan.guards.length).toBeGreaterThan(3);
  expect(await said(api.restore({ body }))).toMatchObject({ status: 422, code: 'NOT_CONFIRMED' });
  expect(await said(api.restore({ body: { ...body, confirm: 'shopp' } }))).toMatchObject({ code: 'NOT_CONFIRMED' });
  const changed = `select count(*)::int as n from shop.customer where name = 'changed'`;
  expect(await server.sql('shop', changed)).not.toEqual([{ n: 0 }]);
  const restored = await api.restore({ body: { ...body, confirm: 'shop' }, query: { wait: '60s' } });
  expect(restored.run, JSON.stringify(restored.run.error)).toMatchObject({
    operation: 'restore',
    state: 'succeeded',
    trigger: 'api',
  });
  expect(await server.sql('shop', changed)).toEqual([{ n: 0 }]);
  const undone = await api.undoRestore({ body: { confirm: 'shop' }, query: { wait: '60s' } });
  expect(undone.run).toMatchObject({ state: 'succeeded' });
  expect(await server.sql('shop', changed)).not.toEqual([{ n: 0 }]);
});

test('check, alerts, report', async () => {
  expect(await api.check({ query: { fresh: 'true' } })).toMatchObject({
    status: expect.stringMatching(/^(ok|warning|critical)$/),
  });
  expect(await api.alerts()).toMatchObject({ channels: [], incidents: expect.any(Array), undelivered: [] });
  expect(await api.testAlerts()).toEqual([]);
  expect(await (await api.report()).json()).toMatchObject({ sources: [expect.objectContaining({})] });
  const page = await api.report({ query: { as: 'html' } });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await page.text()).toContain('<!doctype html>');
  expect(await (await api.report({ query: { as: 'text' } })).text()).toContain('shop');
});

test('events: a backup that the command line makes is seen with its progress, and lists that changed are named', async () => {
  const stopped = new AbortController();
  const response = await api.events({ signal: stopped.signal });
  let text = '';
  const reading = (async () => {
    for await (const part of response.body ?? []) text += Buffer.from(part).toString();
  })().catch(() => undefined);
  await until(() => text.includes('retry:'), 'the stream is open');
  const session = await server.session('shop');
  await session.query('begin; lock table shop.customer in access exclusive mode');
  const made = holdfast.json<{ run: string; id: string }>('backup');
  const runs = () =>
    [...text.matchAll(/event: run\ndata: (.*)\n/g)].map(([, data]) => JSON.parse(data ?? '') as RunView);
  await until(() => runs().some(({ state }) => state === 'running'), 'it was seen to begin');
  await session.query('rollback');
  await session[Symbol.asyncDispose]();
  const { run: id } = await made;
  await until(() => runs().some((seen) => seen.id === id && seen.state === 'succeeded'), 'it was seen to end');
  await until(() => /event: changed\ndata: {"source":"shop"}/.test(text), 'the list has changed');
  expect(runs().find((seen) => seen.id === id && seen.state === 'running')).toMatchObject({
    operation: 'backup',
    source: 'shop',
  });
  stopped.abort();
  await reading;
});

test('what is written down: who did what, from where', async () => {
  const { items } = await api.audit({ query: { limit: 500 } });
  const did = (action: string) => items.find((item) => item.action === action);
  expect(did('restore')).toMatchObject({
    who: 'test',
    via: 'token',
    from: '127.0.0.1',
    source: 'shop',
    target: expect.stringMatching(/^\d{4}-/),
    outcome: 'done',
  });
  expect(did('createBackup')).toMatchObject({ source: 'shop', outcome: 'done' });
  expect(did('downloadBackup')).toMatchObject({ source: 'shop', target: expect.stringMatching(/^\d{4}-/) });
  expect(did('createToken')).toMatchObject({ via: 'cli', target: 'test' });
  expect(items.some(({ action }) => ['events', 'report', 'backups', 'sources'].includes(action))).toBe(false);
  const page = await api.audit({ query: { limit: 2 } });
  const next = await api.audit({ query: { limit: 2, cursor: page.next ?? '' } });
  expect([...page.items, ...next.items]).toEqual((await api.audit({ query: { limit: 4 } })).items);
});
