import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { rowsOf, runIn } from '../support/sqlite.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

let place: TemporaryFolder;
let holdfast: Installation;
let served: Served;
let api: Client;
let id: string;
let database: string;
let uploads: string;
let letters: string;

beforeAll(async () => {
  place = await temporaryFolder();
  database = join(place.path, 'shop.db');
  uploads = join(place.path, 'uploads');
  letters = join(place.path, 'letters');
  runIn(database, 'create table orders (id integer primary key)');
  holdfast = await installHoldfast({ url: 'postgres://nobody@127.0.0.1/none' });
  await holdfast.configure({
    state: './state',
    sources: {
      shop: {
        database: { path: database },
        files: [
          { name: 'uploads', path: uploads },
          { name: 'letters', path: letters },
        ],
      },
      papers: { files: [{ name: 'letters', path: letters }] },
    },
    storages: { local: { type: 'local', path: './backups' } },
    server: anyPort,
  });
  await live('then', 10);
  served = await serveHoldfast(holdfast);
  api = served.client(await served.token('test', '--role', 'operator'));
  const { run } = await api.createBackup({ body: { source: 'shop' }, query: wait });
  if (run.state !== 'succeeded' || run.backup === null) throw new Error(`no backup: ${JSON.stringify(run)}`);
  id = run.backup;
}, 120_000);
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});
beforeEach(() => live('now', 3));

const wait = { wait: '60s' };
const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

/** What lives: a text in both folders, and so many orders. */
async function live(text: string, orders: number): Promise<void> {
  for (const folder of [uploads, letters]) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    await writeFile(join(folder, 'a.txt'), text);
  }
  const rows = Array.from({ length: orders }, (_, at) => `(${at + 1})`).join(', ');
  runIn(database, `delete from orders; insert into orders values ${rows}`);
}

async function seen() {
  return {
    orders: rowsOf(database, 'select count(*) as n from orders')[0]?.['n'],
    uploads: await readFile(join(uploads, 'a.txt'), 'utf8'),
    letters: await readFile(join(letters, 'a.txt'), 'utf8'),
  };
}

test('the plan of folders names each with its place and size; the word is the name of the source', async () => {
  const plan = await api.planRestore({ body: { source: 'shop', id, what: 'files' } });
  expect(plan).toMatchObject({ id, what: 'files', mode: 'swap', confirm: 'shop', blocked: false, guards: [] });
  expect(plan.files).toEqual([
    { name: 'uploads', target: uploads, replaces: true, files: 1, bytes: 4 },
    { name: 'letters', target: letters, replaces: true, files: 1, bytes: 4 },
  ]);
  expect(await seen()).toEqual({ orders: 3, uploads: 'now', letters: 'now' });
});

test('one folder comes back; the other, and the database, stay as they are', async () => {
  const body = { source: 'shop', id, what: 'files' as const, trees: ['uploads'] };
  expect(await said(api.restore({ body, query: wait }))).toMatchObject({ code: 'NOT_CONFIRMED' });
  expect(await seen()).toEqual({ orders: 3, uploads: 'now', letters: 'now' });
  const { run } = await api.restore({ body: { ...body, keepOld: true, confirm: 'shop' }, query: wait });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded', operation: 'restore', backup: id });
  expect(await seen()).toEqual({ orders: 3, uploads: 'then', letters: 'now' });
  const result = run.result as { safety: string | null; files: { name: string; previous: string | null }[] };
  expect(result.files).toMatchObject([{ name: 'uploads', target: uploads, files: 1, bytes: 4 }]);
  expect(await readFile(join(result.files[0]?.previous ?? '', 'a.txt'), 'utf8')).toBe('now');
  const safety = await api.backup({ params: { source: 'shop', id: result.safety ?? '' } });
  expect(safety.manifest).toMatchObject({ trigger: 'safety', safetyFor: id });
});

