import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import { presets } from '../../src/config/presets/index.ts';
import { namesOf } from '../../src/config/presets/preset.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { nocobaseTables, usualShape } from '../support/nocobase-app.ts';
import { dumpWith } from '../support/old-backups.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const password = 'p@ss w/ord $HOME `x` %41 "q" \'s\'';
let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  for (const name of ['nocodb', 'nestjs_starter_db', 'unicorn_db', 'nocobase', 'tma_cloud_storage']) {
    await postgres.createDatabase(name);
    await postgres.sql(name, 'create table kept (id int primary key, word text)');
    await postgres.sql(name, `insert into kept select n, 'word ' || n from generate_series(1, 50) n`);
  }
  const files = [{ table: 'attachments', path: '', filename: 'a.txt', size: 8, storageId: 1 }];
  const storages = [{ id: 1, name: 'local', type: 'local', options: { documentRoot: 'storage/uploads' } }];
  for (const line of nocobaseTables(usualShape, { storages, files })) await postgres.sql('nocobase', line);
  await postgres.sql('postgres', `create role app superuser login password '${password.replaceAll("'", "''")}'`);
});
afterAll(() => postgres[Symbol.asyncDispose]());

let installed: Installation;
beforeEach(async () => {
  installed = await installHoldfast({ url: 'postgres://unused' });
  await rm(installed.configFile);
});
afterEach(() => installed[Symbol.asyncDispose]());

type Env = Record<string, string>;

interface System {
  env(folder: string): Env;
  /** A file that the application has beside its database, from the folder the program runs in, and the artifact it lies in. */
  file?: { path: string; artifact: string };
  /** Where backups must lie, from the folder the program runs in. */
  folder: string;
  format: string;
}

/** What the compose file or the `.env` of each system would give its container. */
const systems: Record<string, System> = {
  nocodb: {
    env: (folder) => ({
      DB_HOST: postgres.host,
      DB_PORT: String(postgres.port),
      DB_NAME: 'nocodb',
      DB_USER: 'app',
      DATABASE_PASSWORD: password,
      DATA_DIR: join(folder, 'data'),
      NOCODB_BACKUP_RETENTION_COUNT: '30',
      NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK: '0',
      NOCODB_DATA_PATH: join(folder, 'nocodb-data'),
      NOCODB_BACKUP_API_EXPORT: 'false',
    }),
    file: { path: 'nocodb-data/noco/upload.bin', artifact: 'files/nocodb-data.tar' },
    folder: 'data',
    format: 'plain',
  },
  'nestjs-starter': {
    env: (folder) => ({
      DB_HOST: postgres.host,
      DB_PORT: String(postgres.port),
      DB_USER: 'app',
      DB_PASSWORD: password,
      BACKUP_SCHEDULE: '0 2 * * *',
      BACKUP_COMPRESSION: 'xz',
      BACKUP_DIR: join(folder, 'backups'),
    }),
    folder: 'backups',
    format: 'custom',
  },
  'ops-center': {
    env: (folder) => ({
      POSTGRES_HOST: postgres.host,
      POSTGRES_PORT: String(postgres.port),
      POSTGRES_USER: 'app',
      POSTGRES_PASSWORD: password,
      BACKUP_DIR: join(folder, 'database'),
      BACKUP_MAX_COUNT: '30',
      BACKUP_INTERVAL_HOURS: '24',
    }),
    folder: 'database',
    format: 'plain',
  },
  nocobase: {
    env: () => ({
      DB_DIALECT: 'postgres',
      DB_HOST: postgres.host,
      DB_PORT: String(postgres.port),
      DB_DATABASE: 'nocobase',
      DB_USER: 'app',
      DB_PASSWORD: password,
      APP_KEY: 'application-key-secret',
    }),
    file: { path: 'storage/uploads/a.txt', artifact: 'uploads.tar' },
    folder: 'storage/backups',
    format: 'custom',
  },
  'tma-cloud': {
    env: () => ({
      DB_HOST: postgres.host,
      DB_PORT: String(postgres.port),
      DB_USER: 'app',
      DB_PASSWORD: password,
      BACKUP_RETAIN_COUNT: '10',
    }),
    file: { path: 'uploads/deep/er/a.txt', artifact: 'files/uploads.tar' },
    folder: 'backups',
    format: 'custom',
  },
};

