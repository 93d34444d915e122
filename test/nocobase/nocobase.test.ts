import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { newNocobase, programs, type RealNocobase, type Session } from './real-nocobase.ts';
import { filesIn, nasty, nbdataOf, seed } from './seed.ts';

const passphrase = 'a long enough passphrase';
let server: TestPostgres;
let folder: string;
let one: RealNocobase & AsyncDisposable;
let two: RealNocobase & AsyncDisposable;
let holdfast: Installation;
let into: Installation;
let session: Session;

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ['one', 'two']) {
    await server.sql('postgres', `create role ${name} login password '${name}' createdb`);
    await server.createDatabase(name, `owner ${name}`);
  }
  folder = await mkdtemp(join(dirname((await programs()).app), 'test-'));
  const database = (name: string) => ({ host: server.host, port: server.port, name, user: name, password: name });
  [one, two] = (await Promise.all(
    ['one', 'two'].map((name) => newNocobase({ folder, name, database: database(name) })),
  )) as [typeof one, typeof two];
  const install = (name: string, path: string, place: string) =>
    installHoldfast({
      url: server.url(name, { user: name, password: name }),
      source: 'nb',
      settings: { app: { kind: 'nocobase', path }, encryption: { passphrase } },
      top: { storages: { local: { type: 'local', path: place } } },
    });
  holdfast = await install('one', one.path, join(folder, 'backups'));
  into = await install('two', two.path, join(folder, 'backups'));
  await one.start();
  session = await one.as();
  apiKey = await seed(session);
});
afterAll(async () => {
  await one?.[Symbol.asyncDispose]();
  await two?.[Symbol.asyncDispose]();
  await holdfast?.[Symbol.asyncDispose]();
  await into?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  await server?.[Symbol.asyncDispose]();
});

let apiKey = '';

