import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addressOf } from '../../../test/support/address-of.ts';
import { HoldfastError } from '../../base/errors.ts';
import { effectiveSettings } from '../effective.ts';
import { exportConfig } from '../export.ts';
import { loadConfig } from '../load.ts';

type Env = Record<string, string>;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-preset-'));
});
afterEach(() => rm(folder, { recursive: true }));

const load = (env: Env) => loadConfig({ env, cwd: folder });

async function refusal(env: Env): Promise<string> {
  const error = await load(env).catch((thrown: unknown) => thrown);
  if (!(error instanceof HoldfastError)) throw new Error('the environment was accepted');
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', kind: 'usage' });
  return error.message;
}

/** An environment as the documents of each system write it. */
const documented: Record<string, Env> = {
  nocodb: {
    STACK_NAME: 'desk',
    TIME_ZONE: 'Europe/Berlin',
    DATABASE_PASSWORD: 'pw with $pace & "quote"',
    NOCODB_API_TOKEN: 'nc_token',
    NOCODB_BACKUP_SCHEDULE_HOUR: '4',
    NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK: '0,2',
    NOCODB_BACKUP_RETENTION_COUNT: '14',
    NOCODB_BACKUP_S3_ENDPOINT_URL: 'https://s3.eu-central-1.amazonaws.com',
    NOCODB_BACKUP_S3_BUCKET: 'nocodb-backups',
    NOCODB_BACKUP_S3_ACCESS_KEY: 'AKIAIOSFODNN7EXAMPLE',
    NOCODB_BACKUP_S3_SECRET_KEY: 'a-very-secret-key',
    NOCODB_BACKUP_DELETE_LOCAL_AFTER_S3: 'true',
    NOCODB_BACKUP_ALERT_ENABLED: 'true',
    NOCODB_BACKUP_ALERT_CHANNELS: 'email,teams,webhook',
    NOCODB_BACKUP_ALERT_EMAIL: 'admin@example.com',
    NOCODB_BACKUP_TEAMS_WEBHOOK: 'https://outlook.example.com/webhook/abcdef',
    NOCODB_BACKUP_WEBHOOK_URL: 'https://hook.example.com/x',
    WEBHOOK_SECRET: 'signing-secret',
    SMTP_HOST: 'mail.example.com',
    SMTP_FROM: 'backup@example.com',
    SMTP_USER: 'backup',
    SMTP_PASSWORD: 'mail-password',
  },
  'nestjs-starter': {
    BACKUP_SCHEDULE: '0 2 * * *',
    BACKUP_RETENTION_DAYS: '7',
    BACKUP_COMPRESSION: 'bzip2',
    BACKUP_FORMAT: 'custom',
    DB_PASSWORD: 'p@ss/word%20',
    AWS_S3_BUCKET: 'your-backup-bucket',
    AWS_ACCESS_KEY_ID: 'your-access-key',
    AWS_SECRET_ACCESS_KEY: 'your-secret-access-key',
    AWS_REGION: 'us-east-1',
    NOTIFICATION_EMAIL: 'admin@example.com',
    SMTP_HOST: 'smtp.example.com',
    SMTP_PORT: '587',
    SMTP_USER: 'your-email@example.com',
    SMTP_PASS: 'your-app-password',
    MIN_BACKUPS_COUNT: '2',
    MAX_BACKUP_SIZE_MB: '500',
    MAX_BACKUP_AGE_HOURS: '48',
  },
  'ops-center': {
    BACKUP_DIR: '/app/backups/database',
    BACKUP_RETENTION_DAYS: '7',
    BACKUP_MAX_COUNT: '30',
    BACKUP_INTERVAL_HOURS: '24',
    BACKUP_ENABLED: 'true',
    POSTGRES_PASSWORD: 'ops password',
  },
  nocobase: {
    DB_DIALECT: 'postgres',
    DB_HOST: 'postgres',
    DB_DATABASE: 'nocobase',
    DB_USER: 'nocobase',
    DB_PASSWORD: 'nocobase-password',
    DB_SCHEMA: 'tenant1',
    DB_UNDERSCORED: 'true',
    DB_TABLE_PREFIX: 'nb_',
    APP_KEY: 'app-key-secret',
    DB_DIALECT_OPTIONS_SSL_CA: '/etc/ssl/ca.pem',
  },
  'tma-cloud': {
    DB_HOST: 'localhost',
    DB_PASSWORD: 'tma $password',
    DB_NAME: 'tma_cloud_storage',
    DB_CONTAINER: 'tma-cloud-postgres',
    BACKUP_RETAIN_COUNT: '5',
  },
};

