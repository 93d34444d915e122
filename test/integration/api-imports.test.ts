import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { serveHoldfast, type Served } from '../support/api.ts';
import { stockDump } from '../support/databases.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeNbdata } from '../support/nbdata-writer.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let api: Client;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql(
    'shop',
    `create table orders (id int, note text); insert into orders select n, repeat(md5(n::text), 20) from generate_series(1, 5000) n`,
  );
  holdfast = await installHoldfast({
    url: server.url('shop'),
    top: { server: { listen: '127.0.0.1:0', maxUpload: '2mb' } },
  });
  await mkdir(join(holdfast.folder, 'tmp'));
  served = await serveHoldfast(holdfast, { TMPDIR: join(holdfast.folder, 'tmp') });
  api = served.client(await served.token('test', '--role', 'admin'));
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

let dumps = 0;

const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
/** What lies where uploads are received. */
async function uploads(): Promise<string[]> {
  const all = await readdir(join(holdfast.folder, 'tmp'), { recursive: true });
  return all.filter((name) => /upload-[^/]+$/.test(name));
}
/** Each another one: two of the same second would be the same to the byte, and known. */
async function dumped(format: 'custom' | 'plain'): Promise<Uint8Array<ArrayBuffer>> {
  await server.sql('shop', `comment on table orders is 'as of dump ${(dumps += 1)}'`);
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'dump');
  await stockDump(server, 'shop', format, path, { args: ['--no-owner'] });
  return Uint8Array.from(await readFile(path));
}

test('a dump that is uploaded becomes a backup that was proven, and is restored; the second time it is known', async () => {
  const content = await dumped('custom');
  const query = {
    name: 'backup_shop_20250102_030405.dump',
    description: 'from the old machine',
    allow: 'superuser' as const,
    wait: '60s',
  };
  const { run } = await api.importFile({ query, content });
  expect(run, JSON.stringify(run.error)).toMatchObject({ operation: 'import', state: 'succeeded', source: 'shop' });
  const params = { source: 'shop', id: run.backup ?? '' };
  expect(await api.backup({ params })).toMatchObject({
    backup: {
      description: 'from the old machine',
      trigger: 'import',
      createdAt: expect.stringMatching(/^2025-01-02T/),
    },
  });
  const restored = await api.restore({ body: { id: params.id, into: 'imported' }, query: { wait: '60s' } });
  expect(restored.run, JSON.stringify(restored.run.error)).toMatchObject({ state: 'succeeded' });
  expect(await server.sql('imported', 'select count(*)::int as n from orders')).toEqual([{ n: 5000 }]);
  expect(await said(api.importFile({ query, content }))).toMatchObject({ status: 409, code: 'IMPORT_KNOWN' });
  await until(async () => (await uploads()).length === 0, 'nothing stays behind');
});

test('S20: a time that is still to come is no time of a backup', async () => {
  const content = Uint8Array.from(Buffer.from(await dumped('custom')));
  const query = { allow: 'superuser' as const, wait: '60s' };
  const named = { ...query, name: 'backup_shop_20350102_030405.dump' };
  expect(await said(api.importFile({ query: named, content }))).toMatchObject({
    status: 400,
    code: 'IMPORT_FROM_FUTURE',
  });
  const timed = { ...query, name: 'a.dump', modifiedAt: '2035-01-02T03:04:05Z' };
  const { run } = await api.importFile({ query: timed, content });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  const params = { source: 'shop', id: run.backup ?? '' };
  const { backup, manifest } = await api.backup({ params });
  expect(Math.abs(Date.parse(backup.createdAt) - Date.now())).toBeLessThan(3_600_000);
  expect(JSON.stringify(manifest)).toContain('still to come');
  await api.deleteBackup({ params, query: { wait: '60s' } });
});

