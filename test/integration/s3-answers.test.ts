import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { mebibyte } from '../../src/storage/s3/options.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { collect, streamOf } from '../suites/storage-suite.ts';
import { answering } from '../support/answering.ts';
import { storageAt } from '../support/s3-storage.ts';

const { signal } = new AbortController();
const access = { accessKey: 'lab', secretKey: 'labsecret' };

test.each([
  ['another range', 206, 'bytes 0-9/100', 10],
  ['less of it', 206, 'bytes 10-14/100', 5],
  ['no word which', 206, undefined, 10],
  ['all of it', 200, undefined, 100],
])('S5 a part that was asked for, and %s comes', async (_what, status, range, bytes) => {
  await using server = await answering((request, response) => {
    request.resume();
    const said = range === undefined ? {} : { 'content-range': range };
    response.writeHead(status, { 'content-length': String(bytes), ...said }).end('x'.repeat(bytes));
  });
  await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket');
  const read = storage.get('shop/file', { signal, start: 10, end: 19 }).then(buffer);
  await expect(read).rejects.toMatchObject({ code: 'STORAGE_FAULT' });
});

test('S5 a transfer that was cut, and begins anew instead of going on', async () => {
  let asked = 0;
  await using server = await answering((request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(asked === 1 ? 200 : 206, {
      'content-length': '100',
      etag: '"one"',
      ...(asked === 1 ? {} : { 'content-range': 'bytes 0-99/100' }),
    });
    response.write('x'.repeat(60), () => (asked === 1 ? setTimeout(() => request.socket.destroy(), 25) : undefined));
    if (asked > 1) response.end('x'.repeat(40));
  });
  await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket');
  const given: Buffer[] = [];
  const content = await storage.get('shop/file', { signal });
  content.on('data', (chunk: Buffer) => given.push(chunk));
  await expect(new Promise((_, reject) => content.once('error', reject))).rejects.toMatchObject({
    code: 'STORAGE_FAULT',
  });
  expect(Buffer.concat(given)).toHaveLength(60);
});

describe('a listing that says there is more', () => {
  const page = (next: string) =>
    `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix></Prefix><KeyCount>1</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>true</IsTruncated>${next}<Contents><Key>shop/one/x</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified><Size>1</Size></Contents></ListBucketResult>`;

  test.each([
    ['does not say where', ''],
    ['begins anew', '<NextContinuationToken>again</NextContinuationToken>'],
  ])('and %s is an error, not an end', async (_what, next) => {
    let asked = 0;
    await using server = await answering((request, response) => {
      asked += 1;
      request.resume();
      if (asked > 5) request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/xml' }).end(page(next));
    });
    await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket');
    await expect(collect(storage.list('shop/', signal))).rejects.toMatchObject({ code: 'STORAGE_FAULT' });
    expect(asked).toBeLessThan(3);
  });

  test('of versions, or of uploads, likewise', async () => {
    await using server = await answering((request, response) => {
      request.resume();
      const { url = '' } = request;
      const body = url.includes('versions')
        ? '<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>'
        : url.includes('versioning')
          ? '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
          : '<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>';
      response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${body}`);
    });
    await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket');
    const fault = { code: 'STORAGE_FAULT' };
    await expect(storage.delete(['shop/one/x'], signal)).rejects.toMatchObject(fault);
    await expect(storage.clearUploads('shop/objects/', new Date(), signal)).rejects.toMatchObject(fault);
  });
});

test.each([
  [400, 'MissingContentMD5'],
  [400, 'InvalidRequest'],
  [501, 'NotImplemented'],
  [403, 'AccessDenied'],
])('a service that does not remove many at once (%i %s) is asked for each', async (status, code) => {
  const removed: string[] = [];
  await using server = await answering((request, response) => {
    request.resume();
    const { method = '', url = '' } = request;
    if (method === 'DELETE') {
      removed.push(url.replace(/\?.*/, ''));
      return void response.writeHead(204).end();
    }
    const body = method === 'POST' ? `<Error><Code>${code}</Code></Error>` : '<VersioningConfiguration/>';
    return void response.writeHead(method === 'POST' ? status : 200).end(body);
  });
  await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket');
  await storage.delete(['shop/one/x', 'shop/one/y'], signal);
  expect(removed.toSorted()).toEqual(['/bucket/shop/one/x', '/bucket/shop/one/y']);
});

/** What answers in the place of the service: with a page that happens to be good XML, with one that is not, with nothing. */
const pages: [what: string, page: string][] = [
  ['a page to sign in', '<html><head><title>Sign in</title></head><body><p>Hello</p></body></html>'],
  ['a console', '<!doctype html><html><head><meta charset="utf-8"><title>Console</title></head><body></body></html>'],
  ['nothing', ''],
];

/** All that reads or stores. */
function everything(storage: Storage): [string, () => Promise<unknown>][] {
  const keys = Array.from({ length: 20 }, (_, at) => `shop/${at}`);
  return [
    ['list', () => collect(storage.list('shop/', signal))],
    ['folders', () => storage.folders('', signal)],
    ['stat', () => storage.stat('shop/file', signal)],
    ['statMany', () => storage.statMany(keys, signal)],
    ['get', () => storage.get('shop/file', { signal }).then(buffer)],
    ['put', () => storage.put('shop/file', streamOf('content'), { signal })],
    ['a new one', () => storage.put('shop/file', streamOf('content'), { signal, ifAbsent: true })],
    ['put in parts', () => storage.put('shop/file', streamOf('x'.repeat(9 * mebibyte)), { signal })],
    ['unfinished', () => storage.unfinished('shop/', signal)],
    ['clearUploads', () => storage.clearUploads('shop/', new Date(), signal)],
  ];
}

describe.each(pages)('S5 what answers is not the service, but %s', (_what, page) => {
  const told = { code: 'STORAGE_FAULT', retryable: true, hint: expect.stringContaining('endpoint') };

  test.each([200, 404])('with status %i: nothing is there, missing or stored', async (status) => {
    await using server = await answering((request, response) => {
      request.resume().once('end', () => {
        response.writeHead(status, { 'content-type': 'text/html', 'content-length': String(page.length) });
        response.end(request.method === 'HEAD' ? undefined : page);
      });
    });
    // What is stored is not tried for a minute.
    await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket', { idleTimeout: '300ms' });
    for (const [what, work] of everything(storage)) {
      const said = await work().then(
        (result) => `${what} gave ${JSON.stringify(result)}`,
        (error: unknown) => error,
      );
      expect(said, what).toMatchObject(told);
      expect(String(said), what).not.toMatch(/XML|hidden field|\n/);
    }
  });
});

test('what the service itself calls missing is missing, with or without its own name in the answer', async () => {
  for (const own of [{}, { 'x-amz-request-id': 'tx1' }]) {
    await using server = await answering((request, response) => {
      const says = request.method !== 'HEAD' && request.url !== '/bucket/';
      request.resume().once('end', () => {
        response.writeHead(request.url === '/bucket/' ? 200 : 404, own);
        response.end(says ? '<Error><Code>NoSuchKey</Code></Error>' : undefined);
      });
    });
    await using storage = storageAt({ ...access, endpoint: server.url }, 'bucket');
    expect(await storage.stat('shop/file', signal)).toBeNull();
    await expect(storage.get('shop/file', { signal })).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
  }
});
