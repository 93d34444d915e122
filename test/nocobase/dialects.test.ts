import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { product, startMysql, stockTools, type TestMysql } from '../support/mysql-server.ts';
import { newNocobase, programs, version, type RealNocobase, type Session } from './real-nocobase.ts';
import { filesIn, nasty, nbdataOf, seed } from './seed.ts';

/** Two applications of one dialect: one that is saved, and one that is restored into. */
interface Ground extends AsyncDisposable {
  one: RealNocobase;
  two: RealNocobase;
  from: Installation;
  into: Installation;
  session: Session;
  /** In the database of the first. */
  sql(statement: string): Promise<unknown>;
}

const passphrase = 'a long enough passphrase';
const lists = ['orders:list?sort=id&pageSize=50&appends=customer', 'customers:list?sort=id&pageSize=50'];

let folder: string;
let server: TestMysql;
beforeAll(async () => {
  folder = await mkdtemp(join(dirname((await programs()).app), 'test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function prepare(name: string, databaseOf: (app: string) => Promise<Place>): Promise<Ground> {
  await using opened = new AsyncDisposableStack();
  const backups = join(folder, `${name}-backups`);
  const made = async (which: string) => {
    const own = `${name}_${which}`;
    const { env, database, login, tools, sql } = await databaseOf(own);
    const app = opened.use(await newNocobase({ folder, name: own, database: login, env, ...(tools ? { tools } : {}) }));
    const settings = { database, app: { kind: 'nocobase', path: app.path }, encryption: { passphrase } };
    const top = { storages: { local: { type: 'local', path: backups } } };
    return { app, sql, holdfast: opened.use(await installHoldfast({ url: '', source: 'nb', settings, top })) };
  };
  const [one, two] = [await made('one'), await made('two')];
  await one.app.start();
  const session = await one.app.as();
  await seed(session);
  const all = opened.move();
  return {
    one: one.app,
    two: two.app,
    from: one.holdfast,
    into: two.holdfast,
    session,
    sql: one.sql,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

interface Place {
  /** For NocoBase. */
  env: Record<string, string>;
  login: { host: string; port: number; name: string; user: string; password: string };
  /** For Holdfast. */
  database: Record<string, unknown>;
  tools?: string;
  sql(statement: string): Promise<unknown>;
}

async function inSqlite(app: string): Promise<Place> {
  const env = { DB_DIALECT: 'sqlite', DB_STORAGE: 'storage/db/own.sqlite' };
  const path = join(folder, app, 'storage/db/own.sqlite');
  return {
    env,
    database: { engine: 'sqlite', path },
    login: { host: '', port: 0, name: '', user: '', password: '' },
    sql: async (statement) => {
      using db = new DatabaseSync(path);
      db.exec(statement);
    },
  };
}

async function inMysql(app: string): Promise<Place> {
  const { host, port, user, password } = server;
  await server.sql(null, `create database ${app} character set utf8mb4`);
  const tools = await mkdtemp(join(folder, 'tools-'));
  // NocoBase calls mysqldump with an option that MariaDB's does not know.
  await writeFile(
    join(tools, 'mysqldump'),
    `#!/bin/sh
for each do
  shift
  case $each in --set-gtid-purged*) [ ${product} = mysql ] || continue ;; esac
  set -- "$@" "$each"
done
exec ${join(process.env['HOLDFAST_TEST_MYSQL'] ?? '/usr/bin', stockTools.dump)} "$@"
`,
  );
  await chmod(join(tools, 'mysqldump'), 0o755);
  const own = process.env['HOLDFAST_TEST_MYSQL'];
  return {
    env: { DB_DIALECT: product },
    login: { host, port, name: app, user, password },
    database: { engine: product, url: server.url(app), ssl: 'disable', ...(own === undefined ? {} : { tools: own }) },
    tools,
    sql: (statement) => server.sql(app, statement),
  };
}

async function answers(session: Session): Promise<unknown[]> {
  return Promise.all(lists.map((list) => session.call(list)));
}

/** In MySQL and MariaDB, NocoBase changes texts that end in a backslash when it makes the file. */
function changedByNocobase(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/\\$/, "'");
  if (Array.isArray(value)) return value.map(changedByNocobase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changedByNocobase(each)]));
}

async function restored({ into }: Ground, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await into.run('restore', ...args, '--yes', '--if-connected', 'disconnect');
  expect(status, stderr).toBe(0);
  return stdout + stderr;
}

describe.each([
  ['sqlite', inSqlite],
  [product, inMysql],
] as const)('B-02: a real NocoBase on %s', (name, place) => {
  let ground: Ground;
  beforeAll(async () => {
    if (name !== 'sqlite') server = await startMysql();
    ground = await prepare(name, place);
  });
  afterAll(async () => {
    await ground?.[Symbol.asyncDispose]();
    if (name !== 'sqlite') await server?.[Symbol.asyncDispose]();
  });

  test('B-01: saved while it runs, it comes back in a second application, which goes on with it', async () => {
    const { one, two, from, session } = ground;
    const made = await from.json<{ id: string; warnings: string[] }>('backup', 'nb');
    expect(made.warnings.filter((text) => /file record|deleted while/.test(text))).toEqual([]);
    expect(await restored(ground, made.id)).toContain('nothing has to be upgraded');
    for (const root of ['storage/uploads', 'storage/elsewhere', 'storage/apps']) {
      expect(await filesIn(join(two.path, root)), root).toEqual(await filesIn(join(one.path, root)));
    }

    await two.start();
    const there = await two.as();
    expect(await answers(there)).toEqual(await answers(session));
    const created = (await there.call('orders:create', { note: nasty[1], total: 1 })) as { id: number; note: string };
    expect(created).toMatchObject({ id: nasty.length + 1, note: nasty[1] });
    await there.upload('attachments:create', 'new.txt', 'after the restore');
    await two.stop();
  });

  test('B-12: of an older version, it is upgraded as the restore says, and starts', async () => {
    const { one, two, from, session, sql } = ground;
    const before = await answers(session);
    await one.stop();
    const set = (value: string) => sql(`update applicationVersion set value = '${value}'`);
    await set('2.2.14');
    const made = await from.json<{ id: string }>('backup', 'nb');
    await set(version);
    expect(await restored(ground, made.id)).toContain('yarn nocobase upgrade');
    await two.upgrade();
    await two.start();
    expect(await answers(await two.as())).toEqual(before);
    await two.stop();
    await one.start();
    ground.session = await one.as();
  });

  test.each(['', 'corréct hörse'])('B-07, B-17: a .nbdata of its own, with the password %j', async (password) => {
    const { one, two, into, session } = ground;
    const file = await nbdataOf(one, session, password);
    const env = { HOLDFAST_NBDATA_PASSWORD: password };
    // Of MySQL and MariaDB, it holds a script that could do anything.
    const allowed = name === 'sqlite' ? [] : ['--allow', 'script'];
    const imported = await into.runWith({ env }, 'import', file, '--json', ...allowed);
    expect(imported.status, imported.stderr + imported.stdout).toBe(0);
    const { items } = JSON.parse(imported.stdout) as { items: { id: string; backup: { warnings: string[] } }[] };
    expect(items[0]?.backup.warnings.join(' ')).toContain('no authentication');
    await restored(ground, items[0]?.id ?? '', ...allowed);
    const originals = await filesIn(join(one.path, 'storage/uploads'));
    originals.delete('.gitkeep');
    expect(await filesIn(join(two.path, 'storage/uploads'))).toEqual(originals);
    expect(await readFile(join(two.path, 'storage/apps/main/aes_key.dat'))).toEqual(
      await readFile(join(one.path, 'storage/apps/main/aes_key.dat')),
    );
    await two.start();
    const there = await answers(await two.as());
    await two.stop();
    expect(there).toEqual(name === 'sqlite' ? await answers(session) : changedByNocobase(await answers(session)));
  });
});
