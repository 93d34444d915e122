import type { Draft, Preset, PresetVariable } from './preset.ts';

const variables: readonly PresetVariable[] = [
  { name: 'APP_NAME', to: 'app.name', standard: 'main', about: 'Of the application inside NocoBase.' },
  { name: 'TZ', to: 'timezone', standard: 'UTC', copied: true, about: '' },
  {
    name: 'DB_DIALECT',
    to: 'database.engine',
    standard: 'postgres',
    about: 'Only `postgres` can be saved by this version; any other is an error.',
  },
  { name: 'DB_HOST', to: 'database.host', standard: 'localhost', about: '' },
  { name: 'DB_PORT', to: 'database.port', standard: '5432', about: '' },
  { name: 'DB_DATABASE', to: 'database.name', standard: 'nocobase', about: '' },
  { name: 'DB_USER', to: 'database.user', standard: 'nocobase', about: '' },
  { name: 'DB_PASSWORD', to: 'database.password', secret: true, about: '' },
  { name: 'DB_SCHEMA', to: '', about: 'The whole database is saved, this schema with it.' },
  { name: 'COLLECTION_MANAGER_SCHEMA', to: '', about: 'Likewise.' },
  { name: 'DB_STORAGE', to: '', about: 'The file of SQLite, which this version cannot save.' },
  { name: 'DB_TIMEZONE', to: '', about: 'Of the application alone.' },
  { name: 'DB_DIALECT_OPTIONS_SSL_MODE', to: 'database.ssl', about: '' },
  {
    name: 'DB_DIALECT_OPTIONS_SSL_CA',
    to: 'database.ssl',
    about: 'The path of a file; the certificate itself is not accepted.',
  },
  { name: 'DB_DIALECT_OPTIONS_SSL_KEY', to: 'database.ssl', about: 'Likewise.' },
  { name: 'DB_DIALECT_OPTIONS_SSL_CERT', to: 'database.ssl', about: 'Likewise.' },
  {
    name: 'DB_DIALECT_OPTIONS_SSL_REJECT_UNAUTHORIZED',
    to: 'database.ssl',
    standard: 'true',
    about: '`true`: the certificate and its name are checked.',
  },
  { name: 'PG_DUMP_PATH', to: 'database.tools', about: '' },
  { name: 'PG_RESTORE_PATH', to: 'database.tools', about: '' },
  {
    name: 'STORAGE_PATH',
    to: 'files',
    standard: 'storage',
    about: 'Backups go to `backups` in it, beside those of the plugin, which are left alone.',
  },
  { name: 'LOCAL_STORAGE_DEST', to: 'files', about: 'Uploaded files; default `uploads` in the storage folder.' },
  { name: 'DB_UNDERSCORED', to: 'app.underscored', standard: 'false', about: 'Only the text `true` counts.' },
  { name: 'DB_TABLE_PREFIX', to: 'app.tablePrefix', about: '' },
  {
    name: 'APP_KEY',
    to: 'app',
    secret: true,
    about: 'Signs sessions and API keys. Keep it apart: this version does not save it.',
  },
  {
    name: 'APP_AES_SECRET_KEY',
    to: 'app.aesKey',
    secret: true,
    about: 'Without it, encrypted fields cannot be read again. Keep it apart: this version does not save it.',
  },
  { name: 'APP_AES_SECRET_KEY_PATH', to: 'app.aesKey', about: 'The file that holds it.' },
];

