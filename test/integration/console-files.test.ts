import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openConsole } from '../../src/api/console.ts';
import { rawRequest, startHttpServer, type TestServer } from '../support/http-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const script = `console.log(${JSON.stringify('x'.repeat(2000))});\n`;
const page =
  '<!doctype html><html lang="en"><head><meta name="style-nonce" content="__STYLE_NONCE__"></head><body></body></html>';

describe('the files of the console', () => {
  const doors = new AsyncDisposableStack();
  let server: TestServer;

  beforeAll(async () => {
    const { path } = doors.use(await temporaryFolder());
    const folder = join(path, 'ui');
    await mkdir(join(folder, 'assets'), { recursive: true });
    await writeFile(join(path, 'secret.js'), 'secret');
    await writeFile(join(folder, 'index.html'), page);
    await writeFile(join(folder, 'icon.svg'), '<svg/>');
    await writeFile(join(folder, 'assets/index-a1.js'), script);
    await writeFile(join(folder, 'assets/index-a1.js.br'), brotliCompressSync(script));
    await writeFile(join(folder, 'assets/index-a1.js.gz'), gzipSync(script));
    server = doors.use(await startHttpServer({ console: openConsole(folder) }));
  });
  afterAll(() => doors.disposeAsync());

  /** Without a client that unpacks on its own. */
  function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
    return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const asking = request({ port: server.port, host: '127.0.0.1', path, method, headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
        );
      });
      asking.once('error', reject);
      asking.end();
    });
  }

  test('hashed ones are kept for good, the page never', async () => {
    const asset = await get('/assets/index-a1.js');
    expect(asset).toMatchObject({
      status: 200,
      headers: {
        'cache-control': 'public, max-age=31536000, immutable',
        'content-type': 'text/javascript; charset=utf-8',
        'x-content-type-options': 'nosniff',
      },
    });
    expect(asset.body.toString()).toBe(script);
    expect((await get('/')).headers['cache-control']).toBe('no-store');
    expect((await get('/icon.svg')).headers['cache-control']).toBe('no-cache');
  });

  test.each([
    ['br', 'br'],
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['identity', undefined],
    ['', undefined],
  ])('to whoever accepts "%s" it is sent as %s', async (accepted, sent) => {
    const { headers, body } = await get('/assets/index-a1.js', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(sent);
    expect(headers['vary']).toBe('accept-encoding');
    if (sent === 'br') expect(brotliDecompressSync(body).toString()).toBe(script);
  });

  test('what is known already is not sent again', async () => {
    const { headers } = await get('/icon.svg');
    const again = await get('/icon.svg', { 'if-none-match': `"other", ${String(headers['etag'])}` });
    expect(again.status).toBe(304);
    expect(again.body).toHaveLength(0);
    expect((await get('/icon.svg', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('every address of a page gets the page, HEAD only its head', async () => {
    for (const path of ['/', '/sources/shop', '/sources/shop/2026-01-01_00-00-00?x=1', '/restore']) {
      const { status, headers, body } = await get(path);
      expect({ status, type: headers['content-type'] }, path).toEqual({
        status: 200,
        type: 'text/html; charset=utf-8',
      });
      expect(body.toString(), path).toContain('<!doctype html>');
    }
    const head = await get('/sources/shop', {}, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.body).toHaveLength(0);
  });

  test('no page where programs answer, and none for other methods', async () => {
    for (const path of ['/api', '/api/v1/nothing', '/metrics/x', '/healthz/x', '/assets/gone-b2.js', '/assets']) {
      expect(await get(path), path).toMatchObject({
        status: 404,
        headers: { 'content-type': expect.stringContaining('problem+json') },
      });
    }
    expect((await get('/sources/shop', {}, 'POST')).status).toBe(404);
  });

  test.each([
    '/../secret.js',
    '/assets/../../secret.js',
    '/%2e%2e/secret.js',
    '/assets/..%2f..%2fsecret.js',
    '//secret.js',
    String.raw`/assets/..\..\secret.js`,
  ])('%s leads nowhere', async (path) => {
    const { socket, answer } = rawRequest(
      server.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(await answer).not.toContain('\r\nsecret');
    socket.destroy();
  });

  test('no script but its own files may run; each answer lets only its own style elements in', async () => {
    const [one, other] = [await get('/'), await get('/')];
    const policies = [one, other].map(({ headers }) => String(headers['content-security-policy']));
    const nonces = [one, other].map(({ body }) => /content="([\w-]{20,})"/.exec(body.toString())?.[1]);
    expect(nonces[0]).not.toBe(nonces[1]);
    for (const [at, policy] of policies.entries()) {
      expect(policy).toContain("default-src 'none'; script-src 'self'; ");
      expect(policy).toContain(`style-src 'self' 'nonce-${nonces[at]}'; `);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
    }
    expect(one.headers).toMatchObject({ 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
  });
});

test('where it was not built, one line says how', async () => {
  await using server = await startHttpServer({ console: openConsole(null) });
  const response = await fetch(`${server.url}/`);
  expect(response.status).toBe(200);
  expect(await response.text()).toMatch(/^The console is not built yet: run `npm run build`.*\n$/);
  expect((await fetch(`${server.url}/sources/shop`)).status).toBe(404);
});
