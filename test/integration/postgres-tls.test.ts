import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProcess } from '../../src/base/run-process.ts';
import { toolError } from '../../src/engines/postgres/connect/errors.ts';
import { toolCommand } from '../../src/engines/postgres/connect/tool-command.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { accessTo } from '../support/postgres-access.ts';

const { signal } = new AbortController();
let server: TestPostgres;
let folder: string;
let ca: string;

/** A server that speaks TLS with a certificate for `localhost` only. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-test-'));
  ca = join(folder, 'server.crt');
  const key = join(folder, 'server.key');
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost',
    '-keyout',
    key,
    '-out',
    ca,
  ];
  await runProcess({ program: 'openssl', args }, { signal });
  server = await startPostgres();
  const { uid, gid } = await stat(server.folder);
  for (const file of [folder, ca, key]) await chown(file, uid, gid);
  await server.sql('postgres', `alter system set ssl_cert_file = '${ca}'`);
  await server.sql('postgres', `alter system set ssl_key_file = '${key}'`);
  await server.sql('postgres', 'alter system set ssl = on');
  await server.restart();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const encrypted = 'select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()';

/** What the driver and what a tool say: `true`, `false`, or the code of the error. */
async function both(host: string, ssl: unknown): Promise<[unknown, unknown]> {
  const { port, user, password } = server;
  const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/postgres`;
  const access = accessTo(url, { database: { ssl } });
  const code = (error: { code: string }) => error.code;
  const driver = await access.connect(signal).then(async (connection) => {
    await using open = connection;
    return await open.value<boolean>(encrypted);
  }, code);
  const tools = await access.tools({ tools: ['psql'], minimum: null, preferred: 15 }, signal);
  const command = toolCommand(tools, 'psql', ['--no-psqlrc', '--tuples-only', '--no-align', '--command', encrypted], {
    address: access.address,
  });
  const tool = await runProcess(command, { signal, explain: (error) => toolError(error, access.address) }).then(
    ({ stdout }) => stdout.trim() === 't',
    code,
  );
  return [driver, tool];
}

describe('TLS, the same for the driver and the tools', () => {
  test('is used where the server offers it, and can be switched off', async () => {
    expect(await both('127.0.0.1', 'prefer')).toEqual([true, true]);
    expect(await both('127.0.0.1', 'require')).toEqual([true, true]);
    expect(await both('127.0.0.1', 'allow')).toEqual([false, false]);
    expect(await both('127.0.0.1', 'disable')).toEqual([false, false]);
  });

  test('verifies the authority, and with verify-full the host', async () => {
    expect(await both('127.0.0.1', { mode: 'verify-ca', ca })).toEqual([true, true]);
    expect(await both('127.0.0.1', { mode: 'verify-full', ca })).toEqual([
      'DATABASE_TLS_FAILED',
      'DATABASE_TLS_FAILED',
    ]);
    expect(await both('127.0.0.1', { mode: 'require', ca: join(folder, 'server.key') })).toEqual([
      'DATABASE_TLS_FAILED',
      'DATABASE_TLS_FAILED',
    ]);
  });
});
