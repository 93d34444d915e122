import { describe, expect, test } from 'vitest';
import type { EnvironmentValue } from '../environment.ts';
import { formatPath, leavesOf } from '../path.ts';
import { applyPreset } from './apply-preset.ts';
import { presets } from './index.ts';
import { nestjsStarter } from './nestjs-starter.ts';
import { nocobase } from './nocobase.ts';
import { nocodb } from './nocodb.ts';
import { opsCenter } from './ops-center.ts';
import { namesOf, type Preset } from './preset.ts';
import { tmaCloud } from './tma-cloud.ts';

type Env = Record<string, string>;
type Row = [env: Env, expected: Record<string, unknown>];

function read(preset: Preset, env: Env, fromFile?: { path: string; names: string[] }) {
  const values = new Map<string, EnvironmentValue>(
    Object.entries(env).map(([name, text]) => [name, { text, origin: name, fromFile: null }]),
  );
  const result = applyPreset(preset, values, {
    source: 'it',
    envFile: fromFile ? { path: fromFile.path, names: new Set(fromFile.names) } : null,
  });
  const flat = Object.fromEntries([...leavesOf(result.tree)].map(([path, value]) => [formatPath(path), value]));
  return { ...result, flat };
}

/** What the page of each system says, variable by variable: what is set, and the settings that must come out of it. */
const rows = new Map<Preset, Row[]>();

const s3 = {
  NOCODB_BACKUP_S3_BUCKET: 'b',
  NOCODB_BACKUP_S3_ACCESS_KEY: 'key',
  NOCODB_BACKUP_S3_SECRET_KEY: 'secret',
};
const alerts = (channels: string, env: Env = {}): Env => ({
  NOCODB_BACKUP_ALERT_ENABLED: 'true',
  NOCODB_BACKUP_ALERT_CHANNELS: channels,
  ...env,
});
const mail = alerts('email', {
  SMTP_HOST: 'mail.example.com',
  SMTP_FROM: 'backup@example.com',
  NOCODB_BACKUP_ALERT_EMAIL: 'ops@example.com',
});
const interval = { NOCODB_BACKUP_SCHEDULE_MODE: 'interval' };

/** Both names of a variable: as in the `.env` of the system, and as inside of its container. */
const both = (outer: string, innerName: string, text: string, expected: Row[1], more: Env = {}): Row[] => [
  [{ ...more, [outer]: text }, expected],
  [{ ...more, [innerName]: text }, expected],
];
const prefixed = (name: string, text: string, expected: Row[1], more: Env = {}) =>
  both(`NOCODB_BACKUP_${name}`, `BACKUP_${name}`, text, expected, more);
const short = (name: string, text: string, expected: Row[1], more: Env = {}) =>
  both(`NOCODB_BACKUP_${name}`, name, text, expected, more);

