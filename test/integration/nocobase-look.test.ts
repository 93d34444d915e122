import { DatabaseSync } from 'node:sqlite';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AppDatabase } from '../../src/apps/app.ts';
import { readEnvironment } from '../../src/apps/nocobase/env-file.ts';
import { compareRecords } from '../../src/apps/nocobase/file-records.ts';
import { lookAt } from '../../src/apps/nocobase/look.ts';
import { appSchema } from '../../src/apps/nocobase/options.ts';
import { placesOf } from '../../src/apps/nocobase/places.ts';
import { openDatabase, temporaryFolder } from '../support/databases.ts';
import { hasMysql, startMysql, type TestMysql } from '../support/mysql-server.ts';
import { makeAppFolder, nocobaseTables, oddShape, usualShape, type Written } from '../support/nocobase-app.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const never = new AbortController().signal;

const written: Written = {
  files: [
    { table: 'attachments', path: '', filename: 'a.txt', size: 5, storageId: 1 },
    { table: 'attachments', path: 'süb/ földer', filename: 'ü $(x).txt', size: 5, storageId: 1 },
    { table: 'attachments', path: '', filename: 'gone.txt', size: 1, storageId: 1 },
    { table: 'attachments', path: '', filename: 'longer.txt', size: 99, storageId: 1 },
    { table: 'attachments', path: '../../escape', filename: 'a', size: 1, storageId: 1 },
    { table: 'attachments', path: '', filename: 'in-the-cloud.txt', size: 1, storageId: 3 },
    { table: 'labScans', path: 'deep/er', filename: 'scan.pdf', size: 5, storageId: 2 },
    { table: 'labScans', path: '/deep/er', filename: 'scan.pdf', size: 5, storageId: 2 },
  ],
};
const files = {
  'storage/uploads/a.txt': 'aaaaa',
  'storage/uploads/süb/ földer/ü $(x).txt': 'bbbbb',
  'storage/uploads/longer.txt': 'short',
  'storage/elsewhere/deep/er/scan.pdf': 'ccccc',
  escape: 'x',
};

let server: TestPostgres;
let maria: TestMysql | null = null;
let folder: { path: string } & AsyncDisposable;

