import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSession } from '../../src/engines/sqlite/session.ts';
import { makeBank, openFile, rowsOf, runIn, startWriter, take } from '../support/sqlite.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

let folder: TemporaryFolder;
let path: string;
let scratch: string;
let copy: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'bank.sqlite');
  scratch = join(folder.path, 'scratch');
  copy = join(folder.path, 'copy.sqlite');
});
afterEach(() => folder[Symbol.asyncDispose]());

const signal = () => AbortSignal.timeout(60_000);
const isRoot = process.getuid?.() === 0;
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

describe('what is not a database says so', () => {
  test('missing, a folder, a pipe, something else, encrypted', async () => {
    const probe = (file: string) => openFile(file, scratch).probe(signal());
    await expect(probe(path)).rejects.toMatchObject({
      code: 'DATABASE_MISSING',
      message: `there is no database file ${path}`,
    });
    expect(readdirSync(folder.path)).toEqual([]);
    await expect(probe(join(folder.path, 'none/x'))).rejects.toMatchObject({ code: 'DATABASE_MISSING' });
    await expect(probe(folder.path)).rejects.toMatchObject({
      code: 'DATABASE_NOT_SQLITE',
      message: expect.stringContaining('folder'),
    });
    spawnSync('mkfifo', [path]);
    await expect(probe(path)).rejects.toMatchObject({ code: 'DATABASE_NOT_SQLITE' });
    const other = join(folder.path, 'other');
    writeFileSync(other, Buffer.from(Array.from({ length: 8192 }, (_, n) => (n * 7919) % 251)));
    await expect(probe(other)).rejects.toMatchObject({
      code: 'DATABASE_NOT_SQLITE',
      hint: expect.stringContaining('SQLCipher'),
    });
    await expect(take(openFile(other, scratch), copy, signal())).rejects.toMatchObject({ code: 'DATABASE_NOT_SQLITE' });
  });

  test('the log of an emptied file is left alone', async () => {
    writeFileSync(path, '');
    writeFileSync(`${path}-wal`, 'all that is left');
    await expect(openFile(path, scratch).probe(signal())).rejects.toMatchObject({ code: 'DATABASE_NOT_SQLITE' });
    expect(readFileSync(`${path}-wal`, 'utf8')).toBe('all that is left');
  });

  test('S13 damage is found before anything is stored, and told as damage', async () => {
    makeBank(path, 'delete', `insert into transfers (amount, text) select id, 'some text ' || id from accounts;`);
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4096 * 3, 4096 * 3 + 300);
    writeFileSync(path, bytes);
    await expect(take(openFile(path, scratch), copy, signal())).rejects.toMatchObject({
      code: 'DATABASE_DAMAGED',
      kind: 'integrity',
    });
    expect(readdirSync(scratch)).toEqual([]);
  });

  test.skipIf(!isRoot)('a file this user may not read', async () => {
    makeBank(path, 'delete');
    chmodSync(path, 0o600);
    chmodSync(folder.path, 0o755);
    const script = `
      const { openFile } = await import(${JSON.stringify(join(import.meta.dirname, '../support/sqlite.ts'))});
      process.setgid(65534); process.setuid(65534);
      await openFile(process.argv[1], process.argv[1] + '-none').probe(AbortSignal.timeout(10000)).catch((error) => console.log(error.code));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).toContain('DATABASE_NO_PRIVILEGE');
  });

  test.skipIf(!isRoot).each([
    [65_534, 'nobody'],
    // As a container may run it.
    [54_321, 'user 54321'],
  ])('S16 a file and a folder that this user may not write are told before a restore begins (%i)', (uid, name) => {
    makeBank(path, 'delete');
    chmodSync(path, 0o644);
    chmodSync(folder.path, 0o755);
    const script = `
      const { openFile } = await import(${JSON.stringify(join(import.meta.dirname, '../support/sqlite.ts'))});
      process.setgid(65534); process.setuid(${uid});
      const { mayNotCreate, mayNotChange } = await openFile(process.argv[1], process.argv[1] + '-none').server(AbortSignal.timeout(10000));
      console.log(mayNotCreate.reason); console.log(mayNotChange.reason);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      encoding: 'utf8',
    });
    const told = [folder.path, path].map((each) => `${name} may not write to ${each}\n`).join('');
    expect(stdout, stderr).toBe(told);
  });

  test.skipIf(!isRoot)('S16 a file whose owner the restored one could not have is told before a restore begins', () => {
    makeBank(path, 'delete');
    chmodSync(path, 0o666);
    chmodSync(folder.path, 0o777);
    const script = `
      const { openFile } = await import(${JSON.stringify(join(import.meta.dirname, '../support/sqlite.ts'))});
      process.setgroups([54322]); process.setgid(65534); process.setuid(65534);
      const file = openFile(process.argv[1], process.argv[1] + '-none');
      for (const mode of ['swap', 'in-place'])
        console.log(JSON.stringify(await file.obstacles({ mode, exists: true, scope: null }, AbortSignal.timeout(10000))));`;
    const told = (uid: number, gid: number) => {
      chownSync(path, uid, gid);
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      return stdout.trim().split('\n');
    };
    expect(told(65_534, 65_534)).toEqual(['[]', '[]']);
    expect(told(65_534, 54_322)).toEqual(['[]', '[]']);
    expect(told(54_321, 65_534)).toEqual([expect.stringMatching(/"swap".*belongs to user 54321, group 65534/), '[]']);
    expect(told(65_534, 54_321)).toEqual([expect.stringMatching(/"swap".*group 54321, and nobody cannot/), '[]']);
    // What is made in such a folder has its group.
    chownSync(folder.path, 0, 54_321);
    chmodSync(folder.path, 0o2777);
    expect(told(65_534, 54_321)).toEqual(['[]', '[]']);
  });

  test.skipIf(!isRoot || !mayMount).each(['wal', 'delete'])(
    'in the mode %s on a disk that cannot be written it is saved all the same',
    (mode) => {
      const script = `
      const { openFile, take } = await import(${JSON.stringify(join(import.meta.dirname, '../support/sqlite.ts'))});
      const [path, scratch, copy] = process.argv.slice(1);
      const taken = await take(openFile(path, scratch), copy, AbortSignal.timeout(20000));
      console.log(taken.counts.tables.length);
      await openFile(path, scratch).named('x').create(taken.facts, 'x', AbortSignal.timeout(1000)).catch((error) => console.log(error.code));`;
      const shell = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$0" --input-type=module -e "$2" "$3" "$4" "$5"`;
      mkdirSync(join(folder.path, 'data'));
      const file = join(folder.path, 'data/bank.sqlite');
      makeBank(file, mode);
      const ran = spawnSync(
        'unshare',
        ['--mount', 'sh', '-c', shell, process.execPath, join(folder.path, 'data'), script, file, scratch, copy],
        { encoding: 'utf8' },
      );
      expect(ran.stdout, ran.stderr).toBe('2\nDATABASE_READ_ONLY\n');
    },
  );
});