rows.set(nocodb, [
  [
    {},
    {
      instance: 'nocodb',
      timezone: 'Etc/UTC',
      'storages.local.path': '/data',
      'sources.it.database.host': 'database-server',
      'sources.it.database.port': '5432',
      'sources.it.database.name': 'nocodb',
      'sources.it.database.user': 'nocodb',
      'sources.it.dump.format': 'plain',
      'sources.it.dump.compression': 'gzip',
      'sources.it.dump.timeout': '1800s',
      'sources.it.schedule.cron': '15 5 * * *',
      'sources.it.retention.last': '30',
      'sources.it.files[0].name': 'nocodb-data',
      'sources.it.files[0].path': '/nocodb-data',
      'sources.it.files[0].optional': true,
      'sources.it.app.kind': undefined,
      'sources.it.database.password': undefined,
      'storages.s3.bucket': undefined,
      'alerts.level': undefined,
      'sources.it.deleteLocalAfterCopy': undefined,
    },
  ],
  ...short('INSTANCE_NAME', 'desk', { instance: 'desk' }, { STACK_NAME: 'stack' }),
  [{ STACK_NAME: 'stack' }, { instance: 'stack' }],
  [{ TIME_ZONE: 'Europe/Berlin' }, { timezone: 'Europe/Berlin' }],
  [{ TZ: 'Europe/Berlin' }, { timezone: 'Europe/Berlin' }],
  [{ DB_HOST: 'db' }, { 'sources.it.database.host': 'db' }],
  [{ DB_PORT: '6543' }, { 'sources.it.database.port': '6543' }],
  [{ DB_NAME: 'noco' }, { 'sources.it.database.name': 'noco' }],
  [{ DB_USER: 'noco' }, { 'sources.it.database.user': 'noco' }],
  [{ DATABASE_PASSWORD: 'p@ss w/$' }, { 'sources.it.database.password': 'p@ss w/$' }],
  [{ DB_PASSWORD: 'p@ss w/$' }, { 'sources.it.database.password': 'p@ss w/$' }],
  ...prefixed('DATABASE_DUMP', 'false', { 'sources.it.database.host': undefined, 'sources.it.dump.format': undefined }),
  ...prefixed('DATABASE_DUMP_TIMEOUT', '60', { 'sources.it.dump.timeout': '60s' }),
  [{ DATA_DIR: '/srv/data' }, { 'storages.local.path': '/srv/data' }],
  ...prefixed('SCHEDULE_ENABLED', 'False', { 'sources.it.schedule.cron': undefined }),
  ...prefixed('SCHEDULE_MODE', 'interval', {
    'sources.it.schedule.every': '24h',
    'sources.it.schedule.cron': undefined,
  }),
  ...prefixed('SCHEDULE_HOUR', '0', { 'sources.it.schedule.cron': '15 0 * * *' }),
  ...prefixed('SCHEDULE_MINUTE', '59', { 'sources.it.schedule.cron': '59 5 * * *' }),
  ...prefixed('SCHEDULE_DAY_OF_WEEK', '0, 6', { 'sources.it.schedule.cron': '15 5 * * 0,1' }),
  ...prefixed('SCHEDULE_INTERVAL_HOURS', '6', { 'sources.it.schedule.every': '6h' }, interval),
  ...prefixed('ON_STARTUP', 'true', { 'sources.it.schedule.runOnStart': true }),
  ...prefixed('RETENTION_COUNT', '7', { 'sources.it.retention.last': '7' }),
  ...prefixed('INCLUDE_FILES', 'false', { 'sources.it.files[0].path': undefined }),
  [{ NOCODB_DATA_PATH: '/app/data' }, { 'sources.it.files[0].path': '/app/data' }],
  ...prefixed(
    'API_EXPORT',
    'false',
    { 'sources.it.app.kind': undefined, 'sources.it.app.url': undefined },
    { NOCODB_API_TOKEN: 'nc_1' },
  ),
  [{ NOCODB_API_URL: 'http://n:1' }, { 'sources.it.app.url': undefined }],
  [{ NOCODB_API_URL: 'http://n:1', NOCODB_API_TOKEN: 'nc_1' }, { 'sources.it.app.url': 'http://n:1' }],
  [
    { NOCODB_API_TOKEN: 'nc_1' },
    {
      'sources.it.app.kind': 'nocodb',
      'sources.it.app.url': 'http://nocodb-server:8080',
      'sources.it.app.token': 'nc_1',
      'sources.it.app.records': true,
      'sources.it.app.attachments': true,
    },
  ],
  ...prefixed('INCLUDE_RECORDS', 'false', { 'sources.it.app.records': false }, { NOCODB_API_TOKEN: 'nc_1' }),
  ...prefixed('INCLUDE_ATTACHMENTS', 'false', { 'sources.it.app.attachments': false }, { NOCODB_API_TOKEN: 'nc_1' }),
  [
    s3,
    {
      'storages.s3.bucket': 'b',
      'storages.s3.accessKey': 'key',
      'storages.s3.secretKey': 'secret',
      'storages.s3.region': 'eu-north-1',
      'storages.s3.prefix': 'nocodb-backup',
      'storages.s3.pathStyle': true,
      'storages.s3.createBucket': true,
      'storages.s3.endpoint': undefined,
    },
  ],
  [
    { S3_BUCKET: 'b', S3_ACCESS_KEY: 'key', S3_SECRET_KEY: 'secret' },
    { 'storages.s3.bucket': 'b', 'storages.s3.accessKey': 'key', 'storages.s3.secretKey': 'secret' },
  ],
  ...short('S3_ENDPOINT_URL', 'http://minio:9000', { 'storages.s3.endpoint': 'http://minio:9000' }, s3),
  ...short('S3_REGION', 'eu-central-1', { 'storages.s3.region': 'eu-central-1' }, s3),
  ...short('S3_PREFIX', 'p', { 'storages.s3.prefix': 'p' }, s3),
  [{ ...s3, S3_MULTIPART_CHUNK_SIZE: '52428800' }, { 'storages.s3.partSize': '52428800' }],
  [{ ...s3, S3_MULTIPART_THRESHOLD: '1' }, { 'storages.s3.partSize': undefined }],
  ...prefixed('DELETE_LOCAL_AFTER_S3', 'true', { 'sources.it.deleteLocalAfterCopy': true }, s3),
  ...prefixed('KEEP_LOCAL_ARCHIVE', 'false', { 'sources.it.deleteLocalAfterCopy': true }, s3),
  [alerts(''), { 'alerts.level': 'warnings' }],
  [
    { ALERT_ENABLED: 'true', ALERT_CHANNELS: 'teams', TEAMS_WEBHOOK_URL: 'https://t' },
    { 'alerts.channels[0].type': 'teams' },
  ],
  ...short('ALERT_LEVEL', 'All', { 'alerts.level': 'all' }, alerts('')),
  ...both(
    'NOCODB_BACKUP_TEAMS_WEBHOOK',
    'TEAMS_WEBHOOK_URL',
    'https://t/x',
    { 'alerts.channels[0].url': 'https://t/x' },
    alerts('teams'),
  ),
  ...short(
    'WEBHOOK_URL',
    'https://w/x',
    { 'alerts.channels[0].type': 'webhook', 'alerts.channels[0].url': 'https://w/x' },
    alerts('Webhook'),
  ),
  ...short(
    'WEBHOOK_SECRET',
    'long enough',
    { 'alerts.channels[0].secret': 'long enough' },
    alerts('webhook', { NOCODB_BACKUP_WEBHOOK_URL: 'https://w/x' }),
  ),
  [
    mail,
    {
      'alerts.channels[0].type': 'email',
      'alerts.channels[0].from': 'backup@example.com',
      'alerts.channels[0].fromName': 'NocoDB Backup',
      'alerts.channels[0].to[0]': 'ops@example.com',
      'alerts.channels[0].smtp.host': 'mail.example.com',
      'alerts.channels[0].smtp.port': '587',
      'alerts.channels[0].smtp.tls': 'starttls',
      'alerts.channels[0].smtp.user': undefined,
    },
  ],
  [
    { ...mail, NOCODB_BACKUP_ALERT_EMAIL: 'a@example.com, b@example.com' },
    { 'alerts.channels[0].to[0]': 'a@example.com', 'alerts.channels[0].to[1]': 'b@example.com' },
  ],
  [
    alerts('email', { SMTP_HOST: 'm', SMTP_SENDER: 's@example.com', SMTP_TO: 't@example.com' }),
    { 'alerts.channels[0].from': 's@example.com', 'alerts.channels[0].to[0]': 't@example.com' },
  ],
  [
    { ...mail, SMTP_PORT: '25', SMTP_TLS: 'false' },
    { 'alerts.channels[0].smtp.port': '25', 'alerts.channels[0].smtp.tls': 'none' },
  ],
  [{ ...mail, SMTP_SSL: 'true' }, { 'alerts.channels[0].smtp.tls': 'tls' }],
  [{ ...mail, SMTP_PORT: '465' }, { 'alerts.channels[0].smtp.tls': 'tls' }],
  [{ ...mail, SMTP_CERTCHECK: 'false' }, { 'alerts.channels[0].smtp.tls': 'starttls' }],
  [
    { ...mail, SMTP_USER: 'u', SMTP_PASSWORD: 'pw' },
    { 'alerts.channels[0].smtp.user': 'u', 'alerts.channels[0].smtp.password': 'pw' },
  ],
  [{ ...mail, SMTP_USER: 'u', SMTP_PASS: 'pw' }, { 'alerts.channels[0].smtp.password': 'pw' }],
  [{ TIME_ZONE: 'Etc/UTC', TZ: 'UTC' }, { timezone: 'Etc/UTC' }],
  [{ ...mail, SMTP_FROM_NAME: 'Desk' }, { 'alerts.channels[0].fromName': 'Desk' }],
]);

