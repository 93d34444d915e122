import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import { exportConfig } from './export.ts';
import { loadConfig } from './load.ts';

type Env = Record<string, string>;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-environment-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function refusal(env: Env): Promise<string> {
  const error = await loadConfig({ env, cwd: folder }).catch((thrown: unknown) => thrown);
  if (!(error instanceof HoldfastError)) throw new Error('the environment was accepted');
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', kind: 'usage' });
  return error.message;
}

/** What variables alone mean; the file that `config export` makes of them must mean the same. */
async function mainOf(env: Env) {
  const loaded = await loadConfig({ env, cwd: folder });
  const file = join(folder, 'exported.yaml');
  await writeFile(file, exportConfig(loaded), { mode: 0o600 });
  const again = await loadConfig({ env, cwd: folder, path: file });
  expect(again.config).toEqual(loaded.config);
  return loaded.config.sources['main'];
}

describe('folders', () => {
  test('alone, named after themselves, relative ones from here', async () => {
    const source = await mainOf({ HOLDFAST_FILES: '/srv/My Uploads, media' });
    expect(source?.database).toBeUndefined();
    expect(source?.files).toMatchObject([
      { name: 'my-uploads', path: '/srv/My Uploads', optional: false },
      { name: 'media', path: join(folder, 'media'), optional: false },
    ]);
  });

  test('beside a database, with names of their own where two are called alike', async () => {
    const source = await mainOf({
      HOLDFAST_DATABASE_URL: 'postgres://shop@db/shop',
      HOLDFAST_FILES: '/srv/a/uploads,old=/srv/b/uploads',
    });
    expect(source?.database).toMatchObject({ engine: 'postgres' });
    expect(source?.files).toMatchObject([{ name: 'uploads' }, { name: 'old', path: '/srv/b/uploads' }]);
  });

  test('a path may hold an equals sign', async () => {
    const source = await mainOf({ HOLDFAST_FILES: '/srv/a=b,./c=d' });
    expect(source?.files).toMatchObject([{ path: '/srv/a=b' }, { path: join(folder, 'c=d') }]);
  });

  test('two that are called alike are an error by the name of the variable', async () => {
    expect(await refusal({ HOLDFAST_FILES: '/a/uploads,/b/uploads' })).toMatch(
      /HOLDFAST_FILES there is another tree called uploads/,
    );
  });

  test('a source of nothing at all says what it needs', async () => {
    expect(await refusal({ HOLDFAST_KEEP_LAST: '3' })).toMatch(/HOLDFAST_DATABASE_URL is missing .*HOLDFAST_FILES/);
  });
});

describe('other engines', () => {
  test.each<[Env, string]>([
    [{ HOLDFAST_DATABASE_URL: 'sqlite:///srv/app/data.db' }, '/srv/app/data.db'],
    [{ HOLDFAST_DATABASE_URL: 'sqlite:///srv/with%20space/100%25.db' }, '/srv/with space/100%.db'],
    [{ HOLDFAST_DATABASE_PATH: '/srv/app/data.db' }, '/srv/app/data.db'],
    [{ HOLDFAST_DATABASE_ENGINE: 'sqlite', HOLDFAST_DATABASE_PATH: '/srv/100%.db' }, '/srv/100%.db'],
  ])('SQLite: %j', async (env, path) => {
    expect((await mainOf(env))?.database).toMatchObject({ engine: 'sqlite', path });
  });

  test('SQLite: a relative path is one from here', async () => {
    expect((await mainOf({ HOLDFAST_DATABASE_PATH: 'data.db' }))?.database).toMatchObject({
      path: join(folder, 'data.db'),
    });
  });

  test.each([
    ['sqlite://data.db', /HOLDFAST_DATABASE_URL must be .*sqlite:\/\/\/absolute/],
    ['sqlite:///srv/', /HOLDFAST_DATABASE_URL must be .*sqlite:\/\/\/absolute/],
    ['sqlite:///srv/%zz.db', /HOLDFAST_DATABASE_URL must be .*sqlite:\/\/\/absolute/],
  ])('SQLite: %s is refused', async (url, message) => {
    expect(await refusal({ HOLDFAST_DATABASE_URL: url })).toMatch(message);
  });

  test('SQLite: an address and a path that differ are refused', async () => {
    const env = { HOLDFAST_DATABASE_URL: 'sqlite:///a.db', HOLDFAST_DATABASE_PATH: '/b.db' };
    expect(await refusal(env)).toMatch(/HOLDFAST_DATABASE_PATH says something else than url; give it once/);
  });

  test.each<[Env, string]>([
    [{ HOLDFAST_DATABASE_URL: 'mysql://shop@db/shop' }, 'mysql'],
    [{ HOLDFAST_DATABASE_URL: 'mariadb://shop@db/shop' }, 'mariadb'],
    [
      {
        HOLDFAST_DATABASE_ENGINE: 'mariadb',
        HOLDFAST_DATABASE_HOST: 'db',
        HOLDFAST_DATABASE_NAME: 'shop',
        HOLDFAST_DATABASE_USER: 'shop',
      },
      'mariadb',
    ],
  ])('MySQL and MariaDB: %j', async (env, engine) => {
    expect((await mainOf({ ...env, HOLDFAST_DATABASE_PASSWORD: 'p@ss' }))?.database).toMatchObject({
      engine,
      address: { host: 'db', port: 3306, user: 'shop', database: 'shop' },
    });
  });
});

describe('applications', () => {
  test('NocoDB', async () => {
    const source = await mainOf({
      HOLDFAST_APP: 'nocodb',
      HOLDFAST_APP_URL: 'http://nocodb:8080/',
      HOLDFAST_APP_TOKEN: 'nc_secret',
    });
    expect(source?.app).toMatchObject({ kind: 'nocodb', url: 'http://nocodb:8080' });
    expect(source?.app?.kind === 'nocodb' && source.app.token.reveal()).toBe('nc_secret');
  });

  test('NocoBase', async () => {
    const source = await mainOf({
      HOLDFAST_DATABASE_PATH: '/srv/nb/db.sqlite',
      HOLDFAST_APP: 'nocobase',
      HOLDFAST_APP_PATH: 'nb',
    });
    expect(source?.app).toMatchObject({ kind: 'nocobase', path: join(folder, 'nb') });
  });

  test('an unknown one is an error by the name of the variable', async () => {
    expect(await refusal({ HOLDFAST_APP: 'nocobd', HOLDFAST_APP_URL: 'http://n' })).toMatch(
      /HOLDFAST_APP is "nocobd"; did you mean nocodb\?/,
    );
  });

  test('S23 the token is never shown', async () => {
    const env = { HOLDFAST_APP: 'nocodb', HOLDFAST_APP_URL: 'http://n', HOLDFAST_APP_TOKEN: 'nc_secret_token' };
    const loaded = await loadConfig({ env, cwd: folder });
    expect(exportConfig(loaded)).toContain('token: "${HOLDFAST_APP_TOKEN}"');
    expect(JSON.stringify(loaded)).not.toContain('nc_secret_token');
  });
});
