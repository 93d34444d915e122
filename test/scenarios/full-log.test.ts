import { execFile, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { builtProgram } from '../support/built-program.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { smallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table t as select 1 as n');
});
afterAll(() => server[Symbol.asyncDispose]());

let holdfast: Installation;
beforeEach(async () => {
  holdfast = await installHoldfast({ url: server.url('shop') });
});
afterEach(() => holdfast[Symbol.asyncDispose]());

/** As an operator redirects it. */
function redirected(how: string, ...args: string[]) {
  const { program, env } = builtProgram();
  const options = { cwd: holdfast.folder, env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env } };
  return { command: ['-c', `exec "$0" ${args.join(' ')} ${how}`, program], options };
}

async function run(how: string, ...args: string[]) {
  const { command, options } = redirected(how, ...args);
  try {
    const { stdout, stderr } = await promisify(execFile)('bash', command, options);
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

test('a backup whose messages go to a full disk is made all the same', async () => {
  const { status, stdout } = await run('2>/dev/full', 'backup');
  expect(status).toBe(0);
  expect(stdout).toContain('stored in');
  expect(await holdfast.stored()).toHaveLength(1);
  expect(await holdfast.json('runs')).toMatchObject([{ state: 'succeeded' }]);
});

test('one whose report goes to a full disk is made, and the command says that its report is lost', async () => {
  const { status, stderr } = await run('>/dev/full', 'backup');
  expect(stderr).toMatch(/no space left.*\(DISK_FULL\)/);
  expect(status).toBe(1);
  expect(await holdfast.stored()).toHaveLength(1);
  expect(await holdfast.json('runs')).toMatchObject([{ state: 'succeeded' }]);
});

test('a service goes on while the disk of its log is full, and writes again once it is not', async ({ skip }) => {
  await using disk = await smallDisk(1);
  if (disk === null) return skip('this user may not mount a disk');
  const ballast = join(disk.path, 'ballast');
  const log = join(disk.path, 'log');
  await writeFile(log, '');
  await writeFile(ballast, Buffer.alloc(2 ** 20)).catch(() => undefined);
  const { command, options } = redirected(`2>>${log}`, 'serve');
  await holdfast.configure({
    state: './state',
    sources: { shop: { database: { url: server.url('shop') }, schedule: { every: '60s' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const child = spawn('bash', command, { ...options, stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    await until(async () => (await holdfast.stored()).length === 1, 'a backup is made although nothing can be logged');
    await rm(ballast);
    expect((await holdfast.run('backup')).status).toBe(0);
    child.kill('SIGHUP');
    await until(async () => (await readFile(log, 'utf8')).includes('info: '), 'the log goes on');
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
});