const awsKeys = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
const aws = { AWS_S3_BUCKET: 'b', ...awsKeys };
const starterMail = {
  NOTIFICATION_EMAIL: 'ops@example.com',
  SMTP_HOST: 'mail.example.com',
  SMTP_USER: 'me@example.com',
  SMTP_PASS: 'app pass',
};

rows.set(nestjsStarter, [
  [
    {},
    {
      timezone: 'UTC',
      instance: undefined,
      'storages.local.path': '/backups',
      'sources.it.database.host': 'db',
      'sources.it.database.port': '5432',
      'sources.it.database.name': 'nestjs_starter_db',
      'sources.it.database.user': 'postgres',
      'sources.it.database.password': undefined,
      'sources.it.schedule.cron': '0 2 * * *',
      'sources.it.retention.maxAge': '7d',
      'sources.it.dump.format': 'custom',
      'sources.it.dump.compression': 'gzip',
      'monitor.minBackups': '1',
      'monitor.maxSize': '1000mb',
      'monitor.maxAge': undefined,
      'alerts.channels[0].type': undefined,
    },
  ],
  [{ PACKAGE_NAME: 'nestjs_starter' }, { instance: 'nestjs_starter' }],
  [{ TZ: 'Asia/Dhaka' }, { timezone: 'Asia/Dhaka' }],
  [{ DB_HOST: 'pg' }, { 'sources.it.database.host': 'pg' }],
  [{ DB_PORT: '1' }, { 'sources.it.database.port': '1' }],
  [{ DB_NAME: 'a "b"; c' }, { 'sources.it.database.name': 'a "b"; c' }],
  [{ DB_USER: 'u' }, { 'sources.it.database.user': 'u' }],
  [{ DB_PASSWORD: "p@:/'$`" }, { 'sources.it.database.password': "p@:/'$`" }],
  [{ BACKUP_DIR: '/b' }, { 'storages.local.path': '/b' }],
  [{ BACKUP_SCHEDULE: '0 */6 * * *' }, { 'sources.it.schedule.cron': '0 */6 * * *' }],
  [{ BACKUP_SCHEDULE: '0 3 * * 0' }, { 'sources.it.schedule.cron': '0 3 * * 0' }],
  [{ BACKUP_RETENTION_DAYS: '30' }, { 'sources.it.retention.maxAge': '30d' }],
  [{ RETENTION_DAYS: '3' }, { 'sources.it.retention.maxAge': '3d' }],
  ...['custom', 'directory', 'tar', 'plain'].map((format): Row => [
    { BACKUP_FORMAT: format },
    { 'sources.it.dump.format': format },
  ]),
  ...['gzip', 'bzip2', 'xz'].flatMap((codec): Row[] => [
    [{ BACKUP_COMPRESSION: codec }, { 'sources.it.dump.compression': codec }],
    [{ COMPRESSION: codec }, { 'sources.it.dump.compression': codec }],
  ]),
  [
    aws,
    {
      'storages.s3.bucket': 'b',
      'storages.s3.accessKey': 'key',
      'storages.s3.secretKey': 'secret',
      'storages.s3.region': 'us-east-1',
      'storages.s3.prefix': 'database-backups',
    },
  ],
  [{ AWS_S3_BUCKET_NAME: 'c', ...awsKeys }, { 'storages.s3.bucket': 'c' }],
  [{ ...aws, AWS_REGION: 'eu-west-1' }, { 'storages.s3.region': 'eu-west-1' }],
  [{ ...aws, AWS_S3_PREFIX: 'backups/db' }, { 'storages.s3.prefix': 'backups/db' }],
  [
    starterMail,
    {
      'alerts.channels[0].type': 'email',
      'alerts.channels[0].to[0]': 'ops@example.com',
      'alerts.channels[0].from': 'me@example.com',
      'alerts.channels[0].smtp.host': 'mail.example.com',
      'alerts.channels[0].smtp.port': '587',
      'alerts.channels[0].smtp.user': 'me@example.com',
      'alerts.channels[0].smtp.password': 'app pass',
      'alerts.channels[0].smtp.tls': 'starttls',
    },
  ],
  [{ ...starterMail, SMTP_PORT: '465' }, { 'alerts.channels[0].smtp.tls': 'tls' }],
  [{ ...starterMail, SMTP_FROM: 'from@example.com' }, { 'alerts.channels[0].from': 'from@example.com' }],
  [{ ...starterMail, SMTP_PASS: '', SMTP_PASSWORD: 'x' }, { 'alerts.channels[0].smtp.password': 'x' }],
  [{ MIN_BACKUPS_COUNT: '3' }, { 'monitor.minBackups': '3' }],
  [{ MAX_BACKUP_SIZE_MB: '50' }, { 'monitor.maxSize': '50mb' }],
  [{ MAX_BACKUP_AGE_HOURS: '48' }, { 'monitor.maxAge': '48h' }],
  [{ FORCE_RESTORE: 'true' }, {}],
]);

