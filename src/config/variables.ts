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
    about: 'The address of the database.',
    example: 'postgres://shop@db/shop',
    setting: ofSource('database', 'url'),
  },
  {
    name: 'HOLDFAST_DATABASE_HOST',
    about: 'The host, instead of an address.',
    example: 'db',
    setting: ofSource('database', 'host'),
  },
  {
    name: 'HOLDFAST_DATABASE_PORT',
    about: 'The port; default 5432.',
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
    name: 'HOLDFAST_DRILL_TARGET',
    about: 'Where drills restore to: same, temporary, or an address.',
    example: 'temporary',
    setting: ofSource('drill', 'target'),
  },
];

function readSchedule(text: string): unknown {
  const every = /^every\s+(.+)$/i.exec(text.trim());
  return every ? { every: every[1] } : { cron: text };
}