/** All rows of all tables; without what changes by itself. */
async function rowsOf(database: string): Promise<Map<string, string[]>> {
  const tables = await server.sql<{ name: string }>(
    database,
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  const rows = new Map<string, string[]>();
  for (const { name } of tables) {
    const found = await server.sql<{ row: string }>(database, `select t::text as row from "${name}" t order by 1`);
    rows.set(
      name,
      found.map(({ row }) => row),
    );
  }
  return rows;
}

/** Writes records and uploads until it is stopped. */
function startWriter({ call, upload }: Session) {
  let going = true;
  let written = 0;
  const done = (async () => {
    while (going) {
      await call('orders:create', { note: `written ${written}`, total: written });
      await upload('attachments:create', `written ${written}.txt`, `written ${written}`);
      written += 1;
    }
  })();
  return {
    count: () => written,
    stop: async () => {
      going = false;
      await done;
    },
  };
}

let backup = '';

test('B-01, S23: a backup under a running writer holds database, every local storage and the keys', async () => {
  const writer = startWriter(session);
  await until(() => writer.count() > 3, 'the writer writes');
  const made = await holdfast.run('backup', 'nb', '--json');
  const after = writer.count();
  await until(() => writer.count() > after, 'the writer still writes');
  await writer.stop();
  expect(made.status, made.stderr).toBe(0);
  const result = JSON.parse(made.stdout) as { id: string; warnings: string[]; artifacts: { path: string }[] };
  backup = result.id;
  expect(result.warnings.filter((text) => /file record|deleted while/.test(text))).toEqual([]);
  const stored = result.artifacts.map(({ path }) => path).join(' ');
  for (const part of ['uploads.tar', 'storage-scans.tar', 'plugins.tar', 'keys.tar']) expect(stored).toContain(part);
  expect((await holdfast.run('verify', backup)).status).toBe(0);
});

test('B-12: over an application that runs, nothing is restored', async () => {
  await two.start();
  const refused = await into.run('restore', backup, '--yes', '--if-connected', 'disconnect');
  expect(refused.status, refused.stdout).toBe(4);
  expect(refused.stdout + refused.stderr).toContain('NocoBase runs');
  await two.stop();
});

test('into a second application: files byte for byte, records one by one', async () => {
  const restored = await into.run(
    'restore',
    backup,
    '--yes',
    '--if-connected',
    'disconnect',
    '--no-owner',
    '--keep-old',
  );
  expect(restored.status, restored.stderr).toBe(0);
  expect(restored.stdout + restored.stderr).toContain('nothing has to be upgraded');

  const [source, target] = [await rowsOf('one'), await rowsOf('two')];
  expect([...target.keys()]).toEqual([...source.keys()]);
  // The writer went on after the snapshot, and only adds.
  const growing = new Set(['orders', 'attachments', 'customers']);
  for (const [table, rows] of target) {
    if (growing.has(table)) expect(source.get(table), table).toEqual(expect.arrayContaining(rows));
    else if (table !== 'issuedTokens') expect(rows, table).toEqual(source.get(table));
  }
  expect(target.get('orders')?.length).toBeGreaterThan(nasty.length + 3);

  const records = await server.sql<{ path: string; filename: string; root: string }>(
    'two',
    `select path, filename, 'uploads' as root from attachments union all select path, filename, 'elsewhere' from papers`,
  );
  expect(records.length).toBeGreaterThan(2 * nasty.length);
  for (const { path, filename, root } of records) {
    const file = join('storage', root, path ?? '', filename);
    expect(await readFile(join(two.path, file)), file).toEqual(await readFile(join(one.path, file)));
  }
  const originals = await filesIn(join(one.path, 'storage'));
  for (const [file, content] of await filesIn(join(two.path, 'storage/elsewhere'))) {
    expect(content, file).toBe(originals.get(`elsewhere/${file}`));
  }
  expect(await readFile(join(two.path, 'storage/apps/main/aes_key.dat'))).toEqual(
    await readFile(join(one.path, 'storage/apps/main/aes_key.dat')),
  );
});

describe('the restored application', () => {
  test('starts, answers as the original, takes its API key, and writes on', async () => {
    // What the restore asks the operator for: the key of sessions and API keys, from the settings laid beside his own.
    const before = await readFile(join(two.path, '.env.restored'), 'utf8');
    const key = /^APP_KEY=.*$/m.exec(before)?.[0] ?? '';
    const settings = await readFile(join(two.path, '.env'), 'utf8');
    await writeFile(join(two.path, '.env'), settings.replace(/^APP_KEY=.*$/m, key));
    await two.start();
    expect(two.printed()).not.toMatch(/bad decrypt/i);

    const there = await two.as();
    const query = 'orders:list?sort=id&pageSize=20&appends=customer';
    expect(await there.call(query)).toEqual(await session.call(query));
    const byKey = await two.as(apiKey);
    expect(apiKey).not.toBe('');
    expect(await byKey.call('customers:list?sort=id')).toEqual(await session.call('customers:list?sort=id'));
    const [last] = await server.sql<{ id: string }>('two', 'select max(id) as id from orders');
    const created = (await there.call('orders:create', { note: nasty[1], total: 1 })) as { id: number; note: string };
    expect(created.note).toBe(nasty[1]);
    // The position of a sequence is that of the end of the dump, not of the snapshot.
    expect(created.id).toBeGreaterThan(Number(last?.id));
    const uploaded = await there.upload('attachments:create', 'new.txt', 'after the restore');
    expect(await readFile(join(two.path, 'storage/uploads', String(uploaded['filename'])), 'utf8')).toBe(
      'after the restore',
    );
    await there.call('collections:create', { name: 'afterwards', fields: [{ name: 'a', type: 'string' }] });
    await there.call('afterwards:create', { a: 'b' });
    await two.stop();
  });
});

describe('B-07, B-17: a .nbdata that NocoBase made itself', () => {
  beforeAll(() => two.stop());

  test.each(['', 'corréct hörse'])(
    'with the password %j: it becomes a backup, and comes back with its files',
    async (password) => {
      const file = await nbdataOf(one, session, password);
      const env = { HOLDFAST_NBDATA_PASSWORD: password };
      const imported = await into.runWith({ env }, 'import', file, '--allow', 'superuser', '--json');
      expect(imported.status, imported.stderr + imported.stdout).toBe(0);
      const { items } = JSON.parse(imported.stdout) as { items: { id: string; backup: { warnings: string[] } }[] };
      expect(items[0]?.backup.warnings.join(' ')).toContain('no authentication');
      const id = items[0]?.id ?? '';
      const restore = ['restore', id, '--yes', '--if-connected', 'disconnect', '--no-owner'];
      if ((await rowsOf('two')).has('afterwards')) {
        // What was made since is not in the file, and nothing in the file says whether it is a whole database.
        const stopped = await into.run(...restore);
        expect(stopped.status, stopped.stderr).toBe(4);
        expect(stopped.stderr).toContain('public.afterwards would be gone');
        expect((await rowsOf('two')).has('afterwards')).toBe(true);
      }
      const restored = await into.run(...restore, '--allow', 'excluded');
      expect(restored.status, restored.stderr).toBe(0);
      const [source, target] = [await rowsOf('one'), await rowsOf('two')];
      for (const table of ['orders', 'customers', 'attachments', 'papers', 'storages', 'environmentVariables']) {
        expect(target.get(table), table).toEqual(source.get(table));
      }
      // What NocoBase leaves out of its own backups: storages outside of storage/uploads, and files without a record.
      const originals = await filesIn(join(one.path, 'storage/uploads'));
      originals.delete('.gitkeep');
      expect(await filesIn(join(two.path, 'storage/uploads'))).toEqual(originals);
      if (password === '') return;

      const content = await readFile(file);
      const middle = Math.floor(content.length / 2);
      content[middle] = (content[middle] ?? 0) ^ 1;
      const flipped = join(folder, 'backup_20260101_000000_0001.nbdata');
      await writeFile(flipped, content);
      const refused = await into.runWith({ env }, 'import', flipped);
      expect(refused.status, refused.stdout).toBe(6);
    },
  );
});
