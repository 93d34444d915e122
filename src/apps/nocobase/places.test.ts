import { expect, test } from 'vitest';
import { treesOf } from './app-trees.ts';
import { placesOf } from './places.ts';

const settings = {
  kind: 'nocobase' as const,
  path: '/srv/nb',
  storagePath: null,
  envFile: null,
  url: null,
  schema: null,
  tablePrefix: null,
  underscored: null,
};
const places = (values: Record<string, string> = {}, storagePath: string | null = null) =>
  placesOf({ ...settings, storagePath }, { file: null, text: '', values: new Map(Object.entries(values)) });

test.each([
  ['the usual one', null, {}, '/srv/nb/storage/uploads'],
  ['an empty one', '', {}, '/srv/nb/storage/uploads'],
  ['LOCAL_STORAGE_DEST', null, { LOCAL_STORAGE_DEST: '/data/up' }, '/data/up'],
  ['storage/ is the storage folder', 'storage/scans', { STORAGE_PATH: '/data/st' }, '/data/st/scans'],
  ['also with a dot', './storage/scans', { STORAGE_PATH: 'st' }, '/srv/nb/st/scans'],
  ['the storage folder itself', 'storage', {}, '/srv/nb/storage'],
  ['a name that only begins so', 'storages/x', {}, '/srv/nb/storages/x'],
  ['below the application', 'files/x', {}, '/srv/nb/files/x'],
  ['absolute', '/data/x', {}, '/data/x'],
  ['as the image calls it', '/app/nocobase/storage/x', {}, '/srv/nb/storage/x'],
  [
    'as the image calls it, elsewhere here',
    '/app/nocobase/storage/x',
    { STORAGE_PATH: '/app/nocobase/storage' },
    '/srv/nb/storage/x',
  ],
  ['as the image calls the application', '/app/nocobase/x', {}, '/srv/nb/x'],
])('a local storage lies where NocoBase has it: %s', (_name, documentRoot, values, expected) => {
  expect(places(values).rootOf(documentRoot)).toBe(expected);
});

test('the configuration says where the storage folder is', () => {
  expect(places({ STORAGE_PATH: '/elsewhere' }, '/mnt/st').rootOf('storage/x')).toBe('/mnt/st/x');
  expect(places({ PLUGIN_STORAGE_PATH: 'pl' }).plugins).toBe('/srv/nb/pl');
});

test.each([
  ['nowhere said', {}, null, '/srv/nb/storage/gateway.sock'],
  ['nowhere said, with a storage folder elsewhere', {}, '/mnt/st', '/mnt/st/gateway.sock'],
  ['below the application', { SOCKET_PATH: 'run/nb.sock' }, null, '/srv/nb/run/nb.sock'],
  ['absolute', { SOCKET_PATH: '/run/nb.sock' }, null, '/run/nb.sock'],
  ['as the image calls it', { SOCKET_PATH: '/app/nocobase/storage/nb.sock' }, '/mnt/st', '/mnt/st/nb.sock'],
  ['as the image calls the application', { SOCKET_PATH: '/app/nocobase/run/nb.sock' }, null, '/srv/nb/run/nb.sock'],
] as const)('the socket of one that runs: %s', (_name, values, storagePath, expected) => {
  expect(places(values, storagePath).socket).toBe(expected);
});

test('what is told from the folder of the application lies in the storage folder, wherever that is here', () => {
  const told = { PLUGIN_STORAGE_PATH: 'storage/pl', APP_AES_SECRET_KEY_PATH: './storage/keys/aes.dat' };
  expect(places(told, '/mnt/st')).toMatchObject({ plugins: '/mnt/st/pl', aesKey: '/mnt/st/keys/aes.dat' });
  expect(places(told)).toMatchObject({ plugins: '/srv/nb/storage/pl', aesKey: '/srv/nb/storage/keys/aes.dat' });
});

const local = (name: string, documentRoot: string | null) => ({ id: name, name, local: true, documentRoot });

test('local storages outside of storage/uploads come along, each file once', () => {
  const { trees, warnings } = treesOf(
    [
      local('local', 'storage/uploads'),
      local('Scans & Mehr', 'storage/scans'),
      local('inside', 'storage/scans/deep'),
      local('scans-mehr', '/data/scans'),
      { ...local('s3', '/data/never'), local: false },
    ],
    places(),
  );
  expect(trees.map(({ name, path }) => [name, path])).toEqual([
    ['storage-scans-mehr', '/data/scans'],
    ['storage-scans-mehr-2', '/srv/nb/storage/scans'],
    ['uploads', '/srv/nb/storage/uploads'],
    ['plugins', '/srv/nb/storage/plugins'],
  ]);
  expect(warnings).toEqual([]);
});

test('a storage that is the storage folder itself is not taken, and said so', () => {
  const { trees, warnings } = treesOf([local('wide', 'storage'), local('wider', '/')], places());
  expect(trees.map(({ name }) => name)).toEqual(['uploads', 'plugins']);
  expect(warnings).toEqual([expect.stringContaining('wide'), expect.stringContaining('wider')]);
});
