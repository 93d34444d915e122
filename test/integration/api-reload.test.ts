import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/api/client.ts';
import { routes } from '../../src/api/contract.ts';
import { anyPort, serveHoldfast, signIn, type Served } from '../support/api.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { rawRequest } from '../support/http-server.ts';
import { freePort } from '../support/loopback.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const password = 'correct horse battery staple';
let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table orders (id int); insert into orders select generate_series(1, 10)');
});
afterAll(() => server[Symbol.asyncDispose]());

interface Answer {
  status: number;
  ms: number;
}

/** One request, its connection kept or not as the agent has it. Rejects where a connection was refused or broken off. */
function ask(base: string, path: string, options: RequestOptions): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    request(base + path, options, (answer) => {
      answer.resume();
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, ms: performance.now() - started }));
    })
      .once('error', reject)
      .end();
  });
}

/** Asks without a pause until it is stopped, and keeps what it was told. */
function hammer(base: string, paths: readonly string[], options: RequestOptions) {
  const answers: Answer[] = [];
  const broken: unknown[] = [];
  let over = false;
  const done = (async () => {
    for (let at = 0; !over; at += 1) {
      const path = paths[at % paths.length] ?? '/healthz';
      await ask(base, path, options).then(
        (answer) => answers.push(answer),
        (error: unknown) => broken.push(error),
      );
    }
  })();
  return {
    answers,
    broken,
    stop: async () => {
      over = true;
      await done;
    },
  };
}

/** What a browser's EventSource does: reads, and comes back when the stream has ended. */
function attend(base: string, cookie: string) {
  const opened: number[] = [];
  const broken: unknown[] = [];
  let text = '';
  const over = new AbortController();
  const done = (async () => {
    while (!over.signal.aborted) {
      try {
        const answer = await fetch(`${base}/api/v1/events`, { headers: { cookie }, signal: over.signal });
        opened.push(answer.status);
        for await (const part of answer.body ?? []) text += Buffer.from(part).toString();
      } catch (error) {
        if (!over.signal.aborted) broken.push(error);
      }
    }
  })();
  return {
    opened,
    broken,
    text: () => text,
    stop: async () => {
      over.abort();
      await done;
    },
  };
}

async function withAda(holdfast: Installation, served: Served): Promise<string> {
  await writeFile(`${holdfast.folder}/password`, `${password}\n`, { mode: 0o600 });
  await holdfast.json('user', 'create', 'ada', '--role', 'admin', '--password-file', `${holdfast.folder}/password`);
  return (await signIn(served, { name: 'ada', password })).cookie;
}

test('new settings come into effect while everybody is answered: no connection is refused or broken off', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), top: { server: anyPort } });
  await using served = await serveHoldfast(holdfast);
  const api = served.client(await served.token('test', '--role', 'admin'));
  const cookie = await withAda(holdfast, served);
  const keep = new Agent({ keepAlive: true, maxSockets: 1 });
  const paths = ['/healthz', '/api/v1/sources', '/api/v1/session', '/api/v1/runs'];
  const events = attend(served.base, cookie);
  const readers = [
    hammer(served.base, paths, { agent: keep, headers: { cookie } }),
    hammer(served.base, paths, { agent: false, headers: { cookie } }),
    hammer(served.base, ['/healthz'], { agent: false }),
  ];
  try {
    for (const timezone of ['Europe/Paris', 'Asia/Tokyo', 'America/Lima', 'UTC']) {
      await api.changeSettings({ body: { changes: [{ path: ['timezone'], value: timezone }] } });
      await until(async () => (await api.session()).timezone === timezone, `${timezone} is in effect`);
      expect((await api.settings()).pending).toBe(false);
    }
    await until(() => events.opened.length === 5, 'whoever listens to events is back');
  } finally {
    await Promise.all([...readers, events].map((each) => each.stop()));
    keep.destroy();
  }
  expect(served.said().match(/going on with the new ones/g)).toHaveLength(4);
  for (const { answers, broken } of readers) {
    expect(broken).toEqual([]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers.length).toBeGreaterThan(20);
  }
  expect(events.broken).toEqual([]);
  expect(new Set(events.opened)).toEqual(new Set([200]));
  // That the end of a stream is no loss is said in the stream itself.
  expect(events.text().match(/^event: renewed$/gm)).toHaveLength(4);
  expect((await served.stop()).status).toBe(0);
});

