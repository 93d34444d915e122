import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { webdavOptions, type WebdavOptions } from '../../src/storage/webdav/options.ts';
import { webdavStorage } from '../../src/storage/webdav/webdav.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { collect, describeStorage, endless, streamOf } from '../suites/storage-suite.ts';
import { answering } from '../support/answering.ts';
import { cutProxy } from '../support/loopback.ts';
import { rcloneProgram } from '../support/rclone-remote.ts';
import { hasApache, startApache, startRcloneWebdav, type WebdavServer } from '../support/webdav-server.ts';

const { signal } = new AbortController();

const servers: [string, boolean, () => Promise<WebdavServer>][] = [
  ['Apache', hasApache(), startApache],
  ['rclone', rcloneProgram() !== null, startRcloneWebdav],
];

describe.each(servers)('%s', (kind, here, start) => {
  describe.skipIf(!here)('is here', () => {
    let server: WebdavServer;
    let storage: Storage;
    beforeAll(async () => {
      server = await start();
      storage = webdavStorage('cloud', optionsFor(server));
    });
    afterAll(async () => {
      await storage[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    });

    test('S9 wrong credentials are said to be wrong', async () => {
      await using wrong = webdavStorage('cloud', { ...optionsFor(server), password: 'wrong' });
      await expect(wrong.folders('', signal)).rejects.toMatchObject({ code: 'STORAGE_AUTH', retryable: false });
      await expect(wrong.put('x/y', streamOf('x'), { signal })).rejects.toMatchObject({ code: 'STORAGE_AUTH' });
    });

    test('S8 a connection cut during a put leaves what was there, and nothing beside it', async () => {
      await using proxy = await cutProxy(server.port);
      await using cut = webdavStorage('cloud', { ...optionsFor(server), url: `http://127.0.0.1:${proxy.port}` });
      await cut.put('cut/x', streamOf('old'), { signal });
      proxy.cutAfter(3_000_000);
      const content = endless();
      await expect(cut.put('cut/x', content, { signal })).rejects.toMatchObject({
        code: 'STORAGE_UNREACHABLE',
        retryable: true,
      });
      expect(content.destroyed).toBe(true);
      proxy.cutAfter(null);
      expect(String(await buffer(await cut.get('cut/x', { signal })))).toBe('old');
      expect((await collect(cut.list('cut/', signal))).map(({ key }) => key)).toEqual(['cut/x']);
    });

    test('S8 a connection cut during a get is an error, not an end', async () => {
      await using proxy = await cutProxy(server.port);
      await using cut = webdavStorage('cloud', { ...optionsFor(server), url: `http://127.0.0.1:${proxy.port}` });
      await storage.put('large/x', streamOf(Buffer.alloc(40_000_000)), { signal });
      const content = await cut.get('large/x', { signal });
      content.once('data', () => proxy.cut());
      await expect(buffer(content)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    });

    test('of several writers one wins', async () => {
      await storage.put('one/first', streamOf('x'), { signal });
      await expect(storage.put('one/first', streamOf('y'), { signal, ifAbsent: true })).rejects.toMatchObject({
        code: 'STORAGE_TAKEN',
      });
      expect(String(await buffer(await storage.get('one/first', { signal })))).toBe('x');
    });

    test('S21 of several writers at most one has a stage, also where a folder can be made twice', async () => {
      await using other = webdavStorage('cloud', optionsFor(server));
      const begun = await Promise.allSettled(
        [storage, other, storage, other].map((each) =>
          // A server may answer some of them that the folder is locked just now.
          withRetry(each, { retries: 5 }).stage('taken/one/', signal),
        ),
      );
      const mine = begun.filter((each) => each.status === 'fulfilled');
      expect(mine.length).toBeLessThanOrEqual(1);
      for (const each of begun)
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'STORAGE_TAKEN' });
      for (const { value } of mine) await value[Symbol.asyncDispose]();
      await storage.removeUnfinished('taken/one/', signal);

      await using stage = await storage.stage('taken/one/', signal);
      await expect(other.stage('taken/one/', signal)).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
      await stage.put('deep/x', streamOf('x'), { signal });
      expect(await collect(storage.list('taken/', signal))).toEqual([]);
      expect(await storage.unfinished('taken/', signal)).toMatchObject([{ prefix: 'taken/one/' }]);
      await stage.commit(signal);
      expect((await collect(storage.list('taken/', signal))).map(({ key }) => key)).toEqual(['taken/one/deep/x']);
      await expect(storage.stage('taken/one/', signal)).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
      expect(await readdir(join(server.root, 'back ups/taken/one'))).toEqual(['deep']);
    });

    test('S18 keeps names of the world', async () => {
      const names = ['with space', 'ünïcödé 😀', '100%', 'a+b', 'a&b=c?#', "quo'te", 'semi;--'];
      for (const name of names) await storage.put(`names/${name}`, streamOf(name), { signal });
      const listed = (await collect(storage.list('names/', signal))).map(({ key }) => key);
      expect(listed.toSorted()).toEqual(names.map((name) => `names/${name}`).toSorted());
      for (const name of names) expect(String(await buffer(await storage.get(`names/${name}`, { signal })))).toBe(name);
    });

    test('S12 foreign files are not removed with a folder, what a killed put left is', async () => {
      for (const key of ['left/one/x', 'left/two/x']) await storage.put(key, streamOf('x'), { signal });
      const at = (path: string) => join(server.root, 'back ups', 'left', path);
      // By another client of the server, which remembers for a while what it saw in a folder.
      const authorization = `Basic ${Buffer.from(`${server.user}:${server.password}`).toString('base64')}`;
      for (const path of ['one/.put-0123456789ab', 'two/.theirs']) {
        const url = `${server.url}/back%20ups/left/${path}`;
        expect((await fetch(url, { method: 'PUT', body: 'x', headers: { authorization } })).status).toBe(201);
      }
      await storage.delete(['left/one/x', 'left/two/x'], signal);
      await storage.removeFolder('left/one/', signal);
      await storage.removeFolder('left/two/', signal);
      expect(await readdir(at(''))).toEqual(['two']);
      expect(await readdir(at('two'))).toContain('.theirs');
    });

    test('a file in the place of the root', async () => {
      await mkdir(join(server.root, 'other'), { recursive: true });
      await writeFile(join(server.root, 'other/file'), 'x');
      await using misplaced = webdavStorage('cloud', { ...optionsFor(server), path: 'other/file' });
      await expect(misplaced.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject({
        code: 'STORAGE_NOT_A_FOLDER',
      });
    });

    test('S29 a large file flows through quickly, and memory does not grow with it', async () => {
      const megabytes = 256;
      const piece = Buffer.alloc(1024 * 1024, 'holdfast');
      let made = 0;
      let peak = 0;
      const content = new Readable({
        highWaterMark: 1,
        read() {
          peak = Math.max(peak, process.memoryUsage().rss);
          made += 1;
          this.push(made > megabytes ? null : Buffer.from(piece));
        },
      });
      const before = process.memoryUsage().rss;
      const begun = performance.now();
      expect(await storage.put('flow/x', content, { signal })).toEqual({ bytes: megabytes * piece.length });
      const put = (megabytes * 1000) / (performance.now() - begun);
      const again = performance.now();
      let read = 0;
      for await (const chunk of (await storage.get('flow/x', { signal })) as AsyncIterable<Buffer>) {
        read += chunk.length;
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      const get = (megabytes * 1000) / (performance.now() - again);
      expect(read).toBe(megabytes * piece.length);
      process.stderr.write(`webdav of ${kind}: put ${put.toFixed(0)} MiB/s, get ${get.toFixed(0)} MiB/s\n`);
      // Far below what is usual: other tests may take their share of the machine.
      expect(put).toBeGreaterThan(5);
      expect(get).toBeGreaterThan(5);
      expect((peak - before) / piece.length).toBeLessThan(200);
    }, 240_000);
  });
});

/** rclone reads a folder again after every change, so the thousand files of the suite take it minutes; it is asked the rest above. */
describe.skipIf(!hasApache())('Apache as a storage', () => {
  describeStorage('webdav', async () => {
    const server = await startApache();
    const storage = webdavStorage('cloud', optionsFor(server));
    return {
      storage,
      [Symbol.asyncDispose]: async () => {
        await storage[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  });
});

describe('webdav: credentials', () => {
  test('S25 are not sent after a redirect', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const target = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    const first = createServer((request, response) => {
      request.resume();
      response.writeHead(307, { location: target }).end();
    }).listen(0, '127.0.0.1');
    await once(first, 'listening');
    const url = `http://127.0.0.1:${(first.address() as AddressInfo).port}`;
    await using storage = webdavStorage('cloud', { type: 'webdav', url, path: 'x', token: 'a token' });
    const refused = { code: 'STORAGE_FAULT', kind: 'usage' };
    await expect(storage.folders('', signal)).rejects.toMatchObject(refused);
    await expect(storage.get('x', { signal })).rejects.toMatchObject(refused);
    await expect(storage.put('x', streamOf('x'), { signal })).rejects.toMatchObject(refused);
    expect(seen).toEqual([]);
    for (const server of [elsewhere, first]) {
      server.close();
      server.closeAllConnections();
    }
  });

  test.each([
    ['https instead', (path: string) => `https://127.0.0.1${path}`],
    ['another address', () => 'http://127.0.0.1:1/elsewhere/'],
    ['nothing', () => undefined],
  ])('a server that sends elsewhere with 301 (%s) is no storage without backups', async (_where, location) => {
    await using server = await answering((request, response) => {
      const to = location(request.url ?? '/');
      request.resume();
      response.writeHead(301, to === undefined ? {} : { location: to }).end();
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const refused = { code: 'STORAGE_FAULT', kind: 'usage' };
    await expect(storage.folders('shop/', signal)).rejects.toMatchObject(refused);
    await expect(storage.get('shop/x/hold.json', { signal })).rejects.toMatchObject(refused);
    await expect(storage.unfinished('shop/', signal)).rejects.toMatchObject(refused);
    await expect(storage.removeFolder('shop/x/', signal)).rejects.toMatchObject(refused);
  });

  test('do not stand in the address', () => {
    const options = { type: 'webdav', url: 'https://user:password@host/dav', path: 'x' };
    expect(webdavOptions.safeParse(options).success).toBe(false);
  });

  test('a server that is not there', async () => {
    const proxy = await cutProxy(1);
    await proxy[Symbol.asyncDispose]();
    await using storage = webdavStorage('cloud', { type: 'webdav', url: `http://127.0.0.1:${proxy.port}`, path: 'x' });
    await expect(storage.folders('', signal)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true });
  });
});

describe('webdav: servers that say too little', () => {
  const listing = (href: string, bytes: number) =>
    `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>${href}</d:href><d:propstat><d:prop><d:resourcetype>${href.endsWith('file') ? '' : '<d:collection/>'}</d:resourcetype>
     <d:getcontentlength>${bytes}</d:getcontentlength><d:getlastmodified>Sat, 21 Nov 2026 10:00:00 GMT</d:getlastmodified></d:prop>
     <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`;
  const found = (request: IncomingMessage, response: ServerResponse, bytes: number) => {
    request.resume();
    response.writeHead(207, { 'content-type': 'application/xml' }).end(listing(request.url ?? '', bytes));
  };

  test.each([
    [5000, 'STORAGE_CUT'],
    [10_000, null],
  ])('S5 an answer that only the end of the connection ends: %i of 10,000 bytes', async (given, code) => {
    await using server = await answering((request, response) => {
      if (request.method === 'PROPFIND') return found(request, response, 10_000);
      request.socket.end(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${'x'.repeat(given)}`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const read = storage.get('shop/file', { signal }).then(buffer);
    if (code === null) expect((await read).length).toBe(given);
    else await expect(read).rejects.toMatchObject({ code });
  });

  test('S5 an answer that only the end of the connection ends, of a file that has moved by then, is not called whole', async () => {
    await using server = await answering((request, response) => {
      request.resume();
      if (request.url === '/') return found(request, response, 0);
      if (request.method === 'PROPFIND') return void response.writeHead(404).end();
      request.socket.end(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${'x'.repeat(5000)}`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const read = storage.get('shop/file', { signal }).then(buffer);
    await expect(read).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  });

  test.each([
    ['is there', 207, 'STORAGE_DENIED'],
    ['was moved in that moment', 404, 'STORAGE_NOT_FOUND'],
  ])('S1 what is refused, and %s', async (_what, status, code) => {
    await using server = await answering((request, response) => {
      if (request.method === 'GET') return void response.writeHead(403).end();
      if (request.url === '/x/' || status === 207) return found(request, response, 7);
      request.resume();
      return void response.writeHead(status).end();
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    await expect(storage.get('shop/file', { signal })).rejects.toMatchObject({ code });
  });

  test.each([
    ['another range', 206, 'bytes 0-9/100', 10],
    ['less of it', 206, 'bytes 10-14/100', 5],
    ['no word which', 206, undefined, 10],
    ['that it ends before', 416, 'bytes */100', 0],
  ])('S5 a part that was asked for, and %s comes', async (_what, status, range, bytes) => {
    await using server = await answering((request, response) => {
      request.resume();
      response.writeHead(status, range === undefined ? {} : { 'content-range': range }).end('x'.repeat(bytes));
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const read = storage.get('shop/file', { signal, start: 10, end: 19 }).then(buffer);
    await expect(read).rejects.toMatchObject({ code: 'STORAGE_FAULT' });
  });

  test('S5 a part that is shorter than it says of itself', async () => {
    await using server = await answering((request, response) => {
      request.resume();
      response.writeHead(206, { 'content-range': 'bytes 10-19/100', 'transfer-encoding': 'chunked' }).end('xxxxxxx');
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const read = storage.get('shop/file', { signal, start: 10, end: 19 }).then(buffer);
    await expect(read).rejects.toMatchObject({ code: 'STORAGE_CUT' });
  });

  const entry = (path: string, inside: string) => `<d:response><d:href>/x/shop/${path}</d:href>${inside}</d:response>`;
  const folder = `<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>`;
  const noRight = `<d:propstat><d:prop><d:resourcetype/></d:prop><d:status>HTTP/1.1 403 Forbidden</d:status></d:propstat>`;
  const open = '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">';

  test.each([
    ['is cut', `${open}${entry('', folder)}${entry('one/', folder)}<d:resp`, 'STORAGE_CUT'],
    ['is empty', '', 'STORAGE_FAULT'],
    ['is something else', '<html><body>Please sign in</body></html>', 'STORAGE_FAULT'],
    [
      'fails for one of its entries',
      `${open}${entry('', folder)}${entry('one/', '<d:status>HTTP/1.1 403 Forbidden</d:status>')}</d:multistatus>`,
      'STORAGE_DENIED',
    ],
    [
      'does not tell what one of its entries is',
      `${open}${entry('', folder)}${entry('one/', noRight)}</d:multistatus>`,
      'STORAGE_DENIED',
    ],
  ])('S5 a listing that %s is an error, not fewer backups', async (_what, body, code) => {
    await using server = await answering((request) => {
      request.resume();
      request.socket.end(`HTTP/1.0 207 Multi-Status\r\nContent-Type: application/xml\r\n\r\n${body}`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    await expect(storage.folders('shop/', signal)).rejects.toMatchObject({ code });
  });

  const closed = '<d:status>HTTP/1.1 403 Forbidden</d:status>';
  const others = ['lost%2Bfound/', '@eaDir/', '%23recycle/', 'System%20Volume%20Information/', '.Trash-1000/'];
  const notTold = [
    ['by itself', closed],
    ['by its properties', noRight],
  ] as const;

  test.each(notTold)('what cannot be called so by us may be closed, refused %s', async (_how, refused) => {
    const all = entry('', folder) + others.map((name) => entry(name, refused)).join('') + entry('one/', folder);
    await using server = await answering((request, response) => {
      request.resume();
      response.writeHead(207).end(`${open}${all}</d:multistatus>`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    expect(await storage.folders('shop/', signal)).toEqual(['@eaDir', '#recycle', 'System Volume Information', 'one']);
    expect(await storage.unfinished('shop/', signal)).toEqual([]);
  });

  test.each(notTold)(
    'S5 all that lies somewhere is all, also where it is closed, refused %s',
    async (_how, refused) => {
      await using server = await answering((request, response) => {
        request.resume();
        response.writeHead(207).end(`${open}${entry('', folder)}${entry('Daily%20Dumps/', refused)}</d:multistatus>`);
      });
      await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
      await expect(collect(storage.list('shop/', signal))).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    },
  );

  test.each(notTold)('S5 a stage that is closed is not taken for none, refused %s', async (_how, refused) => {
    await using server = await answering((request, response) => {
      request.resume();
      response.writeHead(207).end(`${open}${entry('', folder)}${entry('.partial-one/', refused)}</d:multistatus>`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    await expect(storage.unfinished('shop/', signal)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
  });

  test('S5 a server that calls everything by another address holds not nothing', async () => {
    await using server = await answering((request, response) => {
      request.resume();
      const elsewhere = (entry('', folder) + entry('one/', folder)).replaceAll('/x/', '/X/');
      response.writeHead(207).end(`${open}${elsewhere}</d:multistatus>`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const fault = { code: 'STORAGE_FAULT', kind: 'usage' };
    await expect(storage.folders('shop/', signal)).rejects.toMatchObject(fault);
    await expect(storage.stat('shop/one/manifest.json', signal)).rejects.toMatchObject(fault);
  });

  test.each(['x', ''])('S11 a proxy that knows no server at the moment is no empty folder (path %j)', async (path) => {
    await using server = await answering((request, response) => {
      request.resume().once('end', () => response.writeHead(404).end('404 page not found\n'));
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: `${server.url}/dav`, path });
    const told = { code: 'STORAGE_FAULT', retryable: true, hint: expect.stringContaining('url') };
    await expect(storage.folders('', signal)).rejects.toMatchObject(told);
    await expect(collect(storage.list('shop/', signal))).rejects.toMatchObject(told);
    await expect(storage.unfinished('shop/', signal)).rejects.toMatchObject(told);
    await expect(storage.stat('shop/one/manifest.json', signal)).rejects.toMatchObject(told);
    await expect(storage.get('shop/one/manifest.json', { signal }).then(buffer)).rejects.toMatchObject(told);
  });

  test('an entry that went while it was listed is none', async () => {
    const gone = entry('one/', '<d:status>HTTP/1.1 404 Not Found</d:status>');
    await using server = await answering((request, response) => {
      request.resume();
      response.writeHead(207).end(`${open}${entry('', folder)}${gone}${entry('two/', folder)}</d:multistatus>\n`);
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    expect(await storage.folders('shop/', signal)).toEqual(['two']);
  });

  test('S5 what is called stored before all of it was sent is not', async () => {
    let bytes = 0;
    await using server = await answering((request, response) => {
      if (request.method === 'PROPFIND') return found(request, response, bytes);
      if (request.method !== 'PUT') return void response.writeHead(204).end();
      request.once('data', (chunk: Buffer) => {
        bytes = chunk.length;
        response.writeHead(201).end();
      });
    });
    await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
    const slow = new Readable({ read: () => undefined });
    slow.push(Buffer.alloc(3000));
    const timer = setTimeout(() => slow.push(Buffer.alloc(7000)) && slow.push(null), 500);
    await expect(storage.put('shop/file', slow, { signal })).rejects.toMatchObject({ code: 'STORAGE_CUT' });
    clearTimeout(timer);
  });
});

function optionsFor({ url, user, password }: WebdavServer): WebdavOptions {
  return { type: 'webdav', url, user, password, path: 'back ups' };
}
