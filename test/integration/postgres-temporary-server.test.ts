import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startTemporaryServer } from '../../src/engines/postgres/temporary/temporary-server.ts';
import { temporaryFolder } from '../support/databases.ts';

const bin = '/usr/lib/postgresql/15/bin';
const signal = new AbortController().signal;

test('a temporary server is closed to everybody without its password and leaves nothing behind', async () => {
  const server = await startTemporaryServer({ bin }, signal);
  const psql = (password: string) =>
    promisify(execFile)(
      join(bin, 'psql'),
      ['-h', server.host, '-p', String(server.port), '-U', server.user, '-Atc', 'select 1', 'postgres'],
      {
        env: { PGPASSWORD: password },
      },
    );
  expect((await psql(server.password.reveal())).stdout.trim()).toBe('1');
  await expect(psql('wrong')).rejects.toThrow(/password authentication failed/);
  await server[Symbol.asyncDispose]();
  await expect(access(server.folder)).rejects.toThrow();
  expect(await listens(server.port)).toBe(false);
});

test('S1 it ends when the program that started it is killed', async () => {
  const module = resolve(import.meta.dirname, '../../src/engines/postgres/temporary/temporary-server.ts');
  const script = `
    const { startTemporaryServer } = await import(${JSON.stringify(module)});
    const server = await startTemporaryServer({ bin: '${bin}' }, new AbortController().signal);
    console.log(server.port);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  expect(await listens(port)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => listens(port), { timeout: 20_000 }).toBe(false);
});

test('an interrupted start leaves no folder and no process', async () => {
  await using folder = await temporaryFolder();
  const parent = join(folder.path, 'servers');
  await mkdir(parent);
  if (process.getuid?.() === 0) await promisify(execFile)('chmod', ['711', folder.path, parent]);
  const stop = new AbortController();
  const starting = startTemporaryServer({ bin, parent }, stop.signal);
  await expect.poll(() => readdir(parent)).toHaveLength(1);
  stop.abort();
  await expect(starting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(await readdir(parent)).toEqual([]);
});

test('without server programs the error says which package to install', async () => {
  await expect(startTemporaryServer({ major: 99 }, signal)).rejects.toMatchObject({
    code: 'POSTGRES_SERVER_MISSING',
    hint: expect.stringContaining('postgresql-99'),
  });
  await expect(startTemporaryServer({ bin: '/nonexistent' }, signal)).rejects.toMatchObject({
    code: 'POSTGRES_SERVER_MISSING',
  });
});

test('a server that does not start says why', async () => {
  const broken = startTemporaryServer({ bin, settings: { shared_buffers: 'nonsense' } }, signal);
  await expect(broken).rejects.toMatchObject({
    code: 'POSTGRES_NOT_STARTED',
    message: expect.stringContaining('shared_buffers'),
  });
});

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
