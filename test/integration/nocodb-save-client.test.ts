import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/apps/nocodb/client.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Secret } from '../../src/base/secret.ts';
import { startContractServer, type Answer, type ContractServer } from '../support/nocodb-contract-server.ts';

let server: ContractServer;
let client: Client;
let waits: number[];
const signal = new AbortController().signal;

beforeEach(async () => {
  server = await startContractServer();
  waits = [];
  client = new Client(
    { url: server.url, token: new Secret(server.token), concurrency: 2, timeoutMs: 300 },
    { logger: silentLogger, wait: async (ms) => void waits.push(ms), random: () => 1 },
  );
});
afterEach(async () => {
  client[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

/** Answers so, one after another; then well. */
function answers(...list: (Answer | 'silence')[]): void {
  server.intercept = async () => {
    const next = list.shift();
    if (next === 'silence') await new Promise((resolve) => setTimeout(resolve, 600));
    return next === undefined || next === 'silence' ? { json: { done: true } } : next;
  };
}
const write = (repeat: 'safe' | 'once') => client.send('POST', '/api/v2/x', { body: { a: 1 }, repeat, signal });

describe('what is tried again', () => {
  test('reading, with longer and longer rests', async () => {
    answers({ status: 502 }, { status: 503 }, { status: 504 });
    await expect(client.get('/api/v2/x', {}, signal)).resolves.toEqual({ done: true });
    expect(waits).toEqual([500, 1000, 2000]);
  });

  test('N-d12: writing that may have been done is not done twice', async () => {
    answers({ status: 500, json: { msg: 'no' } });
    await expect(write('once')).rejects.toMatchObject({ code: 'NOCODB_FAILED', details: { status: 500 } });
    answers({ status: 200, json: {}, cutAfter: 1 });
    await expect(write('once')).rejects.toMatchObject({ code: 'NOCODB_UNREACHABLE' });
    answers('silence');
    await expect(write('once')).rejects.toMatchObject({ code: 'NOCODB_TIMEOUT' });
    expect(server.asked).toHaveLength(3);
  });

  test('writing that does no harm twice is', async () => {
    answers({ status: 500, json: { msg: 'no' } }, { status: 200, json: {}, cutAfter: 1 });
    await expect(write('safe')).resolves.toEqual({ done: true });
    expect(server.asked.map(({ body }) => body.toString())).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  });

  test('429 was not done, so that it is always tried again; the rest is as long as NocoDB says', async () => {
    using patient = new Client(
      { url: server.url, token: new Secret(server.token), concurrency: 2, timeoutMs: 300 },
      { logger: silentLogger },
    );
    const at: number[] = [];
    const list: Answer[] = [{ status: 429, headers: { 'retry-after': '0' } }, { status: 429 }];
    server.intercept = () => {
      at.push(performance.now());
      return list.shift() ?? { json: { done: true } };
    };
    await expect(patient.send('POST', '/api/v2/x', { repeat: 'once', signal })).resolves.toEqual({ done: true });
    expect(at).toHaveLength(3);
    expect((at[2] ?? 0) - (at[1] ?? 0)).toBeGreaterThan(450);
  });

  test('a refusal is not', async () => {
    answers({ status: 422, json: { error: 'ERR_INVALID', message: 'Invalid value' } });
    await expect(write('safe')).rejects.toMatchObject({ details: { status: 422, code: 'ERR_INVALID' } });
    expect(server.asked).toHaveLength(1);
  });
});

test('N-41: what was sent is over before an interruption is: who begins again finds it', async () => {
  const stop = new AbortController();
  let done = false;
  server.intercept = async () => {
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 200));
    done = true;
    return { json: { id: 'x' } };
  };
  const sent = client.send('POST', '/api/v2/x', { body: {}, repeat: 'once', signal: stop.signal });
  await expect(sent).resolves.toEqual({ id: 'x' });
  expect(done).toBe(true);
  const next = client.send('POST', '/api/v2/x', { body: {}, repeat: 'once', signal: stop.signal });
  await expect(next).rejects.toMatchObject({ kind: 'interrupted' });
  expect(server.asked).toHaveLength(1);
});

test.each([500, 422])('an answer %d that comes after an interruption is no other failure', async (status) => {
  const stop = new AbortController();
  server.intercept = async () => {
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { status, json: { msg: 'no' } };
  };
  const sent = client.send('POST', '/api/v2/x', { body: {}, repeat: 'safe', signal: stop.signal });
  await expect(sent).rejects.toMatchObject({ kind: 'interrupted' });
  expect(server.asked).toHaveLength(1);
});

test('reading ends at once when it is interrupted', async () => {
  const stop = new AbortController();
  server.intercept = async () => {
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 4000).unref());
    return { json: {} };
  };
  const started = performance.now();
  await expect(client.get('/api/v2/x', {}, stop.signal)).rejects.toMatchObject({ kind: 'interrupted' });
  expect(performance.now() - started).toBeLessThan(3000);
});

test('no more requests at once than were set', async () => {
  let now = 0;
  let most = 0;
  server.intercept = async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    now -= 1;
    return { json: {} };
  };
  await Promise.all(Array.from({ length: 10 }, () => client.get('/api/v2/x', {}, signal)));
  expect(most).toBe(2);
});

test('S23: neither the token nor a stack of the server gets into an error', async () => {
  const json = { msg: `no: ${server.token}`, innerError: { stack: 'at secret/path' } };
  answers({ status: 400, json });
  const error = await client.get('/api/v2/x', { a: 'b' }, signal).catch((failure: unknown) => failure as Error);
  const all = JSON.stringify([error, (error as Error).message, String((error as Error).cause)]);
  expect(all).not.toContain(server.token);
  expect(all).not.toContain('secret/path');
});

test('S18: an upload keeps the name of the file, whatever it is', async () => {
  answers();
  const open = async () => Readable.from([Buffer.from('content')], { objectMode: false });
  await client.upload('/api/v2/storage/upload', {
    query: { path: 'a/b' },
    name: 'ü "q"\r\n.txt',
    mimetype: 'text/plain',
    open,
    signal,
  });
  const [asked] = server.asked;
  expect(asked?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  expect(asked?.body.toString()).toContain(
    'filename="ü %22q%22%0D%0A.txt"\r\ncontent-type: text/plain\r\n\r\ncontent\r\n--',
  );
});
