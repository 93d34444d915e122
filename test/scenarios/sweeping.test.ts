import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyBackup } from '../../src/archive/copy.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { backupId } from '../../src/base/ids.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { holdCopy } from '../../src/care/copies/copy-lock.ts';
import { sweepElsewhere } from '../../src/care/removal/sweep-elsewhere.ts';
import { sweepInterrupted } from '../../src/schedule/sweep.ts';
import { smallHouse } from '../support/small-house.ts';
import { removeBackup } from '../../src/archive/remove.ts';
import { sweepUnfinished } from '../../src/archive/sweep.ts';
import { sftpStorage } from '../../src/storage/sftp/sftp.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startFaultySftpServer } from '../support/faulty-sftp-server.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { draftOf, localAt, storeBackup } from '../support/stored-backups.ts';
import { until } from '../support/until.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const id = '2026-11-18_02-00-00';
const files = ['database.dump', 'manifest.json'];

let folder: TemporaryFolder;
let place: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  place = join(folder.path, 'shop', id);
  await storeBackup(localAt(folder.path), 'shop', '2026-11-18T02:00:00Z');
});
afterEach(() => folder[Symbol.asyncDispose]());

const sweep = (storage: Storage, olderThanMs = 24 * 3_600_000) =>
  sweepUnfinished(storage, 'shop', { now: new Date(), olderThanMs, alive: () => false, signal });

/** As `rsync -a` and `sftp -p` leave the times of what they copy. */
function makeOld(): void {
  const old = new Date(Date.now() - 3 * 86_400_000);
  for (const name of readdirSync(place)) utimesSync(join(place, name), old, old);
}

test.each(['lstat', 'readdir'] as const)(
  'S8 a server that fails once when it is asked (%s) does not cost a whole backup',
  async (question) => {
    makeOld();
    let failures = 0;
    const isMine = (path: string) => path.includes(id) && (question === 'readdir' || path.endsWith('manifest.json'));
    await using server = await startFaultySftpServer(
      folder.path,
      (asked, path) => asked === question && isMine(path) && failures++ === 0,
    );
    await using storage = sftpStorage('nas', server.options);
    await sweep(storage).catch(() => undefined);
    expect(readdirSync(place).toSorted()).toEqual(files);
    // Nothing is wrong any more, and still nothing goes.
    expect(await sweep(storage)).toEqual([]);
    expect(readdirSync(place).toSorted()).toEqual(files);
  },
);

test('S8 what a server says of a manifest once is not believed: a 404 in between does not cost a whole backup', async () => {
  const local = localAt(folder.path);
  const lying: Storage = {
    ...faultyStorage(local, {}),
    stat: async (key, during) => (key.endsWith('manifest.json') ? null : local.stat(key, during)),
    statMany: async (keys) => keys.map(() => null),
  };
  expect(await sweep(lying, -1)).toEqual([]);
  expect(readdirSync(place).toSorted()).toEqual(files);
});

test('S8 an error of the server is told, and is no missing file', async () => {
  let failures = 0;
  await using server = await startFaultySftpServer(
    folder.path,
    (asked, path) => asked === 'lstat' && path.endsWith('manifest.json') && failures++ === 0,
  );
  await using storage = sftpStorage('nas', server.options);
  const key = `shop/${id}/manifest.json`;
  await expect(storage.stat(key, signal)).rejects.toMatchObject({ code: 'STORAGE_FAULT' });
  expect(await storage.stat(key, signal)).toMatchObject({ key });
  expect(await storage.stat(`shop/${id}/database.dump/below`, signal)).toBeNull();
});

test('S12 a backup that is being copied in by something else, old as its files are, is left alone', async () => {
  const coming = join(folder.path, 'shop/2026-11-17_02-00-00');
  mkdirSync(coming);
  writeFileSync(join(coming, 'database.dump'), '0123456789');
  expect(await sweep(localAt(folder.path), -1)).toEqual([]);
  expect(readdirSync(coming)).toEqual(['database.dump']);
});

