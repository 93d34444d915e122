import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { stockDump } from '../support/databases.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

/** S24: a dump is SQL that runs with the rights of the role that loads it; what was made elsewhere must not become a program on the server. */
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let operator: Client;
let admin: Client;
let place: TemporaryFolder;
let content: Uint8Array<ArrayBuffer>;
const wait = { wait: '60s' };
const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

beforeAll(async () => {
  server = await startPostgres();
  place = await temporaryFolder();
  await server.sql('postgres', `create role plain login createdb password 'a-word-of-its-own'`);
  await server.sql('postgres', `create role maker login createdb createrole password 'a-word-of-its-own'`);
  await server.sql('postgres', `create role reader login createdb password 'a-word-of-its-own'`);
  await server.sql('postgres', `create role between; grant pg_read_server_files to between; grant between to reader`);
  for (const name of ['plain', 'maker', 'reader'])
    await server.sql('postgres', `create database ${name} owner ${name}`);
  await server.createDatabase('shop');
  await server.sql('shop', `create table orders (id int); insert into orders values (1)`);
  await stockDump(server, 'shop', 'custom', join(place.path, 'shop.dump'), { args: ['--no-owner'] });
  content = Uint8Array.from(await readFile(join(place.path, 'shop.dump')));
  const as = (user: string) => ({ database: { url: server.url(user, { user, password: 'a-word-of-its-own' }) } });
  holdfast = await installHoldfast({
    url: server.url('shop'),
    top: {
      sources: {
        shop: { database: { url: server.url('shop') } },
        plain: { ...as('plain'), drill: { target: 'temporary' } },
        maker: as('maker'),
        reader: as('reader'),
      },
      server: anyPort,
    },
  });
  served = await serveHoldfast(holdfast);
  operator = served.client(await served.token('ops', '--role', 'operator'));
  admin = served.client(await served.token('admin', '--role', 'admin'));
}, 180_000);
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** A dump whose contents begin a program on the server, made by exchanging a statement for one of the same length. */
async function hostile(proof: string): Promise<Uint8Array<ArrayBuffer>> {
  const program = `copy (select 1) to program 'touch ${proof}'`;
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'dump');
  await server.createDatabase('bait');
  await server.sql('bait', `create table t (id int); create view v as select '${'x'.repeat(200)}'::text as x`);
  await stockDump(server, 'bait', 'custom', path);
  await server.sql('postgres', 'drop database bait');
  const bytes = await readFile(path);
  const text = bytes.toString('latin1');
  const begin = text.indexOf('CREATE VIEW');
  const end = text.indexOf(';', begin);
  return Uint8Array.from(Buffer.from(text.slice(0, begin) + program.padEnd(end - begin) + text.slice(end), 'latin1'));
}

test.each(['shop', 'maker', 'reader'])('over HTTP, nothing is loaded as the role of %s', async (source) => {
  const proof = join(holdfast.folder, `proof-${source}`);
  const query = { source, name: 'shop_20250102_030405.dump', ...wait };
  const { run } = await operator.importFile({ query, content: await hostile(proof) });
  expect(run).toMatchObject({ state: 'failed', error: { code: 'IMPORT_SUPERUSER' } });
  expect(await said(stat(proof))).toMatchObject({ code: 'ENOENT' });
  const allowed = { ...query, allow: 'superuser' as const };
  expect(await said(operator.importFile({ query: allowed, content }))).toMatchObject({ status: 403 });
});

test('whoever may change the settings can allow it; drills and restores then go by that', async () => {
  const query = { source: 'shop', name: 'shop_20250102_030405.dump', allow: 'superuser' as const, ...wait };
  const { run } = await admin.importFile({ query, content });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  const params = { source: 'shop', id: run.backup ?? '' };
  expect(await operator.backup({ params })).toMatchObject({ manifest: { imported: { superuser: true } } });
  const drilled = await operator.drillBackup({ params, body: {}, query: wait });
  expect(drilled.run, JSON.stringify(drilled.run.error)).toMatchObject({ state: 'succeeded' });
  expect(await operator.planRestore({ body: { ...params, into: 'copy' } })).toMatchObject({ blocked: false });
});

test('a role that reaches no further is asked for nothing, and what it let in does not run as a superuser later', async () => {
  const { run } = await operator.importFile({
    query: { source: 'plain', name: 'shop_20250102_030405.dump', ...wait },
    content,
  });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  const params = { source: 'plain', id: run.backup ?? '' };
  // The throw-away server of such a drill has no role but that of the one who runs it.
  const drilled = await operator.drillBackup({ params, body: {}, query: wait });
  expect(drilled.run, JSON.stringify(drilled.run.error)).toMatchObject({
    state: 'failed',
    error: { code: 'IMPORT_SUPERUSER' },
  });
  const restored = await operator.restore({ body: { ...params, into: 'plain_copy', owners: 'none' }, query: wait });
  expect(restored.run, JSON.stringify(restored.run.error)).toMatchObject({ state: 'succeeded' });
  const body = { ...params, into: server.url('elsewhere') };
  expect(await admin.planRestore({ body })).toMatchObject({ blocked: true });
  expect(await said(operator.planRestore({ body: { ...params, allow: ['superuser'] } }))).toMatchObject({
    status: 403,
  });
});

test('from the command line: import and restore of a file ask for it by name', async () => {
  const file = join(place.path, 'shop.dump');
  const imported = await holdfast.run('import', file, '--source', 'reader');
  expect(imported).toMatchObject({ status: 4, stderr: expect.stringContaining('IMPORT_SUPERUSER') });
  const refused = await holdfast.run('restore', file, '--source', 'shop', '--into', 'file_copy', '--yes');
  expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('superuser') });
  expect(await server.databases()).not.toContain('file_copy');
  const allow = ['--allow', 'superuser'];
  await holdfast.json('restore', file, '--source', 'shop', '--into', 'file_copy', '--yes', ...allow);
  expect(await server.sql('file_copy', 'select id from orders')).toEqual([{ id: 1 }]);
  // What lies in the folder of a configured storage is the operator's own.
  await mkdir(join(holdfast.storage, 'old'));
  const old = 'shop_20250102_030406.dump';
  await writeFile(join(holdfast.storage, 'old', old), content);
  await writeFile(join(holdfast.storage, old), content);
  const all = await holdfast.run('import', '--from', 'local', 'old', '--source', 'shop', '--json');
  expect(all.stdout + all.stderr).toContain(old);
  expect(all.stdout + all.stderr).not.toContain('IMPORT_SUPERUSER');
  await holdfast.json('restore', old, '--source', 'shop', '--into', 'own_copy', '--yes');
  expect(await server.sql('own_copy', 'select id from orders')).toEqual([{ id: 1 }]);
});