test('S24: what is no dump, a script and what is too large are refused, and nothing stays behind', async () => {
  const junk = new TextEncoder().encode('this is no dump at all');
  const refused = await said(api.importFile({ query: { name: '../../../etc/cron.d/x', wait: '60s' }, content: junk }));
  expect(refused).toMatchObject({ status: 422, code: 'NOT_A_DUMP', message: expect.not.stringContaining('upload-') });
  const large = new Uint8Array(3 * 1024 * 1024);
  expect(await said(api.importFile({ query: { name: 'large.dump' }, content: large }))).toMatchObject({
    status: 413,
    code: 'BODY_TOO_LARGE',
  });
  // Without its length said before, it is counted. Each piece comes in a turn of its own: a client that had one ready at all
  // times would never get to hear that the connection is gone.
  let sent = 0;
  const endless = new ReadableStream({
    pull: async (controller) => {
      await nextTurn();
      sent += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const options = {
    method: 'POST',
    body: endless,
    duplex: 'half',
    headers: {
      authorization: `Bearer ${await served.token('endless', '--role', 'operator')}`,
      'content-type': 'application/octet-stream',
    },
  };
  const answer = await fetch(`${served.base}/api/v1/imports?name=x.dump`, options as RequestInit).then(
    ({ status }) => status,
    () => 'cut',
  );
  expect([413, 'cut']).toContain(answer);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  const script = await dumped('plain');
  const operator = served.client(await served.token('operator', '--role', 'operator'));
  expect(
    await said(operator.importFile({ query: { name: 'shop.sql', allow: 'script' }, content: script })),
  ).toMatchObject({ status: 403 });
  await until(async () => (await uploads()).length === 0, 'nothing stays behind');
  expect(await holdfast.stored()).toHaveLength(1);
  expect((await fetch(`${served.base}/healthz`)).status).toBe(200);
});

test('S24: whoever sends no file, or says nothing of its kind as curl does, is told what to send', async () => {
  const authorization = `Bearer ${await served.token('curl', '--role', 'operator')}`;
  const send = async (init: { headers?: Record<string, string>; body?: string }) => {
    const headers = { authorization, ...init.headers };
    const answer = await fetch(`${served.base}/api/v1/imports?name=x.dump`, { method: 'POST', ...init, headers });
    const { code, hint } = (await answer.json()) as { code: string; hint: string };
    return { status: answer.status, code, hint };
  };
  const hint = expect.stringContaining('application/octet-stream') as string;
  expect(await send({})).toEqual({ status: 400, code: 'REQUEST_INVALID', hint });
  for (const type of ['application/x-www-form-urlencoded', 'application/json'])
    expect(await send({ headers: { 'content-type': type }, body: 'x' })).toEqual({
      status: 415,
      code: 'TYPE_UNSUPPORTED',
      hint,
    });
});

test('an upload that breaks off leaves nothing behind', async () => {
  const stopped = new AbortController();
  const slow = new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(1000)),
  });
  const token = await served.token('breaks', '--role', 'operator');
  const options = {
    method: 'POST',
    body: slow,
    duplex: 'half',
    signal: stopped.signal,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
  };
  const asked = said(fetch(`${served.base}/api/v1/imports?name=x.dump`, options as RequestInit));
  await until(async () => (await uploads()).length === 1, 'it has begun');
  stopped.abort();
  expect(await asked).toMatchObject({ name: 'AbortError' });
  await until(async () => (await uploads()).length === 0, 'nothing stays behind');
});

test('B-15 S26: an encrypted file of NocoBase takes its password, and says when it is wrong', async () => {
  const data = Buffer.from(await dumped('custom'));
  const content = Uint8Array.from(makeNbdata({ data, password: 'päss wörd' }));
  const query = { name: 'backup_20250203_040506_7.nbdata', allow: 'superuser' as const, wait: '60s' };
  const upload = (password?: string) =>
    api.importFile({
      query,
      content,
      ...(password === undefined ? {} : { headers: { 'x-holdfast-password': encodeURIComponent(password) } }),
    });
  expect(await said(upload())).toMatchObject({ status: 422, code: 'NBDATA_PASSWORD_NEEDED' });
  expect(await said(upload('wrong'))).toMatchObject({ status: 422, code: 'NBDATA_PASSWORD_WRONG' });
  const { run } = await upload('päss wörd');
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
});
