import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtProgram } from '../support/built-program.ts';
import { evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Ended } from '../support/holdfast.ts';
import { clientTools, hasServer, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

/** What goes wrong on an ordinary day: each ends with its documented code, says what to do, and leaves nothing half done. */
const { program, env: programEnv } = builtProgram();
const nobody = 65_534;

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
  await server.sql(
    'shop',
    `create role weak login password 'w'; grant usage on schema shop to weak; grant select on all tables in schema shop to weak;
     revoke select on shop.item from weak`,
  );
});
afterAll(() => server[Symbol.asyncDispose]());

function expectError(ended: Pick<Ended, 'status' | 'stdout' | 'stderr'>, status: number, code: string): void {
  expect(ended.status, ended.stderr).toBe(status);
  expect(ended.stdout).toBe('');
  expect(ended.stderr).toMatch(new RegExp(`^error: .+ \\(${code}\\)$`, 'm'));
  expect(ended.stderr).toMatch(/^hint: .+\.$/m);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
}

test('a target whose name is empty, as of a variable that is not set, is never the database of the role', async () => {
  // Where no database is named, a server takes the one that is called as the role: here the live one.
  await server.sql('postgres', `create role shop superuser login password 'shop'`);
  await using holdfast = await installHoldfast({ url: server.url('shop', { user: 'shop', password: 'shop' }) });
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  const before = await evidenceOf(server, 'shop');
  for (const more of [['--table', 'shop.item'], []])
    expectError(await holdfast.run('restore', 'latest', '--into', '', '--yes', ...more), 2, 'VALUE_INVALID');
  expect(await evidenceOf(server, 'shop')).toEqual(before);
});

test('a name that the server cuts off leads to the live database, and is refused as that', async () => {
  const live = 'l'.repeat(63);
  await server.createDatabase(live);
  await server.sql(live, 'create table item as select 1 as id');
  await using holdfast = await installHoldfast({ url: server.url(live) });
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  await server.sql(live, 'insert into item values (2)');
  expectError(
    await holdfast.run('restore', 'latest', '--into', `${live}x`, '--table', 'item', '--yes'),
    4,
    'TARGET_IS_LIVE',
  );
  expect(await server.sql(live, 'select id from item order by id')).toEqual([{ id: 1 }, { id: 2 }]);
});

test('runs of a source that there is not are a slip, and those that a filter leaves out are not none at all', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  expect((await holdfast.run('runs', 'shop')).stderr).toBe('No runs yet.\n');
  expectError(await holdfast.run('runs', 'shpo'), 2, 'SOURCE_UNKNOWN');
  expect(await holdfast.run('backup')).toMatchObject({ status: 0 });
  const failed = await holdfast.run('runs', '--state', 'failed');
  expect(failed).toMatchObject({ status: 0, stdout: '', stderr: 'No such runs.\n' });
});

describe('the database', () => {
  const places: Record<string, () => string> = {
    nothingThere: () => 'postgres://shop:Canary1@127.0.0.1:1/shop',
    unknownHost: () => 'postgres://shop:Canary1@nowhere.invalid/shop',
    wrongPassword: () => server.url('shop', { user: server.user, password: 'Canary1' }),
    missingDatabase: () => server.url('nothing'),
  };
  test.each([
    ['nothingThere', 'DATABASE_UNREACHABLE'],
    ['unknownHost', 'DATABASE_UNREACHABLE'],
    ['wrongPassword', 'DATABASE_LOGIN_FAILED'],
    ['missingDatabase', 'DATABASE_MISSING'],
  ])('%s: exit 1, %s, and nothing stored', async (place, code) => {
    await using holdfast = await installHoldfast({ url: places[place]?.() ?? '' });
    const ended = await holdfast.run('backup');
    expectError(ended, 1, code);
    expect(ended.stderr).not.toContain('Canary1');
    expect(await holdfast.stored()).toEqual([]);
    expect(await holdfast.json('runs')).toMatchObject([{ state: 'failed', error: { code } }]);
    expect((await holdfast.run('doctor')).stdout).toContain(`(${code})`);
  });

  test('a role without rights: what it may not read is named, all of it at once', async () => {
    const login = { user: 'weak', password: 'w' };
    await using holdfast = await installHoldfast({ url: server.url('shop', login) });
    const ended = await holdfast.run('backup');
    expectError(ended, 1, 'DATABASE_NOT_DUMPABLE');
    expect(ended.stderr).toContain('shop.item');
    expect(ended.stderr).toContain('may not use the schema');
    expect(ended.stderr).toContain(String.raw`public."two\nlines"`);
    expect(ended.stderr).toContain('row security would hide rows of shop.customer');
    expect(await holdfast.stored()).toEqual([]);
  });

  test.skipIf(!hasServer(18))('client tools older than the server: the versions, and what to install', async () => {
    await using newer = await startPostgres({ version: 18 });
    await newer.createDatabase('shop');
    await using holdfast = await installHoldfast({ url: newer.url('shop') });
    await holdfast.configure({
      state: './state',
      sources: { shop: { database: { url: newer.url('shop'), tools: clientTools(15) } } },
    });
    const ended = await holdfast.run('backup');
    expectError(ended, 1, 'TOOL_TOO_OLD');
    expect(ended.stderr).toMatch(/18 or newer is needed; found: 15/);
    expect(ended.stderr).toContain('postgresql-client-18');
  });
});

