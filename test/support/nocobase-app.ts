import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How the tables of an application are named. */
export interface TableShape {
  schema: string;
  tablePrefix: string;
  underscored: boolean;
}

export const usualShape: TableShape = { schema: '', tablePrefix: '', underscored: false };
export const oddShape: TableShape = { schema: 'tenant1', tablePrefix: 'nb_', underscored: true };

export interface StorageRow {
  id: number;
  name: string;
  type: string;
  options: Record<string, unknown>;
  path?: string;
}

export const storageRows: readonly StorageRow[] = [
  { id: 1, name: 'local', type: 'local', options: { documentRoot: 'storage/uploads' } },
  { id: 2, name: 'scans', type: 'local', options: { documentRoot: 'storage/elsewhere' }, path: 'deep/er' },
  { id: 3, name: 'cloud', type: 's3', options: { bucket: 'b' } },
];

export interface Written {
  version?: string;
  storages?: readonly StorageRow[];
  /** Table (as NocoBase calls it), path, file, size, storage. */
  files?: readonly { table: string; path: string; filename: string; size: number; storageId: number }[];
}

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The tables of NocoBase 2.2.15 that matter here, with the columns and types they really have, in the words of one engine: `pg` or
 * `mysql` (where JSON is a text and names are quoted otherwise).
 */
export function nocobaseTables(
  shape: TableShape,
  written: Written,
  engine: 'pg' | 'mysql' | 'sqlite' = 'pg',
): string[] {
  const quoteWith = engine === 'mysql' ? '`' : '"';
  const quote = (name: string) => `${quoteWith}${name}${quoteWith}`;
  const column = (name: string) => quote(shape.underscored ? snake(name) : name);
  const table = (name: string) =>
    `${engine === 'pg' && shape.schema !== '' ? `${quote(shape.schema)}.` : ''}${quote(shape.tablePrefix + (shape.underscored ? snake(name) : name))}`;
  const json = engine === 'pg' ? 'jsonb' : 'text';
  const text = (value: unknown) => `'${String(value).replaceAll("'", "''")}'`;
  const stamps = `${column('createdAt')} varchar(40), ${column('updatedAt')} varchar(40)`;
  const fileColumns = `id bigint primary key, ${stamps}, title varchar(255), filename varchar(255), extname varchar(255), size integer,
    mimetype varchar(255), path text, url text, meta ${json}, ${column('storageId')} bigint`;
  const files = (written.files ?? []).map(
    ({ table: name, path, filename, size, storageId }, index) =>
      `insert into ${table(name)} (id, filename, size, path, ${column('storageId')}) values (${index + 1}, ${text(filename)}, ${size}, ${text(path)}, ${storageId})`,
  );
  return [
    ...(engine === 'pg' && shape.schema !== '' ? [`create schema ${quote(shape.schema)}`] : []),
    `create table ${table('applicationVersion')} (id bigint primary key, value varchar(255))`,
    `insert into ${table('applicationVersion')} values (23, ${text(written.version ?? '2.2.15')})`,
    `create table ${table('applicationPlugins')} (id bigint primary key, ${stamps}, name varchar(255), ${column('packageName')} varchar(255),
      version varchar(255), enabled boolean, installed boolean, ${column('builtIn')} boolean, options ${json})`,
    `insert into ${table('applicationPlugins')} (id, name, ${column('packageName')}, version, enabled) values
      (1, 'acl', '@nocobase/plugin-acl', '2.2.15', true), (2, 'kanban', '@nocobase/plugin-kanban', '2.2.15', true),
      (3, 'embed', '@nocobase/plugin-embed', '2.2.15', false)`,
    `create table ${table('storages')} (id bigint primary key, ${stamps}, title varchar(255), name varchar(255), type varchar(255),
      options ${json}, rules ${json}, path text, ${column('baseUrl')} varchar(255), ${column('renameMode')} varchar(255))`,
    ...(written.storages ?? storageRows).map(
      ({ id, name, type, options, path = '' }) =>
        `insert into ${table('storages')} (id, name, type, options, path) values (${id}, ${text(name)}, ${text(type)}, ${text(JSON.stringify(options))}, ${text(path)})`,
    ),
    `create table ${table('attachments')} (${fileColumns})`,
    `create table ${table('labScans')} (${fileColumns}, note text)`,
    ...files,
    `create table ${table('collections')} (${quote('key')} varchar(255) primary key, name varchar(255), title varchar(255), options ${engine === 'pg' ? 'json' : 'text'})`,
    `insert into ${table('collections')} values ('a', 'labScans', 'Scans', ${text(JSON.stringify({ template: 'file', ...(shape.schema === '' ? {} : { schema: shape.schema }) }))})`,
    `create table ${table('fields')} (${quote('key')} varchar(255) primary key, name varchar(255), type varchar(255), interface varchar(255),
      ${column('collectionName')} varchar(255), options ${json})`,
    `insert into ${table('fields')} (${quote('key')}, name, type, interface) values ('a', 'secret', 'encryption', 'encryption'), ('b', 'note', 'text', 'textarea')`,
    `create table ${table('environmentVariables')} (${stamps}, name varchar(255) primary key, type varchar(255), value text)`,
    `insert into ${table('environmentVariables')} (name, type, value) values ('SMTP_PASSWORD', 'secret', '00ff'), ('COLOUR', 'default', 'red')`,
    `create table ${table('apiKeys')} (id bigint primary key, name varchar(255), token varchar(255))`,
    `insert into ${table('apiKeys')} values (1, 'a', 't'), (2, 'b', 't')`,
  ];
}

export interface AppFolder {
  path: string;
  key: Buffer;
}

/** An application's folder as its installer leaves it, without the programs. */
export async function makeAppFolder(
  path: string,
  {
    env = {},
    files = {},
    version = '2.2.15',
  }: { env?: Record<string, string>; files?: Record<string, string>; version?: string | null },
): Promise<AppFolder> {
  const key = randomBytes(32);
  const settings = { APP_KEY: `key-of-${path}`, APP_PORT: '1', DB_DIALECT: 'postgres', ...env };
  const write = async (name: string, content: string | Buffer) => {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  };
  const lines = Object.entries(settings).filter(([, value]) => value !== '');
  await write('.env', `${lines.map(([name, value]) => `${name}=${value}`).join('\n')}\n`);
  if (version !== null) {
    await write('node_modules/@nocobase/server/package.json', JSON.stringify({ version }));
    await write('node_modules/@nocobase/plugin-acl/package.json', '{}');
  }
  await write('storage/apps/main/aes_key.dat', key);
  await write('storage/uploads/.gitkeep', '');
  await write('storage/logs/main/system.log', 'a log');
  await write('storage/tmp/half', 'of something');
  await write('storage/plugins/@nocobase/plugin-kanban/package.json', '{}');
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return { path, key };
}
