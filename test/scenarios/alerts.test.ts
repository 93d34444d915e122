import { rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPayload } from '../support/alerts.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startReceiver, type HttpReceiver } from '../support/http-receiver.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startSmtpServer } from '../support/smtp-server.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
});
afterAll(() => server[Symbol.asyncDispose]());

/** Nothing listens there. */
const nowhere = 'postgres://shop:hunter2-hunter2@127.0.0.1:1/shop';

function install(receiver: HttpReceiver, { url = nowhere, channels = [], ...top }: Wanted = {}): Promise<Installation> {
  const hook = { type: 'webhook', url: `${receiver.url}/hook`, secret: 'signing-secret' };
  return installHoldfast({ url, top: { instance: 'web-1', alerts: { channels: [hook, ...channels] }, ...top } });
}

interface Wanted {
  url?: string;
  sources?: object;
  channels?: object[];
  storages?: object;
  server?: object;
}

const titles = ({ requests }: HttpReceiver) =>
  requests.map(({ body }) => readPayload(body)).map(({ kind, title }) => `${kind}: ${title}`);

test('J-11: a backup that cron runs and that fails is told once, and its end is told', async () => {
  await using receiver = await startReceiver();
  await using mail = await startSmtpServer({ tls: 'none' });
  const smtp = { host: '127.0.0.1', port: mail.port, tls: 'none' };
  const email = { type: 'email', from: 'backup@example.com', to: ['ops@example.com'], smtp };
  await using holdfast = await install(receiver, { channels: [email] });
  for (let night = 0; night < 3; night += 1) expect((await holdfast.run('backup')).status).toBe(1);
  expect(titles(receiver)).toEqual(['problem: backup of shop failed']);
  expect(mail.mails.length).toBe(1);
  expect(await holdfast.json('alerts')).toMatchObject({
    channels: [{ name: 'webhook', level: 'warnings' }, { name: 'email' }],
    incidents: [{ key: 'backup-failed/shop', severity: 'critical', times: 3, toldAt: expect.any(String) }],
    undelivered: [],
  });
  const config = await readFile(holdfast.configFile, 'utf8');
  writeFileSync(holdfast.configFile, config.replace(nowhere, server.url('shop')));
  const { stderr, status } = await holdfast.run('backup');
  expect(status, stderr).toBe(0);
  expect(titles(receiver).slice(1)).toEqual(['resolved: backup of shop works again']);
  expect(mail.mails.length).toBe(2);
  expect((await holdfast.run('alerts')).stdout).toContain('nothing is the matter');
});

test('S11: with the second storage down the run is partial, one warning goes out, and an all-clear when the copy is made', async () => {
  await using receiver = await startReceiver();
  const storages = { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } };
  await using holdfast = await install(receiver, { url: server.url('shop'), storages });
  const config = await readFile(holdfast.configFile, 'utf8');
  writeFileSync(holdfast.configFile, config.replace('database:', 'storages: [ local, offsite ]\n    database:'));
  const blocked = join(holdfast.folder, 'offsite');
  writeFileSync(blocked, 'not a folder');
  for (let time = 0; time < 2; time += 1) expect((await holdfast.run('backup')).status).toBe(3);
  expect((await holdfast.run('copy', '--pending', '--now')).status).toBe(3);
  expect(titles(receiver)).toEqual(['problem: backups of shop are not copied to offsite']);
  expect(readPayload(receiver.requests[0]?.body ?? Buffer.from('{}'))).toMatchObject({ severity: 'warning' });
  rmSync(blocked);
  expect((await holdfast.run('copy', '--pending', '--now')).status).toBe(0);
  expect(titles(receiver).slice(1)).toEqual(['resolved: backups of shop are copied to offsite again']);
});

test('J-d4: what a check by cron finds is mailed, once', async () => {
  await using receiver = await startReceiver();
  await using mail = await startSmtpServer({ tls: 'none' });
  const smtp = { host: '127.0.0.1', port: mail.port, tls: 'none' };
  const email = { type: 'email', from: 'backup@example.com', to: ['ops@example.com'], smtp };
  await using holdfast = await install(receiver, { url: server.url('shop'), channels: [email] });
  for (let time = 0; time < 2; time += 1) expect((await holdfast.run('check')).status).toBe(2);
  expect(mail.mails.length).toBe(receiver.requests.length);
  expect(titles(receiver)).toContain('problem: there is no backup of shop');
  expect(new Set(titles(receiver)).size, 'nothing twice').toBe(receiver.requests.length);
  expect(mail.mails.map(({ raw }) => raw).join('\n')).toContain('there is no backup of shop');
});

test('a message whose process is killed while it sends it is sent by the next one, under the same id', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await install(receiver);
  receiver.answer('hang');
  const { child, ended } = holdfast.start({}, 'backup');
  await until(() => receiver.requests.length === 1, 'the message is on its way');
  child.kill('SIGKILL');
  await ended;
  receiver.answer({ status: 200 });
  await holdfast.run('alerts');
  const ids = receiver.requests.map(({ body }) => readPayload(body).id);
  expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  await holdfast.run('alerts');
  expect(receiver.requests.length, 'it has arrived').toBe(2);
});