test('the database alone, and everything', async () => {
  const alone = { source: 'shop', id, what: 'database' as const, safetyBackup: false };
  const plan = await api.planRestore({ body: alone });
  expect(plan).toMatchObject({ what: 'database', mode: 'swap', files: [] });
  const confirm = plan.confirm ?? '';
  const one = await api.restore({ body: { ...alone, confirm }, query: wait });
  expect(one.run, JSON.stringify(one.run.error)).toMatchObject({ state: 'succeeded' });
  expect(await seen()).toEqual({ orders: 10, uploads: 'now', letters: 'now' });

  const all = { source: 'shop', id, safetyBackup: false };
  expect((await api.planRestore({ body: all })).files.map(({ name }) => name)).toEqual(['uploads', 'letters']);
  const both = await api.restore({ body: { ...all, confirm }, query: wait });
  expect(both.run, JSON.stringify(both.run.error)).toMatchObject({ state: 'succeeded' });
  expect(await seen()).toEqual({ orders: 10, uploads: 'then', letters: 'then' });
});

test('of a source without a database, everything is its folders', async () => {
  const made = await api.createBackup({ body: { source: 'papers' }, query: wait });
  expect(made.run, JSON.stringify(made.run.error)).toMatchObject({ state: 'succeeded' });
  await writeFile(join(letters, 'a.txt'), 'later');
  const wish = { source: 'papers', id: made.run.backup ?? '' };
  expect(await api.planRestore({ body: wish })).toMatchObject({ what: 'files', confirm: 'papers' });
  const { run } = await api.restore({ body: { ...wish, confirm: 'papers', safetyBackup: false }, query: wait });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  expect((await seen()).letters).toBe('now');
});

test('what does not go together is refused, all of it at once', async () => {
  const body = { source: 'shop', id, what: 'files' as const, into: 'x', bases: ['Shop'], schemas: ['a'] };
  const refused = await said(api.planRestore({ body }));
  expect(refused).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
  for (const field of ['body.into', 'body.bases', 'body.schemas']) expect(String(refused)).toContain(field);
  expect(String(await said(api.restore({ body: { ...body, confirm: 'shop' } })))).toBe(String(refused));
});

test.each<[string, object]>([
  ['trees', { trees: ['uploads'] }],
  ['withAttachments', { what: 'schema', withAttachments: true }],
  ['skipExisting', { what: 'attachments', skipExisting: true }],
  ['keepOld', { what: 'records', keepOld: true }],
  ['intoBase', { what: 'database', intoBase: 'Shop' }],
  ['baseTables', { baseTables: ['Orders'] }],
])('%s is refused where it means nothing: %o', async (field, given) => {
  const refused = await said(api.planRestore({ body: { source: 'shop', id, ...given } }));
  expect(refused).toMatchObject({ code: 'REQUEST_INVALID' });
  expect(String(refused)).toContain(`body.${field}: goes with`);
});

test('what the backup does not hold is told before anything is begun', async () => {
  const wish = { source: 'shop', id };
  const none = await said(api.planRestore({ body: { ...wish, what: 'files', trees: ['photos'] } }));
  expect(none).toMatchObject({ status: 400, code: 'TREE_UNKNOWN' });
  expect(await said(api.planRestore({ body: { ...wish, what: 'schema' } }))).toMatchObject({ code: 'NO_BASES' });
});

test('a backup of some parts only', async () => {
  const { run } = await api.createBackup({ body: { source: 'shop', only: ['files'] }, query: wait });
  expect(run, JSON.stringify(run.error)).toMatchObject({ state: 'succeeded' });
  const { manifest } = await api.backup({ params: { source: 'shop', id: run.backup ?? '' } });
  expect(manifest).toMatchObject({ database: null, files: { trees: [{ name: 'uploads' }, { name: 'letters' }] } });
  expect(await said(api.planRestore({ body: { source: 'shop', id: run.backup ?? '', what: 'files' } }))).toBeNull();
  expect(await readdir(place.path)).toEqual(expect.arrayContaining(['letters', 'shop.db', 'uploads']));
});
