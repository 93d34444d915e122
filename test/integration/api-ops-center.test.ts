import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let token: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('unicorn_db');
  await server.sql('unicorn_db', 'create table orders (id int); insert into orders select generate_series(1, 10)');
  holdfast = await installHoldfast({
    url: server.url('unicorn_db'),
    settings: {
      dump: { format: 'plain', compression: 'gzip' },
      schedule: { every: '24h' },
      retention: { maxAge: '7d', last: 30 },
    },
    top: { server: anyPort, scheduler: { enabled: false } },
  });
  served = await serveHoldfast(holdfast);
  token = await served.token('ci', '--role', 'admin');
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function ask(
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${served.base}/api/backups${path}`, {
    method,
    redirect: 'error',
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('where something else begins the backups, a source says so instead of having no schedule', async () => {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${served.base}/api/v1/sources`, { headers });
  expect(await response.json()).toMatchObject([{ scheduling: false, next: [] }]);
});

test('O-08 O-d2: with and without a slash at the end, with the bodies that are documented', async () => {
  const made = await ask('POST', '', { description: 'Manual backup before upgrade' });
  expect(made).toMatchObject({
    status: 200,
    body: {
      success: true,
      message: 'Backup created successfully',
      backup: {
        filename: expect.stringMatching(/^backup_unicorn_db_\d{8}_\d{6}\.sql\.gz$/),
        timestamp: expect.stringMatching(/^\d{8}_\d{6}$/),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
        database: 'unicorn_db',
        size_bytes: expect.any(Number),
        size_mb: expect.any(Number),
        description: 'Manual backup before upgrade',
        compressed: true,
      },
    },
  });
  const { filename } = made.body['backup'] as { filename: string };
  for (const path of ['', '/']) {
    const { body } = await ask('GET', path);
    expect(body).toMatchObject([{ filename, description: 'Manual backup before upgrade', compressed: true }]);
    expect(Object.keys((body as unknown as object[])[0] ?? {})).toEqual([
      'filename',
      'size_mb',
      'created_at',
      'description',
      'compressed',
    ]);
  }
  for (const path of ['/status', '/status/']) {
    expect((await ask('GET', path)).body).toEqual({
      enabled: false,
      backup_directory: holdfast.storage,
      retention_days: 7,
      max_backups: 30,
      interval_hours: 24,
      total_backups: 1,
      auto_backup_enabled: false,
      total_size_mb: expect.any(Number),
    });
  }
  expect(await ask('POST', '/cleanup/')).toMatchObject({
    status: 200,
    body: { success: true, message: expect.any(String) },
  });

  const download = await fetch(`${served.base}/api/backups/download/${filename}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(download.headers.get('content-disposition')).toBe(`attachment; filename="${filename}"`);
  expect(gunzipSync(Buffer.from(await download.arrayBuffer())).toString()).toContain('COPY public.orders');
});

test('O-08 O-d4: a restore by file name replaces the database, which was backed up before', async () => {
  const [{ filename } = { filename: '' }] = (await ask('GET', '')).body as unknown as { filename: string }[];
  await server.sql('unicorn_db', 'delete from orders');
  expect(await ask('POST', '/restore', { backup_filename: filename })).toEqual({
    status: 200,
    body: { success: true, message: 'Database restored successfully', backup_file: filename },
  });
  expect(await server.sql('unicorn_db', 'select count(*)::int as n from orders')).toEqual([{ n: 10 }]);
  expect(((await ask('GET', '')).body as unknown as object[]).length).toBe(2);
  // O-d5: the last good one stays, whatever is asked for.
  expect(await ask('DELETE', `/${filename}`)).toMatchObject({ status: 422, body: { code: 'LAST_GOOD_BACKUP' } });
  expect(await ask('POST', '', {})).toMatchObject({ status: 200 });
  expect(await ask('DELETE', `/${filename}/`)).toMatchObject({ status: 200, body: { success: true } });
  for (const [method, path, body] of [
    ['DELETE', `/${filename}`, undefined],
    ['GET', `/download/${filename}`, undefined],
    ['POST', '/restore', { backup_filename: filename }],
    ['POST', '/restore', { backup_filename: '../../etc/passwd' }],
    ['DELETE', '/..%2f..%2fx', undefined],
  ] as const) {
    expect(await ask(method, path, body), `${method} ${path}`).toMatchObject({
      status: 404,
      body: { code: 'BACKUP_UNKNOWN', detail: expect.any(String) },
    });
  }
});

test('O-d5 O-d6 O-d16: limits below 1 are refused; what is set persists and counts', async () => {
  for (const body of [
    { retention_days: 0 },
    { max_backups: -1 },
    { interval_hours: 0 },
    { auto_backup_enabled: 'yes' },
  ])
    expect(await ask('PUT', '/settings', body), JSON.stringify(body)).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    });
  const wanted = { retention_days: 14, max_backups: 5, interval_hours: 12 };
  expect(await ask('PUT', '/settings/', wanted)).toMatchObject({
    status: 200,
    body: { success: true, settings: wanted },
  });
  const status = async () => (await ask('GET', '/status').catch(() => null))?.body;
  await until(async () => (await status())?.['max_backups'] === 5, 'it is in effect');
  expect(await status()).toMatchObject(wanted);
  await served.stop();
  served = await serveHoldfast(holdfast);
  expect(await status()).toMatchObject(wanted);
});

test('O-d6: switched off and on again, a schedule is what it was', async () => {
  const kept = await readFile(holdfast.configFile, 'utf8');
  const schedule = { cron: '15 4 * * *', timezone: 'Europe/Berlin', retries: 7 };
  const config = parse(kept) as { sources: Record<string, object> };
  const [name = ''] = Object.keys(config.sources);
  config.sources[name] = { ...config.sources[name], schedule };
  await holdfast.configure(config);
  await served.stop();
  served = await serveHoldfast(holdfast);
  const written = async () =>
    (parse(await readFile(holdfast.configFile, 'utf8')) as { sources: Record<string, { schedule: object }> }).sources[
      name
    ]?.schedule;
  const off = await ask('PUT', '/settings', { auto_backup_enabled: false });
  expect(off).toMatchObject({ status: 200, body: { settings: { auto_backup_enabled: false } } });
  expect(await written()).toEqual({ ...schedule, enabled: false });
  expect(await ask('PUT', '/settings', { auto_backup_enabled: true })).toMatchObject({ status: 200 });
  expect(await written()).toEqual(schedule);
  await ask('PUT', '/settings', { interval_hours: 6 });
  expect(await written()).toEqual({ retries: 7, every: '6h' });
});

test('O-11: the lines for a pipeline work with a token', async () => {
  const script = `set -e
curl -sf -X POST ${served.base}/api/backups -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{"description": "Pre-deployment backup - Build 17"}' >/dev/null
status=$(curl -sf -H "Authorization: Bearer $TOKEN" ${served.base}/api/backups/status)
echo $status | grep -o '"enabled":[a-z]*'
curl -s -o /dev/null -w '%{http_code}' -X POST ${served.base}/api/backups`;
  const { stdout } = await run('sh', ['-c', script], { env: { ...process.env, TOKEN: token } });
  expect(stdout.split('\n')).toEqual(['"enabled":false', '401']);
  expect((await ask('GET', '')).body).toMatchObject([
    { description: 'Pre-deployment backup - Build 17' },
    { description: null },
    { description: expect.stringContaining('before restoring') },
  ]);
});