rows.set(opsCenter, [
  [
    {},
    {
      'storages.local.path': '/app/backups/database',
      'sources.it.database.host': 'postgresql',
      'sources.it.database.port': '5432',
      'sources.it.database.name': 'unicorn_db',
      'sources.it.database.user': 'unicorn',
      'sources.it.database.password': undefined,
      'sources.it.retention.maxAge': '7d',
      'sources.it.retention.last': '30',
      'sources.it.schedule.every': '24h',
      'sources.it.dump.format': 'plain',
      'sources.it.dump.compression': 'gzip',
      'sources.it.dump.timeout': undefined,
    },
  ],
  [{ POSTGRES_HOST: 'h' }, { 'sources.it.database.host': 'h' }],
  [{ POSTGRES_PORT: '1' }, { 'sources.it.database.port': '1' }],
  [{ POSTGRES_DB: 'd' }, { 'sources.it.database.name': 'd' }],
  [{ POSTGRES_USER: 'u' }, { 'sources.it.database.user': 'u' }],
  [{ POSTGRES_PASSWORD: 'with space' }, { 'sources.it.database.password': 'with space' }],
  [{ BACKUP_DIR: '/b' }, { 'storages.local.path': '/b' }],
  [{ BACKUP_RETENTION_DAYS: '14' }, { 'sources.it.retention.maxAge': '14d' }],
  [{ BACKUP_MAX_COUNT: '5' }, { 'sources.it.retention.last': '5' }],
  [{ BACKUP_INTERVAL_HOURS: '6' }, { 'sources.it.schedule.every': '6h' }],
  [{ BACKUP_ENABLED: 'false' }, { 'sources.it.schedule.every': undefined }],
  [{ BACKUP_AUTO_ENABLED: 'false' }, { 'sources.it.schedule.every': undefined }],
  [{ BACKUP_AUTO_ENABLED: '1', BACKUP_ENABLED: 'true' }, { 'sources.it.schedule.every': '24h' }],
]);

const ssl = (part: string) => `DB_DIALECT_OPTIONS_SSL_${part}`;

