import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeAt } from '../../src/access/totp.ts';
import { anyPort, serveHoldfast, signIn } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery';
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); insert into orders select generate_series(1, 10)');
});
afterAll(() => server[Symbol.asyncDispose]());

const install = (top: object = {}): Promise<Installation> =>
  installHoldfast({
    url: server.url('shop'),
    settings: { dump: { format: 'custom', lockTimeout: '60s' } },
    top: { server: anyPort, ...top },
  });
const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
const own = { 'content-type': 'application/json', 'x-holdfast': '1' };

test('S24: the first user comes with the setup token, which works once', async () => {
  await using holdfast = await install();
  await using served = await serveHoldfast(holdfast);
  const api = served.client();
  expect(await api.entrance()).toEqual({ setUp: true, provider: null });
  const given = { name: 'ada', password };
  expect(await said(api.setUp({ body: { ...given, token: 'guess' } }))).toMatchObject({
    status: 403,
    code: 'SETUP_TOKEN_WRONG',
  });
  expect(
    await said(api.setUp({ body: { ...given, token: served.setupToken ?? '', password: 'short' } })),
  ).toMatchObject({ status: 400, code: 'PASSWORD_WEAK' });
  expect(await api.setUp({ body: { ...given, token: served.setupToken ?? '' } })).toMatchObject({
    name: 'ada',
    role: 'admin',
    kind: 'user',
  });
  expect(await said(api.setUp({ body: { ...given, name: 'eve', token: served.setupToken ?? '' } }))).toMatchObject({
    status: 403,
    code: 'SETUP_OVER',
  });
  expect(await api.entrance()).toEqual({ setUp: false, provider: null });
  await served.stop();
  await using again = await serveHoldfast(holdfast);
  expect(again.setupToken).toBeNull();
});

