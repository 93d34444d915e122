import { expect, test } from 'vitest';
import { Client } from './client.ts';
import { readListing } from './listing.ts';

const client = new Client({ type: 'webdav', url: 'https://host/re mote/dav', path: 'back ups' }, 'a storage');
const answer = (...responses: string[]) =>
  `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">${responses.join('')}</D:multistatus>`;
const entry = (href: string, prop: string, status = 'HTTP/1.1 200 OK') =>
  `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${prop}</D:prop><D:status>${status}</D:status></D:propstat></D:response>`;

test('files and folders, with names of any kind and addresses of both kinds', async () => {
  const file =
    '<D:getcontentlength>12</D:getcontentlength><D:getlastmodified>Sat, 01 Jan 2022 00:00:00 GMT</D:getlastmodified><D:resourcetype/>';
  const found = await readListing(
    answer(
      entry('/re%20mote/dav/back%20ups/', '<D:resourcetype><D:collection/></D:resourcetype>'),
      entry('/re%20mote/dav/back%20ups/a&amp;b%20%25', file),
      entry('https://host/re%20mote/dav/back%20ups/deep/', '<D:resourcetype><D:collection/></D:resourcetype>'),
      entry('/elsewhere/x', file),
    ),
    client,
  );
  expect(found.map(({ path, isFolder, bytes }) => [path, isFolder, bytes])).toEqual([
    ['', true, 0],
    ['a&b %', false, 12],
    ['deep', true, 0],
  ]);
  expect(found[1]?.modifiedAt).toEqual(new Date('2022-01-01T00:00:00Z'));
});

test('a quota is told only where there is one', async () => {
  const quota = '<D:quota-available-bytes>100</D:quota-available-bytes><D:quota-used-bytes>20</D:quota-used-bytes>';
  const href = '/re%20mote/dav/back%20ups/';
  expect((await readListing(answer(entry(href, quota)), client))[0]?.quota).toEqual({ available: 100, used: 20 });
  expect((await readListing(answer(entry(href, quota, 'HTTP/1.1 404 Not Found')), client))[0]?.quota).toBeNull();
  const unlimited = quota.replace('100', '-3');
  expect((await readListing(answer(entry(href, unlimited)), client))[0]?.quota).toBeNull();
});

test('an answer with nothing in it lists nothing', async () => {
  expect(await readListing(answer(), client)).toEqual([]);
  expect(await readListing('<?xml version="1.0"?><multistatus xmlns="DAV:"/>', client)).toEqual([]);
});

test.each(['\r\n', '<!-- made by > a </server> -->', '<?took 3 ms?>', ' <!-- one --> \n<!-- two -->\n<?three?>\n'])(
  'what may follow the end of a document is no part of it: %j',
  async (after) => {
    const found = await readListing(answer(entry('/re%20mote/dav/back%20ups/x', '<D:resourcetype/>')) + after, client);
    expect(found.map(({ path }) => path)).toEqual(['x']);
    const nothing = await readListing(`<?xml version="1.0"?><multistatus xmlns="DAV:"/>${after}`, client);
    expect(nothing).toEqual([]);
  },
);

test.each([
  ['', 'STORAGE_FAULT'],
  ['<html></html>', 'STORAGE_FAULT'],
  [answer(entry('/re%20mote/dav/back%20ups/', '')).replace('</D:multistatus>', ''), 'STORAGE_CUT'],
  [answer(entry('/re%20mote/dav/back%20ups/', '')).slice(0, -30), 'STORAGE_CUT'],
  [`${answer()}<!-- cut`, 'STORAGE_CUT'],
  [`${answer()}<?cut`, 'STORAGE_CUT'],
  [`${answer()}rest`, 'STORAGE_CUT'],
  ['<D:multistatus xmlns:D="DAV:"><!-- </D:multistatus> --><D:response>', 'STORAGE_CUT'],
])('an answer that is no whole listing is none: %s', async (text, code) => {
  await expect(readListing(text, client)).rejects.toMatchObject({ code });
});