describe('S7 locks', () => {
  test('somebody who keeps the file to himself makes it end after the time limit, with a clear error', async () => {
    makeBank(path, 'delete');
    using other = new DatabaseSync(path);
    other.exec('begin exclusive');
    const started = performance.now();
    await expect(take(openFile(path, scratch, {}, '500ms'), copy, signal())).rejects.toMatchObject({
      code: 'DATABASE_LOCKED',
      retryable: true,
    });
    expect(performance.now() - started).toBeLessThan(10_000);
    other.exec('rollback');
    expect((await take(openFile(path, scratch), copy, signal())).counts.tables).toHaveLength(2);
  });

  test('S15 a program with the log open is found by its lock alone, where it cannot be seen', async () => {
    makeBank(path, 'wal');
    const replacement = join(folder.path, 'new.sqlite');
    const previous = join(folder.path, 'old.sqlite');
    makeBank(replacement, 'delete');
    await using writer = await startWriter(path, 'idle');
    const names = { live: path, replacement, previous, unlocked: false, busyMs: 200 };
    {
      await using session = startSession(path);
      expect(await session.ask('exchange', names, signal())).toBe('in-use');
    }
    expect(readdirSync(folder.path)).not.toContain('old.sqlite');
    expect(rowsOf(path, 'pragma journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    await writer.kill('SIGTERM');
    await using session = startSession(path);
    expect(await session.ask('exchange', names, signal())).toBe('done');
  });

  test('a cancelled wait ends at once, and its process with it', async () => {
    makeBank(path, 'delete');
    using other = new DatabaseSync(path);
    other.exec('begin exclusive');
    const controller = new AbortController();
    const session = startSession(path);
    const asked = session.ask('open', { path, mode: 'read', busyMs: 60_000 }, controller.signal);
    setImmediate(() => controller.abort());
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await session[Symbol.asyncDispose]();
    other.exec('rollback');
  });
});

test.each(['while it is read', 'before it is read on'])(
  'S2 a reading process that is killed makes the stream fail, not end: %s',
  async (when) => {
    makeBank(
      path,
      'wal',
      `create table big (text); insert into big with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select 'some text to read ' || i from n;`,
    );
    await using snapshot = await openFile(path, scratch).open({ folders: false }, signal());
    for await (const part of snapshot.parts(signal())) {
      if (part.kind !== 'stream') throw new Error('a stream was expected');
      const stream = part.open(signal());
      await once(stream, 'readable');
      const { usersOf } = await import('../../src/engines/sqlite/users.ts');
      const readers = (await usersOf(path)).filter(({ pid }) => pid !== process.pid);
      expect(readers).toMatchObject([{ ours: true }]);
      for (const { pid } of readers) process.kill(pid, 'SIGKILL');
      const gone = () => readers.every(({ pid }) => !existsSync(`/proc/${pid}`));
      if (when === 'before it is read on') await until(gone, 'the process is gone, and we know of it');
      await expect(pipeline(stream, new PassThrough().resume())).rejects.toMatchObject({
        code: 'DATABASE_CONNECTION_LOST',
      });
    }
  },
);

test.each(['wal', 'delete'])(
  'in the mode %s a dump that takes too long is ended, and one with a limited speed is slow',
  async (mode) => {
    makeBank(
      path,
      mode,
      `create table big (text); insert into big with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000) select 'some text to read ' || i from n;`,
    );
    const { size } = statSync(path);
    await expect(
      take(openFile(path, scratch, { timeout: '200ms', limit: '64kb' }), copy, signal()),
    ).rejects.toMatchObject({ code: 'DUMP_TIMEOUT' });
    const started = performance.now();
    await take(openFile(path, scratch, { limit: size }), copy, signal());
    expect(performance.now() - started).toBeGreaterThan(500);
  },
);

test('what a copy of a file cannot do is refused before anything is opened', async () => {
  const open = (dump: object) => openFile(path, scratch, dump).open({ folders: false }, signal());
  await expect(open({ format: 'custom' })).rejects.toMatchObject({ code: 'FORMAT_IMPOSSIBLE', kind: 'usage' });
  await expect(open({ exclude: { tables: ['x'] } })).rejects.toMatchObject({ code: 'FORMAT_IMPOSSIBLE' });
  await expect(open({ compression: 'lz4' })).rejects.toMatchObject({ code: 'COMPRESSION_UNSUPPORTED' });
});

test('doctor tells what it needs to know', async () => {
  makeBank(path, 'delete');
  const database = openFile(path, scratch);
  expect((await database.check(signal())).map(({ name, result }) => [name, result])).toEqual([
    ['connection', 'ok'],
    ['folder', 'ok'],
    ['copy', 'ok'],
  ]);
  await using _ = await startWriter(path, 'idle');
  expect(await database.check(signal())).toContainEqual({
    name: 'in use',
    result: 'ok',
    detail: expect.stringMatching(/^by node.* \(process \d+\); must be stopped before a restore$/),
  });
  runIn(join(folder.path, 'b'), 'create table t (a)');
  expect(await openFile(join(folder.path, 'none'), scratch).check(signal())).toMatchObject([
    { name: 'connection', result: 'failed', detail: expect.stringContaining('DATABASE_MISSING') },
  ]);
  await database.ready('server', signal());
  await database.ready('database', signal());
  await expect(openFile(join(folder.path, 'none'), scratch).ready('database', signal())).rejects.toMatchObject({
    code: 'DATABASE_MISSING',
  });
  await openFile(join(folder.path, 'none'), scratch).ready('server', signal());
  await expect(openFile('/nowhere/at/all', scratch).ready('server', signal())).rejects.toMatchObject({
    code: 'DATABASE_UNREACHABLE',
  });
});

test('S29 memory does not grow with the file', async () => {
  const program = join(import.meta.dirname, '../support/sqlite-take.ts');
  const peaks: number[] = [];
  for (const megabytes of [8, 32, 128]) {
    const file = join(folder.path, `${megabytes}.sqlite`);
    runIn(
      file,
      `pragma journal_mode = wal; pragma synchronous = off; create table big (text);
       insert into big with recursive n(i) as (select 1 union all select i + 1 from n where i < ${megabytes * 1000}) select printf('%.1000c', 'x') || i from n;`,
    );
    expect(statSync(file).size).toBeGreaterThan(megabytes * 1_000_000);
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, file, scratch], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
    await once(child, 'close');
    peaks.push(Number(told));
  }
  const [first = 0, , last = Number.POSITIVE_INFINITY] = peaks;
  expect(first).toBeGreaterThan(1000);
  expect(last - first).toBeLessThan(48 * 1024);
});
