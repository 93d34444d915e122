import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Secret } from '../base/secret.ts';
import { sourceNameFor, writeFirstConfig, type FirstConfig } from './first-config.ts';
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
  url: 'postgres://shop@db/shop',
  password: null,
  storagePath: './backups',
  schedule: '15 3 * * *',
  timezone: 'Europe/Berlin',
};
const password = async (env = {}) => {
  const { config, warnings } = await loadConfig({ env, cwd: folder });
  expect(warnings).toEqual([]);
  return config.sources['shop']?.database.address.password?.reveal();
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
])('the password of an address is taken out of it: %s', async (url) => {
  await writeFirstConfig(file, { ...wanted, url });
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
  ['postgres://db/Shop%20One', 'shop-one'],
  ['postgres://db/%C3%A4', 'main'],
  ['not an address', 'main'],
])('the name of the source for %s is %s', (url, name) => expect(sourceNameFor(url)).toBe(name));
