import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allows, type Action, type Role } from '../../src/access/roles.ts';
import type { Client } from '../../src/api/client.ts';
import { routes as ownRoutes, type Route } from '../../src/api/contract.ts';
import { opsRoutes } from '../../src/api/ops-center/contract.ts';
import { anyPort, serveHoldfast, signIn, type Served } from '../support/api.ts';
import { rawRequest } from '../support/http-server.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';

const routes: Readonly<Record<string, Route>> = { ...ownRoutes, ...opsRoutes };
const password = 'correct horse battery';
const secrets = { passphrase: 'a very long passphrase', hook: 'hook-secret-0123456789' };
let server: TestPostgres;
let holdfast: Installation;
let served: Served;
let admin: Client;
let adminToken: string;
let backup: string;
let run: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 50 });
  const database = { url: server.url('shop') };
  holdfast = await installHoldfast({
    url: server.url('shop'),
    top: {
      sources: { shop: { database }, other: { database } },
      server: anyPort,
      encryption: { passphrase: secrets.passphrase },
      alerts: { channels: [{ type: 'webhook', name: 'hook', url: `http://127.0.0.1:9/${secrets.hook}` }] },
    },
  });
  served = await serveHoldfast(holdfast);
  adminToken = await served.token('admin', '--role', 'admin');
  admin = served.client(adminToken);
  await admin.createUser({ body: { name: 'ada', role: 'admin', password } });
  const made = await admin.createBackup({ body: { source: 'shop' }, query: { wait: '60s' } });
  backup = made.run.backup ?? '';
  run = made.run.id;
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await holdfast[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

interface Operation {
  name: string;
  method: string;
  path: string;
  route: Route;
}

/** From the document that others build clients from, so that none is forgotten. */
async function operations(): Promise<Operation[]> {
  const response = await fetch(`${served.base}/api/v1/openapi.json`, { headers: bearer(adminToken) });
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, { operationId: string }>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({
      name: operationId,
      method: method.toUpperCase(),
      path,
      route: routeNamed(operationId),
    })),
  );
}

function routeNamed(name: string): Route {
  const route = routes[name];
  if (!route) throw new Error(`${name} is in the document and nowhere else`);
  return route;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const bodies: Readonly<Record<string, object>> = {
  changeBackup: { held: true },
  copyBackup: { to: 'local' },
  planRestore: { source: 'shop' },
  restore: { source: 'shop', confirm: 'shop' },
  undoRestore: { source: 'shop', confirm: 'shop' },
  createBackup: { source: 'shop' },
  planPrune: { source: 'shop' },
  prune: { source: 'shop' },
  createToken: { name: 'mine', role: 'admin' },
  createUser: { name: 'eve', role: 'admin', password },
  changeUser: { role: 'viewer' },
  changePassword: { current: password, password: 'another password' },
  confirmTotp: { secret: 'A'.repeat(32), code: '000000', password },
  removeTotp: { password },
  setUp: { token: 'x', name: 'eve', password },
  signIn: { name: 'ada', password },
  changeSettings: { changes: [{ path: ['timezone'], value: 'UTC' }] },
  opsRestore: { backup_filename: 'backup_shop_20260129_120000.sql.gz' },
  opsSettings: { max_backups: 1 },
};

function send({ name, method, path, route }: Operation, headers: Record<string, string>): Promise<Response> {
  const values: Record<string, string> = {
    source: 'shop',
    id: path.includes('/runs/') ? run : backup,
    name: 'ada',
    filename: 'x.sql.gz',
  };
  const address = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key] ?? '');
  const query =
    {
      downloadArtifact: '?path=database.dump',
      importFile: '?source=shop&name=x.dump',
      comingTimes: '?cron=@daily&timezone=UTC',
    }[name] ?? '?source=shop';
  const bare = method === 'GET' || (method === 'DELETE' && !route.body) || name === 'signOut';
  const body = bare ? null : route.upload ? 'x' : JSON.stringify(bodies[name] ?? {});
  return fetch(served.base + address + query, {
    method,
    redirect: 'manual',
    headers: {
      ...headers,
      ...(body === null ? {} : { 'content-type': route.upload ? 'application/octet-stream' : 'application/json' }),
    },
    body,
  });
}

async function answerOf(operation: Operation, headers: Record<string, string>): Promise<[number, string]> {
  const response = await send(operation, headers);
  const type = response.headers.get('content-type') ?? '';
  const { code = '' } = type.includes('json') ? ((await response.json().catch(() => ({}))) as { code?: string }) : {};
  await response.body?.cancel().catch(() => undefined);
  return [response.status, code];
}