describe('the storage', () => {
  test('a file in its place is wrong configuration, for whoever asks', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    writeFileSync(holdfast.storage, '');
    expectError(await holdfast.run('backup'), 2, 'STORAGE_NOT_A_FOLDER');
    expectError(await holdfast.run('verify'), 2, 'STORAGE_NOT_A_FOLDER');
    const list = await holdfast.run('list');
    expect(list.status).toBe(3);
    expect(list.stderr).toContain('No backups are known.');
    expect(list.stderr).toMatch(/^! storage local could not be asked.*STORAGE_NOT_A_FOLDER/m);
  });

  test.skipIf(process.getuid?.() !== 0 || !othersMayRead(program))(
    'no right to write there, as an ordinary user',
    async () => {
      await using holdfast = await installHoldfast({ url: server.url('shop') });
      mkdirSync(holdfast.state);
      mkdirSync(holdfast.storage, { mode: 0o755 });
      spawnSync('chown', ['-R', String(nobody), holdfast.folder]);
      spawnSync('chown', ['root', holdfast.storage]);
      const run = (...args: string[]) =>
        spawnSync(program, args, {
          encoding: 'utf8',
          cwd: holdfast.folder,
          uid: nobody,
          gid: nobody,
          env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
        });
      const backup = run('backup');
      expectError(backup, 1, 'NO_PERMISSION');
      expect(backup.stderr).toContain(holdfast.storage);
      expect(run('doctor')).toMatchObject({ status: 1, stdout: expect.stringContaining('NO_PERMISSION') });
      spawnSync('chown', [String(nobody), holdfast.storage]);
      expect(run('backup').status).toBe(0);
      expect(run('drill').status).toBe(0);
    },
  );

  test('a storage that nobody has is a slip, not an empty list', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await holdfast.json('backup');
    expectError(await holdfast.run('list', '--storage', 'ofsite'), 2, 'STORAGE_UNKNOWN');
    expect(await holdfast.json('list', '--storage', 'local')).toHaveLength(1);
  });
});