test('S24: whoever sends the head of a request and no body holds no settings back, and is sent away', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), top: { server: anyPort } });
  await using served = await serveHoldfast(holdfast);
  const api = served.client(await served.token('test', '--role', 'admin'));
  const head =
    'POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\nx-holdfast: 1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
  const answers: string[] = [];
  let over = false;
  const sockets = new Set<Socket>();
  const stall = async () => {
    while (!over) {
      const { socket, answer } = rawRequest(Number(new URL(served.base).port), head);
      sockets.add(socket);
      answers.push(await answer);
      sockets.delete(socket);
    }
  };
  const stalling = [stall(), stall(), stall()];
  try {
    await until(() => sockets.size === 3, 'they are connected');
    for (const timezone of ['Europe/Paris', 'Asia/Tokyo']) {
      await api.changeSettings({ body: { changes: [{ path: ['timezone'], value: timezone }] } });
      await until(async () => (await api.session()).timezone === timezone, `${timezone} is in effect`, 20_000);
    }
  } finally {
    over = true;
    for (const socket of sockets) socket.destroy();
    await Promise.all(stalling);
  }
  expect(answers.length).toBeGreaterThanOrEqual(6);
  expect(answers[0]).toMatch(/^HTTP\/1.1 503 .*DAEMON_STOPPING/s);
  expect((await served.stop()).status).toBe(0);
});

test('a changed address is moved to; one that cannot be had leaves everything as it was', async () => {
  const [before, after, taken] = [await freePort(), await freePort(), new URL(server.url('shop')).port];
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    top: { server: { listen: `127.0.0.1:${before}` } },
  });
  await using served = await serveHoldfast(holdfast);
  const api = served.client(await served.token('test', '--role', 'admin'));
  const write = async (listen: string) => {
    const text = await readFile(holdfast.configFile, 'utf8');
    await writeFile(holdfast.configFile, text.replace(/listen: \S+/, `listen: ${listen}`));
  };
  const changed = (timezone: string) =>
    api.changeSettings({ body: { changes: [{ path: ['timezone'], value: timezone }] } });

  await write(`127.0.0.1:${taken}`);
  await changed('Europe/Paris');
  await until(() => /could not be used: another program listens/.test(served.said()), 'it says what is in the way');
  expect((await api.session()).timezone).toBe('UTC');

  await write(`127.0.0.1:${after}`);
  await changed('Asia/Tokyo');
  const moved = `http://127.0.0.1:${after}`;
  await until(
    async () => (await fetch(`${moved}/healthz`).catch(() => null))?.status === 200,
    'it answers at the new address',
  );
  await until(() => served.said().includes(`HTTP at ${moved}`), 'it says where it is');
  await expect(fetch(`${served.base}/healthz`)).rejects.toThrow();
  expect(await holdfast.json('health')).toMatchObject({ ok: true });

  // The same port at another address: the old one is in the way of the new one.
  await write(`0.0.0.0:${after}`);
  const there = createClient(routes, { base: moved, token: await served.token('other', '--role', 'admin') });
  await there.changeSettings({ body: { changes: [{ path: ['timezone'], value: 'UTC' }] } });
  await until(() => served.said().includes(`HTTP at http://0.0.0.0:${after}`), 'it listens everywhere');
  await until(async () => (await fetch(`${moved}/healthz`).catch(() => null))?.status === 200, 'it answers again');
  expect((await served.stop()).status).toBe(0);
});