beforeAll(async () => {
  server = await startPostgres();
  if (hasMysql()) maria = await startMysql();
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
  await maria?.[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function postgresWith(name: string, statements: readonly string[]): Promise<AppDatabase> {
  await server.createDatabase(name);
  for (const statement of statements) await server.sql(name, statement);
  const database = openDatabase(server, name, { scratch: folder.path });
  return {
    engine: 'postgres',
    name,
    serverVersion: '15.18',
    select: (query, signal) => database.select(query, signal),
  };
}

async function mariadbWith(name: string, statements: readonly string[]): Promise<AppDatabase> {
  const there = maria;
  if (!there) throw new Error('there is no MariaDB');
  await there.sql(null, `create database \`${name}\``);
  await there.sql(name, ...statements);
  return { engine: 'mariadb', name, serverVersion: there.version, select: (query) => there.sql(name, query) };
}

function sqliteWith(statements: readonly string[]): AppDatabase & Disposable {
  const database = new DatabaseSync(':memory:');
  for (const statement of statements) database.exec(statement);
  return {
    engine: 'sqlite',
    name: 'nocobase.sqlite',
    serverVersion: '3.46.0',
    select: async (query) => database.prepare(query).all(),
    [Symbol.dispose]: () => database.close(),
  };
}

async function look(database: AppDatabase, path: string, more: object = {}, encrypted = true) {
  const settings = appSchema.parse({ kind: 'nocobase', path, ...more });
  const environment = await readEnvironment(settings);
  const places = placesOf(settings, environment);
  const seen = await lookAt(database, { settings, environment, places }, { encrypted, signal: never });
  const compared = await compareRecords(
    database,
    { tables: seen.fileTables, storages: seen.storages, rootOf: places.rootOf },
    { signal: never, found: async () => undefined },
  );
  return { seen, compared };
}

const odd = { DB_SCHEMA: 'tenant1', DB_TABLE_PREFIX: 'nb_', DB_UNDERSCORED: 'true' };

const onMariadb = hasMysql()
  ? ([
      ['mariadb', 'usual', usualShape, { DB_DIALECT: 'mariadb' }],
      [
        'mariadb',
        'underscored and prefix',
        { ...oddShape, schema: '' },
        { ...odd, DB_SCHEMA: '', DB_DIALECT: 'mariadb' },
      ],
    ] as const)
  : [];

test.each([
  ...onMariadb,
  ['postgres', 'usual', usualShape, {}],
  ['postgres', 'underscored, prefix and schema', oddShape, odd],
  ['sqlite', 'usual', usualShape, { DB_DIALECT: 'sqlite' }],
  ['sqlite', 'underscored and prefix', { ...oddShape, schema: '' }, { ...odd, DB_SCHEMA: '', DB_DIALECT: 'sqlite' }],
] as const)('B-06, B-18: %s, %s: everything is found in the database itself', async (engine, name, shape, env) => {
  const { path } = await makeAppFolder(join(folder.path, `${engine} ${name}`), { files, env });
  const words = ({ postgres: 'pg', mariadb: 'mysql', sqlite: 'sqlite' } as const)[engine];
  const statements = nocobaseTables(shape, written, words);
  using sqlite = engine === 'sqlite' ? sqliteWith(statements) : null;
  const database = sqlite ?? (await (engine === 'mariadb' ? mariadbWith : postgresWith)(name, statements));

  const { seen, compared } = await look(database, path);
  expect(seen.facts).toMatchObject({
    kind: 'nocobase',
    version: '2.2.15',
    dialect: engine,
    ...shape,
    keys: 'saved',
    plugins: [
      { name: 'acl', version: '2.2.15', packageName: '@nocobase/plugin-acl' },
      { name: 'kanban', version: '2.2.15', packageName: '@nocobase/plugin-kanban' },
    ],
    trees: [
      { name: 'uploads', of: { documentRoot: null } },
      { name: 'plugins', of: { plugins: true } },
      { name: 'storage-scans', of: { documentRoot: 'storage/elsewhere' } },
    ],
    needsKeys: { secretVariables: 1, encryptedFields: 1, apiKeys: 2 },
  });
  expect(seen.app.contradictions).toEqual([]);
  expect(seen.warnings).toEqual(['files in the storages cloud lie elsewhere and are not part of this backup']);
  expect(compared).toMatchObject({ records: 7, missingCount: 2, otherSizeCount: 1 });
  expect(compared.missing).toEqual([
    expect.stringMatching(/attachments 3: gone\.txt$/),
    expect.stringMatching(/attachments 5: .*escape\/a$/),
  ]);
  expect(compared.otherSize).toEqual([expect.stringContaining('longer.txt (99 bytes noted, 5 found)')]);
});

test('B-06: what lies in databases of its own is named: sub-applications and external data sources', async () => {
  const statements = (json: string, quote: string) => [
    `create table applications (name varchar(255), cname varchar(255), status varchar(255), options ${json})`,
    `insert into applications values ('apart', null, 'running', '{"autoStart":true}'), ('tenant1', null, 'running', '{"dbConnType":"new_schema"}'),
      ('far', null, 'running', '{"dbConnType":"new_connection","database":{"host":"other","database":"elsewhere","schema":"tenant1"}}')`,
    `create table ${quote}dataSources${quote} (${quote}key${quote} varchar(255), type varchar(255), enabled boolean, options ${json})`,
    `insert into ${quote}dataSources${quote} values ('main', 'main', true, '{}'), ('crm', 'mysql', true, '{}'), ('old', 'mysql', false, '{}')`,
  ];
  const told = async (database: AppDatabase, env: Record<string, string>) => {
    const { path } = await makeAppFolder(join(folder.path, `apart ${database.engine}`), { env });
    return (await look(database, path)).seen.warnings.slice(1);
  };
  const sources = 'the data of the external data sources crm lies elsewhere and is not part of this backup';
  // A schema of this database is saved with it.
  const inSchema = nocobaseTables({ ...usualShape, schema: 'tenant1' }, {});
  const postgres = await postgresWith('apart', [
    ...nocobaseTables(usualShape, {}),
    ...inSchema,
    ...statements('json', '"'),
  ]);
  expect(await told(postgres, { DB_HOST: 'here' })).toEqual([
    expect.stringMatching(/^the applications apart, far of .* give each database a source$/),
    sources,
  ]);
  using sqlite = sqliteWith([...nocobaseTables(usualShape, {}, 'sqlite'), ...statements('text', '"')]);
  expect(await told(sqlite, { DB_DIALECT: 'sqlite' })).toEqual([
    expect.stringMatching(/^the applications apart, far, tenant1 of /),
    sources,
  ]);
});

test("B-06: somebody's own collection that is called as one of the multi-app manager's is none of it", async () => {
  const own = ['create table applications (name text, applicant text)', `insert into applications values ('a', 'b')`];
  const database = await postgresWith('jobs', [...nocobaseTables(usualShape, {}), ...own]);
  const { path } = await makeAppFolder(join(folder.path, 'jobs'), {});
  expect((await look(database, path)).seen.warnings).toEqual([expect.stringContaining('the storages cloud')]);
});

describe('what contradicts itself', () => {
  test('B-09: settings that say something else than the database are told, and the database counts', async () => {
    const database = await postgresWith('contradicting', nocobaseTables(usualShape, {}));
    const env = { DB_DIALECT: 'mysql', DB_TABLE_PREFIX: 'x_', DB_DATABASE: 'other' };
    const { path } = await makeAppFolder(join(folder.path, 'contradicting'), { env });
    const { seen } = await look(database, path);
    expect(seen.facts).toMatchObject({ dialect: 'postgres', tablePrefix: '' });
    expect(seen.warnings.slice(0, 3).map((text) => text.split(' ')[0])).toEqual([
      'DB_DIALECT',
      'DB_TABLE_PREFIX',
      'DB_DATABASE',
    ]);
  });

  test('two applications in one database: the settings choose, and without them nobody guesses', async () => {
    const both = [
      ...nocobaseTables(usualShape, { version: '1.0.0' }),
      ...nocobaseTables(oddShape, { version: '2.0.0' }),
    ];
    const database = await postgresWith('both', both);
    const { path } = await makeAppFolder(join(folder.path, 'both'), { env: { ...odd, DB_HOST: 'db' } });
    expect((await look(database, path)).seen.app.version).toBe('2.0.0');
    expect((await look(database, path, { schema: 'public' })).seen.app.version).toBe('1.0.0');
    await rm(join(path, '.env'));
    await expect(look(database, path)).rejects.toMatchObject({ code: 'NOCOBASE_AMBIGUOUS', kind: 'usage' });
    await expect(look(database, path, { tablePrefix: 'y' })).rejects.toMatchObject({ code: 'NOCOBASE_CONTRADICTION' });
    expect((await look(database, path, { underscored: true })).seen.app.version).toBe('2.0.0');
  });

  test('a database without NocoBase, and one whose installation never ended', async () => {
    const { path } = await makeAppFolder(join(folder.path, 'none'), {});
    await expect(look(await postgresWith('none', []), path)).rejects.toMatchObject({ code: 'NOCOBASE_NOT_FOUND' });
    const statements = [...nocobaseTables(usualShape, {}), 'delete from "applicationVersion"'];
    await expect(look(await postgresWith('half', statements), path)).rejects.toMatchObject({
      code: 'NOCOBASE_NOT_FOUND',
    });
  });
});

test('B-d7: without encryption, what will be unreadable is named, and no key is', async () => {
  const database = await postgresWith('plain', nocobaseTables(usualShape, {}));
  const { path, key } = await makeAppFolder(join(folder.path, 'plain'), {});
  const { seen } = await look(database, path, {}, false);
  expect(seen.facts).toMatchObject({ keys: 'left out' });
  const told = seen.warnings.find((text) => text.includes('not encrypted')) ?? '';
  for (const word of ['apps/main/aes_key.dat', 'APP_KEY', 'SMTP_PASSWORD', '1 encrypted field', '2 API keys']) {
    expect(told).toContain(word);
  }
  expect(told).not.toContain('COLOUR');
  const everything = JSON.stringify([seen.facts, seen.warnings]);
  for (const secret of [key.toString('hex'), key.toString('base64'), `key-of-${path}`]) {
    expect(everything).not.toContain(secret);
  }
});

describe('a key that is not where it is looked for is told, by what needs it', () => {
  const withKeyAt = async (name: string, keyPath: string | null, remove: boolean) => {
    const database = await postgresWith(name, nocobaseTables(usualShape, {}));
    const env = keyPath === null ? {} : { APP_AES_SECRET_KEY_PATH: keyPath };
    const { path } = await makeAppFolder(join(folder.path, name), { env });
    if (remove) await rm(join(path, 'storage/apps/main/aes_key.dat'));
    return { database, path };
  };
  const keyWarnings = (warnings: readonly string[]) => warnings.filter((text) => /\bkey\b/.test(text));

  test('B-d7: no key at all, in an encrypted backup', async () => {
    const { database, path } = await withKeyAt('keyless', null, true);
    const { seen } = await look(database, path);
    expect(seen.facts.aesKey).toBeNull();
    const [told = '', ...more] = keyWarnings(seen.warnings);
    expect(more).toEqual([]);
    for (const word of ['SMTP_PASSWORD', '1 encrypted field', `${path}/storage`, 'app.storagePath'])
      expect(told).toContain(word);
    expect(told).not.toContain('COLOUR');
  });

  test('B-d7: APP_AES_SECRET_KEY_PATH leads to nothing; a key that lies in the usual place is not the one', async () => {
    const { database, path } = await withKeyAt('astray', '/run/secrets/aes', false);
    const { seen } = await look(database, path);
    expect(seen.facts.aesKey).toBeNull();
    expect(keyWarnings(seen.warnings)).toEqual([
      expect.stringMatching(
        /^APP_AES_SECRET_KEY_PATH leads to \/run\/secrets\/aes, .*SMTP_PASSWORD, 1 encrypted field/,
      ),
    ]);
    // Not encrypted, it is told as well: what is named as left out would not help.
    expect((await look(database, path, {}, false)).seen.warnings.join('\n')).toContain('leads to /run/secrets/aes');
  });

  test('B-d7: nothing is told where the key is there: in its file, wherever that is, or among the settings', async () => {
    const { database, path } = await withKeyAt('found', 'storage/apps/main/own.key', true);
    await writeFile(join(path, 'storage/apps/main/own.key'), Buffer.alloc(32, 1));
    const own = await look(database, path);
    expect([own.seen.warnings.length, keyWarnings(own.seen.warnings)]).toEqual([1, []]);
    expect(own.seen.facts.aesKey).toMatch(/^[0-9a-f]{16}$/);
    const { path: other } = await makeAppFolder(join(folder.path, 'found-too'), {
      env: { APP_AES_SECRET_KEY: '01'.repeat(32), APP_AES_SECRET_KEY_PATH: '/run/secrets/aes' },
    });
    const given = await look(database, other);
    expect(keyWarnings(given.seen.warnings)).toEqual([]);
    // The same key, however it is given.
    expect(given.seen.facts.aesKey).toBe(own.seen.facts.aesKey);
  });

  test('nothing needs the key', async () => {
    const statements = [...nocobaseTables(usualShape, {}), 'delete from "environmentVariables"', 'delete from fields'];
    const { path } = await makeAppFolder(join(folder.path, 'needless'), {});
    await rm(join(path, 'storage/apps/main/aes_key.dat'));
    const { seen } = await look(await postgresWith('needless', statements), path);
    expect(keyWarnings(seen.warnings)).toEqual([]);
  });
});

test('more records than one page, with and without an id', async () => {
  const many = [
    ...nocobaseTables(usualShape, {}),
    `insert into attachments (id, filename, path, "storageId") select n * 7, 'f' || n, '', 1 from generate_series(1, 12345) n`,
    `create table "withoutId" (filename varchar(255), path text, "storageId" bigint)`,
    `insert into "withoutId" select 'f' || n, '', 1 from generate_series(1, 6000) n`,
  ];
  const database = await postgresWith('many', many);
  const { path } = await makeAppFolder(join(folder.path, 'many'), {});
  await writeFile(join(path, 'storage/uploads/f12345'), '');
  const { compared } = await look(database, path);
  expect(compared).toMatchObject({ records: 18_345, missingCount: 18_344 });
  expect(compared.missing).toHaveLength(20);
});

test('a key that is there and cannot be read ends it: nobody would find out before the key is needed', async () => {
  const database = await postgresWith('locked', nocobaseTables(usualShape, {}));
  const { path } = await makeAppFolder(join(folder.path, 'locked'), {});
  await rm(join(path, 'storage/apps'), { recursive: true });
  await writeFile(join(path, 'storage/apps'), 'not a folder');
  await expect(look(database, path)).rejects.toMatchObject({ code: 'NOCOBASE_KEY_UNREADABLE' });
});
