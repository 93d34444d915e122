import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/api/client.ts';
import { anyPort, serveHoldfast, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); insert into orders select generate_series(1, 10)');
});
afterAll(() => server[Symbol.asyncDispose]());

const said = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

interface Running extends AsyncDisposable {
  holdfast: Installation;
  served: Served;
  api: Client;
}

const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

const written = (url: string) => `# our shop
state: ./state
sources:
  shop: # the one that counts
    database: { url: "${url}" }
    storages: [local]
    retention: { last: 5 } # enough
    hooks: { before: "true" }
storages:
  local: { type: local, path: ./backups }
  second: { type: local, path: ./second }
encryption: { passphrase: "a long passphrase" }
alerts:
  channels:
    - { type: webhook, name: first, url: "http://127.0.0.1:9/first-secret" }
    - { type: webhook, name: second, url: "http://127.0.0.1:9/second-secret" }
server: { listen: "127.0.0.1:0" }
`;

async function start(): Promise<Running> {
  const holdfast = await installHoldfast({ url: server.url('shop') });
  await writeFile(holdfast.configFile, written(server.url('shop')), { mode: 0o600 });
  const served = await serveHoldfast(holdfast);
  const api = served.client(await served.token('test', '--role', 'admin'));
  return {
    holdfast,
    served,
    api,
    [Symbol.asyncDispose]: async () => {
      await served[Symbol.asyncDispose]();
      await holdfast[Symbol.asyncDispose]();
    },
  };
}

test('B-02: settings are changed in the file, with its comments, and come into effect while the daemon goes on', async () => {
  await using running = await start();
  const { api, holdfast, served } = running;
  const before = await api.settings();
  expect(before).toMatchObject({ file: holdfast.configFile, writable: true, reason: null, pending: false });
  expect(before.settings).toMatchObject({ sources: { shop: { retention: { last: 5 } } } });
  for (const secret of ['a long passphrase', 'first-secret', new URL(server.url('shop')).password])
    expect(JSON.stringify(before)).not.toContain(secret);

  const after = await api.changeSettings({
    body: {
      revision: before.revision ?? '',
      changes: [
        { path: ['sources', 'shop', 'schedule', 'every'], value: '24h' },
        { path: ['sources', 'shop', 'retention', 'last'], value: 9 },
        { path: ['sources', 'shop', 'storages'], value: ['local', 'second'] },
        { path: ['timezone'], value: 'Europe/Berlin' },
      ],
    },
  });
  expect(after.settings).toMatchObject({
    timezone: 'Europe/Berlin',
    sources: { shop: { schedule: { every: '24h' }, retention: { last: 9 } } },
  });
  const text = await readFile(holdfast.configFile, 'utf8');
  expect(text).toContain('# our shop');
  expect(text).toContain('# the one that counts');
  expect(text).toContain('{ last: 9 } # enough');
  expect(await readdir(join(holdfast.state, 'config-versions'))).toHaveLength(1);
  await until(() => served.said().includes('going on with the new ones'), 'it goes on');
  await until(
    async () => (await api.settings().catch(() => null))?.pending === false,
    'it answers again at the same address',
  );
  expect((await api.session()).timezone).toBe('Europe/Berlin');
  // The new plan is due at once, and its backup lies in both storages.
  const wanted = JSON.stringify({ local: 'complete', second: 'complete' });
  const copies = async () => JSON.stringify((await api.backups()).items[0]?.copies);
  await until(async () => (await copies()) === wanted, 'the new schedule has made a backup in both storages');
  expect(
    await said(
      api.changeSettings({
        body: { revision: before.revision ?? '', changes: [{ path: ['timezone'], value: 'UTC' }] },
      }),
    ),
  ).toMatchObject({
    status: 409,
    code: 'CONFIG_CHANGED',
  });
  expect((await served.stop()).status).toBe(0);
});

test('a change waits for what runs, and interrupts nothing', async () => {
  await using running = await start();
  const { api, served } = running;
  const session = await server.session('shop');
  await session.query('begin; lock table orders in access exclusive mode');
  const { run } = await api.createBackup();
  expect(
    (await api.changeSettings({ body: { changes: [{ path: ['timezone'], value: 'Europe/Paris' }] } })).pending,
  ).toBe(true);
  expect((await api.session()).timezone).toBe('UTC');
  await session.query('rollback');
  await session[Symbol.asyncDispose]();
  await until(() => served.said().includes('going on with the new ones'), 'it goes on');
  await until(async () => (await api.session().catch(() => null))?.timezone === 'Europe/Paris', 'it is in effect');
  expect((await api.run({ params: { id: run.id } })).state).toBe('succeeded');
});