const standing = async () => ({
  backups: (await admin.backups()).items,
  runs: (await admin.runs()).map(({ id, state }) => [id, state]),
  users: await admin.users(),
  tokens: (await admin.tokens()).map(({ id, role }) => [id, role]),
});

describe('S24 O-d1: every route, as the OpenAPI document lists them', () => {
  test('is in the document', async () => {
    expect((await operations()).map(({ name }) => name).toSorted()).toEqual(Object.keys(routes).toSorted());
    expect((await fetch(`${served.base}/api/v1/openapi.json`)).status).toBe(401);
    expect((await fetch(`${served.base}/api/docs`)).status).toBe(401);
  });

  test('answers nobody, and nobody with a wrong token', async () => {
    const before = await standing();
    for (const operation of await operations()) {
      if (operation.route.action === null) continue;
      const { method, path } = operation;
      expect(await answerOf(operation, {}), `${method} ${path}`).toEqual([401, 'NOT_SIGNED_IN']);
      expect(await answerOf(operation, { 'x-holdfast': '1', cookie: 'holdfast_session=guess' })).toEqual([
        401,
        'NOT_SIGNED_IN',
      ]);
      expect(await answerOf(operation, bearer('hf_guess'))).toEqual([401, 'TOKEN_WRONG']);
      expect(await answerOf(operation, { authorization: 'Basic YWRhOmFkYQ==' })).toEqual([401, 'TOKEN_WRONG']);
    }
    expect(await standing()).toEqual(before);
  });

  test.each<[string, string[], { role: Role; actions: readonly Action[] | null }]>([
    ['a viewer', ['--role', 'viewer'], { role: 'viewer', actions: null }],
    ['an operator', ['--role', 'operator'], { role: 'operator', actions: null }],
    [
      'a token that may only verify',
      ['--role', 'admin', '--only-action', 'verify'],
      { role: 'admin', actions: ['verify'] },
    ],
  ])('refuses what %s may not do', async (title, options, grant) => {
    const token = await served.token(title.replaceAll(' ', '-'), ...options);
    const before = await standing();
    let refused = 0;
    for (const operation of await operations()) {
      const { action } = operation.route;
      if (action === null || action === 'signed-in' || allows({ ...grant, sources: null }, action, null)) continue;
      expect(await answerOf(operation, bearer(token)), `${operation.method} ${operation.path}`).toEqual([
        403,
        'NOT_ALLOWED',
      ]);
      refused += 1;
    }
    expect(refused).toBeGreaterThan(3);
    expect(await standing()).toEqual(before);
  });

  test('shows a token of another source neither the source nor its backups and runs, and not what concerns all', async () => {
    const token = await served.token('other-only', '--role', 'admin', '--only-source', 'other');
    const before = await standing();
    for (const operation of await operations()) {
      const { action } = operation.route;
      const { name } = operation;
      if (action === null || action === 'signed-in' || name === 'events') continue;
      const [status, code] = await answerOf(operation, bearer(token));
      const where = `${operation.method} ${operation.path}`;
      if (['alert', 'settings', 'access'].includes(action)) expect([status, code], where).toEqual([403, 'NOT_ALLOWED']);
      else if (['sources', 'check', 'alerts', 'comingTimes'].includes(name)) expect(status, where).toBe(200);
      else expect([status, code], where).toEqual([404, expect.stringMatching(/^(SOURCE|RUN)_UNKNOWN$/)]);
    }
    const limited = served.client(token);
    expect((await limited.sources()).map(({ name }) => name)).toEqual(['other']);
    expect((await limited.backups()).items).toEqual([]);
    expect((await limited.runs()).filter(({ source }) => source !== 'other' && source !== null)).toEqual([]);
    expect(JSON.stringify(await (await limited.report()).json())).not.toContain('shop"');
    expect(await standing()).toEqual(before);
  });

  test('takes nothing that changes something from a foreign page, or without the header that only our pages send', async () => {
    const { cookie } = await signIn(served, { name: 'ada', password });
    const before = await standing();
    for (const operation of await operations()) {
      const { method, path, name } = operation;
      if (method === 'GET') {
        if (name === 'events' || operation.route.action === 'download') continue;
        const response = await send(operation, { cookie, origin: 'https://evil.example' });
        expect(
          [...response.headers.keys()].filter((key) => key.startsWith('access-control')),
          path,
        ).toEqual([]);
        await response.body?.cancel();
        continue;
      }
      const where = `${method} ${path}`;
      const foreign = { cookie, origin: 'https://evil.example', 'x-holdfast': '1' };
      expect(await answerOf(operation, foreign), where).toEqual([403, 'FOREIGN_PAGE']);
      expect(await answerOf(operation, { ...foreign, origin: 'null' }), where).toEqual([403, 'FOREIGN_PAGE']);
      expect(await answerOf(operation, { cookie }), where).toEqual([403, 'FOREIGN_PAGE']);
      expect(await answerOf(operation, { cookie, origin: served.base }), where).toEqual([403, 'FOREIGN_PAGE']);
    }
    expect(await standing()).toEqual(before);
  });

  test('refuses bodies beyond their limit, of another kind, and with what is not asked for', async () => {
    for (const operation of await operations()) {
      const { method, path, name, route } = operation;
      // Programs of old may send what is not asked for.
      const strict = !name.startsWith('ops');
      if (route.body === undefined) continue;
      const post = (body: string, type: string) =>
        fetch(`${served.base}${path.replaceAll(/\{\w+\}/g, 'x')}`, {
          method,
          headers: { ...bearer(adminToken), 'x-holdfast': '1', 'content-type': type },
          body,
        });
      const large = JSON.stringify({ ...bodies[name], pad: 'x'.repeat(100_000) });
      expect((await post(large, 'application/json')).status, path).toBe(413);
      expect((await post('a=b', 'application/x-www-form-urlencoded')).status, path).toBe(415);
      expect((await post('{"__proto__": {"role": "admin"}}', 'application/json')).status, path).toBe(400);
      if (!strict) continue;
      expect((await post('{', 'application/json')).status, path).toBe(400);
      expect((await post(JSON.stringify({ ...bodies[name], unheard: 1 }), 'application/json')).status, path).toBe(400);
    }
  });
});