const read = (env: Env, ...args: string[]) => installed.runWith({ env }, ...args);

async function json<T>(env: Env, ...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await read(env, ...args, '--json');
  if (status !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout) as T;
}

async function writeFileOf({ file }: System, content: string): Promise<void> {
  if (!file) return;
  await mkdir(dirname(join(installed.folder, file.path)), { recursive: true });
  await writeFile(join(installed.folder, file.path), content);
}

interface Shown {
  preset: string | null;
  settings: { path: string; value: unknown; origin: string }[];
  warnings: string[];
  notes: string[];
}

describe.each(Object.entries(systems))('%s', (name, system) => {
  test('N-24 J-08 J-d3 J-d16 O-02 O-d10 O-d14 T-07 T-13 T-d1 its environment makes a backup that is proven', async () => {
    const env = system.env(installed.folder);
    const before = { ...env };
    await writeFileOf(system, 'uploaded');
    const result = await json<{ id: string; state: string }>(env, 'backup');
    expect(result.state).toBe('succeeded');
    expect(env).toEqual(before);
    const manifest = JSON.parse(
      await readFile(join(installed.folder, system.folder, name, result.id, 'manifest.json'), 'utf8'),
    ) as { source: string; artifacts: { path: string }[]; warnings: string[] };
    expect(manifest.source).toBe(name);
    const stored = manifest.artifacts.map(({ path }) => path).join(' ');
    if (system.file) expect(stored).toContain(system.file.artifact);
    else expect(stored).not.toContain('.tar');
    expect(await json<{ ok: boolean }>(env, 'drill')).toMatchObject({ ok: true });
    expect(await json<unknown[]>(env, 'list')).toHaveLength(1);
  });

  test('S23 config show tells each origin and no secret; the exported file means the same', async () => {
    const env = system.env(installed.folder);
    const shown = await read(env, 'config', 'show', '--json');
    const { preset, settings, warnings } = JSON.parse(shown.stdout) as Shown;
    expect(preset).toBe(name);
    expect(warnings[0]).toContain(`HOLDFAST_PRESET=${name}`);
    const of = (path: string) => settings.find((setting) => setting.path === `sources.${name}.${path}`);
    expect(of('dump.format')).toMatchObject({ value: system.format });
    expect(of('database.host')).toMatchObject({
      value: postgres.host,
      origin: expect.stringMatching(/_HOST$/) as unknown,
    });
    const human = await read(env, 'config', 'show');
    const exported = await read(env, 'config', 'export');
    for (const text of [shown.stdout, shown.stderr, human.stdout, human.stderr, exported.stdout])
      expect(text).not.toMatch(/p@ss w|application-key-secret/);
    expect(human.stdout).toContain(`preset ${name}`);
    await writeFile(installed.configFile, exported.stdout, { mode: 0o600 });
    const again = await json<Shown>(env, 'config', 'show');
    expect(again.preset).toBeNull();
    const values = (list: Shown['settings']) => new Map(list.map(({ path, value }) => [path, String(value)]));
    expect(values(again.settings)).toEqual(values(settings));
  });
});

test('N-25 N-04 N-05 the notes of the preset are shown, and old command lines work', async () => {
  const env = systems['nocodb']?.env(installed.folder) ?? {};
  const { stderr } = await read(env, 'config', 'show');
  expect(stderr).toMatch(/note: NOCODB_BACKUP_SCHEDULE_DAY_OF_WEEK=0 means Monday .*cron pattern says 1/);
  expect((await read(env, '--now')).status).toBe(0);
  expect((await read(env, '--now', '--db-only')).status).toBe(0);
  const listed = await read(env, 'cli', 'list', '--json');
  expect(JSON.parse(listed.stdout)).toHaveLength(2);
});

