import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addressOf } from '../../test/support/address-of.ts';
import { HoldfastError } from '../base/errors.ts';
import { storages } from '../storage/index.ts';
import { loadConfig } from './load.ts';

const kinds = Object.keys(storages).join(', ');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(yaml: string, env: Record<string, string> = {}) {
  await writeFile(join(folder, 'holdfast.yaml'), yaml, { mode: 0o600 });
  return loadConfig({ env, cwd: folder });
}

/** The problems of a file that must not load, as `line path message`. */
async function problemsOf(attempt: Promise<unknown>): Promise<string[]> {
  const error = await attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HoldfastError)) throw new Error('the configuration was accepted', { cause: error });
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', kind: 'usage' });
  return error.message
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(`${join(folder, 'holdfast.yaml')}:`, ''));
}

const database = 'database: { url: "postgres://shop@db/shop" }';
const smallest = `sources: { shop: { ${database} } }`;

describe('a file', () => {
  test('the smallest one: everything else has a default, beside the file', async () => {
    const { config, file, warnings } = await load(smallest);
    expect(file).toBe(join(folder, 'holdfast.yaml'));
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      instance: hostname(),
      timezone: 'UTC',
      state: join(folder, 'state'),
      storages: { local: { type: 'local', path: join(folder, 'backups') } },
      sources: {
        shop: {
          database: { engine: 'postgres', address: { host: 'db', user: 'shop', database: 'shop', password: null } },
          via: null,
          dump: { format: 'auto', compression: 'auto' },
          schedule: null,
          retention: { minimum: 1 },
          storages: ['local'],
          drill: { target: 'same', checks: [] },
        },
      },
    });
  });

  test('everything at once', async () => {
    const { config } = await load(
      `
instance: web-1
timezone: Europe/Berlin
state: ../state
sources:
  shop:
    database: { host: db, port: 6543, name: shop, user: shop, password: "\${PW}", tools: ./tools, ssl: { mode: verify-ca, ca: certs/ca.pem } }
    via: { container: auto }
    dump: { format: custom, compression: "zstd:6", timeout: 30m, exclude: { tableData: [audit_log] } }
    schedule: { cron: "15 5 * * *", missed: skip, retries: 0 }
    retention: { last: 30, maxAge: 30d, daily: 7, weekly: 4, monthly: 12, yearly: 2, minimum: 3 }
    storages: [fast, slow]
    drill: { target: "postgres://drill@other/postgres", checks: ["select true"] }
  crm:
    database: { name: crm }
    schedule: { every: 24h }
    storages: [slow]
storages:
  fast: { type: local, path: /srv/fast }
  slow: { type: local, path: slow }
`,
      { PW: 'p@ss' },
    );
    expect(config).toMatchObject({
      instance: 'web-1',
      state: join(folder, '../state'),
      storages: { fast: { path: '/srv/fast' }, slow: { path: join(folder, 'slow') } },
    });
    const { shop, crm } = config.sources;
    expect(shop).toMatchObject({
      database: {
        address: { host: 'db', port: 6543, ssl: { ca: join(folder, 'certs/ca.pem') } },
        tools: { folder: join(folder, 'tools') },
      },
      via: { container: 'auto' },
      dump: { format: 'custom', compression: { codec: 'zstd', level: 6 }, timeoutMs: 1_800_000 },
      schedule: { plan: { cron: '15 5 * * *', timezone: 'Europe/Berlin' }, missed: 'skip', retries: 0 },
      retention: { last: 30, maxAgeMs: 30 * 86_400_000, daily: 7, weekly: 4, monthly: 12, yearly: 2, minimum: 3 },
      storages: ['fast', 'slow'],
      drill: { target: { address: 'postgres://drill@other/postgres' }, checks: ['select true'] },
    });
    expect(addressOf(config, 'shop').password?.reveal()).toBe('p@ss');
    expect(crm?.schedule).toEqual({
      plan: { everyMs: 86_400_000 },
      missed: 'run',
      retries: 3,
      retryDelayMs: 60_000,
      jitterMs: 0,
      runOnStart: false,
    });
  });

  test('anchors and empty keys are fine', async () => {
    const { config } = await load(
      `
x: &db { url: "postgres://shop@db/shop" }
`.replace('x: &db', 'sources:\n  a: &db\n    database:') + '  b: *db\nstorages:\ntimezone:\n',
    );
    expect(Object.keys(config.sources)).toEqual(['a', 'b']);
    expect(config.timezone).toBe('UTC');
  });

  test('where each setting comes from', async () => {
    const { origins } = await load(
      `timezone: Europe/Berlin\nsources:\n  shop:\n    database:\n      url: "\${URL}"\n    retention:\n      last: 7\n`,
      {
        URL: 'postgres://shop@db/shop',
        HOLDFAST_STATE: '/elsewhere',
      },
    );
    expect(Object.fromEntries(origins)).toEqual({
      timezone: 'holdfast.yaml:1',
      'sources.shop.database.url': 'holdfast.yaml:5, ${URL}',
      'sources.shop.retention.last': 'holdfast.yaml:7',
      state: 'HOLDFAST_STATE',
    });
  });

  test('is found by --config, by HOLDFAST_CONFIG and in the working directory; a named one must exist', async () => {
    await writeFile(join(folder, 'other.yaml'), smallest);
    expect((await loadConfig({ path: 'other.yaml', env: {}, cwd: folder })).file).toBe(join(folder, 'other.yaml'));
    expect((await loadConfig({ env: { HOLDFAST_CONFIG: 'other.yaml' }, cwd: folder })).file).toBe(
      join(folder, 'other.yaml'),
    );
    await expect(loadConfig({ path: 'none.yaml', env: {}, cwd: folder })).rejects.toMatchObject({
      code: 'CONFIG_MISSING',
      kind: 'usage',
    });
    await expect(loadConfig({ env: {}, cwd: folder })).rejects.toMatchObject({
      code: 'CONFIG_MISSING',
      hint: expect.stringContaining('holdfast init'),
    });
  });

  test('variables that describe a source have no effect beside it, and that is said', async () => {
    const { config, warnings } = await load(smallest, {
      HOLDFAST_KEEP_LAST: '3',
      HOLDFAST_DATABASE_URL: 'postgres://x/y',
      HOLDFAST_LOG_LEVEL: 'debug',
    });
    expect(config.sources['shop']?.retention.last).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/no effect: HOLDFAST_DATABASE_URL, HOLDFAST_KEEP_LAST$/)]);
  });

  test.each([
    ['a password', 'password: plain-word', true],
    ['a password in an address', 'url: "postgres://shop:plain-word@db/shop"', true],
    ['references only', 'password: "${PW}"', false],
    ['a reference in an address', 'url: "postgres://shop:${PW}@db/shop"', false],
  ])('readable by everybody, with %s', async (_what, setting, warns) => {
    const file = join(folder, 'holdfast.yaml');
    await writeFile(file, `sources: { shop: { database: { name: shop, ${setting} } } }`);
    await chmod(file, 0o644);
    const { warnings } = await loadConfig({ env: { PW: 'x' }, cwd: folder });
    expect(warnings.some((text) => text.includes('chmod 600'))).toBe(warns);
    expect(warnings.join()).not.toContain('plain-word');
    await chmod(file, 0o600);
    expect((await loadConfig({ env: { PW: 'x' }, cwd: folder })).warnings).toEqual([]);
  });
});

