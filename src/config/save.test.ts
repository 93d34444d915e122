import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from './load.ts';
import { saveConfig, type SettingChange } from './save.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-save-'));
  file = join(folder, 'holdfast.yaml');
  await writeFile(file, original, { mode: 0o640 });
});
afterEach(() => rm(folder, { recursive: true }));

const original = `# Ours.
timezone: UTC # for now

sources:
  # The one that matters.
  shop:
    database: { url: "postgres://shop@db/shop", password: "\${PW}" } # from the vault
    retention:
      last: 7 # a week
storages:
  local: { type: local, path: ./backups }
`;

const save = (changes: SettingChange[], second = 0) =>
  saveConfig(changes, {
    file,
    state: join(folder, 'state'),
    env: { PW: 'x' },
    now: new Date(Date.UTC(2026, 10, 20, 5, 0, second)),
  });
const text = () => readFile(file, 'utf8');

test('changes what is asked for and nothing else: comments, order, references, permissions', async () => {
  await chmod(file, 0o640);
  await save([
    { path: ['sources', 'shop', 'retention', 'last'], value: 14 },
    { path: ['sources', 'shop', 'schedule'], value: { every: '24h' } },
  ]);
  expect(await text()).toBe(
    original.replace('last: 7', 'last: 14').replace('# a week\n', '# a week\n    schedule:\n      every: 24h\n'),
  );
  expect((await stat(file)).mode & 0o777).toBe(0o640);
  const { config } = await loadConfig({ env: { PW: 'x' }, cwd: folder });
  expect(config.sources['shop']?.retention.last).toBe(14);
});

test('a value is removed', async () => {
  await save([{ path: ['sources', 'shop', 'retention', 'last'], value: undefined }]);
  expect(await text()).not.toContain('last');
});

test.each<[string, SettingChange]>([
  ['a wrong value', { path: ['sources', 'shop', 'retention', 'last'], value: 0 }],
  ['an unknown key', { path: ['sources', 'shop', 'retension'], value: { last: 3 } }],
  ['the last source removed', { path: ['sources', 'shop'], value: undefined }],
])('refuses %s and leaves everything as it was', async (_what, change) => {
  await expect(save([change])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await text()).toBe(original);
  expect(await readdir(folder)).toEqual(['holdfast.yaml']);
});

test('keeps the last ten versions, private', async () => {
  for (let second = 1; second <= 13; second += 1) {
    await save([{ path: ['sources', 'shop', 'retention', 'last'], value: 100 + second }], second);
  }
  const versions = join(folder, 'state', 'config-versions');
  const names = (await readdir(versions)).sort();
  expect(names).toHaveLength(10);
  expect(await readFile(join(versions, names.at(-1) ?? ''), 'utf8')).toContain('last: 112');
  expect((await stat(join(versions, names[0] ?? ''))).mode & 0o777).toBe(0o600);
});

test('a link stays a link', async () => {
  const link = join(folder, 'link.yaml');
  await symlink(file, link);
  await saveConfig([{ path: ['timezone'], value: 'Europe/Berlin' }], {
    file: link,
    state: join(folder, 'state'),
    env: { PW: 'x' },
    now: new Date(),
  });
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await text()).toContain('timezone: Europe/Berlin # for now');
});

test('what is written with an alias is left to people', async () => {
  const aliased = original.replace(
    'retention:\n      last: 7 # a week',
    'retention: &keep { last: 7 }\n  crm:\n    database: { name: crm }\n    retention: *keep',
  );
  await writeFile(file, aliased);
  await expect(save([{ path: ['sources', 'crm', 'retention', 'last'], value: 3 }])).rejects.toMatchObject({
    code: 'CONFIG_NOT_EDITABLE',
  });
  expect(await text()).toBe(aliased);
});
