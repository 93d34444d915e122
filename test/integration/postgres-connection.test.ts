import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { interrupted } from '../../src/base/errors.ts';
import { Secret } from '../../src/base/secret.ts';
import { connect, type Address } from '../../src/engines/postgres/connect/connection.ts';
import { quoteIdent, quoteLiteral } from '../../src/engines/postgres/connect/names.ts';
import { cutProxy } from '../support/loopback.ts';
import { startPooler } from '../support/pooler.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
const { signal } = new AbortController();

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => server[Symbol.asyncDispose]());

function address(change: Partial<Address> = {}): Address {
  return {
    host: server.host,
    port: server.port,
    user: server.user,
    password: new Secret(server.password),
    database: 'postgres',
    ssl: { mode: 'prefer', ca: null, cert: null, key: null },
    connectTimeoutMs: 5000,
    ...change,
  };
}

describe('connect', () => {
  test('reads rows, a row and a value, wide numbers as text', async () => {
    await using connection = await connect(address(), { signal });
    const row = await connection.row(
      'select 9007199254740993::bigint as big, 1.10::numeric as number, true as yes, null as none',
    );
    expect(row).toEqual({ big: '9007199254740993', number: '1.10', yes: true, none: null });
    expect(await connection.value('select $1::text', ['x'])).toBe('x');
    const odd = ['a', 'b,c', 'd"e', 'f\\g', '{}', '', 'NULL', null, 'NULLx', 'line\nbreak'];
    expect(await connection.value('select $1::text[]', [odd])).toEqual(odd);
    expect(await connection.value<string[]>(`select '{}'::text[]`)).toEqual([]);
    expect(await connection.rows('select where false')).toEqual([]);
  });

  test('a pooler that lends sessions by the transaction is refused, and nothing is set for others', async () => {
    await using pooler = await startPooler(server, 'postgres', 'transaction');
    const { host, port } = pooler;
    const application = new Client({ host, port, user: server.user, database: 'postgres' });
    application.on('error', () => undefined);
    await application.connect();
    const settings = `select name, setting from pg_settings where name in ('search_path', 'row_security', 'statement_timeout') order by 1`;
    const before = (await application.query(settings)).rows;
    await expect(connect(address({ host, port }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_POOLED',
      kind: 'refused',
      message: expect.stringContaining(`${host}:${port}`),
    });
    expect((await application.query(settings)).rows).toEqual(before);
    await application.end();
  });

  test('a pooler that gives each its own session is as good as the server', async () => {
    await using pooler = await startPooler(server, 'postgres', 'session');
    await using connection = await connect(address({ host: pooler.host, port: pooler.port }), { signal });
    expect(await connection.value(`select current_setting('search_path')`)).toBe('');
  });

  test('makes output independent of the settings of database and role', async () => {
    await server.createDatabase('odd_settings');
    await server.sql(
      'postgres',
      `alter database odd_settings set datestyle = 'SQL, DMY'; alter database odd_settings set timezone = 'Asia/Tokyo';
       alter database odd_settings set statement_timeout = '1ms'; alter database odd_settings set search_path = 'app'`,
    );
    await using connection = await connect(address({ database: 'odd_settings' }), { signal });
    expect(await connection.value(`select timestamptz '2020-01-02 03:04:05+00'::text`)).toBe('2020-01-02 03:04:05+00');
    expect(
      await connection.value(`select current_setting('statement_timeout') || current_setting('search_path')`),
    ).toBe('0');
    await using asApplication = await connect(address({ database: 'odd_settings' }), {
      signal,
      searchPath: 'database',
    });
    expect(await asApplication.value(`select current_setting('search_path')`)).toBe('app');
  });

  test('an unreachable server, a wrong password, a missing database and a missing role each have their own error', async () => {
    await expect(connect(address({ port: 1 }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      retryable: true,
    });
    await expect(connect(address({ host: 'no-such-host.invalid' }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
    });
    await expect(connect(address({ host: '/no/such/folder' }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
    });
    await expect(connect(address({ password: new Secret('wrong-password') }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_LOGIN_FAILED',
      retryable: false,
    });
    await expect(connect(address({ password: null }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_LOGIN_FAILED',
    });
    await expect(connect(address({ user: 'nobody' }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_LOGIN_FAILED',
    });
    await expect(connect(address({ database: 'nowhere' }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_MISSING',
    });
    await expect(
      connect(address({ ssl: { mode: 'require', ca: null, cert: null, key: null } }), { signal }),
    ).rejects.toMatchObject({ code: 'DATABASE_TLS_REFUSED' });
  });

  test('a server that takes the connection and says nothing ends by the time limit', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    await expect(connect(address({ port, connectTimeoutMs: 200 }), { signal })).rejects.toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      message: expect.stringContaining('no answer within 0.2 s'),
    });
    silent.close();
  });

  test('an abort ends a running statement and the session on the server', async () => {
    const controller = new AbortController();
    const connection = await connect(address(), { signal: controller.signal, application: 'holdfast to-be-aborted' });
    const outcome = connection.rows('select pg_sleep(600)').then(
      () => 'it slept',
      (error: unknown) => error,
    );
    await expect
      .poll(async () => (await server.connections()).filter((each) => each.state === 'active').length)
      .toBe(1);
    controller.abort(interrupted());
    expect(await outcome).toMatchObject({ code: 'INTERRUPTED' });
    const left = await server.connections();
    expect(left.filter((each) => each.application.includes('to-be-aborted'))).toEqual([]);
    await expect(connection.rows('select 1')).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('S14 a statement that the server never heard is given up all the same, and so is its session', async () => {
    await using proxy = await cutProxy(server.port);
    const stop = new AbortController();
    const session = await connect(address({ port: proxy.port }), { signal: stop.signal });
    proxy.deafen();
    const asked = session.rows('SELECT 1');
    stop.abort(interrupted());
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await session[Symbol.asyncDispose]();

    const idle = await connect(address({ port: proxy.port }), { signal });
    proxy.deafen();
    const unheard = [idle.rows('SELECT 1'), idle.rows('SELECT 2')].map((each) => each.catch((error: unknown) => error));
    await idle[Symbol.asyncDispose]();
    expect(await Promise.all(unheard)).toMatchObject([
      { code: 'DATABASE_CONNECTION_LOST' },
      { code: 'DATABASE_CONNECTION_LOST' },
    ]);

    const quiet = await connect(address({ port: proxy.port }), { signal });
    proxy.deafen();
    await quiet[Symbol.asyncDispose]();
  }, 30_000);

  test('a session ended by the server is a lost connection, also when it happened while idle', async () => {
    await using connection = await connect(address(), { signal });
    await server.sql('postgres', 'select pg_terminate_backend($1)', [connection.pid]);
    await expect(connection.rows('select 1')).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION_LOST',
      retryable: true,
    });
  });

  test('what a server said when it ended an idle session is told to whoever asks next', async () => {
    await using connection = await connect(address(), { signal });
    await connection.rows(`set idle_in_transaction_session_timeout = 50`);
    await connection.rows('begin');
    await until(
      async () => (await server.connections()).every(({ pid }) => pid !== connection.pid),
      'its session is gone',
    );
    const told = { code: 'DATABASE_CONNECTION_LOST', message: expect.stringContaining('idle-in-transaction timeout') };
    for (let asked = 0; asked < 2; asked += 1) await expect(connection.rows('select 1')).rejects.toMatchObject(told);
  });

  test('S18 quoted names and texts come back as they were', async () => {
    await using connection = await connect(address(), { signal });
    const text = fc
      .string({ unit: 'binary', maxLength: 40 })
      .filter((each) => !each.includes('\0') && each.isWellFormed());
    const name = fc
      .string({
        unit: fc.constantFrom('a', 'Z', '"', "'", '\\', ' ', '\n', '$', ';', '-', 'ß', '😀', '%', '.', '*'),
        minLength: 1,
        maxLength: 12,
      })
      .filter((each) => Buffer.byteLength(each) <= 63);
    await fc.assert(
      fc.asyncProperty(text, name, async (value, column) => {
        const row = await connection.row<Record<string, string>>(
          `select ${quoteLiteral(value)}::text as ${quoteIdent(column)}`,
        );
        expect(row).toEqual({ [column]: value });
      }),
      { numRuns: 60 },
    );
  });
});