test('S23 S27: secrets are written only when they are given; commands, places and passphrases cannot be changed from afar', async () => {
  await using running = await start();
  const { api, holdfast } = running;
  const put = (path: (string | number)[], value: unknown) =>
    api.changeSettings({ body: { changes: [{ path, value }] } });
  const { settings } = await api.settings();
  const { channels } = (settings as { alerts: { channels: object[] } }).alerts;
  // Sent back as they came, in another order, with one more.
  await put(
    ['alerts', 'channels'],
    [...channels.toReversed(), { type: 'webhook', name: 'third', url: 'http://127.0.0.1:9/${HOME}' }],
  );
  const text = await readFile(holdfast.configFile, 'utf8');
  expect(text.indexOf('second-secret')).toBeLessThan(text.indexOf('first-secret'));
  expect(text.indexOf('second-secret')).toBeGreaterThan(0);
  expect(text).toContain('/$${HOME}');
  expect(text).not.toContain('••');
  await until(() => running.served.said().includes('going on with the new ones'), 'it goes on');
  await until(
    async () => (await api.settings().catch(() => null))?.pending === false,
    'it answers again at the same address',
  );
  const before = await readFile(holdfast.configFile, 'utf8');
  for (const [path, value] of [
    [['sources', 'shop', 'hooks', 'before'], 'touch /tmp/x'],
    [['sources', 'shop', 'hooks'], { before: 'touch /tmp/x' }],
    [['sources', 'shop'], null],
    [['sources', 'shop', 'database', 'tools'], '/tmp'],
    [['sources', 'shop', 'via'], { container: 'x' }],
    [['sources', 'new', 'schedule'], { every: '1h' }],
    [['storages', 'local', 'path'], '/tmp'],
    [['state'], '/tmp'],
    [['server'], null],
    [['encryption', 'passphrase'], 'another passphrase'],
    [['sources', 'shop', 'encryption'], { passphrase: 'another passphrase' }],
    [['sources', 'shop', 'encryption', 'passphrase'], 'another passphrase'],
    [['sources', 'shop', 'encryption'], { recipients: [recipient] }],
    [['sources', 'shop', 'encryption', 'recipients'], [recipient]],
    [['encryption'], null],
    [['__proto__', 'x'], 1],
  ] as [string[], unknown][]) {
    expect(await said(put(path, value)), path.join('.')).toMatchObject({ status: 422, code: 'SETTING_LOCKED' });
  }
  expect(
    await said(put(['alerts', 'channels'], [{ type: 'webhook', name: 'unknown', url: 'http://127.0.0.1/••••••' }])),
  ).toMatchObject({ code: 'SECRET_NEEDED' });
  expect(await said(put(['sources', 'shop', 'retention', 'last'], -1))).toMatchObject({
    status: 422,
    code: 'CONFIG_INVALID',
  });
  expect(await said(put(['sources', 'shop', 'storages'], ['nowhere']))).toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await readFile(holdfast.configFile, 'utf8')).toBe(before);
});

test('a source whose passphrase is that of all can be made plain and encrypted again, and still opens what it had', async () => {
  await using running = await start();
  const { api, holdfast } = running;
  const wait = { wait: '60s' };
  const { run } = await api.createBackup({ query: wait });
  const put = (value: unknown) =>
    api.changeSettings({ body: { changes: [{ path: ['sources', 'shop', 'encryption'], value }] } });
  await put(false);
  expect(await said(put({ passphrase: 'another passphrase' }))).toMatchObject({ code: 'SETTING_LOCKED' });
  await put({ passphrase: 'a long passphrase', recipients: [recipient] });
  await put(null);
  const ended = await holdfast.run('verify', run.backup ?? '', '--depth', 'structure');
  expect(ended.status, ended.stderr).toBe(0);
});

test('several changes go into a part of the file that was not there, and channels are changed one by one', async () => {
  await using running = await start();
  const { api, holdfast } = running;
  const dump = (name: string, value: string) => ({ path: ['sources', 'shop', 'dump', name], value });
  await api.changeSettings({ body: { changes: [dump('compression', 'zstd:3'), dump('format', 'directory')] } });
  const text = () => readFile(holdfast.configFile, 'utf8');
  expect((await api.settings()).settings).toMatchObject({
    sources: { shop: { dump: { compression: 'zstd:3', format: 'directory' } } },
  });
  await api.changeSettings({ body: { changes: [{ path: ['alerts', 'channels', 1, 'name'], value: 'renamed' }] } });
  expect(await text()).toMatch(/name: renamed, url: "http:\/\/127.0.0.1:9\/second-secret"/);
  await api.changeSettings({ body: { changes: [{ path: ['alerts', 'channels', 0], value: null }] } });
  expect(await text()).not.toContain('first-secret');
  expect(await text()).toContain('second-secret');
});

test('S23: of channels that are called the same, none gets the address of another', async () => {
  await using running = await start();
  const { api, holdfast } = running;
  await writeFile(holdfast.configFile, written(server.url('shop')).replaceAll(/name: (first|second), /g, ''));
  const { settings } = await api.settings();
  const { channels } = (settings as { alerts: { channels: object[] } }).alerts;
  const put = (value: object[]) => api.changeSettings({ body: { changes: [{ path: ['alerts', 'channels'], value }] } });
  expect(await said(put(channels.slice(1)))).toMatchObject({ code: 'SECRET_NEEDED' });
  await put(channels.map((channel) => ({ ...channel, level: 'all' })));
  const text = await readFile(holdfast.configFile, 'utf8');
  expect(text.indexOf('first-secret')).toBeGreaterThan(0);
  expect(text.indexOf('second-secret')).toBeGreaterThan(text.indexOf('first-secret'));
});

