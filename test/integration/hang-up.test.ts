import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { builtProgram } from '../support/built-program.ts';
import { installHoldfast, type Ended, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';

/** What SIGHUP does: a terminal that goes away, `nohup`, and the reload of a service. */
let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
});
afterAll(() => server[Symbol.asyncDispose]());

/** As a shell starts it with `nohup`: the signal is ignored from the beginning. */
function startWithNohup(holdfast: Installation, ...args: string[]) {
  const { program, env } = builtProgram();
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('nohup', [program, ...args], {
    cwd: holdfast.folder,
    env: { PATH, HOME, LC_ALL: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<Pick<Ended, 'status' | 'signal'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal }));
  });
  return { child, ended, said: () => said };
}

const slow = { hooks: { before: { shell: 'touch started; while [ ! -e go ]; do sleep 0.05; done' } } };
const change = (holdfast: Installation, timezone: string) => {
  const config = parse(readFileSync(holdfast.configFile, 'utf8')) as Record<string, unknown>;
  writeFileSync(holdfast.configFile, stringify({ ...config, timezone }));
};

test('a command that was begun with nohup goes on when the terminal is gone', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: slow });
  const backup = startWithNohup(holdfast, 'backup');
  await until(() => existsSync(join(holdfast.folder, 'started')), 'the hook runs');
  backup.child.kill('SIGHUP');
  backup.child.kill('SIGHUP');
  writeFileSync(join(holdfast.folder, 'go'), '');
  expect(await backup.ended, backup.said()).toEqual({ status: 0, signal: null });
  expect(await holdfast.stored()).toHaveLength(1);
});

test('without nohup it ends in good order, and says why', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: slow });
  const { child, ended } = holdfast.start({}, 'backup');
  await until(() => existsSync(join(holdfast.folder, 'started')), 'the hook runs');
  child.kill('SIGHUP');
  expect(await ended).toMatchObject({ status: 130, stderr: expect.stringContaining('stopped by SIGHUP') });
  expect(await holdfast.stored()).toHaveLength(0);
});

test('a nohup of long ago, told to another process, is not one of this', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: slow });
  const { child, ended } = holdfast.start({ _HOLDFAST_NOHUP: '1' }, 'backup');
  await until(() => existsSync(join(holdfast.folder, 'started')), 'the hook runs');
  child.kill('SIGHUP');
  expect((await ended).status).toBe(130);
});

test('serve without a terminal reads its configuration anew, and keeps what it has when that is broken', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), top: { server: anyPort } });
  await using served = await serveHoldfast(holdfast);
  const api = served.client(await served.token('test', '--role', 'admin'));
  change(holdfast, 'Asia/Tokyo');
  served.signal('SIGHUP');
  await until(async () => (await api.session()).timezone === 'Asia/Tokyo', 'the new settings are in effect');

  const good = readFileSync(holdfast.configFile, 'utf8');
  writeFileSync(holdfast.configFile, 'sources: [');
  served.signal('SIGHUP');
  await until(() => served.said().includes('the changed settings could not be used'), 'it says so');
  expect((await api.session()).timezone).toBe('Asia/Tokyo');

  writeFileSync(holdfast.configFile, good);
  change(holdfast, 'America/Lima');
  served.signal('SIGHUP');
  await until(async () => (await api.session()).timezone === 'America/Lima', 'it is asked anew');
  expect(served.said()).not.toContain('stopping');
  expect(await served.stop()).toMatchObject({ status: 0 });
});

test('serve that was begun with nohup outlives the terminal', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), top: { server: anyPort } });
  const served = startWithNohup(holdfast, 'serve');
  await until(() => /HTTP at /.test(served.said()), 'it serves');
  served.child.kill('SIGHUP');
  await until(() => /going on with the new ones/.test(served.said()), 'it goes on');
  served.child.kill('SIGTERM');
  expect(await served.ended, served.said()).toEqual({ status: 0, signal: null });
});

test('serve in a terminal ends with it', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), top: { server: anyPort } });
  await using terminal = openTerminal(holdfast, 'serve');
  await terminal.sees(/no source has a schedule/);
  process.kill(terminal.inside(), 'SIGHUP');
  await terminal.sees(/stopping…/);
  expect(await terminal.ended).toBe(0);
});