test('of many processes at once only one sends what is queued', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await install(receiver);
  receiver.answer('hang');
  const { child, ended } = holdfast.start({}, 'backup');
  await until(() => receiver.requests.length === 1, 'the message is on its way');
  child.kill('SIGKILL');
  await ended;
  receiver.answer({ status: 200 });
  await Promise.all(Array.from({ length: 4 }, () => holdfast.run('alerts')));
  expect(receiver.requests.length, 'the one that was cut off, and one more').toBe(2);
});

test('of many processes that fail at once one message comes', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await install(receiver);
  await Promise.all(Array.from({ length: 4 }, () => holdfast.run('backup')));
  expect(titles(receiver)).toEqual(['problem: backup of shop failed']);
});

test('a dead channel takes no more of a command than its time, and its work is not lost', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await install(receiver);
  receiver.answer('hang');
  const began = performance.now();
  const { status, stderr } = await holdfast.run('backup');
  expect([status, performance.now() - began < 25_000]).toEqual([1, true]);
  expect(stderr).toContain('alert not delivered through webhook');
  expect(stderr).toContain('DATABASE_UNREACHABLE');
  const { undelivered } = await holdfast.json<{ undelivered: object[] }>('alerts');
  expect(undelivered).toMatchObject([{ channel: 'webhook', attempts: 1 }]);
});

test('S22: a daemon that is told to stop while a channel hangs ends within the ten seconds that Docker gives it', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await install(receiver, { server: { listen: 'off' } });
  const config = await readFile(holdfast.configFile, 'utf8');
  writeFileSync(holdfast.configFile, config.replace('database:', 'schedule: { every: 1h, retries: 0 }\n    database:'));
  receiver.answer('hang');
  const { child, ended } = holdfast.start({}, 'serve');
  await until(() => receiver.requests.length === 1, 'the failure is being told');
  const began = performance.now();
  child.kill('SIGTERM');
  expect((await ended).status).toBe(0);
  expect(performance.now() - began).toBeLessThan(10_000);
  receiver.answer({ status: 200 });
  expect((await holdfast.run('runs')).status).toBe(0);
  expect(titles(receiver).at(-1)).toBe('problem: backup of shop failed');
});

test('a channel that hangs keeps nothing from being told through another, and is told itself once it answers', async () => {
  await using receiver = await startReceiver();
  await using other = await startReceiver();
  const ping = { type: 'ping', url: `${receiver.url}/check`, style: 'healthchecks' };
  await using holdfast = await install(receiver, {
    channels: [{ type: 'webhook', url: `${other.url}/hook` }, ping],
    sources: { shop: { database: { url: nowhere } }, blog: { database: { url: nowhere } } },
    server: { listen: 'off' },
  });
  receiver.answer('hang');
  const { child, ended } = holdfast.start({}, 'serve');
  await until(async () => (await holdfast.run('health')).status === 0, 'the daemon works');
  expect((await holdfast.run('backup', '--source', 'shop')).status).toBe(1);
  const hooks = () => receiver.requests.filter(({ url }) => url.startsWith('/hook'));
  await until(() => hooks().length === 1 && other.requests.length === 1, 'the failure is being told');
  expect((await holdfast.run('backup', '--source', 'blog')).status).toBe(1);
  await until(() => other.requests.length === 2, 'the next one is told while the first channel still hangs', 15_000);
  expect(titles(other)).toEqual(['problem: backup of shop failed', 'problem: backup of blog failed']);
  expect(hooks()).toHaveLength(1);
  receiver.answer({ status: 200 });
  child.kill('SIGTERM');
  expect((await ended).status).toBe(0);
  expect((await holdfast.run('runs')).status).toBe(0);
  expect(
    hooks()
      .slice(1)
      .map(({ body }) => readPayload(body).title),
  ).toEqual(['backup of shop failed', 'backup of blog failed']);
});

test('health pings: the start at once, then the end', async () => {
  await using receiver = await startReceiver();
  const ping = { type: 'ping', url: `${receiver.url}/check`, style: 'healthchecks' };
  await using holdfast = await install(receiver, { url: server.url('shop'), channels: [ping] });
  expect((await holdfast.run('backup')).status).toBe(0);
  const pings = receiver.requests.map(({ url }) => url).filter((url) => url.startsWith('/check'));
  expect(pings.length).toBe(2);
  expect(pings[0]).toContain('/check/start');
  expect(pings[1]).not.toContain('/fail');
});