rows.set(nocobase, [
  [
    {},
    {
      timezone: 'UTC',
      'storages.local.path': 'storage/backups',
      'sources.it.database.host': 'localhost',
      'sources.it.database.port': '5432',
      'sources.it.database.name': 'nocobase',
      'sources.it.database.user': 'nocobase',
      'sources.it.dump.format': 'custom',
      'sources.it.retention.last': 100,
      'sources.it.schedule.cron': undefined,
      'sources.it.files[0].path': undefined,
      'sources.it.app.kind': 'nocobase',
      'sources.it.app.path': '.',
      'sources.it.app.storagePath': undefined,
      'sources.it.app.underscored': undefined,
      'sources.it.database.engine': undefined,
      'sources.it.database.ssl.mode': undefined,
    },
  ],
  [{ APP_NAME: 'crm' }, { instance: 'crm' }],
  [{ TZ: 'Asia/Shanghai' }, { timezone: 'Asia/Shanghai' }],
  [{ DB_DIALECT: 'PostgreSQL' }, { 'sources.it.database.engine': 'postgres', 'sources.it.dump.format': 'custom' }],
  ...['mysql', 'mariadb'].map((dialect): Row => [
    { DB_DIALECT: dialect, DB_HOST: 'm', DB_PASSWORD: 'p', PG_DUMP_PATH: '/opt/pg/pg_dump' },
    {
      'sources.it.database.engine': dialect,
      'sources.it.database.host': 'm',
      'sources.it.database.port': undefined,
      'sources.it.database.name': 'nocobase',
      'sources.it.database.user': 'nocobase',
      'sources.it.database.password': 'p',
      'sources.it.database.tools.pgDump': undefined,
      'sources.it.dump.format': undefined,
    },
  ]),
  [{ DB_DIALECT: 'mysql', DB_PORT: '3307' }, { 'sources.it.database.port': '3307' }],
  [
    { DB_DIALECT: 'mariadb', DB_SCHEMA: 'tenant1', [ssl('REJECT_UNAUTHORIZED')]: 'false' },
    { 'sources.it.app.schema': undefined, 'sources.it.database.ssl.mode': 'require' },
  ],
  [
    { DB_DIALECT: 'sqlite', DB_HOST: 'unused', DB_PASSWORD: 'unused', [ssl('MODE')]: 'require' },
    {
      'sources.it.database.engine': 'sqlite',
      'sources.it.database.path': 'storage/db/nocobase.sqlite',
      'sources.it.database.host': undefined,
      'sources.it.database.name': undefined,
      'sources.it.database.user': undefined,
      'sources.it.database.password': undefined,
      'sources.it.database.ssl.mode': undefined,
      'sources.it.dump.format': undefined,
    },
  ],
  [{ DB_DIALECT: 'sqlite', DB_STORAGE: 'db/crm.sqlite' }, { 'sources.it.database.path': 'db/crm.sqlite' }],
  [
    { DB_DIALECT: 'sqlite', DB_STORAGE: 'storage/db/crm.sqlite', STORAGE_PATH: '/app/nocobase/storage' },
    { 'sources.it.database.path': '/app/nocobase/storage/db/crm.sqlite' },
  ],
  [
    { DB_DIALECT: 'sqlite', STORAGE_PATH: '/srv/nb' },
    { 'sources.it.database.path': '/srv/nb/db/nocobase.sqlite', 'sources.it.app.path': '.' },
  ],
  [{ DB_HOST: 'h' }, { 'sources.it.database.host': 'h' }],
  [{ DB_PORT: '1' }, { 'sources.it.database.port': '1' }],
  [{ DB_DATABASE: 'd' }, { 'sources.it.database.name': 'd' }],
  [{ DB_USER: 'u' }, { 'sources.it.database.user': 'u' }],
  [{ DB_PASSWORD: 'p' }, { 'sources.it.database.password': 'p' }],
  [
    { DB_SCHEMA: 'tenant1', COLLECTION_MANAGER_SCHEMA: 'other' },
    { 'sources.it.database.schema': undefined, 'sources.it.app.schema': 'tenant1' },
  ],
  [{ DB_STORAGE: 'storage/db/nocobase.sqlite', DB_TIMEZONE: '+02:00' }, { timezone: 'UTC' }],
  [{ [ssl('MODE')]: 'require', [ssl('REJECT_UNAUTHORIZED')]: 'false' }, { 'sources.it.database.ssl.mode': 'require' }],
  [
    { [ssl('CA')]: 'ca.pem', [ssl('KEY')]: 'k.pem', [ssl('CERT')]: 'c.pem' },
    {
      'sources.it.database.ssl.mode': 'verify-full',
      'sources.it.database.ssl.ca': 'ca.pem',
      'sources.it.database.ssl.key': 'k.pem',
      'sources.it.database.ssl.cert': 'c.pem',
    },
  ],
  [
    { [ssl('REJECT_UNAUTHORIZED')]: 'true' },
    { 'sources.it.database.ssl.mode': 'verify-full', 'sources.it.database.ssl.ca': 'system' },
  ],
  [{ PG_DUMP_PATH: '/opt/pg/pg_dump' }, { 'sources.it.database.tools.pgDump': '/opt/pg/pg_dump' }],
  [{ PG_RESTORE_PATH: '/opt/pg/pg_restore' }, { 'sources.it.database.tools.pgRestore': '/opt/pg/pg_restore' }],
  [{ PG_DUMP_PATH: 'pg_dump' }, { 'sources.it.database.tools.pgDump': undefined }],
  [
    { STORAGE_PATH: '/srv/storage/' },
    {
      'storages.local.path': '/srv/storage/backups',
      'sources.it.files[0].path': undefined,
      'sources.it.app.path': '/srv',
      'sources.it.app.storagePath': '/srv/storage',
    },
  ],
  [
    { LOCAL_STORAGE_DEST: '/srv/up' },
    {
      'sources.it.files[0].name': 'uploads',
      'sources.it.files[0].path': '/srv/up',
      'sources.it.files[0].optional': true,
    },
  ],
  [{ LOCAL_STORAGE_DEST: 'storage/uploads' }, { 'sources.it.files[0].path': undefined }],
  [{ LOCAL_STORAGE_DEST: 'storage/up', STORAGE_PATH: '/srv/nb' }, { 'sources.it.files[0].path': '/srv/nb/up' }],
  [{ DB_UNDERSCORED: 'true' }, { 'sources.it.app.underscored': true }],
  [{ DB_UNDERSCORED: '1' }, { 'sources.it.app.underscored': false }],
  [{ DB_TABLE_PREFIX: 'nb_' }, { 'sources.it.app.tablePrefix': 'nb_' }],
  [{ APP_KEY: 'secret', APP_AES_SECRET_KEY: 'hex' }, { 'sources.it.app.kind': 'nocobase' }],
  [{ APP_AES_SECRET_KEY_PATH: '/k' }, { 'sources.it.app.kind': 'nocobase' }],
]);

