import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { runProcess } from '../../src/base/run-process.ts';
import { rawRequest, startHttpServer } from '../support/http-server.ts';
import { smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const sources = [{ name: 'secret-shop', storages: [{ name: 'offsite' }] }];
const json = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
};

test('N-06, N-d15: /healthz is well as long as the scheduler ticks, needs no login and names nothing that is protected', async () => {
  await using served = await startHttpServer({ sources });
  const well = await json(`${served.url}/healthz`);
  expect(well.status).toBe(200);
  expect(well.body).toEqual({
    ok: true,
    version: '1.2.3',
    daemon: 'daemon-1',
    startedAt: expect.stringMatching(/Z$/),
    checks: { state: { ok: true, code: null }, scheduler: { ok: true, tickAt: expect.stringMatching(/Z$/) } },
  });
  expect(JSON.stringify(well.body)).not.toContain('secret-shop');

  served.tickedBefore(61_000);
  const old = await json(`${served.url}/healthz`);
  expect(old).toMatchObject({ status: 503, body: { ok: false, checks: { scheduler: { ok: false } } } });
  served.tickedBefore(-61_000);
  expect((await json(`${served.url}/healthz`)).status).toBe(503);
  served.tickedBefore(0);
  expect((await json(`${served.url}/healthz`)).status).toBe(200);
});

const disk = await smallDisk(2);
test.skipIf(disk === null)('N-d15: /healthz is ill when the state folder is full, and well again after', async () => {
  const path = disk?.path ?? '';
  await using _disk = disk;
  {
    await using served = await startHttpServer({ state: join(path, 'state') });
    const answer = async () => json(`${served.url}/healthz`);
    expect((await answer()).status).toBe(200);
    await writeFile(join(path, 'filler'), Buffer.alloc(4 * 2 ** 20)).catch(() => undefined);
    // What SQLite has room for in its files is still written.
    for (let at = 0; at < 300; at += 1) {
      try {
        served.catalog.marks.put({ name: `mark-${at}`, lastAttempt: null, lastGood: null, detail: 'x'.repeat(20_000) });
      } catch {
        break;
      }
    }
    await until(async () => (await answer()).status === 503, '/healthz notices the full disk');
    const full = await answer();
    expect(full.body).toMatchObject({ ok: false, checks: { state: { ok: false, code: 'DISK_FULL' } } });
    expect(JSON.stringify(full.body)).not.toContain(path);
    await runProcess({ program: 'rm', args: [join(path, 'filler')] }, { signal });
    await until(async () => (await answer()).status === 200, '/healthz notices that there is room again');
  }
});