test('N-29: a daemon tells when its retries are used up, and commands beside it leave the telling to it', async () => {
  await using receiver = await startReceiver();
  const ping = { type: 'ping', url: `${receiver.url}/check`, style: 'healthchecks' };
  await using holdfast = await install(receiver, { channels: [ping], server: { listen: 'off' } });
  const config = await readFile(holdfast.configFile, 'utf8');
  const schedule = 'schedule: { every: 1h, retries: 2, retryDelay: 1s }';
  writeFileSync(holdfast.configFile, config.replace('database:', `${schedule}\n    database:`));
  const { child, ended } = holdfast.start({}, 'serve');
  await until(() => receiver.requests.some(({ url }) => url.startsWith('/hook')), 'the last retry has failed');
  const backups = await holdfast.json<{ trigger: string }[]>('runs');
  expect(backups.map(({ trigger }) => trigger)).toEqual(['retry', 'retry', 'schedule']);
  const hooks = () =>
    receiver.requests.filter(({ url }) => url.startsWith('/hook')).map(({ body }) => readPayload(body));
  expect(hooks()).toMatchObject([{ kind: 'problem', what: expect.stringContaining('3 times in a row') }]);
  const fails = () => receiver.requests.filter(({ url }) => url.startsWith('/check/fail')).length;
  await until(() => fails() === 1, 'a sign that it failed, once');

  await holdfast.run('backup');
  await until(() => fails() === 2, 'the daemon tells of the run of another process');
  expect(hooks().length).toBe(1);
  child.kill('SIGTERM');
  expect((await ended).status).toBe(0);
});

test('J-d4: what is good again is shown as such until that has lasted', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  expect((await holdfast.run('check')).status).toBe(2);
  const { stdout: open } = await holdfast.run('alerts');
  expect(open).toMatch(/^✗ there is no backup of shop$/m);
  // What the manual has it under, not the key it is kept by.
  expect(open).toMatch(/^ {4}NO_BACKUP of shop$/m);
  await holdfast.run('backup');
  expect((await holdfast.run('check')).status).toBe(0);
  const { stdout } = await holdfast.run('alerts');
  expect(stdout).toMatch(/^✓ there is no backup of shop: good again just now, and over if it stays so$/m);
  const { incidents } = await holdfast.json<{ incidents: { goodSince: string | null }[] }>('alerts');
  expect(incidents.every(({ goodSince }) => goodSince !== null)).toBe(true);
});

test('alerts test sends at once, and says per channel how it went', async () => {
  await using receiver = await startReceiver();
  const dead = { type: 'slack', url: 'http://127.0.0.1:1/services/T/B/secret-part' };
  await using holdfast = await install(receiver, { channels: [dead, { type: 'ping', url: `${receiver.url}/check` }] });
  const { status, stdout, stderr } = await holdfast.runWith({}, 'alerts', 'test', '--json');
  expect(status, stderr).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject([
    { channel: 'webhook', state: 'sent', error: null },
    { channel: 'slack', state: 'failed', error: { code: 'ALERT_UNREACHABLE', hint: expect.any(String) } },
    { channel: 'ping', state: 'skipped' },
  ]);
  expect(titles(receiver)).toEqual(['test: test message from web-1']);
  expect((await holdfast.run('alerts', 'test', 'webhook')).status).toBe(0);
  const unknown = await holdfast.run('alerts', 'test', 'pager');
  expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('There are: webhook, slack, ping.')]);
});

test('S23: neither the password, nor what opens a channel, is in a message, in the output or in the state', async () => {
  await using receiver = await startReceiver();
  const slack = { type: 'slack', url: 'http://127.0.0.1:1/services/T/B/secret-part-of-it' };
  await using holdfast = await install(receiver, { channels: [slack] });
  const { stdout, stderr } = await holdfast.run('backup', '--debug');
  const said = [stdout, stderr, ...receiver.requests.map(({ body }) => body.toString())];
  for (const name of await readdir(holdfast.state))
    said.push((await readFile(join(holdfast.state, name))).toString('latin1'));
  for (const secret of ['hunter2-hunter2', 'signing-secret', 'secret-part-of-it'])
    expect(said.filter((text) => text.includes(secret))).toEqual([]);
});

test('N-28, N-33: a channel by variables; what is unknown or missing is named, all of it', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await installHoldfast({ url: nowhere });
  rmSync(holdfast.configFile);
  const base = { HOLDFAST_DATABASE_URL: nowhere, HOLDFAST_INSTANCE: 'web-1' };
  const wrong = { ...base, HOLDFAST_ALERT_CHANNELS: 'email, teams, pager', HOLDFAST_ALERT_EMAIL: 'ops@example.com' };
  const refused = await holdfast.runWith({ env: wrong }, 'backup');
  expect(refused.status).toBe(2);
  for (const text of ['SMTP_HOST is missing', 'SMTP_FROM is missing', 'HOLDFAST_TEAMS_WEBHOOK is missing'])
    expect(refused.stderr).toContain(text);
  expect(refused.stderr).toMatch(/HOLDFAST_ALERT_CHANNELS .*pager.*allowed: email, teams/);
  const env = { ...base, HOLDFAST_WEBHOOK_URL: `${receiver.url}/hook`, HOLDFAST_ALERT_LEVEL: 'errors' };
  const { status, stderr } = await holdfast.runWith({ env }, 'backup');
  expect(status, stderr).toBe(1);
  expect(titles(receiver)).toEqual(['problem: backup of shop failed'.replace('shop', 'main')]);
});
