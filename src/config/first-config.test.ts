import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import { problemWithAddress, sourceNameFor, writeFirstConfig, type FirstConfig } from './first-config.ts';
import { loadConfig } from './load.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-first-'));
  file = join(folder, 'holdfast.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const wanted: FirstConfig = {
  source: 'shop',
  database: { url: 'postgres://shop@db/shop' },
  password: null,
  storagePath: './backups',
  schedule: '15 3 * * *',
  timezone: 'Europe/Berlin',
};
const password = async (env = {}) => {
  const { config, warnings } = await loadConfig({ env, cwd: folder });
  expect(warnings).toEqual([]);
  const database = config.sources['shop']?.database;
  return database && 'address' in database ? database.address.password?.reveal() : undefined;
};
const mode = async (path: string) => (await stat(path)).mode & 0o777;

test('what is written is valid and says what was wanted', async () => {
  expect(await writeFirstConfig(file, wanted)).toEqual([file]);
  expect(await password()).toBeUndefined();
  const { config } = await loadConfig({ env: {}, cwd: folder });
  expect(config.timezone).toBe('Europe/Berlin');
  expect(config.sources['shop']?.schedule?.plan).toEqual({ cron: '15 3 * * *', timezone: 'Europe/Berlin' });
  expect(config.storages['local']).toMatchObject({ path: join(folder, 'backups') });
});

test('a password goes to a private file of its own, exactly as it is', async () => {
  const odd = 'p@ss "\'\\${HOME} # wörd ';
  await writeFirstConfig(file, { ...wanted, password: new Secret(odd) });
  expect(await password()).toBe(odd);
  expect(await readFile(file, 'utf8')).not.toContain('p@ss');
  expect([
    await mode(file),
    await mode(join(folder, 'secrets')),
    await mode(join(folder, 'secrets/shop.password')),
  ]).toEqual([0o600, 0o700, 0o600]);
  expect(await readFile(join(folder, 'secrets/.gitignore'), 'utf8')).toBe('*\n');
});

test.each([
  ['postgres://shop:p%40ss%2Fword@db/shop'],
  ['postgres://shop@db/shop?password=p%40ss%2Fword'],
  ['postgres://shop@db/shop?password=p%40ss%2Fword&sslmode=require'],
  ['mysql://shop:p%40ss%2Fword@db/shop'],
])('the password of an address is taken out of it: %s', async (url) => {
  await writeFirstConfig(file, { ...wanted, database: { url } });
  expect(await readFile(file, 'utf8')).not.toMatch(/p%40ss|p@ss/);
  expect(await password()).toBe('p@ss/word');
});

test('a password in the environment stays there', async () => {
  expect(await writeFirstConfig(file, { ...wanted, password: 'variable' })).toEqual([file]);
  expect(await password({ HOLDFAST_DATABASE_PASSWORD: 'from outside' })).toBe('from outside');
});

test('nothing is overwritten, and a failure leaves nothing half done', async () => {
  await writeFile(file, 'mine');
  await expect(writeFirstConfig(file, wanted)).rejects.toMatchObject({ code: 'CONFIG_EXISTS', kind: 'refused' });
  expect(await readFile(file, 'utf8')).toBe('mine');
  await rm(file);
  await writeFile(join(folder, 'secrets'), 'a file in the way');
  await expect(writeFirstConfig(file, { ...wanted, password: new Secret('word') })).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['secrets']);
});

test.each([
  [{ url: 'sqlite:///srv/app/data.db' }, '/srv/app/data.db'],
  [{ path: '/srv/it\'s "$HOME" ${x}.db' }, '/srv/it\'s "$HOME" ${x}.db'],
])('a file of SQLite has no password: %j', async (database, path) => {
  expect(await writeFirstConfig(file, { ...wanted, database })).toEqual([file]);
  const { config } = await loadConfig({ env: {}, cwd: folder });
  expect(config.sources['shop']?.database).toMatchObject({ engine: 'sqlite', path });
  expect(await readFile(file, 'utf8')).not.toContain('password');
});

test.each([
  [{ url: 'postgres://db/Shop%20One' }, 'shop-one'],
  [{ url: 'postgres://db/%C3%A4' }, 'main'],
  [{ url: 'not an address' }, 'main'],
  [{ url: 'mariadb://db/crm' }, 'crm'],
  [{ url: 'sqlite:///srv/Notes.db' }, 'notes'],
  [{ path: './data/notes.sqlite3' }, 'notes'],
])('the name of the source for %j is %s', (database, name) => expect(sourceNameFor(database)).toBe(name));

test.each([
  ['postgres://shop@db/shop', null],
  ['mysql://shop@db/shop', null],
  ['mariadb://shop@db/shop', null],
  ['sqlite:///srv/app.db', null],
  ['sqlite://app.db', /sqlite:\/\/\/absolute/],
  ['oracle://db/x', /postgres:\/\//],
  ['shop', /postgres:\/\//],
  ['mysql://shop@db', /name of the database is missing/],
])('what is wrong with %s', (url, problem) => {
  if (problem === null) expect(problemWithAddress(url)).toBeNull();
  else expect(problemWithAddress(url)).toMatch(problem);
});