describe('problems', () => {
  test('all at once: form, references, keys, types, combinations, names', async () => {
    const yaml = `timezone: Europe/Berln
timezone: Europe/Berlin
stat: ./x
sources:
  Shop:
    database: { url: "postgres://shop@db/shop", password: "\${MISSING}" }
  shop:
    database: { url: "postgres://shop@db/shop", prot: 5432 }
    dump: { format: zip, compression: "rar" }
    schedule: { cron: "15 25 * * *", every: 24h }
    retension: { last: 3 }
    retention: { last: 0, maxAge: 30 }
    storages: [locl]
    drill: { target: "oracle://x/y" }
storages:
  local: { type: locall, path: 5 }
  other: { type: local, path: "\${file:nothing-here}" }
`;
    expect(await problemsOf(load(yaml))).toEqual([
      '2: this key stands here twice',
      '3: stat is not a known key; did you mean state?; allowed: instance, timezone, state, encryption, sources, storages, scheduler, monitor, alerts, server',
      expect.stringMatching(/^5: sources.Shop is not a name; allowed are a-z/),
      '5: sources.Shop.storages is missing, and there is more than one storage; allowed: local, other',
      '6: sources.Shop.database.password the variable MISSING is not set; set it, or write ${MISSING:-default}',
      expect.stringMatching(
        /^8: sources.shop.database.prot is not a known key; did you mean port\?; allowed: engine, url, host/,
      ),
      '9: sources.shop.dump.format is "zip"; allowed: auto, custom, directory, tar, plain, file',
      '9: sources.shop.dump.compression must be auto, none, or gzip, bzip2, xz, lz4 or zstd, with a level as in zstd:3, is "rar"',
      expect.stringMatching(
        /^10: sources.shop.schedule.cron must be a cron pattern of five fields .*, is "15 25 \* \* \*"$/,
      ),
      '10: sources.shop.schedule has both cron and every; only one is allowed',
      expect.stringMatching(/^11: sources.shop.retension is not a known key; did you mean retention\?/),
      '12: sources.shop.retention.last must be a whole number from 1 to 1000000, is 0',
      '12: sources.shop.retention.maxAge must be a duration such as 30m, 24h or 7d, is 30',
      '13: sources.shop.storages[0] is "locl", which is not among the storages; did you mean local?; allowed: local, other',
      '14: sources.shop.drill.target must be same, temporary, or an address such as postgres://user@host/database, is "oracle://x/y"',
      `16: storages.local.type is "locall"; did you mean local?; allowed: ${kinds}`,
      expect.stringMatching(/^17: storages.other.path the file .*nothing-here cannot be read \(it does not exist\)$/),
    ]);
  });

  test('N-24 everything that has a schedule of its own, in the time zone of the configuration', async () => {
    const { config } = await load(
      `timezone: Europe/Berlin
scheduler: { enabled: false, concurrency: 8, stopWithin: 1m, keepRuns: 500, keepRunsFor: 90d }
sources:
  shop:
    ${database}
    drill: { cron: "@weekly", target: temporary }
    verify: { cron: "0 3 * * SUN", timezone: UTC, depth: structure, backups: all, retries: 0 }
`,
    );
    const { drill, verify, schedule } = config.sources['shop'] ?? {};
    expect(schedule).toBeNull();
    expect(drill?.schedule?.plan).toEqual({ cron: '@weekly', timezone: 'Europe/Berlin' });
    expect(verify).toMatchObject({ plan: { cron: '0 3 * * SUN', timezone: 'UTC' }, depth: 'structure', retries: 0 });
    expect(config.scheduler).toEqual({
      enabled: false,
      concurrency: 8,
      stopWithin: 60_000,
      keepRuns: 500,
      keepRunsFor: 90 * 86_400_000,
    });
  });

  const source = (rest: string) => `sources: { shop: { ${database}, ${rest} } }`;
  test.each([
    ['{}', 'sources is missing'],
    ['- a\n- b', 'must be a map of keys and values, is a list'],
    ['just text', 'must be a map of keys and values, is "just text"'],
    ['sources: {}', 'sources is missing'],
    ['sources: [a]', 'sources must be a map of names, is a list'],
    ['sources: { shop: text }', 'sources.shop must be a map of keys and values, is "text"'],
    ['sources: { shop: {} }', 'sources.shop.database is missing'],
    ['sources: { shop: { database: {} } }', 'sources.shop.database.name the name of the database is missing'],
    [
      'sources: { shop: { database: { name: shop, password: 12345678 } } }',
      'sources.shop.database.password must be a text, is ••••••; put it in quotes',
    ],
    [source('via: { container: -x }'), 'sources.shop.via.container must be the name of a container, or auto, is "-x"'],
    [source('schedule: {}'), 'sources.shop.schedule needs cron or every'],
    [
      source('schedule: { every: 24h, cron: "* * * * *" }'),
      'sources.shop.schedule has both cron and every; only one is allowed',
    ],
    [
      source('schedule: { every: 24h, timezone: UTC }'),
      'sources.shop.schedule has a timezone, which has no meaning for every',
    ],
    [source('schedule: { every: 5s }'), 'sources.shop.schedule.every must be at least 60s, is "5s"'],
    [source('schedule: { cron: "0 0 30 2 *" }'), 'this date never happens'],
    [
      source('schedule: { cron: "0 0 5 * * *" }'),
      'such as "15 5 * * *": it has 6 fields instead of 5, is "0 0 5 * * *"',
    ],
    [source('schedule: { cron: every night }'), 'such as "15 5 * * *": it has 2 fields instead of 5, is "every night"'],
    [source('drill: { every: 7d, cron: "@weekly" }'), 'sources.shop.drill has both cron and every'],
    [source('verify: { depth: structure }'), 'sources.shop.verify needs cron or every'],
    [source('verify: { every: 7d, backups: some }'), 'sources.shop.verify.backups is "some"; allowed: newest, all'],
    [source('schedule: { every: 24h, jitter: often }'), 'sources.shop.schedule.jitter must be a duration'],
    [
      `scheduler: { concurrency: 0 }\n${source('schedule: { every: 24h }')}`,
      'scheduler.concurrency must be a whole number from 1 to 1000, is 0',
    ],
    [source('schedule: { every: 24h, missed: maybe }'), 'sources.shop.schedule.missed is "maybe"; allowed: run, skip'],
    [
      source('retention: { daily: -1 }'),
      'sources.shop.retention.daily must be a whole number from 1 to 1000000, is -1',
    ],
    [
      source('retention: { daily: 1.5 }'),
      'sources.shop.retention.daily must be a whole number from 1 to 1000000, is 1.5',
    ],
    [source('storages: []'), 'sources.shop.storages must name at least one storage'],
    [source('storages: [local, local]'), 'sources.shop.storages[1] names "local" a second time'],
    [source('drill: { checks: select }'), 'sources.shop.drill.checks must be a list, is "select"'],
    [source('drill: { checks: [1] }'), 'sources.shop.drill.checks[0] must be a text, is 1; put it in quotes'],
    [source('dump: { format: plain, compression: lz4 }'), 'lz4 is only for custom and directory'],
    [`${smallest}\ntimezone: +02:00`, 'timezone must be a time zone such as Europe/Berlin or UTC'],
    [`${smallest}\ntimezone: Europe/Berln`, 'did you mean Europe/Berlin?'],
    [`${smallest}\nstate: ""`, 'state must not be empty'],
    [`${smallest}\nstate: "postgres://db/state"`, 'state must be a folder'],
    [`${smallest}\nstorages: { local: { path: x } }`, `storages.local.type is missing; allowed: ${kinds}`],
    [`${smallest}\nstorages: { "a/b": { type: local, path: x } }`, 'storages["a/b"] is not a name'],
    ['sources: { "__proto__": { database: { name: x } } }', 'is not a name'],
    [`${smallest}\nstate: "\${unfinished"`, 'state holds a reference of unknown form'],
    [`${smallest}\nstate: "\${A:?x}"`, 'state holds a reference of unknown form'],
  ])('%s', async (yaml, expected) => {
    const problems = await problemsOf(load(yaml));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  test.each([
    ['cron: * * * * *', '3: a value that begins with * must be in quotes'],
    ['a: b: c', '3: a value that contains ": " must be in quotes'],
    ['\ta: b', '3: a tab is used to indent'],
    ['a: !tag x', '3: a value that begins with ! must be in quotes'],
    ['a: "x', 'is missing'],
    ['a: *nobody', '3: a value that begins with * must be in quotes'],
    ['a: @x', '3: a value that begins with @'],
  ])('broken YAML: %s; what stands above it is judged all the same', async (text, expected) => {
    const problems = await problemsOf(
      load(`timezone: nowhere\nsources:\n  shop: {\n  ${text}`.replace('  shop: {\n  ', '  ')),
    );
    expect(problems[0]).toContain('1: timezone must be a time zone');
    expect(problems.slice(1).join('\n')).toContain(expected);
  });

  test('aliases without end are refused', async () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g'].map(
        (name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(', ')}]`,
      ),
    ];
    expect((await problemsOf(load(bomb.join('\n')))).join()).toContain('aliases');
    expect((await problemsOf(load('a: &a [*a]'))).join()).toContain('aliases');
  });

  test.each([
    ['sources: { shop: { database: { name: shop, password: "hunter2-word", prot: 1 } } }'],
    ['sources: { shop: { database: { url: "postgres://shop:hunter2-word@db/sh%zz" } } }'],
    ['sources: { shop: { database: { url: "oracle://shop:hunter2-word@db/shop" } } }'],
    ['sources: { shop: { database: { url: "postgres://db/shop?password=hunter2-word&x=1" } } }'],
    ['sources: { shop: { database: { name: shop, password: [hunter2-word] } } }'],
    ['sources:\n  shop:\n    database: { name: shop }\n    password: hunter2-word'],
    ['sources:\n  shop:\n    database: { name: shop }\n    password: *hunter2-word'],
    ['sources:\n  shop:\n    database: { name: shop }\n    password: !hunter2-word x'],
    ['sources:\n  shop:\n    database: { name: shop, password: "hunter2-word'],
    ['timezone: "${file:secret.txt}"'],
    ['sources: { shop: { database: { name: shop }, storages: ["${APP_TOKEN}"] } }'],
    ['sources: { shop: { database: { name: shop }, drill: { target: "oracle://u:hunter2-word@h/x" } } }'],
  ])('S23 secrets stay out of the error: %s', async (yaml) => {
    await writeFile(join(folder, 'secret.txt'), 'hunter2-word\n');
    const error = await load(yaml, { APP_TOKEN: 'hunter2-word' }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(HoldfastError);
    const { message, hint, details } = error as HoldfastError;
    expect(JSON.stringify([message, hint, details])).not.toContain('hunter2-word');
  });
});

describe('the environment alone', () => {
  test('N-20 N-21 a bucket is the only storage, or the second one beside a folder', async () => {
    const env = {
      HOLDFAST_DATABASE_URL: 'postgres://shop@db/shop',
      HOLDFAST_S3_BUCKET: 'backups',
      HOLDFAST_S3_ENDPOINT: 'http://minio:9000',
      HOLDFAST_S3_PREFIX: 'shop',
      HOLDFAST_S3_ACCESS_KEY: 'key',
      HOLDFAST_S3_SECRET_KEY: 'secret-value',
      HOLDFAST_S3_PATH_STYLE: 'true',
    };
    const alone = await loadConfig({ cwd: folder, env });
    expect(alone.config.storages).toMatchObject({
      s3: { type: 's3', bucket: 'backups', prefix: 'shop', endpoint: 'http://minio:9000', pathStyle: true },
    });
    expect(alone.config.sources['main']?.storages).toEqual(['s3']);
    expect(JSON.stringify(alone.settings)).not.toContain('secret-value');
    const both = await loadConfig({ cwd: folder, env: { ...env, HOLDFAST_STORAGE_PATH: '/srv/backups' } });
    expect(both.config.sources['main']?.storages).toEqual(['local', 's3']);
    expect(both.config.storages['local']).toMatchObject({ path: '/srv/backups' });
  });

  test('J-08 one source, with settings and their origins', async () => {
    const { config, file, origins } = await loadConfig({
      cwd: folder,
      env: {
        HOLDFAST_SOURCE: 'shop',
        HOLDFAST_DATABASE_URL: 'postgres://shop@db/shop',
        HOLDFAST_DATABASE_PASSWORD: 'p@ss/w:rd',
        HOLDFAST_STORAGE_PATH: '/srv/backups',
        HOLDFAST_SCHEDULE: 'every 12h',
        HOLDFAST_KEEP_LAST: '30',
        HOLDFAST_MAX_AGE: '30d',
        HOLDFAST_FORMAT: 'directory',
        HOLDFAST_COMPRESSION: 'zstd:3',
        HOLDFAST_JOBS: '4',
        HOLDFAST_FINGERPRINTS: 'true',
        HOLDFAST_CONTAINER: 'shop-db',
        HOLDFAST_EXCLUDE_TABLE_DATA: 'audit_log, sessions',
        HOLDFAST_STATE: 'state-folder',
        HOLDFAST_TIMEZONE: 'Europe/Berlin',
        HOLDFAST_INSTANCE: 'web-1',
        HOLDFAST_KEEP_DAILY: '',
      },
    });
    expect(file).toBeNull();
    expect(config).toMatchObject({
      instance: 'web-1',
      timezone: 'Europe/Berlin',
      state: join(folder, 'state-folder'),
      storages: { local: { type: 'local', path: '/srv/backups' } },
    });
    expect(config.sources['shop']).toMatchObject({
      via: { container: 'shop-db' },
      dump: {
        format: 'directory',
        compression: { codec: 'zstd', level: 3 },
        jobs: 4,
        fingerprints: true,
        exclude: { tableData: ['audit_log', 'sessions'] },
      },
      schedule: { plan: { everyMs: 43_200_000 } },
      retention: { last: 30, maxAgeMs: 30 * 86_400_000, minimum: 1 },
    });
    expect(addressOf(config, 'shop').password?.reveal()).toBe('p@ss/w:rd');
    expect(origins.get('sources.shop.retention.last')).toBe('HOLDFAST_KEEP_LAST');
    expect(origins.get('timezone')).toBe('HOLDFAST_TIMEZONE');
    expect(origins.has('sources.shop.dump.timeout')).toBe(false);
  });

  test('a cron pattern, and parts instead of an address', async () => {
    const { config } = await loadConfig({
      cwd: folder,
      env: {
        HOLDFAST_DATABASE_HOST: 'db',
        HOLDFAST_DATABASE_PORT: '6000',
        HOLDFAST_DATABASE_NAME: 'shop',
        HOLDFAST_SCHEDULE: '0 3 * * 7',
        HOLDFAST_SCHEDULE_MISSED: 'skip',
        HOLDFAST_SCHEDULE_ENABLED: 'false',
        HOLDFAST_STOP_WITHIN: '10m',
        HOLDFAST_DRILL_SCHEDULE: 'every 7d',
        HOLDFAST_DRILL_TARGET: 'temporary',
        HOLDFAST_VERIFY_SCHEDULE: '@daily',
      },
    });
    expect(config.scheduler).toMatchObject({ enabled: false, stopWithin: 600_000 });
    expect(config.sources['main']).toMatchObject({
      drill: { target: 'temporary', schedule: { plan: { everyMs: 7 * 86_400_000 } } },
      verify: { plan: { cron: '@daily', timezone: 'UTC' }, depth: 'checksum' },
      database: { address: { host: 'db', port: 6000, database: 'shop' } },
      schedule: { plan: { cron: '0 3 * * 7', timezone: 'UTC' }, missed: 'skip' },
    });
  });

  test('NAME_FILE holds the value; its last line end does not belong to it', async () => {
    const secret = join(folder, 'password');
    await writeFile(secret, ' with spaces and\nlines \n');
    const { config, origins } = await loadConfig({
      cwd: folder,
      env: { HOLDFAST_DATABASE_URL: 'postgres://db/shop', HOLDFAST_DATABASE_PASSWORD_FILE: secret },
    });
    expect(addressOf(config, 'main').password?.reveal()).toBe(' with spaces and\nlines ');
    expect(origins.get('sources.main.database.password')).toBe('HOLDFAST_DATABASE_PASSWORD_FILE');
  });

  test('all problems at once, by the names of the variables', async () => {
    const env = {
      HOLDFAST_DATABASE_PASSWORD: 'x',
      HOLDFAST_DATABASE_PASSWORD_FILE: '/nowhere/y',
      HOLDFAST_STATE_FILE: '/nowhere/z',
      HOLDFAST_KEEP_LAST: 'many',
      HOLDFAST_SCHEDULE: 'every day',
      HOLDFAST_SOURCE: 'My Shop',
    };
    expect(await problemsOf(loadConfig({ cwd: folder, env }))).toEqual([
      'HOLDFAST_STATE_FILE the file /nowhere/z cannot be read (it does not exist)',
      'HOLDFAST_DATABASE_PASSWORD is given twice, as HOLDFAST_DATABASE_PASSWORD and as HOLDFAST_DATABASE_PASSWORD_FILE; only one is allowed',
      expect.stringMatching(/^HOLDFAST_SOURCE is not a name/),
      'HOLDFAST_DATABASE_URL is missing (or HOLDFAST_DATABASE_HOST, _NAME, _USER; HOLDFAST_DATABASE_PATH; HOLDFAST_FILES)',
      'HOLDFAST_SCHEDULE must be a duration such as 30m, 24h or 7d, is "day"',
      'HOLDFAST_KEEP_LAST must be a whole number from 1 to 1000000, is "many"',
    ]);
  });

  test('unknown variables of ours are pointed out', async () => {
    const { warnings } = await loadConfig({
      cwd: folder,
      env: { HOLDFAST_DATABASE_URL: 'postgres://db/shop', HOLDFAST_KEEP_LATS: '3', OTHER: 'x' },
    });
    expect(warnings).toEqual([
      'the variable HOLDFAST_KEEP_LATS is not known to this version and has no effect; did you mean HOLDFAST_KEEP_LAST?',
    ]);
  });

  test('T-d6 S27 J-d16 values are data: nothing is filled in, run, or read as anything else', async () => {
    const odd = '${HOME} $(touch x) `id` "\'\\ ; # % @:/?&\n- a: [b]';
    const { config } = await loadConfig({
      cwd: folder,
      env: { HOLDFAST_DATABASE_NAME: odd, HOLDFAST_DATABASE_USER: odd, HOLDFAST_DATABASE_PASSWORD: odd, HOME: '/root' },
    });
    const address = addressOf(config, 'main');
    expect([address?.database, address?.user, address?.password?.reveal()]).toEqual([odd, odd, odd]);
  });

  test('T-d6 a .env beside it is neither run nor read; the caller decides', async () => {
    await writeFile(join(folder, '.env'), 'HOLDFAST_KEEP_LAST=99\ntouch hacked\n');
    const { config } = await loadConfig({
      cwd: folder,
      env: { HOLDFAST_DATABASE_URL: 'postgres://db/shop', HOLDFAST_KEEP_LAST: '3' },
    });
    expect(config.sources['main']?.retention.last).toBe(3);
  });
});
