import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
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