test('whatever is refused says what to do', async () => {
  const refused: { code: string; hint: string | null }[] = [];
  const ask = async (method: string, path: string, headers: Record<string, string>, body?: string) => {
    const response = await fetch(served.base + path, { method, headers, ...(body === undefined ? {} : { body }) });
    if (response.ok) await response.body?.cancel();
    else refused.push((await response.json()) as { code: string; hint: string | null });
  };
  const viewer = await served.token('looks-only');
  const alone = await served.token('sees-none', '--only-source', 'other');
  for (const { method, path, route, name } of await operations()) {
    // Programs of old are answered as they expect it.
    if (name.startsWith('ops')) continue;
    const unknown = path.replaceAll(/\{\w+\}/g, 'unknown');
    const bare = method === 'GET' || route.body === undefined;
    const body = { 'content-type': route.upload ? 'application/octet-stream' : 'application/json' };
    const type = { 'x-holdfast': '1', ...(bare ? {} : body) };
    await ask(method, unknown, {});
    await ask(method, unknown, { ...bearer(viewer), ...type }, bare ? undefined : '{"source":"shop"}');
    await ask(method, `${unknown}?source=shop`, { ...bearer(alone), ...type }, bare ? undefined : '{"source":"shop"}');
    if (path.includes('{') || !bare)
      await ask(method, unknown, { ...bearer(adminToken), ...type }, bare ? undefined : '{');
    if (!bare) await ask(method, unknown, { ...bearer(adminToken), ...type }, JSON.stringify('x'.repeat(100_000)));
  }
  await ask('GET', '/api/v1/nothing', bearer(adminToken));
  await ask('GET', '/api/v1/session/provider', {});
  await ask('GET', '/api/v1/backups/shop/unknown', bearer(adminToken));
  await ask('DELETE', `/api/v1/runs/${run}`, bearer(adminToken));
  const json = { ...bearer(adminToken), 'content-type': 'application/json' };
  await ask('PATCH', '/api/v1/users/unknown', json, '{"role":"viewer"}');
  await ask('POST', '/api/v1/backups', { ...json, 'idempotency-key': 'with spaces' }, '{"source":"shop"}');
  await ask('POST', '/api/v1/session/totp', json, '{}');
  await ask(
    'POST',
    '/api/v1/session',
    { 'x-holdfast': '1', 'content-type': 'application/json' },
    '{"name":"bob","password":"not it"}',
  );
  const codes = [...new Set(refused.map(({ code }) => code))];
  expect(codes).toEqual(
    expect.arrayContaining(['NOT_SIGNED_IN', 'NOT_ALLOWED', 'REQUEST_INVALID', 'BODY_TOO_LARGE', 'SOURCE_UNKNOWN']),
  );
  expect(codes).toEqual(
    expect.arrayContaining([
      'RUN_UNKNOWN',
      'BACKUP_UNKNOWN',
      'USER_UNKNOWN',
      'TOKEN_UNKNOWN',
      'LOGIN_WRONG',
      'RUN_ENDED',
    ]),
  );
  expect(refused.filter(({ hint }) => !hint)).toEqual([]);
  // Not even a hint names what somebody may not see.
  const hints = refused.filter(({ code }) => code === 'SOURCE_UNKNOWN').map(({ hint }) => hint);
  expect(hints).toContain('There are: other.');
});