export const nocobase: Preset = {
  name: 'nocobase',
  title: 'NocoBase',
  variables,
  differences: [
    `NocoBase keeps the settings of its backups in its own database, not in variables. For a schedule give \`HOLDFAST_SCHEDULE\`, for the number of
backups \`HOLDFAST_KEEP_LAST\` (100 without it, as there), for a password \`HOLDFAST_PASSPHRASE\`, for a storage elsewhere \`HOLDFAST_S3_BUCKET\`.
As there, nothing is scheduled until you say so.`,
    `MySQL, MariaDB, SQLite and KingBase are refused with an error: this version saves PostgreSQL.`,
    `A password encrypts with authentication and a key of each backup's own; it is never stored in the database that it protects.`,
  ],
  detect: (has) =>
    has('DB_DIALECT') &&
    (has('DB_DATABASE') || has('DB_STORAGE')) &&
    ['APP_KEY', 'APP_AES_SECRET_KEY', 'APP_AES_SECRET_KEY_PATH', 'DB_UNDERSCORED', 'DB_TABLE_PREFIX'].some(has),
  arrange: (draft) => {
    arrangeDatabase(draft);
    draft.own('dump.format', 'custom');
    draft.own('retention.last', 100);
    const folder = (draft.text('STORAGE_PATH') ?? 'storage').replace(/\/+$/, '');
    draft.set(['storages', 'local', 'path'], `${folder}/backups`, 'STORAGE_PATH');
    const uploads = draft.text('LOCAL_STORAGE_DEST') ?? `${folder}/uploads`;
    draft.own('files', [{ name: 'uploads', path: uploads }], 'STORAGE_PATH', 'LOCAL_STORAGE_DEST');
    arrangeApplication(draft, folder);
  },
};

function arrangeDatabase(draft: Draft): void {
  const said = draft.said('DB_DIALECT');
  if (said !== null && !['postgres', 'postgresql'].includes(said.text.trim().toLowerCase())) {
    draft.problem(
      said.origin,
      `is ${JSON.stringify(said.text)}; this version can save PostgreSQL databases only (DB_DIALECT=postgres)`,
    );
  }
  draft.copy('DB_HOST', 'DB_PORT', 'DB_DATABASE', 'DB_USER', 'DB_PASSWORD');
  if (!draft.said('DB_PASSWORD')) draft.warn('DB_PASSWORD is not given: the database is asked without one');
  for (const name of ['DB_SCHEMA', 'COLLECTION_MANAGER_SCHEMA']) {
    const schema = draft.said(name);
    if (schema) draft.note(`${name} is ${schema.text}: the whole database is saved, that schema with it`);
  }
  for (const [key, name] of Object.entries({ pgDump: 'PG_DUMP_PATH', pgRestore: 'PG_RESTORE_PATH' })) {
    // The bare name is the original's default: the tool that the search path finds.
    const path = draft.said(name)?.text;
    if (path?.includes('/')) draft.own(`database.tools.${key}`, path, name);
  }
  arrangeTls(draft);
}

const tlsNames = ['MODE', 'CA', 'KEY', 'CERT', 'REJECT_UNAUTHORIZED'].map((part) => `DB_DIALECT_OPTIONS_SSL_${part}`);

function arrangeTls(draft: Draft): void {
  const given = tlsNames.filter((name) => draft.said(name));
  if (given.length === 0) return;
  const [mode, ca, key, cert, reject] = tlsNames as [string, string, string, string, string];
  for (const [part, name] of Object.entries({ ca, key, cert })) {
    const value = draft.said(name);
    if (value?.text.includes('-----BEGIN'))
      draft.problem(value.origin, 'holds a certificate or key itself; write it into a file and give its path');
    else if (value) draft.own(`database.ssl.${part}`, value.text, name);
  }
  const checks = draft.truth(reject);
  if (!draft.said(ca) && checks) draft.own('database.ssl.ca', 'system', reject);
  if (draft.said(mode)) draft.own('database.ssl.mode', draft.text(mode), mode);
  else draft.own('database.ssl.mode', checks ? 'verify-full' : 'require', reject);
}

function arrangeApplication(draft: Draft, folder: string): void {
  draft.own('app.kind', 'nocobase');
  draft.own('app.path', folder, 'STORAGE_PATH');
  draft.own('app.dialect', draft.text('DB_DIALECT'), 'DB_DIALECT');
  draft.copy('APP_NAME', 'DB_TABLE_PREFIX');
  draft.own('app.underscored', draft.text('DB_UNDERSCORED') === 'true', 'DB_UNDERSCORED');
  const [key, path] = [draft.said('APP_AES_SECRET_KEY'), draft.said('APP_AES_SECRET_KEY_PATH')];
  if (key) draft.own('app.aesKey', key.text, 'APP_AES_SECRET_KEY');
  else if (path) draft.own('app.aesKeyPath', path.text, 'APP_AES_SECRET_KEY_PATH');
}
