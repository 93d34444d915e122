import type { Path } from './path.ts';

/** One variable, with its line of the documentation. Each is also understood as `NAME_FILE`: a file that holds the value. */
export interface Variable {
  readonly name: string;
  readonly about: string;
  readonly example: string;
  /** Where its value goes when the configuration is made of the environment alone. */
  readonly setting?: (source: string) => Path;
  /** Where its value goes in each storage that the environment names. */
  readonly inStorages?: Path;
  /** Where its value goes in the alert channel of a kind, when there is one. */
  readonly inChannel?: { readonly kind: string; readonly path: Path };
  /** Giving it means that there is a channel of that kind, unless HOLDFAST_ALERT_CHANNELS says which there are. */
  readonly opensChannel?: boolean;
  /** Others read it, too: it does not mean that there is something for us to do. */
  readonly shared?: boolean;
  /** What the text means there; by default it is the value itself. */
  readonly read?: (text: string) => unknown;
  /** Also obeyed when there is a configuration file. */
  readonly withFile?: boolean;
  /** The content of a file makes no sense for it. */
  readonly noFile?: boolean;
}

const ofSource =
  (...path: string[]) =>
  (source: string): Path => ['sources', source, ...path];
const ofS3 = (option: string) => (): Path => ['storages', 's3', option];
const ofChannel = (kind: string, ...path: string[]) => ({ inChannel: { kind, path } });
const list = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Every variable this program reads; `docs/environment.md` is made of this table. One file because it is one table. */
export const variables: readonly Variable[] = [
  {
    name: 'HOLDFAST_CONFIG',
    about: 'The configuration file to use.',
    example: '/etc/holdfast/holdfast.yaml',
    withFile: true,
    noFile: true,
  },
  {
    name: 'HOLDFAST_PRESET',
    about:
      'Whose variables are to be understood: nocodb, nestjs-starter, ops-center, nocobase, tma-cloud, or none; see presets.md.',
    example: 'nocodb',
    withFile: true,
    noFile: true,
  },
  {
    name: 'HOLDFAST_ENV_FILE',
    about: 'A file of lines NAME=value, read as plain values for variables that are not given otherwise.',
    example: '/srv/app/.env',
    withFile: true,
    noFile: true,
  },
  {
    name: 'HOLDFAST_STATE',
    about: 'The folder for runs, locks and history; wins over the file.',
    example: '/var/lib/holdfast',
    setting: () => ['state'],
    withFile: true,
  },
  {
    name: 'HOLDFAST_LOG_LEVEL',
    about: 'How much is said: debug, info, warn or error.',
    example: 'debug',
    withFile: true,
    noFile: true,
  },
  {
    name: 'HOLDFAST_INSTANCE',
    about: 'The name of this installation in manifests; default: the host name.',
    example: 'web-1',
    setting: () => ['instance'],
  },
  {
    name: 'HOLDFAST_TIMEZONE',
    about: 'Time zone for display and for cron patterns; default UTC.',
    example: 'Europe/Berlin',
    setting: () => ['timezone'],
  },
  { name: 'HOLDFAST_SOURCE', about: 'The name of the source; default main.', example: 'shop' },
  {
    name: 'HOLDFAST_DATABASE_URL',
    about: 'The address of the database: postgres://, mysql://, mariadb://, or sqlite:///absolute/path/of/the/file.',
    example: 'postgres://shop@db/shop',
    setting: ofSource('database', 'url'),
  },
  {
    name: 'HOLDFAST_DATABASE_ENGINE',
    about: 'postgres (default), mysql, mariadb or sqlite, where no address says it.',
    example: 'mariadb',
    setting: ofSource('database', 'engine'),
  },
  {
    name: 'HOLDFAST_DATABASE_PATH',
    about: 'The file of an SQLite database, instead of an address.',
    example: '/srv/app/data.db',
    setting: ofSource('database', 'path'),
  },
  {
    name: 'HOLDFAST_DATABASE_HOST',
    about: 'The host, instead of an address.',
    example: 'db',
    setting: ofSource('database', 'host'),
  },
  {
    name: 'HOLDFAST_DATABASE_PORT',
    about: 'The port; default 5432, for MySQL and MariaDB 3306.',
    example: '5432',
    setting: ofSource('database', 'port'),
  },
  {
    name: 'HOLDFAST_DATABASE_NAME',
    about: 'The name of the database.',
    example: 'shop',
    setting: ofSource('database', 'name'),
  },
  {
    name: 'HOLDFAST_DATABASE_USER',
    about: 'The role to connect as.',
    example: 'shop',
    setting: ofSource('database', 'user'),
  },
  {
    name: 'HOLDFAST_DATABASE_PASSWORD',
    about: 'The password, exactly as it is: nothing in it needs to be encoded.',
    example: 's3cr3t',
    setting: ofSource('database', 'password'),
  },
  {
    name: 'HOLDFAST_FILES',
    about:
      'Folders to save, separated by commas: paths, each also as name=path; without a name, they are called as their last part.',
    example: '/srv/shop/uploads,invoices=/srv/invoices',
    setting: ofSource('files'),
    read: readFolders,
  },
  {
    name: 'HOLDFAST_APP',
    about: 'An application to save: nocodb (its address and a token) or nocobase (its folder).',
    example: 'nocodb',
    setting: ofSource('app', 'kind'),
  },
  {
    name: 'HOLDFAST_APP_URL',
    about: 'The address of the application.',
    example: 'http://nocodb:8080',
    setting: ofSource('app', 'url'),
  },
  {
    name: 'HOLDFAST_APP_TOKEN',
    about: 'An API token of NocoDB.',
    example: 's3cr3t',
    setting: ofSource('app', 'token'),
  },
  {
    name: 'HOLDFAST_APP_PATH',
    about: 'The folder of NocoBase: the one with its .env and its storage folder.',
    example: '/srv/nocobase',
    setting: ofSource('app', 'path'),
  },
  {
    name: 'HOLDFAST_CONTAINER',
    about: 'Run the client tools inside this container (or auto).',
    example: 'shop-db-1',
    setting: ofSource('via', 'container'),
  },
  {
    name: 'HOLDFAST_FORMAT',
    about: 'The format of the dump: auto, custom, directory, tar or plain.',
    example: 'custom',
    setting: ofSource('dump', 'format'),
  },
  {
    name: 'HOLDFAST_COMPRESSION',
    about: 'auto, none, or gzip, bzip2, xz, lz4, zstd, each also with a level.',
    example: 'zstd:6',
    setting: ofSource('dump', 'compression'),
  },
  {
    name: 'HOLDFAST_JOBS',
    about: 'Parallel jobs of a dump in directory format; default auto.',
    example: '4',
    setting: ofSource('dump', 'jobs'),
  },
  { name: 'HOLDFAST_TIMEOUT', about: 'How long a dump may take.', example: '2h', setting: ofSource('dump', 'timeout') },
  {
    name: 'HOLDFAST_FINGERPRINTS',
    about: 'Also record a digest of the content of every table: true or false.',
    example: 'true',
    setting: ofSource('dump', 'fingerprints'),
  },
  {
    name: 'HOLDFAST_DUMP_LIMIT',
    about: 'Read so much a second from the dump tool at most; not for the directory format.',
    example: '20mb',
    setting: ofSource('dump', 'limit'),
  },
  {
    name: 'HOLDFAST_EXCLUDE_TABLES',
    about: 'Tables left out, separated by commas.',
    example: 'cache,sessions',
    setting: ofSource('dump', 'exclude', 'tables'),
    read: list,
  },
  {
    name: 'HOLDFAST_EXCLUDE_TABLE_DATA',
    about: 'Tables stored without their rows, separated by commas.',
    example: 'audit_log',
    setting: ofSource('dump', 'exclude', 'tableData'),
    read: list,
  },
  {
    name: 'HOLDFAST_SCHEDULE',
    about: 'When to back up: a cron pattern, or "every" and a duration.',
    example: 'every 24h',
    setting: ofSource('schedule'),
    read: readSchedule,
  },
  {
    name: 'HOLDFAST_SCHEDULE_ENABLED',
    about: 'false: `serve` starts nothing by the clock and goes on running.',
    example: 'false',
    setting: () => ['scheduler', 'enabled'],
  },
  {
    name: 'HOLDFAST_SCHEDULE_MISSED',
    about: 'What to do about times that passed while nothing ran: run (once) or skip.',
    example: 'skip',
    setting: ofSource('schedule', 'missed'),
  },
  {
    name: 'HOLDFAST_STOP_WITHIN',
    about: 'How long running work may go on when `serve` is told to stop; default 5s.',
    example: '10m',
    setting: () => ['scheduler', 'stopWithin'],
  },
  {
    name: 'HOLDFAST_VERIFY_SCHEDULE',
    about: 'When to read the newest backup again: a cron pattern, or "every" and a duration.',
    example: 'every 7d',
    setting: ofSource('verify'),
    read: readSchedule,
  },
  {
    name: 'HOLDFAST_DRILL_SCHEDULE',
    about: 'When to drill: a cron pattern, or "every" and a duration.',
    example: 'every 7d',
    setting: ofSource('drill'),
    read: readSchedule,
  },
  {
    name: 'HOLDFAST_KEEP_LAST',
    about: 'Keep the newest so many backups.',
    example: '30',
    setting: ofSource('retention', 'last'),
  },
  {
    name: 'HOLDFAST_MAX_AGE',
    about: 'Keep everything younger than this.',
    example: '30d',
    setting: ofSource('retention', 'maxAge'),
  },
  {
    name: 'HOLDFAST_KEEP_DAILY',
    about: 'Keep the newest of each of so many days.',
    example: '7',
    setting: ofSource('retention', 'daily'),
  },
  {
    name: 'HOLDFAST_KEEP_WEEKLY',
    about: 'The same for weeks.',
    example: '4',
    setting: ofSource('retention', 'weekly'),
  },
  {
    name: 'HOLDFAST_KEEP_MONTHLY',
    about: 'The same for months.',
    example: '12',
    setting: ofSource('retention', 'monthly'),
  },
  {
    name: 'HOLDFAST_KEEP_YEARLY',
    about: 'The same for years.',
    example: '2',
    setting: ofSource('retention', 'yearly'),
  },
  {
    name: 'HOLDFAST_KEEP_MINIMUM',
    about: 'Never fewer good backups than this; default 1.',
    example: '3',
    setting: ofSource('retention', 'minimum'),
  },
  {
    name: 'HOLDFAST_STORAGE_PATH',
    about: 'The folder for backups; default ./backups.',
    example: '/srv/backups',
    setting: () => ['storages', 'local', 'path'],
  },
  {
    name: 'HOLDFAST_S3_BUCKET',
    about: 'A bucket for backups: the only storage, or with HOLDFAST_STORAGE_PATH the second one, which gets copies.',
    example: 'backups',
    setting: ofS3('bucket'),
  },
  {
    name: 'HOLDFAST_S3_ENDPOINT',
    about: 'The address of the S3 service; default: Amazon.',
    example: 'https://s3.example.com',
    setting: ofS3('endpoint'),
  },
  {
    name: 'HOLDFAST_S3_PREFIX',
    about: 'Where in the bucket backups lie.',
    example: 'backups/web-1',
    setting: ofS3('prefix'),
  },
  {
    name: 'HOLDFAST_S3_REGION',
    about: 'The region of the bucket.',
    example: 'eu-central-1',
    setting: ofS3('region'),
  },
  {
    name: 'HOLDFAST_S3_ACCESS_KEY',
    about: 'The access key; without it, what the SDK finds by itself.',
    example: 'AKIAEXAMPLE',
    setting: ofS3('accessKey'),
  },
  {
    name: 'HOLDFAST_S3_SECRET_KEY',
    about: 'Its secret.',
    example: 's3cr3t',
    setting: ofS3('secretKey'),
  },
  {
    name: 'HOLDFAST_S3_PATH_STYLE',
    about: 'The bucket in the path of the address: auto, true or false.',
    example: 'true',
    setting: ofS3('pathStyle'),
  },
  {
    name: 'HOLDFAST_S3_STORAGE_CLASS',
    about: 'The storage class of what is stored.',
    example: 'STANDARD',
    setting: ofS3('storageClass'),
  },
  {
    name: 'HOLDFAST_UPLOAD_LIMIT',
    about: 'Write so much a second into the storage at most.',
    example: '10mb',
    inStorages: ['limit', 'upload'],
  },
  {
    name: 'HOLDFAST_DOWNLOAD_LIMIT',
    about: 'Read so much a second from the storage at most.',
    example: '10mb',
    inStorages: ['limit', 'download'],
  },
  {
    name: 'HOLDFAST_DELETE_LOCAL_AFTER_COPY',
    about: 'Remove copies on this machine once every other storage has a whole one.',
    example: 'true',
    setting: ofSource('deleteLocalAfterCopy'),
  },
  {
    name: 'HOLDFAST_PASSPHRASE',
    about: 'Encrypt backups under a key that this passphrase opens.',
    example: 'correct horse battery staple',
    setting: () => ['encryption', 'passphrase'],
  },
  {
    name: 'HOLDFAST_RECIPIENTS',
    about: 'Encrypt backups for these public keys of age, separated by commas.',
    example: 'age1...',
    setting: () => ['encryption', 'recipients'],
    read: list,
  },
  {
    name: 'HOLDFAST_IDENTITY',
    about: 'An identity of age (AGE-SECRET-KEY-1...) that opens encrypted backups; mostly as HOLDFAST_IDENTITY_FILE.',
    example: 'AGE-SECRET-KEY-1...',
    withFile: true,
  },
  {
    name: 'HOLDFAST_NBDATA_PASSWORD',
    about: 'The password of encrypted .nbdata files, for import and nbdata.',
    example: 's3cr3t',
    withFile: true,
  },
  {
    name: 'HOLDFAST_MONITOR_MIN_BACKUPS',
    about: 'Fewer good backups than this is a warning; default 1.',
    example: '7',
    setting: () => ['monitor', 'minBackups'],
  },
  {
    name: 'HOLDFAST_MONITOR_MAX_SIZE',
    about: 'A bigger backup is a warning; default 10gb.',
    example: '50gb',
    setting: () => ['monitor', 'maxSize'],
  },
  {
    name: 'HOLDFAST_MONITOR_MAX_AGE',
    about: 'An older newest good backup is critical: a duration, auto (default) or off.',
    example: '48h',
    setting: () => ['monitor', 'maxAge'],
  },
  {
    name: 'HOLDFAST_MONITOR_MIN_FREE',
    about: 'Less free space in a storage is a warning: a part or a size; default 10%.',
    example: '20gb',
    setting: () => ['monitor', 'minFree'],
  },
  {
    name: 'HOLDFAST_MONITOR_STALE_DRILL',
    about: 'No drill that passed for so long is a warning; default 14d.',
    example: '30d',
    setting: () => ['monitor', 'staleDrill'],
  },
  {
    name: 'HOLDFAST_MONITOR_EVERY',
    about: 'How often serve checks; default 15m, or off.',
    example: '1h',
    setting: () => ['monitor', 'every'],
  },
  {
    name: 'HOLDFAST_REPORT_SCHEDULE',
    about: 'When serve sends a report: a cron pattern, or "every" and a duration.',
    example: '0 7 * * 1',
    setting: () => ['monitor', 'report'],
    read: readSchedule,
  },
  {
    name: 'HOLDFAST_DRILL_TARGET',
    about: 'Where drills restore to: same, temporary, or an address.',
    example: 'temporary',
    setting: ofSource('drill', 'target'),
  },
  {
    name: 'HOLDFAST_LISTEN',
    about: 'Where `serve` answers HTTP: host:port, the path of a socket, or off; default 127.0.0.1:8420.',
    example: '0.0.0.0:8420',
    setting: () => ['server', 'listen'],
  },
  {
    name: 'HOLDFAST_PUBLIC_URL',
    about: 'The address under which people reach that server, for links.',
    example: 'https://backup.example.com',
    setting: () => ['server', 'publicUrl'],
  },
  {
    name: 'HOLDFAST_TRUSTED_PROXIES',
    about: 'Reverse proxies whose X-Forwarded-For is believed: addresses and networks, with commas between.',
    example: '10.0.0.2,172.16.0.0/12',
    setting: () => ['server', 'trustedProxies'],
    read: list,
  },
  {
    name: 'HOLDFAST_ADMIN_PASSWORD',
    about: 'Makes `serve` add the user admin with this password, as long as there is no user.',
    example: 'a few words in a row',
    withFile: true,
  },
  {
    name: 'HOLDFAST_METRICS',
    about: 'Whether /metrics answers: true or false.',
    example: 'false',
    setting: () => ['server', 'metrics'],
  },
  {
    name: 'HOLDFAST_METRICS_TOKEN',
    about: 'The bearer token that /metrics asks for; without it, it answers this machine only.',
    example: 'a-long-random-text',
    setting: () => ['server', 'metricsToken'],
  },
  {
    name: 'HOLDFAST_LOG_FORMAT',
    about: 'How log lines on the error output look: text, or json for one object a line.',
    example: 'json',
    withFile: true,
    noFile: true,
  },
  {
    name: 'HOLDFAST_ALERT_LEVEL',
    about: 'Who is told of what: errors, warnings (default: and errors) or all (and every success).',
    example: 'errors',
    setting: () => ['alerts', 'level'],
  },
  {
    name: 'HOLDFAST_ALERT_REMIND_AFTER',
    about: 'When to say again what is still the matter; default 24h, or never.',
    example: '12h',
    setting: () => ['alerts', 'remindAfter'],
  },
  {
    name: 'HOLDFAST_ALERT_CHANNELS',
    about:
      'Which of the channels below are used, separated by commas: email, teams, slack, discord, telegram, ntfy, webhook, ping; default: those whose address is given.',
    example: 'email,teams',
  },
  {
    name: 'HOLDFAST_ALERT_EMAIL',
    about: 'Send alerts to these mail addresses, separated by commas; needs SMTP_HOST and SMTP_FROM.',
    example: 'ops@example.com',
    ...ofChannel('email', 'to'),
    opensChannel: true,
    read: list,
  },
  {
    name: 'SMTP_HOST',
    about: 'The mail server.',
    example: 'mail.example.com',
    ...ofChannel('email', 'smtp', 'host'),
    shared: true,
  },
  {
    name: 'SMTP_PORT',
    about: 'Its port; default 587, or as SMTP_TLS asks.',
    example: '465',
    ...ofChannel('email', 'smtp', 'port'),
    shared: true,
  },
  {
    name: 'SMTP_TLS',
    about: 'starttls (default, also true), tls (from the first byte) or none (also false).',
    example: 'tls',
    ...ofChannel('email', 'smtp', 'tls'),
    shared: true,
    read: readTls,
  },
  {
    name: 'SMTP_USER',
    about: 'The user of the mail server.',
    example: 'backup@example.com',
    ...ofChannel('email', 'smtp', 'user'),
    shared: true,
  },
  {
    name: 'SMTP_PASSWORD',
    about: 'Its password.',
    example: 's3cr3t',
    ...ofChannel('email', 'smtp', 'password'),
    shared: true,
  },
  {
    name: 'SMTP_FROM',
    about: 'The address mails come from.',
    example: 'backup@example.com',
    ...ofChannel('email', 'from'),
    shared: true,
  },
  {
    name: 'SMTP_FROM_NAME',
    about: 'The name beside that address; default Holdfast.',
    example: 'Backups',
    ...ofChannel('email', 'fromName'),
    shared: true,
  },
  {
    name: 'HOLDFAST_TEAMS_WEBHOOK',
    about: 'Send alerts to Microsoft Teams: the address of a workflow.',
    example: 'https://prod-00.westeurope.logic.azure.com/workflows/...',
    ...ofChannel('teams', 'url'),
    opensChannel: true,
  },
  {
    name: 'HOLDFAST_SLACK_WEBHOOK',
    about: 'Send alerts to Slack: the address of an incoming webhook.',
    example: 'https://hooks.slack.com/services/...',
    ...ofChannel('slack', 'url'),
    opensChannel: true,
  },
  {
    name: 'HOLDFAST_DISCORD_WEBHOOK',
    about: 'Send alerts to Discord: the address of a webhook.',
    example: 'https://discord.com/api/webhooks/...',
    ...ofChannel('discord', 'url'),
    opensChannel: true,
  },
  {
    name: 'HOLDFAST_TELEGRAM_TOKEN',
    about: 'Send alerts to Telegram: the token of a bot.',
    example: '123456:ABC...',
    ...ofChannel('telegram', 'token'),
    opensChannel: true,
  },
  {
    name: 'HOLDFAST_TELEGRAM_CHAT',
    about: 'The number of the chat, or the @name of a channel.',
    example: '-1001234567890',
    ...ofChannel('telegram', 'chat'),
  },
  {
    name: 'HOLDFAST_NTFY_TOPIC',
    about: 'Send alerts to this topic of ntfy.',
    example: 'backups-x7k2',
    ...ofChannel('ntfy', 'topic'),
    opensChannel: true,
  },
  {
    name: 'HOLDFAST_NTFY_URL',
    about: 'The ntfy server; default https://ntfy.sh.',
    example: 'https://ntfy.example.com',
    ...ofChannel('ntfy', 'url'),
  },
  {
    name: 'HOLDFAST_NTFY_TOKEN',
    about: 'An access token for it.',
    example: 'tk_...',
    ...ofChannel('ntfy', 'token'),
  },
  {
    name: 'HOLDFAST_WEBHOOK_URL',
    about: 'Post alerts as JSON to this address.',
    example: 'https://example.com/hooks/backup',
    ...ofChannel('webhook', 'url'),
    opensChannel: true,
  },
  {
    name: 'HOLDFAST_WEBHOOK_SECRET',
    about: 'Signs what is posted, so that the receiver knows who it is from.',
    example: 's3cr3t-and-long',
    ...ofChannel('webhook', 'secret'),
  },
  {
    name: 'HOLDFAST_PING_URL',
    about: 'Called at the start and end of each backup, for a service that notices when nothing comes.',
    example: 'https://hc-ping.com/...',
    ...ofChannel('ping', 'url'),
    opensChannel: true,
  },
];

/** Only what can be a name is taken for one: `./a=b` is a path. */
function readFolders(text: string): unknown {
  return list(text).map((item) => {
    const named = /^([a-z0-9][a-z0-9._-]*)=(.+)$/.exec(item);
    return named ? { name: named[1], path: named[2] } : { path: item };
  });
}

function readSchedule(text: string): unknown {
  const every = /^every\s+(.+)$/i.exec(text.trim());
  return every ? { every: every[1] } : { cron: text };
}

function readTls(text: string): string {
  const known: Partial<Record<string, string>> = { true: 'starttls', false: 'none' };
  return known[text.trim().toLowerCase()] ?? text;
}
