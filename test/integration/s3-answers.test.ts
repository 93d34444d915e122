import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { collect } from '../suites/storage-suite.ts';
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