const hostile = [
  '../../etc/passwd',
  '..%2f..%2fetc',
  '....//',
  '%2e%2e',
  "'; drop table runs; --",
  '<script>alert(1)</script>',
  '\u0000',
  'a'.repeat(201),
  '${jndi:ldap://x}',
  '$(touch /tmp/x)',
  '-rf',
  '.',
];

test('S18 S24 O-d3: hostile names are unknown or refused, and never a path', async () => {
  for (const name of hostile) {
    const wrong = async (ask: Promise<unknown>) => {
      const { status, message } = (await ask.then(
        () => ({ status: 200 }),
        (error: unknown) => error,
      )) as { status: number; message: string };
      expect([400, 404], `${JSON.stringify(name)}: ${message}`).toContain(status);
      expect(message).not.toMatch(/ENOENT|EACCES|at .*\.ts/);
    };
    const params = { source: 'shop', id: name };
    await wrong(admin.source({ params: { source: name } }));
    await wrong(admin.backup({ params }));
    await wrong(admin.backup({ params: { source: name, id: backup } }));
    await wrong(admin.downloadBackup({ params }));
    await wrong(admin.downloadArtifact({ params: { source: 'shop', id: backup }, query: { path: name } }));
    await wrong(admin.downloadBackup({ params: { source: 'shop', id: backup }, query: { storage: name } }));
    await wrong(admin.deleteBackup({ params }));
    await wrong(admin.copyBackup({ params: { source: 'shop', id: backup }, body: { to: name } }));
    await wrong(admin.run({ params: { id: name } }));
    await wrong(admin.restore({ body: { source: 'shop', id: name, confirm: 'shop' } }));
    await wrong(admin.createUser({ body: { name, role: 'viewer', password } }));
    await wrong(admin.changeUser({ params: { name }, body: { role: 'admin' } }));
    await wrong(admin.revokeToken({ params: { id: name } }));
  }
  const { items } = await admin.backups({ query: { cursor: "' or 1=1 --" } });
  expect(items.length).toBeLessThanOrEqual(1);
  expect((await admin.audit({ query: { cursor: 'x' } })).items).toEqual([]);
});

test('S24: another name of this server in Host or X-Forwarded-Host is not ours', async () => {
  const port = Number(new URL(served.base).port);
  const ask = async (headers: string) => {
    const { answer } = rawRequest(port, `GET /api/v1/entrance HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    return (await answer).split(' ')[1];
  };
  expect(await ask('Host: evil.example')).toBe('421');
  expect(await ask(`Host: 127.0.0.1:${port}\r\nX-Forwarded-Host: evil.example`)).toBe('200');
  expect(await ask(`Host: evil.example\r\nX-Forwarded-Host: localhost`)).toBe('421');
});

test('S24: without trusted proxies nobody can say to be another one', async () => {
  await fetch(`${served.base}/api/v1/sources`, {
    headers: { ...bearer(adminToken), 'x-forwarded-for': '203.0.113.9' },
  });
  const mine = (await admin.tokens()).find(({ name }) => name === 'admin');
  expect(mine?.usedFrom).toBe('127.0.0.1');
});

test('S23: no answer holds a secret', async () => {
  const { cookie } = await signIn(served, { name: 'ada', password });
  const database = decodeURIComponent(new URL(server.url('shop')).password);
  const said: string[] = [];
  for (const operation of await operations()) {
    const { method, name } = operation;
    if (method !== 'GET' || name === 'events' || operation.route.action === 'download') continue;
    said.push(await (await send(operation, bearer(adminToken))).text());
  }
  said.push(await (await fetch(`${served.base}/healthz`)).text(), await (await fetch(`${served.base}/metrics`)).text());
  const all = said.join('\n') + served.said();
  expect(all).toContain('shop');
  for (const secret of [
    ...Object.values(secrets),
    database,
    password,
    adminToken,
    cookie.split('=')[1] ?? '',
    'scrypt$',
  ])
    expect(all.includes(secret), secret.slice(0, 12)).toBe(false);
});

test('S24: guessing is slowed down for the name and for the address, and says for how long', async () => {
  const post = (name: string) =>
    fetch(`${served.base}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-holdfast': '1' },
      body: JSON.stringify({ name, password: 'a wrong password' }),
    });
  const answers = await Promise.all(Array.from({ length: 12 }, (_, number) => post(`guess-${number}`)));
  const codes = answers.map(({ status }) => status);
  expect(codes.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
  const late = answers.find(({ status }) => status === 429);
  expect(Number(late?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await admin.audit({ query: { action: 'signIn' } })).items[0]).toMatchObject({
    via: 'none',
    outcome: 'refused',
    detail: 'LOGIN_WRONG',
  });
});