test.each(['nocodb', 'nocobase', 'tma-cloud'])(
  'N-15 N-40 B-07 T-14 %s: what was uploaded comes back from its backup, and nothing else is left',
  async (name) => {
    const system = systems[name];
    const path = join(installed.folder, system?.file?.path ?? '');
    if (!system) throw new Error(name);
    const env = { ...system.env(installed.folder), HOLDFAST_PRESET: name };
    await writeFileOf(system, 'uploaded');
    expect((await read(env, 'backup')).status).toBe(0);
    await writeFileOf(system, 'damaged!');
    await writeFile(join(dirname(path), 'later.txt'), 'came later');
    // The files of NocoBase cannot be saved without its database, which stays as it is here.
    const safety = name === 'nocobase' ? ['--no-safety-backup'] : [];
    const { status, stderr } = await read(env, 'restore', 'files', 'latest', '--yes', ...safety);
    expect([status, stderr]).toEqual([0, stderr]);
    expect(await readFile(path, 'utf8')).toBe('uploaded');
    await expect(stat(join(dirname(path), 'later.txt'))).rejects.toThrow();
  },
);

test('N-08 N-15 a data folder that is not there is a warning, and the database is saved', async () => {
  const env = { ...systems['nocodb']?.env(installed.folder), HOLDFAST_PRESET: 'nocodb' };
  const { status, stdout, stderr } = await read(env, 'backup', '--json');
  expect(status).toBe(0);
  expect(stdout + stderr).toMatch(/nocodb-data/);
  const { id } = JSON.parse(stdout) as { id: string };
  const manifest = await readFile(join(installed.folder, 'data/nocodb', id, 'manifest.json'), 'utf8');
  expect((JSON.parse(manifest) as { warnings: string[] }).warnings.join()).toContain('nocodb-data');
});

test('N-18 files alone, without the dump', async () => {
  const system = systems['nocodb'];
  if (!system) throw new Error('no system');
  await writeFileOf(system, 'uploaded');
  const env = { ...system.env(installed.folder), NOCODB_BACKUP_DATABASE_DUMP: 'false', HOLDFAST_PRESET: 'nocodb' };
  const { id } = await json<{ id: string }>(env, 'backup');
  const manifest = await readFile(join(installed.folder, 'data/nocodb', id, 'manifest.json'), 'utf8');
  const paths = (JSON.parse(manifest) as { artifacts: { path: string }[] }).artifacts.map(({ path }) => path);
  expect(paths).toEqual([expect.stringContaining('nocodb-data.tar')]);
  expect((await read(env, 'verify')).status).toBe(0);
});

test('O-09 create -d, cleanup, test-config', async () => {
  const env = systems['ops-center']?.env(installed.folder) ?? {};
  expect((await read(env, 'create', '-d', 'Before major update')).status).toBe(0);
  expect(await json(env, 'list')).toMatchObject([{ description: 'Before major update' }]);
  expect((await read(env, 'cleanup')).status).toBe(0);
  expect((await read(env, 'test-config')).stdout).toContain('source ops-center');
});

test.each<[string, string, Env]>([
  ['N-26 N-d1', 'nocodb', { NOCODB_BACKUP_SCHEDULE_MODE: 'interval', NOCODB_BACKUP_SCHEDULE_INTERVAL_HOURS: '6' }],
  ['O-06 O-d7', 'ops-center', {}],
])('%s serve with the environment of %s backs up by itself', async (_numbers, name, more) => {
  const env = { ...systems[name]?.env(installed.folder), ...more, HOLDFAST_PRESET: name, HOLDFAST_LISTEN: 'off' };
  const { child, ended } = installed.start(env, 'serve');
  await until(async () => (await json<unknown[]>(env, 'list')).length === 1, 'the first backup', 60_000);
  child.kill('SIGTERM');
  expect((await ended).status).toBe(0);
});

