import { once } from 'node:events';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { systemClock } from '../../src/base/clock.ts';
import { beginCopies } from '../../src/backup/early-copies.ts';
import type { Source } from '../../src/care/source.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { forward, forwardStage } from '../../src/storage/forward.ts';
import { rcloneStorage } from '../../src/storage/rclone/rclone.ts';
import { sftpStorage } from '../../src/storage/sftp/sftp.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { webdavStorage } from '../../src/storage/webdav/webdav.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { withTimeout } from '../../src/storage/with-timeout.ts';
import { rcloneProgram, rcloneRemote } from '../support/rclone-remote.ts';
import { hasSshd, startRcloneSftpServer, startSftpServer } from '../support/sftp-server.ts';
import { draftOf, localAt } from '../support/stored-backups.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { hasApache, startApache, startRcloneWebdav, type WebdavServer } from '../support/webdav-server.ts';

/** A copy that reads slowly while its primary, a real server, moves the backup from its stage to its place. */
const { signal } = new AbortController();
const id = '2026-11-20_05-15-00';
const here = rcloneProgram() !== null;

let folder: TemporaryFolder;
let catalog: Catalog;
beforeEach(async () => {
  folder = await temporaryFolder();
  catalog = openCatalog(join(folder.path, 'state'), systemClock);
});
afterEach(async () => {
  catalog[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

type Start = () => Promise<AsyncDisposable & { storage: Storage }>;

async function together(server: AsyncDisposable, storage: Storage) {
  await using parts = new AsyncDisposableStack();
  parts.use(server);
  parts.use(storage);
  const kept = parts.move();
  return { storage, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const webdav =
  (start: () => Promise<WebdavServer>): Start =>
  async () => {
    const server = await start();
    const { url, user, password } = server;
    return together(server, webdavStorage('far', { type: 'webdav', url, user, password, path: 'backups' }));
  };

const primaries: [string, boolean, Start][] = [
  ['WebDAV by Apache', hasApache(), webdav(startApache)],
  ['WebDAV by rclone', here, webdav(startRcloneWebdav)],
  [
    'SFTP by OpenSSH',
    hasSshd(),
    async () => {
      const server = await startSftpServer();
      const { host, port, user, key, fingerprint: hostKey, root: path } = server;
      return together(server, sftpStorage('far', { type: 'sftp', host, port, user, key, hostKey, path }));
    },
  ],
  [
    'SFTP by rclone',
    here,
    async () => {
      const server = await startRcloneSftpServer();
      const { port, user, password, fingerprint: hostKey } = server;
      const place = { host: '127.0.0.1', port, user, password, hostKey, path: '/backups' };
      return together(server, sftpStorage('far', { type: 'sftp', ...place }));
    },
  ],
  [
    'rclone',
    here,
    async () => {
      const remote = await rcloneRemote();
      const { config } = remote;
      const options = { type: 'rclone' as const, remote: remote.remote, config, program: 'rclone', env: {} };
      return together(remote, rcloneStorage('far', options));
    },
  ],
];

describe.each(primaries)('%s', (_kind, isHere, start) => {
  test.skipIf(!isHere)('a copy that reads while the backup moves is whole, and is made in one go', async () => {
    await using server = await start();
    const primary = withRetry(withTimeout(server.storage, 60_000), { retries: 2 });
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const receiver = gated(localAt(join(folder.path, 'near'), 'near'), begun.resolve, gate.promise);
    await using writer = await openBackup({
      storage: primary,
      source: 'shop',
      startedAt: new Date('2026-11-20T05:15:00Z'),
      keys: noKeys,
      scratch: folder.path,
      signal,
    });
    const books = { catalog, clock: systemClock, signal, report: () => undefined, sweepAfterMs: 3_600_000 };
    const early = { ...books, source: sourceIn(primary, receiver), run: 'r', storages: [receiver], writer };
    await using copies = beginCopies(early);
    const content = randomBytes(24_000_000);
    const artifacts = await writer.add(dump(content), books);
    copies.add(artifacts);
    await begun.promise;
    copies.sealing();
    await writer.seal({ ...draftOf(id), artifacts }, signal);
    // rclone's cache does not give what it has just moved until it has written it, some seconds later.
    await until(() => isReadable(primary), 'the server gives what it has moved');
    copies.sealed();
    gate.resolve();
    expect(await copies.finish()).toMatchObject([{ state: 'complete', error: null, bytes: content.length }]);
    const hash = createHash('sha256');
    await once(createReadStream(join(folder.path, 'near/shop', id, 'database.dump')).pipe(hash), 'finish');
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });
});

async function isReadable(storage: Storage): Promise<boolean> {
  try {
    const content = await storage.get(`shop/${id}/database.dump`, { signal });
    content.once('error', () => undefined).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Takes a first piece, so that there is something to go on behind, and the rest once the gate is open. */
function gated(storage: Storage, begun: () => void, gate: Promise<void>): Storage {
  return {
    ...forward(storage),
    stage: async (prefix, stop) => {
      const stage = await storage.stage(prefix, stop);
      return {
        ...forwardStage(stage),
        put: (name, content, options) => {
          const slowly = async function* () {
            let first = true;
            for await (const piece of content as AsyncIterable<Buffer>) {
              yield piece;
              if (first) begun();
              first = false;
              await gate;
            }
          };
          return stage.put(name, Readable.from(slowly(), { objectMode: false }), options);
        },
      };
    },
  };
}

function dump(content: Buffer) {
  return {
    kind: 'stream' as const,
    role: 'database' as const,
    name: 'database.dump',
    format: 'custom' as const,
    compression: { codec: 'none' as const, level: null },
    compressedByTool: null,
    open: () => Readable.from([content], { objectMode: false }),
  };
}

function sourceIn(...storages: [Storage, ...Storage[]]): Source {
  const rules = { minimum: 1 };
  return {
    name: 'shop',
    database: null,
    storages,
    retention: rules,
    retentionIn: () => rules,
    keys: noKeys,
    apps: [],
    reader: () => {
      throw new Error('nothing here reads dumps');
    },
    appReader: async () => null,
    deleteLocalAfterCopy: false,
    drill: { target: 'same', checks: [] },
  };
}
