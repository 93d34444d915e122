import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../../base/errors.ts';
import { driverError, toolError } from './errors.ts';

const at = { host: 'db', port: 5432, user: 'shop', database: 'shop', connectTimeoutMs: 10_000 };

describe('what the server says', () => {
  test.each([
    ['28P01', 'password authentication failed for user "shop"', 'DATABASE_LOGIN_FAILED', false],
    ['28000', 'no pg_hba.conf entry for host "::1"', 'DATABASE_LOGIN_FAILED', false],
    ['3D000', 'database "shop" does not exist', 'DATABASE_MISSING', false],
    ['42501', 'permission denied for table users', 'DATABASE_NO_PRIVILEGE', false],
    ['42501', 'query would be affected by row-level security policy for table "users"', 'DATABASE_ROW_SECURITY', false],
    ['55P03', 'canceling statement due to lock timeout', 'DATABASE_LOCKED', true],
    ['57P01', 'terminating connection due to administrator command', 'DATABASE_CONNECTION_LOST', true],
    ['57P03', 'the database system is starting up', 'DATABASE_UNREACHABLE', true],
    ['53300', 'sorry, too many clients already', 'DATABASE_TOO_MANY_CONNECTIONS', true],
    ['53100', 'could not extend file: No space left on device', 'DATABASE_DISK_FULL', false],
    ['57014', 'canceling statement due to statement timeout', 'DATABASE_TIMEOUT', true],
    ['40001', 'canceling statement due to conflict with recovery', 'DATABASE_CONFLICT', true],
    ['42P04', 'database "x" already exists', 'DATABASE_EXISTS', false],
    ['22023', 'invalid snapshot identifier: "00000003-00000033-1"', 'DATABASE_CONNECTION_LOST', true],
    ['22023', 'invalid value for parameter "work_mem"', 'DATABASE_FAILED', false],
    ['22012', 'division by zero', 'DATABASE_FAILED', false],
  ])('%s %s', (sqlstate, message, code, retryable) => {
    const error = driverError(Object.assign(new Error(message), { code: sqlstate }), at);
    expect(error).toMatchObject({ code, retryable });
    expect(error.details['sqlstate']).toBe(sqlstate);
    if (code !== 'DATABASE_FAILED') expect(error.hint).toMatch(/^[A-Z].*\.$/);
    expect(error.message).not.toMatch(/\.$/);
  });

  test('the network', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(driverError(refused, at).message).toBe('no connection to the server at db:5432: nothing listens there');
    expect(driverError(new AggregateError([refused]), at)).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(driverError(new Error('Connection terminated unexpectedly'), at)).toMatchObject({
      code: 'DATABASE_CONNECTION_LOST',
      retryable: true,
    });
    expect(driverError(Object.assign(new Error('x'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), at)).toMatchObject({
      code: 'DATABASE_TLS_FAILED',
    });
  });
});

describe('what the tools say', () => {
  test.each([
    [
      'pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server version: 18.4; pg_dump version: 15.18',
      { code: 'TOOL_TOO_OLD' },
    ],
    [
      'pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout\npg_dump: detail: Query was: LOCK TABLE public.orders IN ACCESS SHARE MODE',
      { code: 'DATABASE_LOCKED', retryable: true, details: expect.objectContaining({ object: 'public.orders' }) },
    ],
    [
      'pg_dump: error: could not obtain lock on relation "public.orders"\nThis usually means that someone requested an ACCESS EXCLUSIVE lock',
      { code: 'DATABASE_LOCKED', details: expect.objectContaining({ object: 'public.orders' }) },
    ],
    [
      'pg_dump: error: connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "shop"',
      { code: 'DATABASE_LOGIN_FAILED' },
    ],
    [
      'pg_dump: error: connection to server at "db", port 5432 failed: FATAL:  database "shop" does not exist',
      { code: 'DATABASE_MISSING' },
    ],
    [
      'pg_dump: error: connection to server at "db", port 5432 failed: Connection refused\n\tIs the server running?',
      { code: 'DATABASE_UNREACHABLE' },
    ],
    ['pg_dump: error: query failed: ERROR:  permission denied for table users', { code: 'DATABASE_NO_PRIVILEGE' }],
    [
      'pg_dump: error: query failed: FATAL:  terminating connection due to conflict with recovery\nserver closed the connection unexpectedly',
      { code: 'DATABASE_CONFLICT', retryable: true, hint: expect.stringContaining('standby') },
    ],
    [
      'pg_dump: error: query failed: ERROR:  invalid snapshot identifier: "00000003-00000033-1"',
      { code: 'DATABASE_CONNECTION_LOST', retryable: true },
    ],
    [
      'pg_dump: error: query failed: FATAL:  terminating connection due to administrator command\nserver closed the connection unexpectedly',
      { code: 'DATABASE_CONNECTION_LOST', retryable: true },
    ],
    ['pg_dump: error: could not write to output file: No space left on device', { code: 'DISK_FULL' }],
    [
      'pg_restore: error: could not execute query: ERROR:  could not extend file "base/1": No space left on device',
      { code: 'DATABASE_DISK_FULL' },
    ],
    [
      'pg_dump: error: Dumping the contents of table "files" failed: PQgetResult() failed.\npg_dump: detail: Error message from server: ERROR:  invalid memory alloc request size 1200000003\npg_dump: detail: Command was: COPY public.files (id, body) TO stdout;',
      { code: 'DATABASE_VALUE_TOO_LARGE', details: expect.objectContaining({ object: 'public.files' }) },
    ],
    [
      'psql:<stdin>:47: ERROR:  out of shared memory\nHINT:  You might need to increase max_locks_per_transaction.',
      { code: 'DATABASE_OUT_OF_MEMORY', hint: expect.stringContaining('max_locks_per_transaction') },
    ],
    ['pg_dump: error: this build does not support compression with zstd', { code: 'TOOL_LACKS_FEATURE' }],
    [
      'pg_dump: error: query failed: ERROR:  query would be affected by row-level security policy for table "users"',
      { code: 'DATABASE_ROW_SECURITY' },
    ],
    ['pg_dump: error: something never seen before', { code: 'TOOL_FAILED' }],
  ])('%s', (stderr, expected) => {
    const failure = new HoldfastError('TOOL_FAILED', 'pg_dump ended with status 1', {
      details: { tool: 'pg_dump', status: 1, signal: null, stderr },
    });
    expect(toolError(failure, at)).toMatchObject(expected);
  });

  test('what is not a failure of a tool is passed on', () => {
    const error = new Error('else');
    expect(toolError(error, at)).toBe(error);
  });
});