test('without a file, or one that is not valid, settings are read-only and say why', async () => {
  await using running = await start();
  const { api, holdfast } = running;
  await writeFile(holdfast.configFile, 'sources: [');
  expect(await api.settings()).toMatchObject({ writable: false, reason: expect.stringContaining('not valid') });
  expect(await said(api.changeSettings({ body: { changes: [{ path: ['timezone'], value: 'UTC' }] } }))).toMatchObject({
    status: 422,
  });
  await chmod(holdfast.configFile, 0o600);

  await using other = await installHoldfast({ url: server.url('shop'), top: { server: anyPort } });
  const env = {
    HOLDFAST_DATABASE_URL: server.url('shop'),
    HOLDFAST_STATE: other.state,
    HOLDFAST_STORAGE_PATH: other.storage,
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_ADMIN_PASSWORD: 'correct horse battery',
  };
  await writeFile(other.configFile, '');
  const { rm } = await import('node:fs/promises');
  await rm(other.configFile);
  await using served = await serveHoldfast(other, env);
  const { token } = JSON.parse(
    (await other.runWith({ env }, 'token', 'create', 'x', '--role', 'admin', '--json')).stdout,
  ) as { token: string };
  const bare = served.client(token);
  expect(await bare.settings()).toMatchObject({
    file: null,
    writable: false,
    reason: expect.stringContaining('config export'),
  });
  expect(await said(bare.changeSettings({ body: { changes: [{ path: ['timezone'], value: 'UTC' }] } }))).toMatchObject({
    status: 409,
    code: 'CONFIG_READ_ONLY',
  });
});

const postbox = `    - type: email
      name: post
      from: a@example.com
      to: [b@example.com]
      smtp: { host: 127.0.0.1, port: 9, tls: none, user: ada, password: "\${MAIL_WORD}" }
    - { type: webhook, name: hook, url: "http://127.0.0.1:9/third-secret", secret: signing-secret, headers: { X-Other: "\${MAIL_WORD}" } }
    - { type: ntfy, name: loud, server: "http://127.0.0.1:9", topic: shop, token: ntfy-token }
server:`;

test('S25: the secret of a channel goes to no other address than the one it was given for', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  await writeFile(holdfast.configFile, written(server.url('shop')).replace('server:', postbox), { mode: 0o600 });
  await using served = await serveHoldfast(holdfast, { MAIL_WORD: 'mail-word' });
  const env = { MAIL_WORD: 'mail-word' };
  const made = await holdfast.runWith({ env }, 'token', 'create', 'more', '--role', 'admin', '--json');
  const api = served.client((JSON.parse(made.stdout) as { token: string }).token);
  const put = (...changes: { path: (string | number)[]; value: unknown }[]) =>
    api.changeSettings({ body: { changes } });
  const at = (...path: (string | number)[]) => ['alerts', 'channels', ...path];
  const evil = 'http://127.0.0.1:10/';
  const { settings } = await api.settings();
  const { channels } = (settings as { alerts: { channels: Record<string, object>[] } }).alerts;
  const [, , post, hook, loud] = channels;
  const before = await readFile(holdfast.configFile, 'utf8');
  const others = channels.slice(0, 2);
  for (const changes of [
    [{ path: at(2, 'smtp', 'host'), value: '127.0.0.2' }],
    [{ path: at(2, 'smtp', 'port'), value: 10 }],
    [{ path: at(3, 'url'), value: evil }],
    [{ path: at(4, 'server'), value: evil }],
    [{ path: at(), value: [...others, { ...post, smtp: { ...post?.['smtp'], host: '127.0.0.2' } }] }],
    [{ path: at(), value: [{ ...hook, url: evil }, ...others] }],
    [{ path: at(), value: [{ ...loud, server: evil }] }],
    [{ path: ['alerts'], value: { channels: channels.map((each) => ({ ...each, server: evil, url: evil })) } }],
    [
      { path: at(4, 'name'), value: 'other' },
      { path: at(4, 'server'), value: evil },
    ],
  ])
    expect(await said(put(...changes)), JSON.stringify(changes)).toMatchObject({ status: 400, code: 'SECRET_NEEDED' });
  expect(await readFile(holdfast.configFile, 'utf8')).toBe(before);
  // Elsewhere with a secret of its own, or with the same one in full; and all that is no address.
  await put({ path: at(2, 'smtp', 'host'), value: '127.0.0.2' }, { path: at(2, 'smtp', 'password'), value: 'another' });
  await put({ path: at(4), value: { type: 'ntfy', name: 'loud', server: evil, topic: 'shop', token: 'ntfy-token' } });
  await put({ path: at(3, 'name'), value: 'renamed' }, { path: at(3, 'level'), value: 'all' });
  expect(await readFile(holdfast.configFile, 'utf8')).toMatch(/signing-secret/);
});
