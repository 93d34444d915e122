import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { runIn } from '../support/sqlite.ts';

let postgres: TestPostgres;
let installed: Installation;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.createDatabase('shop');
  installed = await installHoldfast({
    url: postgres.url('shop'),
    settings: { schedule: { cron: '15 5 * * *' }, dump: { format: 'custom', compression: 'gzip:1' } },
  });
});
afterAll(async () => {
  await installed[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

interface Doctor {
  ok: boolean;
  findings: { subject: string; check: string; result: string; detail: string; hint: string | null }[];
}

async function emptyFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-init-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

describe('doctor', () => {
  test('all is well: exit 0, every part looked at, nothing left behind', async () => {
    const { status, stdout, stderr } = await installed.run('doctor');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const part of ['configuration', 'state', 'machine', 'source shop', 'storage local'])
      expect(stdout).toContain(part);
    expect(stdout).toMatch(/✓ connection .*PostgreSQL 15/);
    expect(stdout).toMatch(/✓ schedule +next due \d{4}-\d\d-\d\d 05:15 \(UTC\)/);
    expect(stdout).not.toContain('✗');
    expect(stdout).not.toContain(postgres.password);
    expect(await readdir(installed.storage)).toEqual([]);
  });

  test('an unreachable server and a storage that is a file: both named, exit 1', async () => {
    const file = join(installed.folder, 'broken.yaml');
    await writeFile(join(installed.folder, 'in-the-way'), '');
    await writeFile(
      file,
      JSON.stringify({
        sources: {
          gone: { database: { url: 'postgres://shop:very-secret-word@127.0.0.1:1/shop' }, storages: ['bad'] },
          shop: { database: { url: postgres.url('shop') }, storages: ['good'] },
        },
        storages: { bad: { type: 'local', path: './in-the-way' }, good: { type: 'local', path: './good' } },
      }),
      { mode: 0o600 },
    );
    const { status, stdout, stderr } = await installed.run('doctor', '--json', '--config', file);
    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain('very-secret-word');
    const { ok, findings } = JSON.parse(stdout) as Doctor;
    const failed = findings.filter(({ result }) => result === 'failed').map(({ subject }) => subject);
    expect(ok).toBe(false);
    expect([...new Set(failed)].sort()).toEqual(['source gone', 'storage bad']);
    expect(findings).toContainEqual(
      expect.objectContaining({ subject: 'storage good', check: 'usable', result: 'ok' }),
    );
  });

  test('a state folder that cannot be used is a finding', async () => {
    const { status, stdout } = await installed.runWith(
      { env: { HOLDFAST_STATE: '/dev/null/state' } },
      'doctor',
      '--json',
    );
    expect(status).toBe(1);
    const { findings } = JSON.parse(stdout) as Doctor;
    expect(findings).toContainEqual(expect.objectContaining({ subject: 'state', result: 'failed' }));
  });
});

describe('config', () => {
  test('S23 show and export never print the password', async () => {
    for (const args of [
      ['config', 'show'],
      ['config', 'show', '--json'],
      ['config', 'export'],
    ]) {
      const { status, stdout, stderr } = await installed.run(...args);
      expect(status).toBe(0);
      expect(stdout).toContain('shop');
      expect(stdout + stderr).not.toContain(postgres.password);
    }
  });

  test('validate prints all problems and ends with 2', async () => {
    const file = join(installed.folder, 'wrong.yaml');
    await writeFile(file, 'timezone: Nowhere\nsources:\n  shop:\n    databse: {}\n    retention: { last: 0 }\n');
    const text = await installed.run('config', 'validate', '--config', file);
    expect(text.status).toBe(2);
    expect(text.stdout).toBe('');
    for (const line of [
      /:1: timezone must be/,
      /:4: sources.shop.databse is not a known key; did you mean database/,
      /:5: sources.shop.retention.last must/,
    ]) {
      expect(text.stderr).toMatch(line);
    }
    expect(text.stderr).toContain('(CONFIG_INVALID)');
    const json = await installed.run('config', 'validate', '--config', file, '--json');
    expect(json.status).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, file, problems: { length: 4 } });
    expect((await installed.run('config', 'validate')).status).toBe(0);
  });

  test('every command refuses a wrong configuration with 2', async () => {
    const file = join(installed.folder, 'none.yaml');
    for (const args of [['doctor'], ['list'], ['backup']]) {
      expect((await installed.run(...args, '--config', file)).status).toBe(2);
    }
  });

  test('J-08 variables alone, and the file made of them, mean the same', async () => {
    await using folder = await emptyFolder();
    const cwd = folder.path;
    const env = { HOLDFAST_DATABASE_URL: postgres.url('shop'), HOLDFAST_KEEP_LAST: '3', HOLDFAST_SOURCE: 'shop' };
    const shown = await installed.runWith({ env, cwd }, 'config', 'show', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ file: null, warnings: [] });
    const { stdout } = await installed.runWith({ env, cwd }, 'config', 'export');
    await writeFile(join(cwd, 'holdfast.yaml'), stdout, { mode: 0o600 });
    const fromFile = await installed.runWith({ env: { HOLDFAST_DATABASE_URL: postgres.url('shop') }, cwd }, 'doctor');
    expect(fromFile.stderr).toBe('');
    expect(fromFile.status).toBe(0);
  });

  test('no configuration at all: exit 2, and what to do', async () => {
    await using folder = await emptyFolder();
    const { status, stderr } = await installed.runWith({ cwd: folder.path }, 'config', 'show');
    expect(status).toBe(2);
    expect(stderr).toMatch(/CONFIG_MISSING[^]*holdfast init/);
  });
});