rows.set(tmaCloud, [
  [
    {},
    {
      'storages.local.path': 'backups',
      'sources.it.database.host': 'localhost',
      'sources.it.database.port': '5432',
      'sources.it.database.user': 'postgres',
      'sources.it.database.name': 'tma_cloud_storage',
      'sources.it.database.password': undefined,
      'sources.it.via.container': 'auto',
      'sources.it.retention.last': '10',
      'sources.it.dump.format': 'custom',
      'sources.it.dump.compression': 'gzip:6',
      'sources.it.schedule.cron': '0 2 * * *',
      'sources.it.files[0].name': 'uploads',
      'sources.it.files[0].path': './uploads',
      'sources.it.files[0].optional': true,
    },
  ],
  [{ DB_HOST: 'h' }, { 'sources.it.database.host': 'h' }],
  [{ DB_PORT: '1' }, { 'sources.it.database.port': '1' }],
  [{ DB_USER: 'u' }, { 'sources.it.database.user': 'u' }],
  [{ DB_PASSWORD: 'p$(x)' }, { 'sources.it.database.password': 'p$(x)' }],
  [{ DB_NAME: 'n' }, { 'sources.it.database.name': 'n' }],
  [{ DB_CONTAINER: 'tma-cloud-postgres' }, { 'sources.it.via.container': 'tma-cloud-postgres' }],
  [{ BACKUP_RETAIN_COUNT: '3' }, { 'sources.it.retention.last': '3' }],
  [{ UPLOAD_DIR: '/srv/up' }, { 'sources.it.files[0].path': '/srv/up' }],
  [{ STORAGE_DRIVER: 's3' }, { 'sources.it.files[0].path': undefined }],
]);

/** Read elsewhere, or by nothing at all: no setting is to come of them. */
const elsewhere = /^(NOCODB_BACKUP_|BACKUP_)?LOG_(LEVEL|FORMAT)$|^INIT_|^MINIO_|^DB_WAIT_TIMEOUT$/;

