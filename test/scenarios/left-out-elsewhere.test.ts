import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/databases.ts';
import { grounds, type Ground } from '../support/grounds.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { clientTools } from '../support/postgres.ts';

const run = promisify(execFile);
const trust = ['--allow', 'superuser', '--allow', 'script', '--allow', 'unpatched'];

interface Preview {
  guards: { code: string; result: string; detail: string; override: string | null }[];
}

let folder: { path: string } & AsyncDisposable;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Nobody knows of a dump that was not made here whether it is all of a database: what it lacks is not taken from the live one in silence. */
describe('S17: what a dump from elsewhere lacks, of postgres', () => {
  let ground: Ground;
  beforeAll(async () => {
    const { start } = grounds['postgres'] ?? {};
    if (!start) throw new Error('no postgres');
    ground = await start();
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  beforeEach(async () => {
    await ground.sql(
      'drop table if exists "Quoted ""Name""", orders, sales, empty_one',
      'create table orders (id int primary key, note text)',
      `create table "Quoted ""Name""" (id int, note text default 'create table public.orders (x int);')`,
      'create table empty_one (id int)',
      'create table sales (year int) partition by list (year)',
      'create table sales_1 partition of sales for values in (1)',
      "insert into orders values (1, E'a\\nCREATE TABLE public.nothing (id int);'), (2, E'COPY public.sales_1 FROM stdin;')",
      'insert into "Quoted ""Name""" values (1), (2)',
      'insert into sales values (1)',
    );
  });

  const install = (): Promise<Installation> => installHoldfast({ url: '', settings: { database: ground.database } });
  const dump = async (name: string, ...args: string[]): Promise<string> => {
    const path = join(folder.path, name);
    const url = String(ground.database['url']);
    await run(join(clientTools(15) ?? '', 'pg_dump'), [...args, '--file', path, '--dbname', url]);
    return path;
  };
  const excludedOf = async (holdfast: Installation, ...args: string[]) => {
    const { stdout } = await holdfast.run('restore', ...args, ...trust, '--dry-run', '--json');
    const { guards } = JSON.parse(stdout) as Preview;
    return guards.find(({ code }) => code === 'excluded') ?? null;
  };
  const count = async (table: string) => Number((await ground.sql(`select count(*) as n from ${table}`))[0]?.['n']);

  const formats = [['-Fc'], ['-Ft'], ['-Fd'], ['-Fp'], ['-Fp', '--inserts'], ['-Fp', '--inserts', '--column-inserts']];
  test.each(formats)('a dump of one table (%s %s %s) does not replace the whole database', async (...format) => {
    await using holdfast = await install();
    const file = await dump(`one${format.join('')}`, ...format, '-t', 'orders');
    for (const how of [[], ['--in-place']]) {
      const refused = await holdfast.run('restore', file, '--yes', ...trust, ...how);
      expect(refused.status, refused.stderr).toBe(4);
      expect(refused.stderr).toMatch(
        /excluded: .* lacks what shop has: public.Quoted "Name", public.sales_1 would be gone/,
      );
      expect(refused.stderr).not.toMatch(/empty_one|orders would/);
      expect(refused.stderr).toContain('--allow excluded');
    }
    expect(await count('"Quoted ""Name"""')).toBe(2);
    const beside = await holdfast.run('restore', file, '--yes', ...trust, '--into', `beside${format.join('')}`);
    expect(beside.stdout).toContain('1 table, 2 rows there, nothing to compare with');
    expect(beside.stdout).not.toContain('compared');
    const into = await holdfast.json('restore', file, '--yes', ...trust, '--into', `one${format.join('')}`);
    expect(into).toMatchObject({ tables: { compared: 0, uncounted: 1, rows: 2 }, sequences: { compared: 0 } });
    await holdfast.json('restore', file, '--yes', ...trust, '--allow', 'excluded');
    expect(
      await ground.sql("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"),
    ).toEqual([{ relname: 'orders' }]);
  });

  test.each([['-Fc'], ['-Fp']])('a dump without rows (%s) does not empty what has some', async (format) => {
    await using holdfast = await install();
    const file = await dump(`empty${format}`, format, '-s');
    for (const how of [[], ['--in-place']]) {
      const guard = await excludedOf(holdfast, file, ...how);
      expect(guard).toMatchObject({ result: 'block', override: '--allow excluded' });
      expect(guard?.detail).toMatch(/: public.Quoted "Name", public.orders, public.sales_1 would be empty/);
    }
    if (format === '-Fc')
      expect(await excludedOf(holdfast, file, '--table', 'public.orders')).toMatchObject({ result: 'block' });
    expect(await excludedOf(holdfast, file, '--keep-old')).toMatchObject({ result: 'warn' });
    await using _pre = await temporaryFolder();
    const section = await dump(`pre${format}`, format, '--section=pre-data');
    expect(await excludedOf(holdfast, section)).toMatchObject({ result: 'block' });
  });

  test.each([
    ['-Fc'],
    ['-Fd'],
    ['-Ft'],
    ['-Fp'],
    ['-Fp', '--inserts'],
    ['-Fp', '--load-via-partition-root'],
    ['-Fp', '-E', 'LATIN1'],
    ['-Fp', '-c', '-C'],
  ])('a whole one (%s %s %s) goes through', async (...args) => {
    await ground.sql('create table if not exists "Bücher" (id int)', 'insert into "Bücher" values (1)');
    await using holdfast = await install();
    const file = await dump(`whole${args.join('')}`, ...args);
    expect(await excludedOf(holdfast, file)).toBeNull();
    await ground.sql('drop table "Bücher"');
  });

  test('an imported part says so, and is stopped in the same way', async () => {
    await using holdfast = await install();
    for (const format of ['-Fc', '-Fp']) {
      const file = await dump(`import${format}`, format, '-t', 'orders');
      const allowed = ['--allow', 'superuser', '--allow', 'unpatched', '--trust-script'];
      const taken = await holdfast.run('import', file, ...allowed);
      expect(taken.status, taken.stderr).toBe(0);
      expect(taken.stderr).toMatch(/lacks what shop has: .*sales_1/);
      const [{ id } = { id: '' }] = await holdfast.json<{ id: string }[]>('list');
      const { manifest } = await holdfast.json<{ manifest: { warnings: string[] } }>('show', id);
      expect(manifest.warnings.join('\n')).toMatch(/lacks what shop has: .*sales_1/);
      const refused = await holdfast.run('restore', id, '--yes', ...trust);
      expect(refused.status, refused.stderr).toBe(4);
      expect(refused.stderr).toMatch(/excluded: .*sales_1.* would be gone/);
      await holdfast.json('delete', id, '--yes', '--allow-last');
    }
  });
});

const mariadb = grounds['mariadb'];
describe.runIf(mariadb?.possible)('S17: what a dump from elsewhere lacks, of mariadb', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await mariadb!.start();
    await ground.sql('create table orders (id int primary key)', 'create table `it``s` (id int primary key)');
    await ground.sql('insert into orders values (1)', 'insert into `it``s` values (1)');
  });
  afterAll(() => ground[Symbol.asyncDispose]());

  test.each([
    [['orders'], /`?it`s`? would be gone/],
    [['--no-data'], /it`s.?, orders would be empty/],
    [[], null],
  ] as const)('dumped with %j', async (args, said) => {
    await using holdfast = await installHoldfast({ url: '', settings: { database: ground.database } });
    const url = new URL(String(ground.database['url']));
    const at = [
      '--host',
      url.hostname,
      '--port',
      url.port,
      '--user',
      decodeURIComponent(url.username),
      `--password=${decodeURIComponent(url.password)}`,
    ];
    const tables = args.filter((arg) => !arg.startsWith('-'));
    const options = args.filter((arg) => arg.startsWith('-'));
    const path = join(folder.path, `maria-${args.join('')}.sql`);
    await run('mariadb-dump', [...at, ...options, `--result-file=${path}`, 'shop', ...tables]);
    const { stdout } = await holdfast.run('restore', path, ...trust, '--dry-run', '--json');
    const { guards } = JSON.parse(stdout) as Preview;
    const guard = guards.find(({ code }) => code === 'excluded') ?? null;
    if (said === null) expect(guard).toBeNull();
    else {
      expect(guard).toMatchObject({ result: 'block' });
      expect(guard?.detail).toMatch(said);
    }
  });
});

test('S17: what a file of sqlite from elsewhere lacks', async () => {
  const ground = await grounds['sqlite']!.start();
  await using _end = ground;
  await ground.sql('create table orders (id int)', 'insert into orders values (1)');
  await ground.sql('create table notes (id int)', 'create table kept (id int)', 'insert into kept values (1)');
  const path = join(folder.path, 'part.db');
  {
    using db = new DatabaseSync(path);
    db.exec('create table Orders (id int)');
  }
  await using holdfast = await installHoldfast({ url: '', settings: { database: ground.database } });
  const refused = await holdfast.run('restore', path, '--yes');
  expect(refused.status, refused.stderr).toBe(4);
  expect(refused.stderr).toMatch(/excluded: .* kept would be gone/);
  expect(await ground.sql('select * from kept')).toHaveLength(1);
  await holdfast.json('restore', path, '--yes', '--allow', 'excluded');
  expect(await ground.sql('select * from orders')).toEqual([]);
});
