import type { PresetVariable } from './preset.ts';

/** Inside its container, the sidecar's compose files drop `NOCODB_`, and for some also `BACKUP_`: both names are read. */
function inner(name: string, ...also: string[]): Pick<PresetVariable, 'name' | 'also'> {
  return { name: `NOCODB_BACKUP_${name}`, also: [...also, `BACKUP_${name}`] };
}

function bare(name: string, ...also: string[]): Pick<PresetVariable, 'name' | 'also'> {
  return { name: `NOCODB_BACKUP_${name}`, also: also.length > 0 ? also : [name] };
}

export const nocodbVariables: readonly PresetVariable[] = [
  { ...bare('INSTANCE_NAME'), to: 'instance', about: 'Goes before `STACK_NAME`.' },
  { name: 'STACK_NAME', to: 'instance', standard: 'nocodb', about: 'Where no instance name is given.' },
  {
    name: 'TIME_ZONE',
    also: ['TZ'],
    to: 'timezone',
    standard: 'Etc/UTC',
    copied: true,
    about: 'Of the schedule and of what is shown. Ids are in UTC.',
  },
  { name: 'DB_HOST', to: 'database.host', standard: 'database-server', about: '' },
  { name: 'DB_PORT', to: 'database.port', standard: '5432', about: '' },
  { name: 'DB_NAME', to: 'database.name', standard: 'nocodb', about: '' },
  { name: 'DB_USER', to: 'database.user', standard: 'nocodb', about: '' },
  {
    name: 'DATABASE_PASSWORD',
    also: ['DB_PASSWORD'],
    to: 'database.password',
    secret: true,
    about: 'The init container calls it `DB_PASSWORD`.',
  },
  {
    ...inner('DATABASE_DUMP'),
    to: 'database',
    standard: 'true',
    about: '`false`: the files and the export alone; with nothing left to save, an error.',
  },
  { ...inner('DATABASE_DUMP_TIMEOUT'), to: 'dump.timeout', standard: '1800', about: 'Seconds, 60 to 7200.' },
  { name: 'DATA_DIR', to: 'storages.local.path', standard: '/data', copied: true, about: 'The folder for backups.' },
  {
    ...inner('SCHEDULE_ENABLED'),
    to: 'schedule',
    standard: 'true',
    about: '`false`: commands only, and the program goes on running.',
  },
  { ...inner('SCHEDULE_MODE'), to: 'schedule', standard: 'cron', about: '`cron` or `interval`.' },
  { ...inner('SCHEDULE_HOUR'), to: 'schedule.cron', standard: '5', about: '0 to 23.' },
  { ...inner('SCHEDULE_MINUTE'), to: 'schedule.cron', standard: '15', about: '0 to 59.' },
  {
    ...inner('SCHEDULE_DAY_OF_WEEK'),
    to: 'schedule.cron',
    standard: '*',
    about: '`*`, or days from 0 (Monday) to 6 (Sunday), separated by commas.',
  },
  {
    ...inner('SCHEDULE_INTERVAL_HOURS'),
    to: 'schedule.every',
    standard: '24',
    about: '1 to 168, from the last good backup on.',
  },
  { ...inner('ON_STARTUP'), to: 'schedule.runOnStart', standard: 'false', about: 'Of later versions.' },
  {
    ...inner('RETENTION_COUNT'),
    to: 'retention.last',
    standard: '30',
    copied: true,
    about: 'Good backups only, and one always stays.',
  },
  {
    ...inner('INCLUDE_FILES'),
    to: 'files',
    standard: 'true',
    about: 'The data folder of NocoDB, as one tar. Its own attachments lie in it, unless they are in a bucket.',
  },
  {
    name: 'NOCODB_DATA_PATH',
    to: 'files',
    standard: '/nocodb-data',
    about: 'Where the data volume of NocoDB is mounted. One that is missing is a warning.',
  },
  { ...inner('API_EXPORT'), to: 'app', standard: 'true', about: 'Needs a token; without one, a warning says so.' },
  { name: 'NOCODB_API_URL', to: 'app.url', standard: 'http://nocodb-server:8080', about: '' },
  {
    name: 'NOCODB_API_TOKEN',
    to: 'app.token',
    secret: true,
    about: 'Of a user who sees all bases; to restore, one who may create them.',
  },
  { ...inner('INCLUDE_RECORDS'), to: 'app.records', standard: 'true', about: 'In the export.' },
  {
    ...inner('INCLUDE_ATTACHMENTS'),
    to: 'app.attachments',
    standard: 'true',
    about: 'In the export: fetched through NocoDB, wherever they lie.',
  },
  {
    ...bare('S3_BUCKET'),
    to: 'storages.s3.bucket',
    about: 'Used when both keys are given, too. A missing bucket is created.',
  },
  { ...bare('S3_ACCESS_KEY'), to: 'storages.s3.accessKey', secret: true, about: '' },
  { ...bare('S3_SECRET_KEY'), to: 'storages.s3.secretKey', secret: true, about: '' },
  {
    ...bare('S3_ENDPOINT_URL'),
    to: 'storages.s3.endpoint',
    about: 'Amazon where it is not given. The bucket stands in the path.',
  },
  { ...bare('S3_REGION'), to: 'storages.s3.region', standard: 'eu-north-1', about: '' },
  { ...bare('S3_PREFIX'), to: 'storages.s3.prefix', standard: 'nocodb-backup', about: '' },
  {
    name: 'S3_MULTIPART_CHUNK_SIZE',
    to: 'storages.s3.partSize',
    about: 'In bytes. By default parts grow with the size.',
  },
  { name: 'S3_MULTIPART_THRESHOLD', to: '', about: 'Not needed: what fits into one request is sent in one.' },
  {
    ...inner('DELETE_LOCAL_AFTER_S3'),
    to: 'deleteLocalAfterCopy',
    standard: 'false',
    about: 'Only once the copy in the bucket is whole.',
  },
  {
    ...inner('KEEP_LOCAL_ARCHIVE'),
    to: 'deleteLocalAfterCopy',
    standard: 'true',
    about: 'Of later versions: the opposite of the one above.',
  },
  { ...bare('ALERT_ENABLED'), to: 'alerts', standard: 'false', about: '' },
  { ...bare('ALERT_LEVEL'), to: 'alerts.level', standard: 'warnings', about: '`errors`, `warnings` or `all`.' },
  {
    ...bare('ALERT_CHANNELS'),
    to: 'alerts.channels',
    about:
      '`email`, `teams`, `webhook`, separated by commas. One that lacks a setting is named in a warning and not used.',
  },
  { ...bare('ALERT_EMAIL', 'SMTP_TO'), to: 'alerts.channels', about: 'One or more addresses, separated by commas.' },
  { ...bare('TEAMS_WEBHOOK', 'TEAMS_WEBHOOK_URL'), to: 'alerts.channels', secret: true, about: '' },
  { ...bare('WEBHOOK_URL'), to: 'alerts.channels', secret: true, about: '' },
  {
    name: 'WEBHOOK_SECRET',
    also: ['NOCODB_BACKUP_WEBHOOK_SECRET'],
    to: 'alerts.channels',
    secret: true,
    about: 'At least 8 characters. Signs the bytes that are sent.',
  },
  { name: 'SMTP_HOST', to: 'alerts.channels', about: '' },
  { name: 'SMTP_PORT', to: 'alerts.channels', standard: '587', about: '' },
  { name: 'SMTP_TLS', to: 'alerts.channels', standard: 'true', about: '`true`: STARTTLS.' },
  {
    name: 'SMTP_SSL',
    to: 'alerts.channels',
    standard: 'false',
    about: '`true`: TLS from the first byte; assumed for port 465.',
  },
  { name: 'SMTP_USER', to: 'alerts.channels', about: '' },
  { name: 'SMTP_PASSWORD', also: ['SMTP_PASS'], to: 'alerts.channels', secret: true, about: '' },
  { name: 'SMTP_FROM', also: ['SMTP_SENDER'], to: 'alerts.channels', about: '' },
  { name: 'SMTP_FROM_NAME', to: 'alerts.channels', standard: 'NocoDB Backup', about: '' },
  { name: 'SMTP_CERTCHECK', to: '', standard: 'true', about: 'Not obeyed: certificates are always checked.' },
  {
    ...inner('LOG_LEVEL', 'LOG_LEVEL'),
    to: '',
    about:
      '`DEBUG`, `INFO`, `WARNING` or `ERROR`; `HOLDFAST_LOG_LEVEL` goes before it. The short names count with `HOLDFAST_PRESET=nocodb`.',
  },
  {
    ...inner('LOG_FORMAT', 'LOG_FORMAT'),
    to: '',
    about: 'Of later versions: `json` or `text`; `HOLDFAST_LOG_FORMAT` goes before it.',
  },
  {
    name: 'INIT_COLLATION_CHECK',
    to: '',
    about: 'Obeyed by `before-start` of the image ([Containers](containers.md)); by hand: `holdfast collation check`.',
  },
  {
    name: 'INIT_COLLATION_AUTO_FIX',
    to: '',
    about: 'Likewise, `holdfast collation fix`: it rebuilds the indexes, too.',
  },
  { name: 'INIT_AUDIT_CLEANUP', to: '', about: 'Likewise, `holdfast nocodb audit-cleanup`: off unless asked for.' },
  { name: 'DB_WAIT_TIMEOUT', to: '', about: 'Likewise, `holdfast wait-for-database --timeout`.' },
  {
    name: 'MINIO_ROOT_USER',
    to: '',
    about: 'Of the MinIO container alone; the bucket and its rights: [`holdfast storage create`](maintenance.md).',
  },
  { name: 'MINIO_ROOT_PASSWORD', to: '', secret: true, about: 'Likewise.' },
  { name: 'MINIO_API_PORT', to: '', about: 'Of the compose file alone.' },
  { name: 'MINIO_CONSOLE_PORT', to: '', about: 'Of the compose file alone.' },
];