describe('init', () => {
  test('writes a file that works, checks it, and never overwrites it', async () => {
    await using folder = await emptyFolder();
    const cwd = folder.path;
    const args = ['init', '--url', postgres.url('shop'), '--storage-path', './kept', '--yes'];
    const first = await installed.runWith({ cwd }, ...args);
    expect(first.stderr).toContain('wrote');
    expect(first.stdout).toContain('storage local');
    expect(first.status).toBe(0);
    expect(first.stdout + first.stderr).not.toContain(postgres.password);
    const written = await readFile(join(cwd, 'holdfast.yaml'), 'utf8');
    expect(written).not.toContain(postgres.password);
    const again = await installed.runWith({ cwd }, ...args);
    expect(again.status).toBe(4);
    expect(again.stderr).toContain('CONFIG_EXISTS');
    expect(await readFile(join(cwd, 'holdfast.yaml'), 'utf8')).toBe(written);
  });

  test('an SQLite file: no password, and the backup that it announces works', async () => {
    await using folder = await emptyFolder();
    const cwd = folder.path;
    runIn(join(cwd, 'Notes.db'), 'create table note (id integer primary key); insert into note values (1), (2)');
    const written = await installed.runWith({ cwd }, 'init', '--path', 'Notes.db', '--yes');
    expect([written.status, written.stderr]).toEqual([0, expect.stringContaining('Next: holdfast backup')]);
    expect(written.stdout).toContain('source notes');
    expect(await readdir(cwd)).not.toContain('secrets');
    const { status, stdout } = await installed.runWith({ cwd }, 'backup', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'succeeded', source: 'notes', rows: 2 });
  });

  test('a MariaDB that cannot be reached is written down all the same, with its password in a file', async () => {
    await using folder = await emptyFolder();
    const cwd = folder.path;
    const args = ['init', '--url', 'mariadb://shop:very-secret-word@127.0.0.1:1/shop', '--yes'];
    const { status, stdout, stderr } = await installed.runWith({ cwd }, ...args);
    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain('very-secret-word');
    expect(await readFile(join(cwd, 'holdfast.yaml'), 'utf8')).toContain('url: "mariadb://shop@127.0.0.1:1/shop"');
    expect(await readFile(join(cwd, 'secrets/shop.password'), 'utf8')).toBe('very-secret-word\n');
  });

  test.each([
    [['--url', 'postgres://a@b/c', '--path', 'x.db'], /--url and --path name two databases/],
    [['--url', 'oracle://a@b/c'], /postgres:\/\/.*mysql:\/\/, mariadb:\/\/, sqlite:\/\/\//],
    [['--url', 'sqlite://x.db'], /sqlite:\/\/\/absolute/],
  ])('%j is refused, and nothing is written', async (given, message) => {
    await using folder = await emptyFolder();
    const { status, stderr } = await installed.runWith({ cwd: folder.path }, 'init', ...given, '--yes');
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('J-08 variables alone describe folders and an SQLite file; doctor looks at both', async () => {
    await using folder = await emptyFolder();
    const cwd = folder.path;
    runIn(join(cwd, 'app.db'), 'create table kept (id integer primary key)');
    await mkdir(join(cwd, 'uploads'));
    await writeFile(join(cwd, 'uploads/a.txt'), 'a');
    const env = { HOLDFAST_DATABASE_URL: `sqlite://${cwd}/app.db`, HOLDFAST_FILES: 'uploads' };
    expect((await installed.runWith({ env, cwd }, 'doctor')).status).toBe(0);
    const { stdout } = await installed.runWith({ env, cwd }, 'backup', '--json');
    const { artifacts } = JSON.parse(stdout) as { artifacts: { path: string }[] };
    expect(artifacts.map(({ path }) => path).join(' ')).toContain('files/uploads.tar');
  });

  test('without a terminal and without an address it says what is missing and writes nothing', async () => {
    await using folder = await emptyFolder();
    const cwd = folder.path;
    const { status, stderr } = await installed.runWith({ cwd }, 'init');
    expect(status).toBe(2);
    expect(stderr).toContain('--url');
    expect(await readdir(cwd)).toEqual([]);
  });
});

test('schema prints a JSON Schema', async () => {
  const { status, stdout } = await installed.run('schema');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ title: 'holdfast.yaml', type: 'object' });
});