describe.each(Object.entries(documented))('%s', (name, env) => {
  test('N-24 J-03 O-01 T-13 is recognised, and says so until somebody confirms it', async () => {
    const found = await load(env);
    expect(found).toMatchObject({ preset: name, file: null });
    expect(Object.keys(found.config.sources)).toEqual([name]);
    expect(found.warnings[0]).toMatch(new RegExp(`^the variables are read as those of .*HOLDFAST_PRESET=${name}`));
    const named = await load({ ...env, HOLDFAST_PRESET: name });
    expect(named.preset).toBe(name);
    expect(named.warnings.join('\n')).not.toContain('are read as those of');
    expect(named.config).toEqual(found.config);
  });

  test('every value has an origin: a variable, or the preset', async () => {
    const loaded = await load(env);
    const shown = effectiveSettings(loaded);
    const origins = new Set(shown.map(({ origin }) => origin));
    const names = new Set([...origins].flatMap((origin) => origin.split(', ')));
    for (const origin of names)
      expect(origin === 'default' || origin === `preset ${name}` || env[origin] !== undefined).toBe(true);
    expect([...origins]).toContain(`preset ${name}`);
    const secrets = Object.entries(env).filter(([variable]) => /PASS|SECRET|TOKEN|KEY/.test(variable));
    for (const [, secret] of secrets) expect(JSON.stringify(shown)).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  test('S23 exported, and read again with the same environment, it is the same', async () => {
    const loaded = await load(env);
    const text = exportConfig(loaded);
    expect(text).toMatch(/^timezone: .*^sources:\n.*^ {4}database:\n.*^ {4}dump:\n.*^storages:\n/ms);
    for (const [variable, value] of Object.entries(env))
      if (/PASS|SECRET|TOKEN|WEBHOOK/.test(variable)) expect(text).not.toContain(value);
    await writeFile(join(folder, 'holdfast.yaml'), text, { mode: 0o600 });
    const again = await load(env);
    expect(again.file).toBe(join(folder, 'holdfast.yaml'));
    expect(again.preset).toBeNull();
    expect(again.config).toEqual(loaded.config);
    expect(valuesOf(again)).toEqual(valuesOf(loaded));
  });

  test('secrets in files', async () => {
    const secret = Object.keys(env).find((variable) => variable.endsWith('PASSWORD')) ?? '';
    const { [secret]: text = '', ...others } = env;
    await writeFile(join(folder, 'secret'), `${text}\n`);
    const loaded = await load({ ...others, [`${secret}_FILE`]: join(folder, 'secret') });
    expect(loaded.config).toEqual((await load(env)).config);
    expect([...loaded.origins.values()]).toContain(`${secret}_FILE`);
    expect(exportConfig(loaded)).toContain(`"\${file:${join(folder, 'secret')}}"`);
    expect(await refusal({ ...env, [`${secret}_FILE`]: join(folder, 'secret') })).toMatch(
      new RegExp(`${secret} is given twice`),
    );
  });
});

function valuesOf(loaded: Awaited<ReturnType<typeof load>>) {
  return new Map(effectiveSettings(loaded).map(({ path, value }) => [path, String(value)]));
}

describe('which preset', () => {
  test('two that fit are an error that names both', async () => {
    const env = { ...documented['nocodb'], ...documented['ops-center'] };
    expect(await refusal(env)).toMatch(/HOLDFAST_PRESET is not given.*nocodb and ops-center/);
    expect((await load({ ...env, HOLDFAST_PRESET: 'nocodb' })).preset).toBe('nocodb');
  });

  test('an unknown one is an error with what is allowed', async () => {
    expect(await refusal({ HOLDFAST_PRESET: 'nocobd' })).toMatch(
      /HOLDFAST_PRESET is "nocobd"; did you mean nocodb\?; allowed: nocodb, nestjs-starter, .*none/,
    );
  });

  test('none, and a database in our own words, switch recognition off', async () => {
    const env = documented['ops-center'] ?? {};
    await expect(load({ ...env, HOLDFAST_PRESET: 'none' })).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
    const own = await load({ ...env, HOLDFAST_DATABASE_URL: 'postgres://a@b/c' });
    expect(own.preset).toBeNull();
    expect(own.warnings).toEqual([]);
    expect(Object.keys(own.config.sources)).toEqual(['main']);
  });

  test.each<[string, Env]>([
    ['a database of somebody', { DB_HOST: 'db', DB_NAME: 'shop', DB_PASSWORD: 'x', TZ: 'Europe/Berlin' }],
    ['a PostgreSQL container', { POSTGRES_PASSWORD: 'x', POSTGRES_DB: 'shop', BACKUP_DIR: '/b' }],
    ['an application with S3 and mail', { AWS_S3_BUCKET: 'b', AWS_ACCESS_KEY_ID: 'k', SMTP_HOST: 'm', SMTP_PASS: 'p' }],
  ])('%s is not taken for one of the systems', async (_what, env) => {
    await expect(load(env)).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
  });
});

describe('beside a preset', () => {
  test('HOLDFAST_ variables win, and that is said', async () => {
    const { config, warnings, origins } = await load({
      ...documented['nocodb'],
      HOLDFAST_PRESET: 'nocodb',
      HOLDFAST_SOURCE: 'desk',
      HOLDFAST_KEEP_LAST: '3',
      HOLDFAST_SCHEDULE: 'every 6h',
      HOLDFAST_FORMAT: 'custom',
      HOLDFAST_STORAGE_PATH: '/srv/backups',
    });
    expect(config.sources['desk']).toMatchObject({
      retention: { last: 3 },
      schedule: { plan: { everyMs: 6 * 3_600_000 } },
      dump: { format: 'custom', compression: { codec: 'gzip' } },
      storages: ['local', 's3'],
    });
    expect(config.storages['local']).toMatchObject({ path: '/srv/backups' });
    expect(origins.get('sources.desk.retention.last')).toBe('HOLDFAST_KEEP_LAST');
    expect(warnings).toEqual(
      expect.arrayContaining([
        'HOLDFAST_KEEP_LAST is used, so NOCODB_BACKUP_RETENTION_COUNT has no effect',
        'HOLDFAST_SCHEDULE is used, so NOCODB_BACKUP_SCHEDULE_HOUR has no effect',
      ]),
    );
  });

  test('a whole address takes the place of host, port, name, user and password', async () => {
    const { config, warnings } = await load({
      ...documented['nocodb'],
      HOLDFAST_PRESET: 'nocodb',
      HOLDFAST_DATABASE_URL: 'postgres://shop@elsewhere/shop',
    });
    expect(addressOf(config, 'nocodb')).toMatchObject({
      host: 'elsewhere',
      user: 'shop',
      password: null,
    });
    expect(warnings).toContain('HOLDFAST_DATABASE_URL is used, so DATABASE_PASSWORD has no effect');
  });

  test('channels in our own words replace those of the system', async () => {
    const { config, origins } = await load({
      ...documented['nocodb'],
      HOLDFAST_PRESET: 'nocodb',
      HOLDFAST_NTFY_TOPIC: 'backups',
    });
    expect(config.alerts.channels.map(({ type }) => type)).toEqual(['ntfy']);
    expect([...origins.keys()].filter((path) => path.startsWith('alerts.channels[1]'))).toEqual([]);
  });

  test('a bucket in our own words gets copies', async () => {
    const { config } = await load({
      ...documented['ops-center'],
      HOLDFAST_S3_BUCKET: 'b',
      HOLDFAST_DELETE_LOCAL_AFTER_COPY: 'true',
    });
    expect(config.sources['ops-center']).toMatchObject({ storages: ['local', 's3'], deleteLocalAfterCopy: true });
  });

  test('a holdfast.yaml wins, and names what it leaves without effect', async () => {
    const database = { url: 'postgres://shop@db/shop', password: '${DATABASE_PASSWORD}' };
    await writeFile(join(folder, 'holdfast.yaml'), JSON.stringify({ sources: { shop: { database } } }), {
      mode: 0o600,
    });
    const { config, preset, warnings } = await load({ ...documented['nocodb'], TZ: 'UTC', TIME_ZONE: 'UTC' });
    expect(Object.keys(config.sources)).toEqual(['shop']);
    expect(preset).toBeNull();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/is used, so these variables have no effect: .*NOCODB_BACKUP_RETENTION_COUNT/);
    expect(warnings[0]).not.toMatch(/DATABASE_PASSWORD|TZ/);
  });

  test('N-24 a variable with a slip in it is named', async () => {
    const { warnings } = await load({
      ...documented['nocodb'],
      NOCODB_BACKUP_RETENTON_COUNT: '3',
      NOCODB_BACKUP_IMAGE: 'x',
    });
    expect(warnings).toContainEqual(
      expect.stringMatching(/NOCODB_BACKUP_RETENTON_COUNT is not known.*did you mean NOCODB_BACKUP_RETENTION_COUNT\?$/),
    );
    expect(warnings.join('\n')).not.toContain('NOCODB_BACKUP_IMAGE');
  });
});

describe('what is wrong', () => {
  test('N-24 N-28 all of it at once, by the names of the variables', async () => {
    const message = await refusal({
      ...documented['nocodb'],
      NOCODB_BACKUP_SCHEDULE_HOUR: '25',
      NOCODB_BACKUP_RETENTION_COUNT: '0',
      NOCODB_BACKUP_ALERT_CHANNELS: 'webhook,pager',
      NOCODB_BACKUP_S3_ENDPOINT_URL: 'minio:9000',
      TIME_ZONE: 'Europe/Berln',
      DB_PORT: 'x',
      WEBHOOK_SECRET: 'short',
    });
    for (const line of [
      /NOCODB_BACKUP_SCHEDULE_HOUR must be a whole number from 0 to 23/,
      /NOCODB_BACKUP_RETENTION_COUNT must be a whole number from 1/,
      /NOCODB_BACKUP_ALERT_CHANNELS names pager/,
      /NOCODB_BACKUP_S3_ENDPOINT_URL must be an address/,
      /TIME_ZONE must be a time zone.*did you mean Europe\/Berlin/,
      /DB_PORT must be a whole number/,
      /WEBHOOK_SECRET must have at least 8 characters/,
    ])
      expect(message).toMatch(line);
    expect(message.split('\n')).toHaveLength(8);
  });

  test('J-05 J-06 directory cannot be compressed by xz: named by its variable', async () => {
    expect(
      await refusal({ ...documented['nestjs-starter'], BACKUP_FORMAT: 'directory', BACKUP_COMPRESSION: 'xz' }),
    ).toMatch(/BACKUP_COMPRESSION xz cannot compress the directory format/);
  });

  test('J-03 a schedule that is not one', async () => {
    expect(await refusal({ ...documented['nestjs-starter'], BACKUP_SCHEDULE: '0 25 * * *' })).toMatch(
      /BACKUP_SCHEDULE must be a cron pattern of five fields/,
    );
  });

  test('N-18 nothing left to save', async () => {
    const off = {
      NOCODB_BACKUP_DATABASE_DUMP: 'false',
      NOCODB_BACKUP_INCLUDE_FILES: 'false',
      NOCODB_BACKUP_API_EXPORT: 'false',
    };
    const message = await refusal({ ...documented['nocodb'], ...off });
    expect(message.split('\n').slice(1)).toEqual([
      expect.stringMatching(/^ +NOCODB_BACKUP_DATABASE_DUMP is false, and nothing else is left/),
    ]);
  });

  test('J-d16 B-22 the clear error of a database that cannot be saved', async () => {
    expect(await refusal({ ...documented['nocobase'], DB_DIALECT: 'kingbase' })).toMatch(
      /DB_DIALECT is "kingbase", .*postgres, mysql, mariadb, sqlite/,
    );
  });

  test('N-18 N-16 nothing left, because the export has no token', async () => {
    const { NOCODB_API_TOKEN: _token, ...others } = documented['nocodb'] ?? {};
    const off = { NOCODB_BACKUP_DATABASE_DUMP: 'false', NOCODB_BACKUP_INCLUDE_FILES: 'false' };
    const message = await refusal({ ...others, ...off });
    expect(message.split('\n').slice(1)).toEqual([
      expect.stringMatching(/nothing else is left.*NOCODB_API_TOKEN is not given/),
    ]);
  });
});

describe('what is saved beside the database', () => {
  const named = (name: string, more: Env = {}) => load({ ...documented[name], HOLDFAST_PRESET: name, ...more });

  test('N-14 N-15 N-16 NocoDB: the database, the data folder and the export by the API', async () => {
    const { config, warnings } = await named('nocodb', { NOCODB_DATA_PATH: '/mnt/noco' });
    expect(warnings).toEqual([]);
    const source = config.sources['nocodb'];
    expect(source?.database).toMatchObject({ engine: 'postgres' });
    expect(source?.files).toMatchObject([{ name: 'nocodb-data', path: '/mnt/noco', optional: true }]);
    expect(source?.app).toMatchObject({
      kind: 'nocodb',
      url: 'http://nocodb-server:8080',
      records: true,
      attachments: true,
      dataPath: null,
    });
    expect(source?.app?.kind === 'nocodb' && source.app.token.reveal()).toBe('nc_token');
  });

  test('N-18 what is switched off is not saved, and not named', async () => {
    const off = { NOCODB_BACKUP_INCLUDE_FILES: 'false', NOCODB_BACKUP_API_EXPORT: 'false' };
    const { config, warnings } = await named('nocodb', off);
    expect(warnings).toEqual([]);
    expect(config.sources['nocodb']).toMatchObject({ files: [] });
    expect(config.sources['nocodb']?.app).toBeUndefined();
  });

  test.each<[string, Env, string[]]>([
    ['files and export', {}, ['files', 'app']],
    ['files alone', { NOCODB_BACKUP_API_EXPORT: 'false' }, ['files']],
    ['the export alone', { NOCODB_BACKUP_INCLUDE_FILES: 'false' }, ['app']],
  ])('N-18 without the dump: %s', async (_what, more, parts) => {
    const { config, problems } = await named('nocodb', { NOCODB_BACKUP_DATABASE_DUMP: 'false', ...more }).then(
      (loaded) => ({ ...loaded, problems: loaded.warnings }),
    );
    const source = config.sources['nocodb'];
    expect(source?.database).toBeUndefined();
    const there = [...((source?.files.length ?? 0) > 0 ? ['files'] : []), ...(source?.app ? ['app'] : [])];
    expect(there).toEqual(parts);
    expect(problems).toEqual([]);
  });

  test('B-13 NocoBase: the application as it lies here, which knows its uploads itself', async () => {
    const { config, warnings } = await named('nocobase');
    expect(config.sources['nocobase']).toMatchObject({
      files: [],
      app: {
        kind: 'nocobase',
        path: folder,
        storagePath: null,
        schema: 'tenant1',
        tablePrefix: 'nb_',
        underscored: true,
      },
    });
    expect(warnings).toEqual([expect.stringMatching(/^APP_KEY is given as a variable/)]);
  });

  test('B-05 B-13 NocoBase read from its own .env has nothing left to say', async () => {
    const lines = Object.entries(documented['nocobase'] ?? {}).map(([name, text]) => `${name}=${text}`);
    await writeFile(join(folder, '.env'), `${lines.join('\n')}\n`);
    const { config, warnings } = await load({ HOLDFAST_PRESET: 'nocobase', HOLDFAST_ENV_FILE: '.env' });
    expect(warnings).toEqual([]);
    expect(config.sources['nocobase']?.app).toMatchObject({ path: folder, envFile: join(folder, '.env') });
  });

  test('B-02 NocoBase on SQLite', async () => {
    const { config, warnings } = await load({
      HOLDFAST_PRESET: 'nocobase',
      DB_DIALECT: 'sqlite',
      DB_STORAGE: 'storage/db/nocobase.sqlite',
    });
    expect(warnings).toEqual([]);
    expect(config.sources['nocobase']).toMatchObject({
      database: { engine: 'sqlite', path: join(folder, 'storage/db/nocobase.sqlite') },
      dump: { format: 'auto' },
      app: { kind: 'nocobase', path: folder },
    });
  });

  test.each(['mysql', 'mariadb'])('B-02 NocoBase on %s', async (dialect) => {
    const { config, warnings } = await load({
      HOLDFAST_PRESET: 'nocobase',
      DB_DIALECT: dialect,
      DB_HOST: 'db',
      DB_DATABASE: 'crm',
      DB_USER: 'crm',
      DB_PASSWORD: 'p@ss',
    });
    expect(warnings).toEqual([]);
    expect(config.sources['nocobase']).toMatchObject({
      database: { engine: dialect, address: { host: 'db', port: 3306, user: 'crm', database: 'crm' } },
      dump: { format: 'auto' },
    });
  });

  test('T-01 T-14 TMA Cloud: the uploaded files; in a bucket they are not, and that is said', async () => {
    const local = await named('tma-cloud', { UPLOAD_DIR: '/srv/up' });
    expect(local.config.sources['tma-cloud']?.files).toMatchObject([
      { name: 'uploads', path: '/srv/up', optional: true },
    ]);
    expect(local.warnings).toEqual([]);
    const remote = await named('tma-cloud', { STORAGE_DRIVER: 's3' });
    expect(remote.config.sources['tma-cloud']?.files).toEqual([]);
    expect(remote.warnings).toEqual([expect.stringMatching(/STORAGE_DRIVER is s3: .* not part of these backups/)]);
  });

  test('HOLDFAST_FILES takes the place of the folders of a system, and says which ones', async () => {
    const { config, warnings } = await named('nocodb', { HOLDFAST_FILES: '/srv/other' });
    expect(config.sources['nocodb']?.files).toMatchObject([{ name: 'other', path: '/srv/other', optional: false }]);
    expect(warnings).toEqual(['HOLDFAST_FILES is used, so /nocodb-data is not saved']);
    const both = await named('nocodb', { HOLDFAST_FILES: '/nocodb-data,/srv/other' });
    expect(both.warnings).toEqual([]);
  });

  test('an address of another engine in our own words', async () => {
    const { config } = await named('nocobase', {
      HOLDFAST_DATABASE_URL: 'sqlite:///srv/nb.sqlite',
      HOLDFAST_FORMAT: 'auto',
    });
    expect(config.sources['nocobase']?.database).toMatchObject({ engine: 'sqlite', path: '/srv/nb.sqlite' });
  });
});

describe('T-d6 a .env file', () => {
  const write = (text: string) => writeFile(join(folder, '.env'), text);

  test('is read as plain values, never run, and the caller wins', async () => {
    const marker = join(folder, 'ran');
    await write(
      `# settings\nexport DB_NAME=files\nDB_PASSWORD=pa#ss$(touch ${marker})\`touch ${marker}\`\nBACKUP_RETAIN_COUNT='4' # four\nDB_HOST=inside\n`,
    );
    const loaded = await load({ HOLDFAST_PRESET: 'tma-cloud', DB_HOST: 'outside' });
    const address = addressOf(loaded.config, 'tma-cloud');
    expect(address).toMatchObject({ host: 'outside', database: 'files' });
    expect(address.password?.reveal()).toBe(`pa#ss$(touch ${marker})\`touch ${marker}\``);
    expect(loaded.config.sources['tma-cloud']?.retention.last).toBe(4);
    await expect(import('node:fs/promises').then(({ stat }) => stat(marker))).rejects.toThrow();
    expect(loaded.origins.get('sources.tma-cloud.database.name')).toBe('DB_NAME in .env');
    expect(loaded.origins.get('sources.tma-cloud.database.host')).toBe('DB_HOST');
    expect(loaded.notes.join()).toContain(join(folder, '.env'));
  });

  test('only where it is asked for', async () => {
    await write('DB_NAME=files\nBACKUP_RETAIN_COUNT=4\n');
    await expect(load({})).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
    const { config, notes } = await load({ HOLDFAST_ENV_FILE: '.env' });
    expect(addressOf(config, 'tma-cloud').database).toBe('files');
    expect(notes).toEqual([]);
  });

  test('a value from the caller also wins over a file that the .env names, and the other way round', async () => {
    await write('DB_PASSWORD_FILE=/nowhere\nDB_NAME=files\nBACKUP_RETAIN_COUNT=4\n');
    const direct = await load({ HOLDFAST_ENV_FILE: '.env', DB_PASSWORD: 'direct' });
    expect(addressOf(direct.config, 'tma-cloud').password?.reveal()).toBe('direct');
    await writeFile(join(folder, 'secret'), 'kept\n');
    await write('DB_PASSWORD=other\nDB_NAME=files\nBACKUP_RETAIN_COUNT=4\n');
    const filed = await load({ HOLDFAST_ENV_FILE: '.env', DB_PASSWORD_FILE: join(folder, 'secret') });
    expect(addressOf(filed.config, 'tma-cloud').password?.reveal()).toBe('kept');
  });

  test('also for what a holdfast.yaml refers to', async () => {
    await write('PW=from-the-file\n');
    await writeFile(
      join(folder, 'holdfast.yaml'),
      JSON.stringify({ sources: { shop: { database: { name: 'shop', password: '${PW}' } } } }),
      { mode: 0o600 },
    );
    const { config } = await load({ HOLDFAST_ENV_FILE: join(folder, '.env') });
    expect(addressOf(config, 'shop').password?.reveal()).toBe('from-the-file');
  });

  test('that is missing or malformed is an error', async () => {
    expect(await refusal({ HOLDFAST_ENV_FILE: 'nowhere' })).toMatch(
      /HOLDFAST_ENV_FILE the file .*nowhere cannot be read/,
    );
    await write('DB_NAME=files\nBACKUP_RETAIN_COUNT=4\nnot a setting\nDB_PASSWORD="open\n');
    expect(await refusal({ HOLDFAST_ENV_FILE: '.env' })).toMatch(
      /line 3 is not of the form NAME=value\n.*line 4 opens a quote for DB_PASSWORD/,
    );
  });
});