test('S24: a session: its cookie, what it may, its end; the second factor; another password', async () => {
  await using holdfast = await install();
  await writeFile(join(holdfast.folder, 'password'), `${password}\n`);
  await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', 'password');
  await using served = await serveHoldfast(holdfast);
  const response = await fetch(`${served.base}/api/v1/session`, {
    method: 'POST',
    headers: own,
    body: JSON.stringify({ name: 'ada', password }),
  });
  expect(response.headers.get('set-cookie')).toMatch(
    /^holdfast_session=\S{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
  );
  const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const api = served.client(undefined, { cookie });
  expect(await api.session()).toMatchObject({ name: 'ada', kind: 'user', role: 'admin', totp: false });
  await api.sources();

  const { secret } = await api.beginTotp();
  const code = () => codeAt(secret, Math.floor(Date.now() / 30_000));
  expect(await said(api.confirmTotp({ body: { secret, code: code(), password: 'not the one' } }))).toMatchObject({
    code: 'LOGIN_WRONG',
  });
  const { recovery } = await api.confirmTotp({ body: { secret, code: code(), password } });
  expect(await said(api.signIn({ body: { name: 'ada', password } }))).toMatchObject({
    status: 401,
    code: 'LOGIN_CODE_NEEDED',
  });
  expect(await said(api.signIn({ body: { name: 'ada', password, code: '000000' } }))).toMatchObject({
    code: 'LOGIN_CODE_WRONG',
  });
  const second = await signIn(served, { name: 'ada', password, code: recovery[0] ?? '' });
  expect(await served.client(undefined, second).session()).toMatchObject({ totp: true });

  expect(await said(api.removeTotp({ body: { password: 'not the one' } }))).toMatchObject({ code: 'LOGIN_WRONG' });
  await api.removeTotp({ body: { password } });
  await api.signOut();
  expect(await said(api.session())).toMatchObject({ status: 401 });
  const other = served.client(undefined, second);
  await other.changePassword({ body: { current: password, password: 'another long password' } });
  expect(await said(other.session())).toMatchObject({ status: 401 });
  await signIn(served, { name: 'ada', password: 'another long password' });
});

test('users and tokens: made, changed, taken away; what they were given ends at once', async () => {
  await using holdfast = await install();
  await using served = await serveHoldfast(holdfast);
  const admin = served.client(await served.token('admin', '--role', 'admin'));
  await admin.createUser({ body: { name: 'ada', role: 'admin', password } });
  await admin.createUser({ body: { name: 'bob', role: 'operator', password } });
  expect(await said(admin.createUser({ body: { name: 'bob', role: 'viewer', password } }))).toMatchObject({
    status: 409,
  });
  const bob = served.client(undefined, await signIn(served, { name: 'bob', password }));
  expect((await bob.session()).actions).not.toContain('access');
  expect(await admin.changeUser({ params: { name: 'bob' }, body: { role: 'viewer' } })).toMatchObject({
    role: 'viewer',
  });
  expect(await said(bob.session())).toMatchObject({ status: 401 });
  await admin.removeUser({ params: { name: 'bob' } });
  expect(await said(signIn(served, { name: 'bob', password }))).toMatchObject({
    message: expect.stringContaining('LOGIN_WRONG'),
  });
  expect(await said(admin.removeUser({ params: { name: 'ada' } }))).toMatchObject({ status: 422, code: 'LAST_ADMIN' });

  const made = await admin.createToken({
    body: { name: 'ci', role: 'operator', sources: ['shop'], actions: ['backup'] },
  });
  const ci = served.client(made.token);
  await ci.createBackup({ query: { wait: '60s' } });
  expect(await said(ci.prune())).toMatchObject({ status: 403 });
  const listed = await admin.tokens();
  expect(listed.find(({ id }) => id === made.id)).toMatchObject({ usedFrom: '127.0.0.1', actions: ['backup'] });
  expect(JSON.stringify(listed)).not.toContain(made.token);
  await admin.revokeToken({ params: { id: made.id } });
  expect(await said(ci.session())).toMatchObject({ status: 401, code: 'TOKEN_WRONG' });
  await holdfast.json('token', 'create', 'old', '--expires', '1s');
  expect((await holdfast.json<{ name: string }[]>('user', 'list')).map(({ name }) => name)).toEqual(['ada']);
});

test('a change of a user is made as a whole or not at all, and written down with what it was', async () => {
  await using holdfast = await install();
  await using served = await serveHoldfast(holdfast);
  const admin = served.client(await served.token('admin', '--role', 'admin'));
  await admin.createUser({ body: { name: 'ada', role: 'admin', password } });
  await admin.createUser({ body: { name: 'bob', role: 'viewer', password } });
  const params = { name: 'bob' };
  const bad = admin.changeUser({ params, body: { role: 'admin', password: 'short' } });
  expect(await said(bad)).toMatchObject({ status: 400, code: 'PASSWORD_WEAK' });
  expect(await admin.users()).toMatchObject([{ name: 'ada' }, { name: 'bob', role: 'viewer' }]);
  const last = admin.changeUser({ params: { name: 'ada' }, body: { role: 'viewer', password: 'another password' } });
  expect(await said(last)).toMatchObject({ code: 'LAST_ADMIN' });
  await signIn(served, { name: 'ada', password });
  await admin.changeUser({ params, body: { role: 'operator', password: 'another password' } });
  await signIn(served, { name: 'bob', password: 'another password' });
  expect((await admin.audit({ query: { action: 'changeUser' } })).items).toMatchObject([
    { target: 'bob', outcome: 'done', detail: 'role operator, password' },
    { target: 'ada', outcome: 'refused', detail: 'LAST_ADMIN' },
    { target: 'bob', outcome: 'refused', detail: 'PASSWORD_WEAK' },
  ]);
});

test('S24: a token that may only manage access, or that ends, makes nobody who may more or longer', async () => {
  await using holdfast = await install();
  await using served = await serveHoldfast(holdfast);
  const admin = served.client(await served.token('admin', '--role', 'admin'));
  await admin.createUser({ body: { name: 'ada', role: 'admin', password } });
  await admin.createUser({ body: { name: 'bob', role: 'viewer', password } });
  const narrow = served.client(await served.token('narrow', '--role', 'admin', '--only-action', 'access'));
  const ending = served.client(await served.token('ending', '--role', 'admin', '--expires', '1h'));
  for (const api of [narrow, ending]) {
    const eve = { name: 'eve', role: 'admin' as const };
    for (const refused of [
      api.createUser({ body: { ...eve, password } }),
      api.changeUser({ params: { name: 'bob' }, body: { role: 'admin' } }),
      api.changeUser({ params: { name: 'ada' }, body: { password: 'another password' } }),
      api.changeUser({ params: { name: 'ada' }, body: { totp: false } }),
      api.removeUser({ params: { name: 'bob' } }),
      api.createToken({ body: eve }),
      api.createToken({ body: { ...eve, expiresAt: new Date(Date.now() + 7_200_000).toISOString() } }),
    ].map(said))
      expect(await refused).toMatchObject({ status: 403 });
  }
  const soon = { name: 'soon', role: 'admin' as const, expiresAt: new Date(Date.now() + 60_000).toISOString() };
  expect(await ending.createToken({ body: soon })).toMatchObject({ name: 'soon' });
  expect((await admin.users()).map(({ name, role }) => `${name} ${role}`)).toEqual(['ada admin', 'bob viewer']);
  expect((await admin.tokens()).map(({ name }) => name).toSorted()).toEqual(['admin', 'ending', 'narrow', 'soon']);
});

test('S24: who was shown out does not go on to watch', async () => {
  await using holdfast = await install();
  await using served = await serveHoldfast(holdfast);
  const admin = served.client(await served.token('admin', '--role', 'admin'));
  const { id, token } = await admin.createToken({ body: { name: 'watcher', role: 'viewer' } });
  const events = await served.client(token).events();
  let over = false;
  const ended = (async () => {
    for await (const _ of events.body ?? []) void _;
    over = true;
  })();
  await admin.revokeToken({ params: { id } });
  await until(() => over, 'the stream has ended');
  await ended;
  expect(over).toBe(true);
});

test('S24: nobody takes all connections with streams of events', async () => {
  await using holdfast = await install();
  await using served = await serveHoldfast(holdfast);
  const viewer = served.client(await served.token('viewer'));
  const other = served.client(await served.token('other'));
  const stopped = new AbortController();
  // Kept, since a response that nobody has any more is closed.
  const kept: Response[] = [];
  for (let streams = 0; streams < 20; streams += 1) kept.push(await viewer.events({ signal: stopped.signal }));
  expect(await said(viewer.events())).toMatchObject({ status: 429, code: 'EVENTS_TOO_MANY' });
  kept.push(await other.events({ signal: stopped.signal }));
  expect(kept.map(({ status }) => status)).toEqual(Array.from({ length: 21 }, () => 200));
  stopped.abort();
  const again = async () => (await said(viewer.events({ signal: AbortSignal.timeout(1_000) }))) === null;
  await until(again, 'there is room again');
});

test('HOLDFAST_ADMIN_PASSWORD_FILE makes the user admin at the first start only', async () => {
  await using holdfast = await install();
  const file = join(holdfast.folder, 'admin-password');
  await writeFile(file, `${password}\n`);
  {
    await using served = await serveHoldfast(holdfast, { HOLDFAST_ADMIN_PASSWORD_FILE: file });
    expect(served.setupToken).toBeNull();
    expect(served.said()).not.toContain(password);
    await signIn(served, { name: 'admin', password });
    await served.stop();
  }
  await writeFile(file, 'another password that nobody uses');
  await using served = await serveHoldfast(holdfast, { HOLDFAST_ADMIN_PASSWORD_FILE: file });
  await signIn(served, { name: 'admin', password });
});

test('S24: behind a trusted proxy people are told apart, and the cookie is for TLS only', async () => {
  await using holdfast = await install({ server: { ...anyPort, trustedProxies: ['127.0.0.0/8'] } });
  await using served = await serveHoldfast(holdfast);
  const admin = served.client(await served.token('admin', '--role', 'admin'));
  await admin.createUser({ body: { name: 'ada', role: 'admin', password } });
  const response = await fetch(`${served.base}/api/v1/session`, {
    method: 'POST',
    headers: { ...own, 'x-forwarded-for': '198.51.100.1, 203.0.113.9', 'x-forwarded-proto': 'https' },
    body: JSON.stringify({ name: 'ada', password }),
  });
  expect(response.headers.get('set-cookie')).toMatch(/; Secure$/);
  // What stands before the last address that the proxy itself saw could be invented.
  expect((await admin.audit({ query: { action: 'signIn' } })).items).toMatchObject([
    { from: '203.0.113.9', who: 'ada' },
  ]);
});

test('S22: told to stop, it ends event streams at once and gives work begun over HTTP its time', async () => {
  await using holdfast = await install({ scheduler: { stopWithin: '1s' } });
  await using served = await serveHoldfast(holdfast);
  const admin = served.client(await served.token('admin', '--role', 'admin'));
  const events = await admin.events();
  const ended = (async () => {
    for await (const _ of events.body ?? []) void _;
  })();
  const started = performance.now();
  const { status } = await served.stop();
  await ended;
  expect(status).toBe(0);
  expect(performance.now() - started).toBeLessThan(3_000);

  await using again = await serveHoldfast(holdfast);
  const other = again.client(await again.token('second', '--role', 'admin'));
  const session = await server.session('shop');
  await session.query('begin; lock table orders in access exclusive mode');
  const { run } = await other.createBackup();
  await until(
    async () =>
      (await server.sql('postgres', `select 1 from pg_stat_activity where wait_event_type = 'Lock'`)).length > 0,
    'the dump waits',
  );
  const end = again.stop();
  await until(() => again.said().includes('1 run may go on'), 'it waits for the run');
  expect(await said(other.createBackup())).toMatchObject({ status: 503, code: 'DAEMON_STOPPING' });
  expect(await end).toMatchObject({ status: 0 });
  await session.query('rollback');
  await session[Symbol.asyncDispose]();
  expect(await holdfast.json<object[]>('runs')).toMatchObject([{ id: run.id, state: 'cancelled' }]);
  expect(await holdfast.stored()).toEqual([]);
});