test('errors are problems with a code, security headers are on every answer, and 405 is told from 404', async () => {
  await using served = await startHttpServer();
  const missing = await json(`${served.url}/api/v1/nothing`);
  expect(missing).toMatchObject({ status: 404, body: { status: 404, code: 'ROUTE_UNKNOWN', title: 'Not Found' } });
  const wrong = await json(`${served.url}/healthz`, { method: 'DELETE' });
  expect(wrong).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED', hint: 'It knows GET, HEAD.' } });
  expect(wrong.headers.get('allow')).toBe('GET, HEAD');
  const broken = await json(`${served.url}/%zz`);
  expect(broken).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
  const well = await json(`${served.url}/healthz`);
  for (const { headers, status } of [missing, wrong, broken, well]) {
    if (status !== 200) expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('server')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('S24: a page that points its own name to this machine is refused', async () => {
  await using served = await startHttpServer({ settings: { publicUrl: 'https://backup.example.com' } });
  const ask = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${served.url}/healthz`, { headers: { host }, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .once('error', reject)
        .end();
    });
  expect(await ask('evil.example.com')).toBe(421);
  expect(await ask(`evil.example.com:${served.port}`)).toBe(421);
  expect(await ask(`localhost:${served.port}`)).toBe(200);
  expect(await ask('backup.example.com')).toBe(200);
  expect(await rawRequest(served.port, 'GET /healthz HTTP/1.0\r\n\r\n').answer).toContain('421');
});

test('S24: headers and bodies beyond their limits are refused, and so is what is no HTTP', async () => {
  await using served = await startHttpServer();
  const head = (lines: string) => `GET /healthz HTTP/1.1\r\nhost: localhost\r\n${lines}`;
  const large = await rawRequest(served.port, head(`x: ${'y'.repeat(20_000)}\r\n\r\n`)).answer;
  expect(large).toMatch(/^HTTP\/1.1 431 .*HEADERS_TOO_LARGE/s);
  expect(large).toContain('x-content-type-options: nosniff');
  expect(await rawRequest(served.port, 'hello\r\n\r\n').answer).toMatch(/^HTTP\/1.1 400 .*REQUEST_INVALID/s);
  const withBody = await rawRequest(served.port, head('content-length: 1000000000\r\n\r\nxxxx')).answer;
  expect(withBody).toMatch(/^HTTP\/1.1 400 .*REQUEST_INVALID/s);
  const body = JSON.stringify('x'.repeat(100_000));
  const posted = await json(`${served.url}/healthz`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  expect([405, 413]).toContain(posted.status);
  const url = `${served.url}/${'x'.repeat(10_000)}`;
  expect([404, 414]).toContain((await json(url)).status);
  expect((await json(`${served.url}/healthz`)).status).toBe(200);
});

test('S24: slow clients are sent away, and others are answered meanwhile', { timeout: 60_000 }, async () => {
  await using served = await startHttpServer();
  const slow = Array.from({ length: 50 }, () => rawRequest(served.port, 'GET /healthz HTTP/1.1\r\nhost: local'));
  const dripping = setInterval(() => {
    for (const { socket } of slow) socket.write('x');
  }, 500);
  try {
    expect((await json(`${served.url}/healthz`)).status).toBe(200);
    const started = performance.now();
    const answers = await Promise.all(slow.map(({ answer }) => answer));
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(answers[0]).toMatch(/^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s);
  } finally {
    clearInterval(dripping);
  }
});

test('S24: bodies that drip are not waited for, and hold nobody else up', { timeout: 90_000 }, async () => {
  await using served = await startHttpServer({ api: (app) => app.post('/take', ({ body }) => ({ took: body })) });
  const head = 'POST /take HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const forms = ['content-length: 60000\r\n\r\n"', 'transfer-encoding: chunked\r\n\r\n1\r\n"\r\n'];
  const slow = forms.flatMap((form) => Array.from({ length: 50 }, () => rawRequest(served.port, head + form)));
  const dripping = setInterval(() => {
    for (const [at, { socket }] of slow.entries()) socket.write(at < 50 ? 'x' : '1\r\nx\r\n');
  }, 500);
  try {
    const quick = await json(`${served.url}/take`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '"quick"',
    });
    expect(quick).toMatchObject({ status: 200, body: { took: 'quick' } });
    const started = performance.now();
    const answers = await Promise.all(slow.map(({ answer }) => answer));
    expect(performance.now() - started).toBeLessThan(60_000);
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s);
  } finally {
    clearInterval(dripping);
  }
});

test('closing waits for an answer that is under way', async () => {
  let finish = () => undefined as void;
  const asked = Promise.withResolvers<void>();
  const slow = (app: FastifyInstance) => {
    app.get('/slow', async () => {
      asked.resolve();
      await new Promise<void>((done) => (finish = done));
      return { done: true };
    });
  };
  const served = await startHttpServer({ api: slow });
  const address = served.url;
  const answer = json(`${address}/slow`);
  await asked.promise;
  const closed = served[Symbol.asyncDispose]();
  await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  finish();
  expect((await answer).body).toEqual({ done: true });
  await closed;
});

test('closing does not wait for a client that dawdles', { timeout: 30_000 }, async () => {
  const served = await startHttpServer();
  const { socket, answer } = rawRequest(served.port, 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n');
  const idle = rawRequest(served.port, '');
  await until(() => socket.bytesWritten > 0 && socket.readyState === 'open', 'the request is on its way');
  expect((await json(`${served.url}/healthz`)).status).toBe(200);
  const started = performance.now();
  await served[Symbol.asyncDispose]();
  expect(performance.now() - started).toBeLessThan(8_000);
  await Promise.all([answer, idle.answer]);
  await expect(fetch(`${served.url}/healthz`)).rejects.toThrow();
});

test('a port in use and an address of another machine are clear errors', async () => {
  await using served = await startHttpServer();
  await expect(
    startHttpServer({ settings: { listen: { host: '127.0.0.1', port: served.port } } }),
  ).rejects.toMatchObject({
    code: 'LISTEN_IN_USE',
    kind: 'usage',
    message: `another program listens at 127.0.0.1:${served.port} already`,
  });
  await expect(startHttpServer({ settings: { listen: { host: '192.0.2.1', port: 8420 } } })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
  });
  await expect(
    startHttpServer({ settings: { listen: { host: 'no.such.invalid', port: 8420 } } }),
  ).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
  });
});

test('a socket in the file system: what a killed daemon left is replaced, a living one is not, and a file never is', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'http.sock');
  const settings = { listen: { path } };
  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ socketPath: path, path: '/healthz', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .once('error', reject)
        .end();
    });
  await leaveDeadSocket(path);
  {
    await using served = await startHttpServer({ settings });
    expect(served.url).toBe(`unix:${path}`);
    expect(await ask()).toBe(200);
    await expect(startHttpServer({ settings })).rejects.toMatchObject({ code: 'LISTEN_IN_USE' });
    expect(await ask()).toBe(200);
  }
  expect(existsSync(path)).toBe(false);
  await writeFile(path, 'mine');
  await expect(startHttpServer({ settings })).rejects.toMatchObject({ code: 'LISTEN_IN_USE' });
  await expect(
    startHttpServer({ settings: { listen: { path: join(folder.path, 'no/such/folder') } } }),
  ).rejects.toMatchObject({
    kind: 'usage',
  });
});

test('each answer is a line at debug level, without its query; metrics can be off', async () => {
  await using served = await startHttpServer({ settings: { metrics: false } });
  expect((await json(`${served.url}/metrics?token=geheim`)).status).toBe(404);
  await until(() => served.lines.length > 0, 'the answer is in the log');
  expect(served.lines).toEqual([{ level: 'debug', message: 'GET /metrics answered 404' }]);
});

test('whoever hangs up before the answer is no error of the daemon', async () => {
  const asked = Promise.withResolvers<void>();
  const hungUp = Promise.withResolvers<void>();
  const slow = (app: FastifyInstance) => {
    app.get('/slow', async (_request, reply) => {
      asked.resolve();
      await new Promise((gone) => reply.raw.once('close', gone));
      hungUp.resolve();
      throw new HoldfastError('INTERRUPTED', 'whoever asked has hung up', { kind: 'interrupted' });
    });
    app.get('/broken', () => {
      throw new Error('nobody foresaw this');
    });
  };
  await using served = await startHttpServer({ api: slow });
  const { socket } = rawRequest(served.port, 'GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await asked.promise;
  socket.destroy();
  await hungUp.promise;
  expect((await json(`${served.url}/broken`)).status).toBe(500);
  const about = served.lines.filter(({ message }) => message.startsWith('a request failed'));
  expect(about).toEqual([
    { level: 'debug', message: 'a request failed: whoever asked has hung up' },
    { level: 'error', message: 'a request failed: nobody foresaw this' },
  ]);
});

test('S24: /metrics asks for the token where there is one', async () => {
  const metricsToken = 'a-token-of-some-length';
  await using served = await startHttpServer({ settings: { metricsToken } });
  const denied = await json(`${served.url}/metrics`);
  expect(denied).toMatchObject({ status: 401, body: { code: 'TOKEN_WRONG' } });
  expect(denied.headers.get('www-authenticate')).toContain('Bearer');
  const allowed = await fetch(`${served.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } });
  expect(allowed.status).toBe(200);
  expect(allowed.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await allowed.text()).toContain('holdfast_up 1');

  await using open = await startHttpServer();
  expect((await fetch(`${open.url}/metrics`)).status).toBe(200);
  const passedOn = await json(`${open.url}/metrics`, { headers: { 'x-forwarded-for': '10.0.0.8' } });
  expect(passedOn).toMatchObject({ status: 403, body: { code: 'METRICS_LOCAL_ONLY' } });
});

async function leaveDeadSocket(path: string): Promise<void> {
  // Node removes the socket of a server that it closes itself, so another process must die with it.
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await runProcess({ program: process.execPath, args: ['-e', script] }, { signal }).catch(() => undefined);
  expect(existsSync(path)).toBe(true);
}
