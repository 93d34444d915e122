import type { PresetVariable } from './preset.ts';

export const nocobaseVariables: readonly PresetVariable[] = [
  {
    name: 'APP_NAME',
    to: 'instance',
    about: 'The keys of every application in the storage folder are saved, whatever it says.',
  },
  { name: 'TZ', to: 'timezone', standard: 'UTC', copied: true, about: '' },
  {
    name: 'DB_DIALECT',
    to: 'database.engine',
    standard: 'postgres',
    about: '`postgres`, `mysql`, `mariadb` or `sqlite`; any other is an error.',
  },
  { name: 'DB_HOST', to: 'database.host', standard: 'localhost', about: 'Not for SQLite, as the next four.' },
  { name: 'DB_PORT', to: 'database.port', standard: '5432', about: '3306 for MySQL and MariaDB.' },
  { name: 'DB_DATABASE', to: 'database.name', standard: 'nocobase', about: '' },
  { name: 'DB_USER', to: 'database.user', standard: 'nocobase', about: '' },
  { name: 'DB_PASSWORD', to: 'database.password', secret: true, about: '' },
  {
    name: 'DB_STORAGE',
    to: 'database.path',
    standard: 'storage/db/nocobase.sqlite',
    about: 'The file of SQLite; from the folder of the application, `storage/...` from the storage folder.',
  },
  {
    name: 'DB_SCHEMA',
    to: 'app.schema',
    about: 'Compared with what the database has. The whole database is saved, this schema with it.',
  },
  { name: 'COLLECTION_MANAGER_SCHEMA', to: '', about: 'The whole database is saved, this schema with it.' },
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
  { name: 'PG_DUMP_PATH', to: 'database.tools', about: 'Of PostgreSQL.' },
  { name: 'PG_RESTORE_PATH', to: 'database.tools', about: 'Of PostgreSQL.' },
  {
    name: 'STORAGE_PATH',
    to: 'app.storagePath',
    standard: 'storage',
    about: 'Backups go to `backups` in it, beside those of the plugin, which are left alone.',
  },
  {
    name: 'LOCAL_STORAGE_DEST',
    to: 'files',
    about:
      'Uploaded files, where they lie elsewhere than in `uploads` of the storage folder. In the `.env` of the application, it is found there.',
  },
  {
    name: 'DB_UNDERSCORED',
    to: 'app.underscored',
    about: 'Only the text `true` counts. Compared with what the database has.',
  },
  { name: 'DB_TABLE_PREFIX', to: 'app.tablePrefix', about: 'Likewise compared.' },
  {
    name: 'APP_KEY',
    to: '',
    secret: true,
    about:
      'Signs sessions and API keys. Saved, encrypted, where it stands in the `.env` of the application; else keep it apart.',
  },
  {
    name: 'APP_AES_SECRET_KEY',
    to: '',
    secret: true,
    about: 'Without it, encrypted fields cannot be read again. Likewise.',
  },
  {
    name: 'APP_AES_SECRET_KEY_PATH',
    to: '',
    about:
      'The file that holds it: saved, encrypted, when it lies in `apps` of the storage folder, or the `.env` names it.',
  },
];