describe('the command line', () => {
  test('files to import are looked for before the first is taken in', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const ended = await holdfast.run('import', 'holdfast.yaml', 'nothing.dump');
    expectError(ended, 2, 'FILE_NOT_FOUND');
    expect(ended.stderr).toContain('nothing.dump');
    expect(await holdfast.json('runs')).toEqual([]);
  });

  test('a configuration that is a folder says so', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const ended = await holdfast.run('list', '--config', holdfast.folder);
    expectError(ended, 2, 'CONFIG_UNREADABLE');
    expect(ended.stderr).toContain('move the folder away');
  });

  test('a configuration that is not UTF-8 says so', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const file = join(holdfast.folder, 'latin.yaml');
    writeFileSync(file, Buffer.from('# für die Kunden\nstate: ./state\n', 'latin1'), { mode: 0o600 });
    const ended = await holdfast.run('list', '--config', file);
    expectError(ended, 2, 'CONFIG_UNREADABLE');
    expect(ended.stderr).toContain('it is not UTF-8');
    expect(ended.stderr).toContain('Save it as UTF-8.');
  });

  test('a state folder where nobody can make anything is told at once', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await holdfast.configure({
      state: '/proc/holdfast',
      sources: { shop: { database: { url: server.url('shop') } } },
      storages: { local: { type: 'local', path: './backups' } },
    });
    const ended = await holdfast.run('backup');
    expectError(ended, 1, 'STATE_UNUSABLE');
  });

  test('an id that several begin with names them; an unknown one names the nearest', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await holdfast.json('backup');
    await holdfast.json('backup');
    const ids = await holdfast.stored();
    for (const words of [
      ['verify', '20'],
      ['restore', '20', '--yes'],
      ['delete', '20', '--yes'],
    ]) {
      const ended = await holdfast.run(...words);
      expectError(ended, 2, 'BACKUP_AMBIGUOUS');
      for (const id of ids) expect(ended.stderr).toContain(id);
    }
    expectError(await holdfast.run('delete', '1999', '--yes'), 2, 'BACKUP_UNKNOWN');
    expect(await holdfast.stored()).toEqual(ids);
  });

  test('a reader that goes away does not end a backup', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const child = spawn(program, ['backup'], {
      cwd: holdfast.folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...programEnv },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    child.stderr.destroy();
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    expect(await holdfast.stored()).toHaveLength(1);
  });

  test('a full disk behind the standard output is an error, not silence', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const { status, stderr } = spawnSync('sh', ['-c', `'${program}' config show > /dev/full`], {
      encoding: 'utf8',
      cwd: holdfast.folder,
    });
    expect(status).toBe(1);
    expect(stderr).toContain('(DISK_FULL)');
  });
});

test('a damaged backup is refused with 6 by everything that would use it, before the database hears of it', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const path = join(holdfast.storage, 'shop', id, 'database.dump.zst');
  const bytes = await readFile(path);
  bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const before = { names: await server.databases(), shop: await evidenceOf(server, 'shop') };
  for (const words of [
    ['verify', id],
    ['drill', id],
    ['restore', id, '--yes'],
    ['restore', id, '--into', 'elsewhere'],
  ]) {
    expect(await holdfast.run(...words), words.join(' ')).toMatchObject({ status: 6 });
  }
  expect({ names: await server.databases(), shop: await evidenceOf(server, 'shop') }).toEqual(before);
  const { stderr } = await holdfast.run('restore', id, '--yes');
  expect(stderr).toMatch(
    /^error: backup \S+ in local is damaged: database\.dump\.zst is damaged: .* \(BACKUP_DAMAGED\)$/m,
  );
});

describe('on a terminal of 80 columns', () => {
  test('no line of any command is longer, and no word is broken', async () => {
    await using holdfast = await installHoldfast({
      url: server.url('shop'),
      settings: { retention: { last: 3, daily: 7, weekly: 4 } },
    });
    const commands = [
      'backup',
      'drill',
      'list',
      'show',
      'inspect',
      'status',
      'doctor',
      'runs',
      'prune --dry-run',
      'restore latest --dry-run',
    ];
    commands.push('config show', 'help restore', 'delete nothing', 'verify');
    for (const command of commands) {
      const { stdout } = spawnSync('script', ['-qec', `stty cols 80 rows 50; '${program}' ${command}`, '/dev/null'], {
        encoding: 'utf8',
        cwd: holdfast.folder,
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          TERM: 'xterm',
          LC_ALL: 'C.UTF-8',
          NO_COLOR: '1',
          ...programEnv,
        },
      });
      const lines = stdout.split(/\r?\n/).map((line) => line.replaceAll(/\u001B\[[0-9;]*[A-Za-z]|\r/g, ''));
      expect(
        lines.filter((line) => line.length > 80),
        command,
      ).toEqual([]);
      expect(lines.join('').length, command).toBeGreaterThan(20);
    }
  });
});

function othersMayRead(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
    if (dirname(at) === at) return true;
  }
}