test('S1 a removal that was cut off is finished, and foreign files stay', async () => {
  writeFileSync(join(place, 'notes.txt'), 'mine');
  const dying = faultyStorage(localAt(folder.path), { delete: [null, 'refuse'] });
  await expect(removeBackup(dying, 'shop', id, signal)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  expect(readdirSync(place).toSorted()).toEqual(['database.dump', 'notes.txt', 'removing.json']);
  expect(await sweep(localAt(folder.path))).toEqual([]);
  expect(await sweep(localAt(folder.path), -1)).toEqual([`shop/${id}/`]);
  expect(readdirSync(place)).toEqual(['notes.txt']);
  expect(await sweep(localAt(folder.path), -1)).toEqual([]);
});

test('S1 a removal that was cut off before the manifest went leaves a whole backup, and it stays one', async () => {
  const dying = faultyStorage(localAt(folder.path), { delete: ['refuse'] });
  await expect(removeBackup(dying, 'shop', id, signal)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  expect(await sweep(localAt(folder.path), -1)).toEqual([]);
  expect(readFileSync(join(place, 'database.dump'), 'utf8')).toBe('0123456789');
  await removeBackup(localAt(folder.path), 'shop', id, signal);
  expect(readdirSync(join(folder.path, 'shop'))).toEqual([]);
});

test('S3 a backup can be removed where not even the mark of its removal fits', async () => {
  const full = faultyStorage(localAt(folder.path), { put: ['refuse'] });
  await removeBackup(full, 'shop', id, signal);
  expect(readdirSync(join(folder.path, 'shop'))).toEqual([]);
});

test('S8 what a storage cannot tell about a backup does not make it removable', async () => {
  const down = faultyStorage(localAt(folder.path), { get: ['refuse'] });
  await expect(removeBackup(down, 'shop', id, signal)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  expect(readdirSync(place).toSorted()).toEqual(files);
});

/** Six files, so that some are there and some are yet to come when the stage goes. */
async function storeLarger(storage: Storage, larger: string): Promise<void> {
  const startedAt = new Date('2026-11-19T02:00:00Z');
  const task = { storage, source: 'shop', startedAt, keys: noKeys, scratch: folder.path, signal };
  await using writer = await openBackup(task);
  const artifacts = [];
  for (let n = 0; n < 6; n += 1) {
    const added = await writer.add(
      {
        kind: 'stream',
        role: n === 0 ? 'database' : 'files',
        name: n === 0 ? 'database.dump' : `files/tree${n}.tar`,
        format: n === 0 ? 'custom' : 'tar',
        compression: { codec: 'none', level: null },
        compressedByTool: null,
        open: () => Readable.from([Buffer.from(`content ${n}`)], { objectMode: false }),
      } as Parameters<typeof writer.add>[0],
      { signal, report: () => undefined },
    );
    artifacts.push(...added);
  }
  await writer.seal({ ...draftOf(larger), artifacts }, signal);
}

test.each(['sftp', 'local'])(
  'S1 S11 a copy whose stage is swept (%s) is not sealed with files missing',
  async (kind) => {
    const larger = '2026-11-19_02-00-00';
    await using there = await temporaryFolder();
    const here = localAt(folder.path);
    await storeLarger(here, larger);
    await using server = await startFaultySftpServer(there.path, () => false);
    await using copying = kind === 'sftp' ? sftpStorage('nas', server.options) : localAt(there.path, 'nas');
    await using sweeping = kind === 'sftp' ? sftpStorage('nas', server.options) : localAt(there.path, 'nas');
    let reads = 0;
    const from: Storage = {
      ...faultyStorage(here, {}),
      get: async (key, options) => {
        if (key.includes('/files/') && ++reads === 5) {
          await until(
            () => readdirSync(join(there.path, 'shop', `.partial-${larger}`)).includes('database.dump'),
            'the first file',
          );
          expect(await sweep(sweeping, -60_000)).toEqual([`shop/${larger}/`]);
        }
        return here.get(key, options);
      },
    };
    const task = { from, to: copying, source: 'shop', id: larger, replace: 'nothing' as const, signal };
    await expect(copyBackup({ ...task, report: () => undefined })).rejects.toMatchObject({
      code: expect.stringMatching(/^(STAGE_LOST|STORAGE_NOT_FOUND)$/),
    });
    expect(readdirSync(join(there.path, 'shop'))).toEqual([]);
    // Nothing is in the way of the next one.
    expect(await copyBackup({ ...task, from: here, report: () => undefined })).toMatchObject({ state: 'copied' });
    expect(readdirSync(join(there.path, 'shop', larger)).toSorted()).toEqual([
      'database.dump',
      'files',
      'manifest.json',
    ]);
  },
);

test('S8 S22 by a clock that is ahead, what another machine still writes is not swept', async () => {
  await using there = await temporaryFolder();
  await using server = await startFaultySftpServer(there.path, () => false);
  await using writing = sftpStorage('nas', server.options);
  await using sweeping = sftpStorage('nas', server.options);
  await using stage = await writing.stage(`shop/${id}/`, signal);
  await stage.put('database.dump', Readable.from([Buffer.from('x')]), { signal });
  const ahead = { ...systemClock, now: () => new Date(Date.now() + 3 * 86_400_000) };
  const options = { olderThanMs: 86_400_000, alive: () => false, signal };
  const by = (clock: Clock) => sweepElsewhere({ source: { name: 'shop' }, storage: sweeping, clock }, options);
  await expect(by(ahead)).rejects.toMatchObject({ code: 'CLOCK_DISAGREES' });
  expect(await stage.sizes(signal)).toEqual(new Map([['database.dump', 1]]));
  expect(await by(systemClock)).toEqual([]);
});

test.each([true, false])(
  'S1 S11 what a dead run began is swept, but for what a copy still writes (%s)',
  async (copying) => {
    await using house = await smallHouse();
    const { source, storage, catalog } = house;
    const startedAt = new Date(Date.now() - 5000);
    const dead = spawnSync('true').pid;
    catalog.runs.add({
      id: 'dead',
      operation: 'backup',
      source: 'shop',
      backup: null,
      trigger: 'manual',
      state: 'running',
      startedAt: startedAt.toISOString(),
      finishedAt: null,
      host: hostname(),
      pid: dead,
      process: null,
      error: null,
      result: null,
    });
    const begun = backupId(new Date(startedAt.getTime() + 2000));
    await using stage = await storage.stage(`shop/${begun}/`, signal);
    await stage.put('database.dump', Readable.from([Buffer.from('x')]), { signal });
    const task = { source, id: begun, to: storage, catalog, clock: systemClock, signal };
    await using _ = copying ? await holdCopy(task) : null;
    // Its last sign of life is older than the moment in which it is found dead.
    await until(
      () => Date.now() > statSync(join(house.folder, 'backups/shop', `.partial-${begun}`)).mtimeMs,
      'a later moment',
    );
    await sweepInterrupted({ sources: [source], catalog, clock: systemClock, logger: silentLogger }, signal);
    expect(catalog.runs.get('dead')).toMatchObject({ state: 'failed', error: { code: 'INTERRUPTED' } });
    expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual(copying ? [`.partial-${begun}`] : []);
  },
);
