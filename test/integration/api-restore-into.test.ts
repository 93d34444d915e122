import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';

/** S24: whoever may restore one source must not reach the databases of others by naming them as the place to restore into. */
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let operator: Client;
let admin: Client;
const of: Record<string, string> = {};
const wait = { wait: '60s' };
const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
const file = (name: string) => join(holdfast.folder, 'data', name);

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ['shop', 'bank', 'scrap']) {
    await server.createDatabase(name);
    await server.sql(name, `create table orders (id int, of text); insert into orders values (1, '${name}')`);
  }
  await server.createDatabase('blank');
  holdfast = await installHoldfast({ url: server.url('shop') });
  await mkdir(join(holdfast.folder, 'data'));
  for (const name of ['a.db', 'b.db', 'c.db'])
    runIn(file(name), `create table orders (id integer, of text); insert into orders values (1, '${name}')`);
  await holdfast.configure({
    state: './state',
    sources: {
      shop: { database: { url: server.url('shop') } },
      // The same server by another name, as another configuration might have it.
      bank: { database: { url: server.url('bank').replace('127.0.0.1', 'localhost') } },
      lost: { database: { url: server.url('lost') } },
      a: { database: { path: './data/a.db' } },
      b: { database: { path: './data/b.db' } },
    },
    storages: { local: { type: 'local', path: './backups' } },
    server: anyPort,
  });
  served = await serveHoldfast(holdfast);
  operator = served.client(
    await served.token('ops', '--role', 'operator', '--only-source', 'shop', '--only-source', 'a'),
  );
  admin = served.client(await served.token('admin', '--role', 'admin'));
  for (const source of ['shop', 'a']) {
    const { run } = await operator.createBackup({ body: { source }, query: wait });
    of[source] = run.backup ?? '';
  }
}, 180_000);
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const table = { shop: [{ schema: 'public', name: 'orders' }], a: [{ schema: '', name: 'orders' }] };
const ofOrders = async (name: string) => (await server.sql(name, 'select of from orders'))[0]?.['of'];