describe.each(presets.map((preset) => ({ name: preset.name, preset })))('preset $name', ({ preset }) => {
  const table = rows.get(preset) ?? [];

  test.each(table)('N-24 N-25 J-03 J-04 J-05 J-06 J-08 J-09 O-01 O-02 B-13 T-07 T-13 %j means %j', (env, expected) => {
    const given = Object.fromEntries(Object.entries(env).filter(([, text]) => text !== ''));
    const { flat, problems } = read(preset, given);
    expect(problems).toEqual([]);
    for (const [path, value] of Object.entries(expected)) expect([path, flat[path]]).toEqual([path, value]);
  });

  test('the table above has every name of every variable', () => {
    const tried = new Set(table.flatMap(([env]) => Object.keys(env)));
    const missing = preset.variables.flatMap(namesOf).filter((name) => !tried.has(name) && !elsewhere.test(name));
    expect(missing).toEqual([]);
  });

  test('S23 a value of a secret is a reference to its variable, wherever it goes', () => {
    for (const [env] of table) {
      const { origins, flat } = read(preset, env);
      const secrets = preset.variables.filter(({ secret }) => secret).flatMap(namesOf);
      for (const name of Object.keys(env).filter((each) => secrets.includes(each) && env[each] !== '')) {
        const paths = Object.keys(flat).filter((path) => flat[path] === env[name]);
        for (const path of paths)
          expect([path, origins.get(path)?.secret, origins.get(path)?.copied]).toEqual([path, true, true]);
      }
    }
  });

  test('every name has one meaning', () => {
    const names = preset.variables.flatMap(namesOf);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('nonsense is an error that says what is allowed', () => {
  test.each<[Preset, Env, string, RegExp]>([
    [nocodb, { NOCODB_BACKUP_SCHEDULE_HOUR: '25' }, 'NOCODB_BACKUP_SCHEDULE_HOUR', /from 0 to 23, is "25"/],
    [nocodb, { BACKUP_SCHEDULE_MINUTE: '-1' }, 'BACKUP_SCHEDULE_MINUTE', /from 0 to 59/],
    [
      nocodb,
      { NOCODB_BACKUP_SCHEDULE_MODE: 'intervall' },
      'NOCODB_BACKUP_SCHEDULE_MODE',
      /did you mean interval\?; allowed: cron, interval/,
    ],
    [
      nocodb,
      { NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK: '7' },
      'NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK',
      /0 \(Monday\) to 6 \(Sunday\)/,
    ],
    [nocodb, { NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK: 'mon' }, 'NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK', /0 \(Monday\)/],
    [
      nocodb,
      { NOCODB_BACKUP_SCHEDULE_INTERVAL_HOURS: '169' },
      'NOCODB_BACKUP_SCHEDULE_INTERVAL_HOURS',
      /from 1 to 168/,
    ],
    [nocodb, { NOCODB_BACKUP_DATABASE_DUMP_TIMEOUT: '59' }, 'NOCODB_BACKUP_DATABASE_DUMP_TIMEOUT', /from 60 to 7200/],
    [
      nocodb,
      { NOCODB_BACKUP_SCHEDULE_ENABLED: 'maybe' },
      'NOCODB_BACKUP_SCHEDULE_ENABLED',
      /allowed: true, yes, on, 1, false/,
    ],
    [nocodb, { NOCODB_BACKUP_ALERT_LEVEL: 'warning' }, 'NOCODB_BACKUP_ALERT_LEVEL', /did you mean warnings\?/],
    [
      nocodb,
      { NOCODB_BACKUP_ALERT_CHANNELS: 'email,sms' },
      'NOCODB_BACKUP_ALERT_CHANNELS',
      /names sms.*allowed: email, teams, webhook/,
    ],
    [nestjsStarter, { BACKUP_RETENTION_DAYS: '0' }, 'BACKUP_RETENTION_DAYS', /from 1/],
    [nestjsStarter, { BACKUP_FORMAT: 'sql' }, 'BACKUP_FORMAT', /allowed: custom, directory, tar, plain/],
    [nestjsStarter, { COMPRESSION: 'zip' }, 'COMPRESSION', /allowed: gzip, bzip2, xz/],
    [opsCenter, { BACKUP_RETENTION_DAYS: '-1' }, 'BACKUP_RETENTION_DAYS', /from 1/],
    [opsCenter, { BACKUP_INTERVAL_HOURS: '0' }, 'BACKUP_INTERVAL_HOURS', /from 1/],
    [nocobase, { DB_DIALECT: 'kingbase' }, 'DB_DIALECT', /is "kingbase", .*postgres, mysql, mariadb, sqlite$/],
    [nocobase, { DB_DIALECT: 'sqlite', DB_STORAGE: ':memory:' }, 'DB_STORAGE', /is ":memory:".*no file/],
    [nocobase, { [ssl('CA')]: '-----BEGIN CERTIFICATE-----' }, ssl('CA'), /write it into a file/],
  ])('N-24 N-25 N-28 O-d5 %o', (preset, env, variable, message) => {
    const { problems } = read(preset, env);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ variable, message: expect.stringMatching(message) as unknown });
  });

  test('all at once', () => {
    const env = {
      NOCODB_BACKUP_SCHEDULE_HOUR: '25',
      NOCODB_BACKUP_SCHEDULE_MINUTE: '60',
      NOCODB_BACKUP_ALERT_LEVEL: 'x',
    };
    expect(read(nocodb, env).problems).toHaveLength(3);
  });
});

describe('two names of the same thing', () => {
  test.each<[Preset, string, string]>(
    presets.flatMap((preset) =>
      preset.variables
        .filter(({ to, also }) => to !== '' && also !== undefined)
        .flatMap(({ name, also = [] }) => also.map((other): [Preset, string, string] => [preset, name, other])),
    ),
  )('J-06 J-09 O-01 %o %s and %s: equal values are fine, others an error', (preset, name, other) => {
    const about = (env: Env) =>
      read(preset, {
        ...alerts('email,teams,webhook'),
        ...awsKeys,
        ...starterMail,
        ...mail,
        ...s3,
        ...env,
      }).problems.filter(({ message }) => /which mean the same setting|mean the same and differ/.test(message));
    expect(about({ [name]: '3', [other]: '3' })).toEqual([]);
    expect(about({ [name]: '3', [other]: '4' })).toHaveLength(1);
  });

  test('S23 the error about two secrets shows neither', () => {
    const { problems } = read(nocodb, { DATABASE_PASSWORD: 'first-secret', DB_PASSWORD: 'second-secret' });
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toMatch(/first-secret|second-secret/);
  });

  test('KEEP_LOCAL_ARCHIVE and DELETE_LOCAL_AFTER_S3 must not contradict each other', () => {
    const { problems } = read(nocodb, {
      NOCODB_BACKUP_DELETE_LOCAL_AFTER_S3: 'true',
      NOCODB_BACKUP_KEEP_LOCAL_ARCHIVE: 'true',
    });
    expect(problems).toMatchObject([{ variable: 'NOCODB_BACKUP_DELETE_LOCAL_AFTER_S3' }]);
  });
});

describe('what is said', () => {
  test('N-25 weekday 0 is Monday there', () => {
    const { notes } = read(nocodb, { NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK: '0,5' });
    expect(notes).toContainEqual(expect.stringMatching(/0,5 means Monday, Saturday .*1,6$/));
  });

  test('N-33 N-20 a channel or a bucket that lacks a setting is named and not used', () => {
    const { warnings, flat } = read(nocodb, { ...alerts('email,teams,webhook'), NOCODB_BACKUP_S3_BUCKET: 'b' });
    expect(flat['alerts.channels[0].type']).toBeUndefined();
    expect(warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/email is not used; not given: SMTP_HOST, SMTP_FROM, NOCODB_BACKUP_ALERT_EMAIL/),
        expect.stringMatching(/teams is not used; not given: NOCODB_BACKUP_TEAMS_WEBHOOK/),
        expect.stringMatching(/webhook is not used; not given: NOCODB_BACKUP_WEBHOOK_URL/),
        expect.stringMatching(/NOCODB_BACKUP_S3_BUCKET is not used; not given: NOCODB_BACKUP_S3_ACCESS_KEY/),
      ]),
    );
  });

  test('J-d16 a well-known password is never assumed', () => {
    for (const preset of presets) {
      const { flat, warnings } = read(preset, {});
      expect(flat['sources.it.database.password']).toBeUndefined();
      if (preset !== tmaCloud) expect(warnings.join('\n')).toMatch(/PASSWORD is not given/);
    }
  });

  test('N-d21 a certificate that is not to be checked is checked', () => {
    expect(read(nocodb, { ...mail, SMTP_CERTCHECK: 'false' }).warnings.join()).toMatch(/SMTP_CERTCHECK is not obeyed/);
  });

  test('N-33 a user without a password', () => {
    const { warnings, flat } = read(nocodb, { ...mail, SMTP_USER: 'backup' });
    expect(warnings).toContain('the alert channel email is not used; not given: SMTP_PASSWORD');
    expect(flat['alerts.channels[0].type']).toBeUndefined();
  });

  test('J-11 mail needs all four settings', () => {
    expect(read(nestjsStarter, { NOTIFICATION_EMAIL: 'a@b' }).warnings.join('\n')).toMatch(
      /no mail is sent to NOTIFICATION_EMAIL; not given: SMTP_HOST, SMTP_USER, SMTP_PASSWORD/,
    );
  });

  test('N-16 the export without a token is left out, and said', () => {
    const { warnings, problems, flat } = read(nocodb, { DATABASE_PASSWORD: 'x' });
    expect(problems).toEqual([]);
    expect(flat['sources.it.app.kind']).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/^NOCODB_API_TOKEN is not given: nothing is exported/)]);
    const off = { DATABASE_PASSWORD: 'x', NOCODB_BACKUP_API_EXPORT: 'false' };
    expect(read(nocodb, off).warnings).toEqual([]);
    expect(read(nocodb, { DATABASE_PASSWORD: 'x', NOCODB_API_TOKEN: 't' }).warnings).toEqual([]);
  });

  test('B-05 keys that are only variables are named: no backup has them', () => {
    const env = { DB_PASSWORD: 'p', APP_KEY: 'k', APP_AES_SECRET_KEY: 'hex', APP_AES_SECRET_KEY_PATH: '/etc/aes.dat' };
    const text = read(nocobase, env).warnings.join('\n');
    for (const name of ['APP_KEY', 'APP_AES_SECRET_KEY', 'APP_AES_SECRET_KEY_PATH'])
      expect(text).toMatch(new RegExp(`^${name} is given as a variable, .* \\.env`, 'm'));
    expect(
      read(nocobase, { DB_PASSWORD: 'p', APP_AES_SECRET_KEY_PATH: 'storage/apps/main/aes_key.dat' }).warnings,
    ).toEqual([]);
  });

  test('B-05 what came from the .env of the application lies in a file, which is the one to save', () => {
    const env = { DB_PASSWORD: 'p', APP_KEY: 'k', LOCAL_STORAGE_DEST: '/srv/up', STORAGE_PATH: 'kept' };
    const { warnings, flat } = read(nocobase, env, { path: '/srv/nb/.env', names: Object.keys(env) });
    expect(warnings).toEqual([]);
    expect(flat).toMatchObject({
      'sources.it.app.path': '/srv/nb',
      'sources.it.app.envFile': '/srv/nb/.env',
      'sources.it.app.storagePath': '/srv/nb/kept',
      'storages.local.path': '/srv/nb/kept/backups',
    });
    expect(flat['sources.it.files[0].path']).toBeUndefined();
    const other = read(nocobase, env, { path: '/run/more.env', names: ['DB_PASSWORD'] });
    expect(other.flat['sources.it.app.envFile']).toBeUndefined();
    expect(other.warnings.join()).toContain('APP_KEY is given as a variable');
  });
});
