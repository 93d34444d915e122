import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addressOf } from '../../test/support/address-of.ts';
import { effectiveSettings } from './effective.ts';
import { exportConfig } from './export.ts';
import { loadConfig } from './load.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-export-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(yaml: string, env: Record<string, string> = {}, name = 'holdfast.yaml') {
  await writeFile(join(folder, name), yaml, { mode: 0o600 });
  return loadConfig({ env, cwd: folder, path: name });
}

const whole = `
instance: web-1
timezone: Europe/Berlin
sources:
  shop:
    database: { url: "postgres://shop:\${PW}@db/shop", ssl: require }
    dump: { timeout: "\${TIMEOUT}", jobs: 2, format: directory }
    schedule: { cron: "15 5 * * *" }
    retention: { last: "\${KEEP}", maxAge: 30d }
    drill: { checks: ["select '$\${x}' = 'y'"] }
  crm:
    database: { name: crm, password: "\${file:crm.password}" }
    storages: [local]
storages:
  local: { type: local, path: ./here }
`;
const env = { PW: 'p@ss/wörd', KEEP: '7', TIMEOUT: '30m' };

describe('config export', () => {
  test('means the same as what it was made of, from anywhere, with references in place of secrets', async () => {
    await writeFile(join(folder, 'crm.password'), 'crm-secret\n');
    const loaded = await load(whole, env);
    const text = exportConfig(loaded);
    expect(text).not.toMatch(/p@ss|crm-secret/);
    expect(text).toContain('url: "postgres://shop:${PW}@db/shop"');
    expect(text).toContain(`password: "\${file:${join(folder, 'crm.password')}}"`);
    expect(text).toContain('last: 7');
    const elsewhere = await mkdtemp(join(folder, 'sub-'));
    await writeFile(join(elsewhere, 'holdfast.yaml'), text, { mode: 0o600 });
    const again = await loadConfig({ env, cwd: elsewhere });
    expect(again.config).toEqual(loaded.config);
    expect(addressOf(again.config, 'shop').password?.reveal()).toBe('p@ss/wörd');
    expect(addressOf(again.config, 'crm').password?.reveal()).toBe('crm-secret');
    expect(again.config.sources['shop']?.drill.checks).toEqual(["select '${x}' = 'y'"]);
  });

  test('from variables: the file refers to them, and they do not count as ignored', async () => {
    const variables = {
      HOLDFAST_DATABASE_URL: 'postgres://shop@db/shop',
      HOLDFAST_DATABASE_PASSWORD: 'very-secret-word',
      HOLDFAST_KEEP_LAST: '30',
      HOLDFAST_FINGERPRINTS: 'true',
      HOLDFAST_SCHEDULE: 'every 12h',
    };
    const loaded = await loadConfig({ env: variables, cwd: folder });
    const text = exportConfig(loaded);
    expect(text).not.toContain('very-secret-word');
    expect(text).toContain('password: "${HOLDFAST_DATABASE_PASSWORD}"');
    expect(text).toMatch(/last: 30\n/);
    expect(text).toMatch(/fingerprints: true\n/);
    const again = await load(text, { HOLDFAST_DATABASE_PASSWORD: 'very-secret-word' });
    expect(again.config).toEqual(loaded.config);
    expect(again.warnings).toEqual([]);
  });

  test.each([
    [
      'password: very-secret-word, name: shop',
      'password: "${HOLDFAST_SHOP_DATABASE_PASSWORD}" # set HOLDFAST_SHOP_DATABASE_PASSWORD',
    ],
    [
      'url: "postgres://shop:very-secret-word@db/shop"',
      'url: "postgres://shop:${HOLDFAST_SHOP_DATABASE_URL_PASSWORD}@db/shop" # set',
    ],
    [
      'url: "postgres://shop:very-secret-word@${DB}/shop"',
      'url: "postgres://shop:${HOLDFAST_SHOP_DATABASE_URL_PASSWORD}@db/shop" # set',
    ],
    ['url: "postgres://db/shop?password=very-secret-word"', 'url: "${HOLDFAST_SHOP_DATABASE_URL}" # set'],
    ['name: shop, password: "${PW:-very-secret-word}"', 'password: "${HOLDFAST_SHOP_DATABASE_PASSWORD}" # set'],
  ])('S23 a secret that was written out is not printed: %s', async (database, expected) => {
    const loaded = await load(`sources: { shop: { database: { ${database} } } }`, { DB: 'db' });
    const text = exportConfig(loaded);
    expect(text).not.toContain('very-secret-word');
    expect(text).toContain(expected);
    expect(JSON.stringify(effectiveSettings(loaded))).not.toContain('very-secret-word');
    expect(JSON.stringify(loaded)).not.toContain('very-secret-word');
  });

  test('S27 any text survives the way out and back in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        async (text) => {
          const loaded = await loadConfig({
            env: { HOLDFAST_DATABASE_NAME: text, HOLDFAST_DATABASE_USER: text },
            cwd: folder,
          });
          const again = await load(exportConfig(loaded), {}, 'again.yaml');
          expect(again.config).toEqual(loaded.config);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('config show', () => {
  test('every value with its origin, defaults included, secrets masked', async () => {
    await writeFile(join(folder, 'crm.password'), 'crm-secret\n');
    const shown = new Map(effectiveSettings(await load(whole, env)).map((setting) => [setting.path, setting]));
    expect(shown.get('sources.shop.database.url')).toMatchObject({
      value: 'postgres://shop:••••••@db/shop',
      origin: 'holdfast.yaml:6, ${PW}',
    });
    expect(shown.get('sources.crm.database.password')).toMatchObject({
      value: '••••••',
      origin: 'holdfast.yaml:12, ${file:crm.password}',
    });
    expect(shown.get('sources.shop.dump.jobs')).toMatchObject({ value: 2, origin: 'holdfast.yaml:7' });
    expect(shown.get('sources.shop.dump.format')).toMatchObject({ value: 'directory', origin: 'holdfast.yaml:7' });
    expect(shown.get('sources.crm.dump.lockTimeout')).toMatchObject({ value: '15s', origin: 'default' });
    expect(shown.get('sources.crm.retention.minimum')).toMatchObject({ value: 1, origin: 'default' });
    expect(shown.get('sources.shop.schedule.missed')).toMatchObject({ value: 'run', origin: 'default' });
    expect(shown.get('sources.shop.storages[0]')).toMatchObject({ value: 'local', origin: 'default' });
    expect(shown.get('storages.local.path')).toMatchObject({ value: join(folder, 'here'), origin: 'holdfast.yaml:15' });
  });
});