describe('S24: over HTTP, a restore into another database fills only a new one', () => {
  test.each(['bank', 'scrap'])('PostgreSQL: parts do not go into %s, which holds something', async (into) => {
    const body = { source: 'shop', id: of['shop'] ?? '', into, tables: table.shop };
    const refused = await said(operator.restore({ body: { ...body, confirm: into }, query: wait }));
    const ended = refused ?? (await operator.runs({ query: { source: 'shop', operation: 'restore' } }))[0];
    expect(JSON.stringify(ended)).toMatch(/TARGET_IS_LIVE|RESTORE_REFUSED/);
    expect(await ofOrders(into)).toBe(into);
  });

  test('the name of a live database that is missing just now is not taken for another source', async () => {
    const body = { source: 'shop', id: of['shop'] ?? '', into: 'lost' };
    await said(operator.restore({ body, query: wait }));
    expect(await server.databases()).not.toContain('lost');
    expect(await said(operator.planRestore({ body }))).toMatchObject({ code: 'TARGET_IS_LIVE' });
  });

  test.each(['postgres', 'template1'])('%s belongs to the server, empty or not', async (into) => {
    const body = { source: 'shop', id: of['shop'] ?? '', into };
    const plan = await operator.planRestore({ body });
    expect(plan).toMatchObject({ blocked: true });
    await said(operator.restore({ body: { ...body, confirm: into }, query: wait }));
    expect(await server.sql(into, `select 1 from pg_class where relname = 'orders'`)).toEqual([]);
  });

  test('a name that no server could have is refused before one is asked', async () => {
    for (const into of ['a\0b', '']) {
      const body = { source: 'shop', id: of['shop'] ?? '', into };
      expect(await said(operator.planRestore({ body }))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
      expect(await said(operator.restore({ body }))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    }
  });

  test.each(['b.db', 'c.db'])('SQLite: parts do not go into %s, which holds something', async (into) => {
    const body = { source: 'a', id: of['a'] ?? '', into, tables: table.a, confirm: into };
    await said(operator.restore({ body, query: wait }));
    expect(rowsOf(file(into), 'select of from orders')).toEqual([{ of: into }]);
  });

  test('SQLite: a path is for whoever may change the settings', async () => {
    for (const into of [file('c.db'), join(holdfast.state, 'catalog.sqlite'), 'x/../c.db', file('new.db')]) {
      const body = { source: 'a', id: of['a'] ?? '', into };
      expect(await said(operator.planRestore({ body })), into).toMatchObject({ status: 403, code: 'NOT_ALLOWED' });
      expect(await said(operator.restore({ body: { ...body, confirm: into } })), into).toMatchObject({ status: 403 });
    }
    for (const into of ['..', 'b.db-wal', 'b.db-journal', 'b.db-shm'])
      expect(await said(operator.planRestore({ body: { source: 'a', id: of['a'] ?? '', into } })), into).toMatchObject({
        code: 'NAME_INVALID',
      });
  });

  test('a new one, and an empty one, are filled as before', async () => {
    for (const into of ['copy', 'blank']) {
      const { run } = await operator.restore({ body: { source: 'shop', id: of['shop'] ?? '', into }, query: wait });
      expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
      expect(await ofOrders(into)).toBe('shop');
    }
    const { run } = await operator.restore({ body: { source: 'a', id: of['a'] ?? '', into: 'd.db' }, query: wait });
    expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
    expect(rowsOf(file('d.db'), 'select of from orders')).toEqual([{ of: 'a.db' }]);
  });

  test('whoever may change the settings fills an existing one with parts, and confirms it by its name', async () => {
    await copyFile(file('c.db'), file('e.db'));
    const body = { source: 'a', id: of['a'] ?? '', into: file('e.db'), tables: table.a };
    expect(await admin.planRestore({ body })).toMatchObject({ mode: 'new', confirm: 'e.db', blocked: false });
    expect(await said(admin.restore({ body, query: wait }))).toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(rowsOf(file('e.db'), 'select of from orders')).toEqual([{ of: 'c.db' }]);
    const { run } = await admin.restore({ body: { ...body, confirm: 'e.db' }, query: wait });
    expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
    expect(rowsOf(file('e.db'), 'select of from orders')).toEqual([{ of: 'a.db' }]);
  });

  test('nobody fills what another source protects, or what the program keeps for itself', async () => {
    const into = (name: string) => ({ source: 'a', id: of['a'] ?? '', into: name, tables: table.a, confirm: name });
    const before = await readFile(file('b.db'));
    expect(await said(admin.restore({ body: into(file('b.db')) }))).toMatchObject({ code: 'TARGET_IS_LIVE' });
    expect(await readFile(file('b.db'))).toEqual(before);
    for (const path of ['state/catalog.sqlite', 'state/new.db', 'backups/new.db']) {
      const body = into(join(holdfast.folder, path));
      expect(await said(admin.restore({ body })), path).toMatchObject({ code: 'TARGET_IS_OURS' });
    }
    expect(await said(stat(join(holdfast.state, 'new.db')))).toMatchObject({ code: 'ENOENT' });
    const address = server.url('bank');
    const body = { source: 'shop', id: of['shop'] ?? '', into: address, tables: table.shop, confirm: 'bank' };
    expect(await said(admin.restore({ body }))).toMatchObject({ code: 'TARGET_IS_LIVE' });
    expect(await ofOrders('bank')).toBe('bank');
  });
});

test('S24: what pruned all sources is not told to whoever may see some of them', async () => {
  const { run } = await admin.prune({ body: {}, query: wait });
  expect(run).toMatchObject({ operation: 'prune', source: null });
  const params = { id: run.id };
  expect((await admin.runs()).map(({ id }) => id)).toContain(run.id);
  expect((await operator.runs()).map(({ id }) => id)).not.toContain(run.id);
  expect(await said(operator.run({ params }))).toMatchObject({ status: 404, code: 'RUN_UNKNOWN' });
  expect(await said(operator.runLog({ params }))).toMatchObject({ status: 404, code: 'RUN_UNKNOWN' });
});

describe('from the command line', () => {
  const restoring = (into: string, ...more: string[]) =>
    holdfast.run('restore', of['a'] ?? '', '--source', 'a', '--into', into, '--table', 'orders', ...more);

  test('parts go into an existing database that nobody protects, once its name was typed', async () => {
    await copyFile(file('c.db'), file('f.db'));
    const asked = await restoring(file('f.db'));
    expect(asked.status).not.toBe(0);
    expect(rowsOf(file('f.db'), 'select of from orders')).toEqual([{ of: 'c.db' }]);
    const done = await restoring(file('f.db'), '--yes');
    expect(done.status, done.stderr).toBe(0);
    expect(rowsOf(file('f.db'), 'select of from orders')).toEqual([{ of: 'a.db' }]);
  });

  test('S24: never into the database of another source, nor into folders of the program', async () => {
    const live = await restoring('b.db', '--yes');
    expect(live).toMatchObject({ status: 4, stderr: expect.stringContaining('TARGET_IS_LIVE') });
    const ours = await restoring(join(holdfast.state, 'catalog.sqlite'), '--yes');
    expect(ours).toMatchObject({ status: 4, stderr: expect.stringContaining('TARGET_IS_OURS') });
    expect(rowsOf(file('b.db'), 'select of from orders')).toEqual([{ of: 'b.db' }]);
  });
});