test('N-24 N-d16 without a schedule serve goes on running and takes commands', async () => {
  const off = { NOCODB_BACKUP_SCHEDULE_ENABLED: 'false', HOLDFAST_PRESET: 'nocodb', HOLDFAST_LISTEN: 'off' };
  const env = { ...systems['nocodb']?.env(installed.folder), ...off };
  const { child, ended } = installed.start(env, 'serve');
  await until(async () => (await read(env, 'health')).status === 0, 'the daemon is well', 30_000);
  expect((await read(env, 'backup')).status).toBe(0);
  expect(child.exitCode).toBeNull();
  child.kill('SIGTERM');
  const { stderr } = await ended;
  expect(stderr).toContain('NOCODB_BACKUP_SCHEDULE_ENABLED is false: nothing is backed up by the clock');
});

test('J-16 O-09 a dump of the older system is restored by its bare name; FORCE_RESTORE is --yes', async () => {
  const env = systems['nestjs-starter']?.env(installed.folder) ?? {};
  const name = 'nestjs_starter_db_20251231_020000.dump.gz';
  await mkdir(env['BACKUP_DIR'] ?? '');
  const dump = gzipSync(await dumpWith(postgres, 'nestjs_starter_db', ['-Fc']));
  await writeFile(join(env['BACKUP_DIR'] ?? '', name), dump);
  await postgres.sql('nestjs_starter_db', "update kept set word = 'changed'");
  expect((await read(env, 'restore', name)).status).toBe(4);
  expect((await read({ ...env, FORCE_RESTORE: 'true' }, 'restore', name)).status).toBe(0);
  const rows = await postgres.sql<{ n: number }>(
    'nestjs_starter_db',
    "select count(*)::int as n from kept where word like 'word %'",
  );
  expect(rows).toEqual([{ n: 50 }]);
  expect(await readFile(join(env['BACKUP_DIR'] ?? '', name))).toEqual(dump);
});

test('T-d6 the .env of TMA Cloud is data', async () => {
  const { DB_PASSWORD: _password, ...others } = systems['tma-cloud']?.env(installed.folder) ?? {};
  const marker = join(installed.folder, 'ran');
  const quoted = password.replaceAll(/[\\"$`]/g, (letter) => `\\${letter}`);
  await writeFile(
    join(installed.folder, '.env'),
    `DB_PASSWORD="${quoted}"\nDB_HOST=wrong.invalid\nOTHER=$(touch ${marker})\nAND=\`touch ${marker}\`\n`,
  );
  expect((await read({ ...others, HOLDFAST_PRESET: 'tma-cloud' }, 'backup')).status).toBe(0);
  await expect(stat(marker)).rejects.toThrow();
});

test('N-24 config validate tells every problem by its variable, and ends with 2', async () => {
  const env = {
    ...systems['nocodb']?.env(installed.folder),
    NOCODB_BACKUP_SCHEDULE_HOUR: '25',
    NOCODB_BACKUP_RETENTION_COUNT: '0',
  };
  const { status, stdout } = await read(env, 'config', 'validate', '--json');
  expect(status).toBe(2);
  const { problems } = JSON.parse(stdout) as { problems: { variable: string }[] };
  expect(problems.map(({ variable }) => variable)).toEqual([
    'NOCODB_BACKUP_SCHEDULE_HOUR',
    'NOCODB_BACKUP_RETENTION_COUNT',
  ]);
});

test('the manual has every variable of every system', async () => {
  const page = await readFile(new URL('../../docs/presets.md', import.meta.url), 'utf8');
  const names = presets.flatMap(({ variables }) => variables.flatMap(namesOf));
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
