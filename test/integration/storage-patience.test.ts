import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rcloneStorage } from '../../src/storage/rclone/rclone.ts';
import { sftpStorage } from '../../src/storage/sftp/sftp.ts';
import { webdavStorage } from '../../src/storage/webdav/webdav.ts';
import { withTimeout } from '../../src/storage/with-timeout.ts';
import { streamOf } from '../suites/storage-suite.ts';
import { answering } from '../support/answering.ts';
import { startFaultySftpServer } from '../support/faulty-sftp-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const minute = 60_000;
const slow = 20 * minute;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('webdav: a server that takes its time to store what it was sent gets what `timeout` gives it', async () => {
  let bytes = 0;
  await using server = await answering((request, response) => {
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.once('end', () => {
      // A proxy has all of it by now, and the server behind it none.
      if (request.method === 'PUT') vi.advanceTimersByTime(slow);
      const { url = '', method } = request;
      if (method === 'PROPFIND') {
        const type = url.includes('.put-') ? '<d:resourcetype/>' : '<d:resourcetype><d:collection/></d:resourcetype>';
        const facts = `<d:prop>${type}<d:getcontentlength>7</d:getcontentlength></d:prop><d:status>HTTP/1.1 200 OK</d:status>`;
        response.writeHead(207);
        response.end(
          `<d:multistatus xmlns:d="DAV:"><d:response><d:href>${url}</d:href><d:propstat>${facts}</d:propstat></d:response></d:multistatus>`,
        );
      } else response.writeHead(201).end();
    });
  });
  await using storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: 'x' });
  const patient = withTimeout(storage, 30 * minute);
  expect(await patient.put('shop/file', streamOf('content'), { signal })).toEqual({ bytes: 7 });
});

test.each(['uploadfile', 'movefile'])('rclone: so does a remote whose %s takes long', async (call) => {
  await using server = await answering((request, response) => {
    const { url = '' } = request;
    request.resume().once('end', () => {
      if (url.includes(call)) vi.advanceTimersByTime(slow);
      const item = { Path: 'shop/file', Size: 7, ModTime: '2026-11-21T10:00:00Z', IsDir: false };
      response.end(JSON.stringify(url.startsWith('/operations/stat') ? { item } : {}));
    });
  });
  await using folder = await temporaryFolder();
  const program = join(folder.path, 'rclone');
  const told = `Serving remote control on http://127.0.0.1:${server.port}/`;
  await writeFile(program, `#!/bin/sh\necho '${told}' >&2\nexec sleep 60\n`, { mode: 0o755 });
  await using storage = rcloneStorage('far', { type: 'rclone', remote: 'far:', program, env: {} });
  const patient = withTimeout(storage, 30 * minute);
  expect(await patient.put('shop/file', streamOf('content'), { signal })).toEqual({ bytes: 7 });
});

test('sftp: so does a disk that takes long to sync', async () => {
  await using folder = await temporaryFolder();
  await using server = await startFaultySftpServer(folder.path, (question) => {
    if (question === 'close') vi.advanceTimersByTime(slow / 2);
    return false;
  });
  await using storage = sftpStorage('nas', server.options);
  const patient = withTimeout(storage, 30 * minute);
  expect(await patient.put('shop/file', streamOf('content'), { signal })).toEqual({ bytes: 7 });
});

test('sftp: a server that logs in and then says nothing is given up, and asked anew', async () => {
  await using folder = await temporaryFolder();
  let silent = true;
  await using server = await startFaultySftpServer(folder.path, () => false, {
    isSilent: () => {
      // The login is over; what is waited for comes no more.
      if (silent) setImmediate(() => vi.advanceTimersByTime(minute));
      return silent;
    },
  });
  await using storage = sftpStorage('nas', server.options);
  await expect(storage.folders('', signal)).rejects.toMatchObject({ code: 'STORAGE_TIMEOUT' });
  silent = false;
  expect(await storage.folders('', signal)).toEqual([]);
});
