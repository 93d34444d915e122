import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeDrill } from '../../src/archive/drills.ts';
import { readHold, writeHold } from '../../src/archive/hold.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { parseBackupId } from '../../src/base/ids.ts';
import { beginCopies } from '../../src/backup/early-copies.ts';
import {
  copyEach,
  copyEverywhere,
  copyOne,
  retryCopies,
  type CopiesTask,
  type OneCopy,
} from '../../src/care/copies/copies.ts';
import { deleteLocalCopies } from '../../src/care/removal/delete-local.ts';
import { downloadArtifact, downloadBackup } from '../../src/care/copies/download.ts';
import { missingCopies } from '../../src/care/copies/missing-copies.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import { resolveBackup } from '../../src/care/stock/select.ts';
import type { Source } from '../../src/care/source.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { webdavStorage } from '../../src/storage/webdav/webdav.ts';
import { forwardStage } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { startSlowWebdav } from '../support/slow-webdav-server.ts';
import { draftOf, localAt, storeBackup } from '../support/stored-backups.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const signal = new AbortController().signal;
const at = '2026-11-20T05:15:00Z';
const id = '2026-11-20_05-15-00';

let folder: TemporaryFolder;
let local: Storage;
let offsite: Storage;
let catalog: Catalog;
beforeEach(async () => {
  folder = await temporaryFolder();
  local = localAt(join(folder.path, 'local'));
  offsite = localAt(join(folder.path, 'offsite'), 'offsite');
  catalog = openCatalog(join(folder.path, 'state'), systemClock);
});
afterEach(async () => {
  catalog[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

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

const books = (rest: Partial<CopiesTask> = {}): CopiesTask => ({
  source: sourceIn(local, offsite),
  catalog,
  clock: systemClock,
  signal,
  report: () => undefined,
  ...rest,
});
const toOffsite = (rest: Partial<OneCopy> = {}) => copyOne({ ...books(), id, to: offsite, from: null, ...rest });
const file = (storage: string, ...names: string[]) => join(folder.path, storage, 'shop', id, ...names);
const names = (storage: string) => readdir(join(folder.path, storage, 'shop')).catch(() => []);
const clockAt = (ms: number): Clock => ({ ...systemClock, now: () => new Date(ms) });

/** A storage whose folder is a file is one that is down; taking the file away mends it. */
function breakDown(storage: string): () => void {
  const path = join(folder.path, storage);
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, 'not a folder');
  return () => rmSync(path);
}

/** A storage like another one, with some of its calls changed. */
function changed(storage: Storage, changes: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const away = () => new HoldfastError('STORAGE_UNREACHABLE', 'the connection was reset', { retryable: true });
const broken = () => {
  let given = false;
  return new Readable({
    read() {
      if (given) this.destroy(away());
      else this.push('01234');
      given = true;
    },
  });
};

describe('one copy', () => {
  test('N-d8: is the same bytes with the manifest as it was, hold and drills along, and counts as verified', async () => {
    await storeBackup(local, 'shop', at);
    await writeHold(local, 'shop', id, { at, reason: 'audit' }, signal);
    await writeDrill(local, 'shop', id, new Date(at), { ok: true, seconds: 3 }, signal);
    expect(await toOffsite()).toMatchObject({ id, from: 'local', to: 'offsite', state: 'complete', bytes: 10 });
    for (const name of ['manifest.json', 'database.dump', 'hold.json', `drills/${id}.json`])
      expect(readFileSync(file('offsite', name))).toEqual(readFileSync(file('local', name)));
    expect(catalog.proofs.list({ backup: id })).toMatchObject([{ storage: 'offsite', ok: true, depth: 'checksum' }]);
    expect(catalog.copies.list({})).toEqual([]);
    expect(await toOffsite()).toMatchObject({ state: 'complete' });
  });

  test.each([
    ['a flipped byte', () => writeFileSync(file('local', 'database.dump'), '0123456780'), 'DIGEST_MISMATCH'],
    ['a shortened file', () => writeFileSync(file('local', 'database.dump'), '012345'), 'DIGEST_MISMATCH'],
    ['a missing file', () => rmSync(file('local', 'database.dump')), 'ARTIFACT_MISSING'],
    ['a damaged manifest', () => writeFileSync(file('local', 'manifest.json'), '{}'), 'MANIFEST_DAMAGED'],
  ])('%s is not copied, and nothing is visible at the receiver', async (_title, damage, code) => {
    await storeBackup(local, 'shop', at);
    damage();
    await expect(toOffsite()).rejects.toMatchObject({ code, kind: 'integrity' });
    expect(await names('offsite')).toEqual([]);
    expect(catalog.copies.list({})).toEqual([]);
  });

  test('of two places the one that is whole is read', async () => {
    const third = localAt(join(folder.path, 'third'), 'third');
    const source = sourceIn(local, offsite, third);
    await storeBackup(local, 'shop', at);
    await toOffsite();
    writeFileSync(file('local', 'database.dump'), 'damaged...');
    expect(await copyOne({ ...books({ source }), id, to: third, from: null })).toMatchObject({ from: 'offsite' });
  });

  test('a receiver that gives back something else than it was given is found out', async () => {
    await storeBackup(local, 'shop', at);
    const forgetful = changed(offsite, {
      stage: async (prefix, until_) => {
        const stage = await offsite.stage(prefix, until_);
        return new Proxy(stage, {
          get: (target, name) => {
            if (name === 'get')
              return async (path: string, options: { signal: AbortSignal }) =>
                path === 'manifest.json' ? target.get(path, options) : createReadStream('/dev/null');
            const value: unknown = Reflect.get(target, name);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      },
    });
    await expect(toOffsite({ to: forgetful })).rejects.toMatchObject({ code: 'STORAGE_UNRELIABLE' });
    expect(await names('offsite')).toEqual([]);
  });

  test('a damaged copy is told, and replaced only when that is asked for; its hold stays', async () => {
    await storeBackup(local, 'shop', at);
    await toOffsite();
    await writeHold(offsite, 'shop', id, { at, reason: 'theirs' }, signal);
    writeFileSync(file('offsite', 'database.dump'), 'damaged...');
    await expect(toOffsite()).rejects.toMatchObject({ code: 'COPY_DAMAGED', kind: 'integrity' });
    expect(await toOffsite({ replace: 'damaged' })).toMatchObject({ state: 'complete' });
    expect(readFileSync(file('offsite', 'database.dump'), 'utf8')).toBe('0123456789');
    expect(await readHold(offsite, 'shop', id, signal)).toMatchObject({ reason: 'theirs' });
  });

  test('a damaged copy does not go for a source that is damaged itself', async () => {
    await storeBackup(local, 'shop', at);
    await toOffsite();
    writeFileSync(file('offsite', 'database.dump'), 'damaged...');
    writeFileSync(file('local', 'database.dump'), 'this, too.');
    await expect(toOffsite({ replace: 'damaged' })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(readFileSync(file('offsite', 'database.dump'), 'utf8')).toBe('damaged...');
  });

  test('another backup of the same name is never replaced', async () => {
    await storeBackup(local, 'shop', at);
    await storeBackup(offsite, 'shop', at, { description: 'of another installation' });
    await expect(toOffsite({ replace: 'damaged' })).rejects.toMatchObject({ code: 'COPY_DIFFERS', kind: 'refused' });
    expect(readFileSync(file('offsite', 'manifest.json'), 'utf8')).toContain('of another installation');
  });

  test('what nobody has is wrong usage, and nothing is queued', async () => {
    await expect(toOffsite()).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN', kind: 'usage' });
    expect(catalog.copies.list({})).toEqual([]);
  });

  test('all that is missing, one broken backup apart, and none made for safety', async () => {
    await storeBackup(local, 'shop', at);
    await storeBackup(local, 'shop', '2026-11-21T00:00:00Z');
    await storeBackup(local, 'shop', '2026-11-22T00:00:00Z', { trigger: 'safety' });
    writeFileSync(file('local', 'database.dump'), 'damaged...');
    const task = books();
    const missing = await missingCopies({ ...task, storages: task.source.storages });
    expect(missing.map((each) => [each.id, each.to.name])).toEqual([
      [id, 'offsite'],
      ['2026-11-21_00-00-00', 'offsite'],
    ]);
    const outcomes = await copyEach({ ...task, from: null }, missing);
    expect(outcomes).toMatchObject([{ state: 'pending', error: { code: 'DIGEST_MISMATCH' } }, { state: 'complete' }]);
  });
});

describe('copies that are owed', () => {
  test('S11: a storage that is down leaves a record with growing waits; once it is back, the copy is made', async () => {
    await storeBackup(local, 'shop', at);
    const mend = breakDown('offsite');
    expect(await toOffsite()).toMatchObject({ state: 'pending', error: { code: 'STORAGE_NOT_A_FOLDER' } });
    const [first] = catalog.copies.list({ source: 'shop' });
    expect(first).toMatchObject({ backup: id, storage: 'offsite', attempts: 1 });

    expect(await retryCopies(books()), 'not due yet').toEqual([]);
    expect(await retryCopies({ ...books(), now: true, except: ['offsite'] })).toEqual([]);
    const due = new Date(first?.nextAt ?? '').getTime();
    expect(await retryCopies(books({ clock: clockAt(due) }))).toMatchObject([{ state: 'pending' }]);
    const [second] = catalog.copies.list({ source: 'shop' });
    expect(second).toMatchObject({ attempts: 2, since: first?.since });
    expect(new Date(second?.nextAt ?? '').getTime() - due).toBeGreaterThan(90_000);

    mend();
    expect(await retryCopies({ ...books(), now: true })).toMatchObject([{ id, to: 'offsite', state: 'complete' }]);
    expect(catalog.copies.list({})).toEqual([]);
    expect(readFileSync(file('offsite', 'manifest.json'))).toEqual(readFileSync(file('local', 'manifest.json')));
  });

  test('one that a clock that was ahead has put off is due once the clock is right', async () => {
    await storeBackup(local, 'shop', at);
    const mend = breakDown('offsite');
    await toOffsite({ clock: clockAt(Date.now() + 365 * 86_400_000) });
    mend();
    expect(await retryCopies(books())).toMatchObject([{ state: 'complete' }]);
  });

  test('a backup that was removed meanwhile is owed no more', async () => {
    await storeBackup(local, 'shop', at);
    await storeBackup(local, 'shop', '2026-11-21T00:00:00Z');
    const mend = breakDown('offsite');
    await toOffsite();
    mend();
    const removal = { ...books(), storages: [local], id, allowLastGood: false };
    expect(await removeOne(removal)).toMatchObject({ removed: ['local'] });
    expect(catalog.copies.list({})).toEqual([]);
  });

  test('one that vanished without our doing, or whose storage is no longer configured, drops out at the next try', async () => {
    await storeBackup(local, 'shop', at);
    breakDown('offsite')();
    const owed = { source: 'shop', attempts: 1, nextAt: at, lastError: null, since: at };
    catalog.copies.put({ ...owed, backup: '2020-01-01_00-00-00', storage: 'offsite' });
    catalog.copies.put({ ...owed, backup: id, storage: 'sold' });
    expect(await retryCopies(books())).toMatchObject([{ state: 'dropped' }, { state: 'dropped', to: 'sold' }]);
    expect(catalog.copies.list({})).toEqual([]);
  });

  test('a storage that is down is waited for once, not once for each copy', async () => {
    const ids = [id, '2026-11-21_00-00-00'];
    for (const each of ids) {
      await storeBackup(local, 'shop', parseBackupId(each)?.at ?? '');
      catalog.copies.put({
        source: 'shop',
        backup: each,
        storage: 'offsite',
        attempts: 1,
        nextAt: at,
        since: at,
        lastError: null,
      });
    }
    breakDown('offsite');
    expect(await retryCopies(books())).toMatchObject([{ state: 'pending' }, { state: 'pending' }]);
    expect(catalog.copies.list({}).map(({ attempts }) => attempts)).toEqual([2, 1]);
  });

  const other = '2026-11-21_00-00-00';
  const owe = async (storage: string, ...ids: string[]) => {
    for (const backup of ids) {
      await storeBackup(local, 'shop', parseBackupId(backup)?.at ?? '');
      catalog.copies.put({ source: 'shop', backup, storage, attempts: 1, nextAt: at, since: at, lastError: null });
    }
  };
  const failsAt = (failing: () => Promise<Readable>) =>
    changed(local, {
      get: (key, options) => (key === `shop/${id}/database.dump` ? failing() : local.get(key, options)),
    });

  test.each([
    ['refuses', () => Promise.reject(away())],
    ['breaks off in the middle', () => Promise.resolve(broken())],
  ])('what cannot be read, because its storage %s, keeps no other copy from being made', async (_how, failing) => {
    await owe('offsite', id, other);
    const outcomes = await retryCopies(books({ source: sourceIn(failsAt(failing), offsite) }));
    expect(outcomes).toMatchObject([
      { id, state: 'pending', error: { code: 'STORAGE_UNREACHABLE' } },
      { id: other, state: 'complete' },
    ]);
    expect(await names('offsite')).toEqual([other]);
  });

  test('a storage that breaks off while it receives is waited for once', async () => {
    await owe('offsite', id, other);
    let begun = 0;
    const receiver = changed(offsite, {
      stage: async (prefix, until_) => {
        begun += 1;
        const stage = await offsite.stage(prefix, until_);
        const put: typeof stage.put = async (_name, content) => {
          content.once('error', () => undefined).destroy();
          throw away();
        };
        return { ...forwardStage(stage), put };
      },
    });
    const outcomes = await retryCopies(books({ source: sourceIn(local, receiver) }));
    expect(outcomes).toMatchObject([{ state: 'pending' }, { state: 'pending' }]);
    expect(begun).toBe(1);
  });

  test('a storage that does not answer is asked once whether it has the backups, and they stay owed', async () => {
    await owe('offsite', id, other);
    let asked = 0;
    const silent = changed(local, {
      stat: () => {
        asked += 1;
        return Promise.reject(away());
      },
    });
    const third = localAt(join(folder.path, 'third'), 'third');
    const outcomes = await retryCopies(books({ source: sourceIn(silent, third, offsite) }));
    expect(outcomes).toMatchObject([
      { state: 'pending', error: { code: 'STORAGE_UNREACHABLE' } },
      { state: 'pending', error: { code: 'STORAGE_UNREACHABLE' } },
    ]);
    expect(asked).toBe(1);
    await storeBackup(third, 'shop', at);
    expect(await retryCopies({ ...books({ source: sourceIn(silent, third, offsite) }), now: true })).toMatchObject([
      { state: 'complete', from: 'third' },
      { state: 'pending' },
    ]);
  });

  test('what fails before it begins waits longer each time as well, and its error is the one that is told', async () => {
    await owe('offsite', id);
    await toOffsite();
    rmSync(join(folder.path, 'offsite'), { recursive: true });
    await owe('offsite', other);
    expect(await retryCopies(books())).toMatchObject([{ state: 'pending', error: { code: 'STORAGE_MISSING' } }]);
    expect(catalog.copies.list({})).toMatchObject([{ attempts: 2, lastError: { code: 'STORAGE_MISSING' } }]);
    expect(await retryCopies(books()), 'not due yet').toEqual([]);
  });

  test('while nobody can say whether the backup still exists, it stays owed', async () => {
    const owed = { source: 'shop', backup: id, storage: 'offsite', attempts: 1, lastError: null };
    catalog.copies.put({ ...owed, nextAt: at, since: at });
    breakDown('local');
    expect(await retryCopies(books())).toMatchObject([{ state: 'pending', error: { code: 'STORAGE_NOT_A_FOLDER' } }]);
  });

  test('to all others at once, each for itself', async () => {
    await storeBackup(local, 'shop', at);
    const third = localAt(join(folder.path, 'third'), 'third');
    breakDown('offsite');
    const outcomes = await copyEverywhere({ ...books({ source: sourceIn(local, offsite, third) }), id, from: local });
    expect(outcomes).toMatchObject([
      { to: 'offsite', state: 'pending' },
      { to: 'third', state: 'complete' },
    ]);
  });

  test('a stage of a process that died is swept by the next try, because it is known to be ours', async () => {
    await storeBackup(local, 'shop', at);
    mkdirSync(join(folder.path, 'offsite', 'shop', `.partial-${id}`), { recursive: true });
    await expect(toOffsite(), 'it may be of another machine').resolves.toMatchObject({
      state: 'pending',
      error: { code: 'STORAGE_TAKEN' },
    });
    expect(await retryCopies({ ...books(), now: true })).toMatchObject([{ state: 'complete' }]);
    expect(await names('offsite')).toEqual([id]);
  });
});

describe('copies that begin while the backup is written', () => {
  const part = (name: string, text: string) => ({
    kind: 'stream' as const,
    role: 'database' as const,
    name,
    format: 'custom' as const,
    compression: { codec: 'none' as const, level: null },
    compressedByTool: null,
    open: () => Readable.from([Buffer.from(text)], { objectMode: false }),
  });
  const options = { signal, report: () => undefined };
  const open = () =>
    openBackup({ storage: local, source: 'shop', startedAt: new Date(at), keys: noKeys, scratch: folder.path, signal });
  const begin = (writer: Awaited<ReturnType<typeof open>>, to: Storage = offsite) =>
    beginCopies({ ...books(), run: 'r', storages: [to], writer, sweepAfterMs: 3_600_000 });
  const partial = () => existsSync(join(folder.path, 'offsite', 'shop', `.partial-${id}`, 'database.dump'));

  test('the first part is copied before the backup is sealed, and visible only after it was proven', async () => {
    await using writer = await open();
    await using copies = begin(writer);
    const artifacts = await writer.add(part('database.dump', 'first'), options);
    copies.add(artifacts);
    await until(partial, 'the first part is copied');
    const more = await writer.add(part('globals.sql', 'second'), options);
    copies.add(more);
    await writer.seal({ ...draftOf(id), artifacts: [...artifacts, ...more] }, signal);
    copies.sealed();
    await until(
      () => existsSync(join(folder.path, 'offsite', 'shop', `.partial-${id}`, 'globals.sql')),
      'all is copied',
    );
    // As long as several whole backups take, a copy that does not wait would have become visible.
    for (const other of ['a', 'b', 'c']) await storeBackup(localAt(join(folder.path, other)), 'shop', at);
    expect(await names('offsite')).toEqual([`.partial-${id}`]);
    expect(catalog.copies.get('shop', id, 'offsite'), 'a crash from here on is made up for').not.toBeNull();
    expect(await copies.finish()).toMatchObject([{ to: 'offsite', state: 'complete', bytes: 11 }]);
    expect(await names('offsite')).toEqual([id]);
    expect(catalog.copies.list({})).toEqual([]);
    expect(await copyOne({ ...books(), id, to: offsite, from: local })).toMatchObject({ state: 'complete' });
  });

  test('a backup that does not come about leaves nothing at the others, and nothing owed', async () => {
    {
      await using writer = await open();
      await using copies = begin(writer);
      copies.add(await writer.add(part('database.dump', 'first'), options));
      await until(partial, 'the first part is copied');
    }
    expect(await names('offsite')).toEqual([]);
    expect(catalog.copies.list({})).toEqual([]);
  });

  test('sealed and not proven, as after Ctrl-C: nothing visible at the others, and the copy is owed', async () => {
    {
      await using writer = await open();
      await using copies = begin(writer);
      const artifacts = await writer.add(part('database.dump', 'first'), options);
      copies.add(artifacts);
      await writer.seal({ ...draftOf(id), artifacts }, signal);
      copies.sealed();
    }
    expect(await names('offsite')).toEqual([]);
    expect(await retryCopies(books())).toMatchObject([{ id, state: 'complete' }]);
  });

  test('a storage that hangs does not keep the primary from being sealed; what it still needs is read from there afterwards', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = changed(offsite, {
      stage: async (prefix, until_) => {
        await gate.promise;
        return offsite.stage(prefix, until_);
      },
    });
    await using writer = await open();
    await using copies = begin(writer, slow);
    const artifacts = await writer.add(part('database.dump', 'first'), options);
    copies.add(artifacts);
    await writer.seal({ ...draftOf(id), artifacts }, signal);
    copies.sealed();
    expect(await names('local')).toEqual([id]);
    gate.resolve();
    expect(await copies.finish()).toMatchObject([{ state: 'complete' }]);
    expect(readFileSync(file('offsite', 'database.dump'), 'utf8')).toBe('first');
  });

  /** A receiver that takes nothing of what it is given until the gate is opened. */
  const gated = (gate: Promise<void>) =>
    changed(offsite, {
      stage: async (prefix, until_) => {
        const stage = await offsite.stage(prefix, until_);
        const put: typeof stage.put = async (...given) => {
          await gate;
          return stage.put(...given);
        };
        return { ...forwardStage(stage), put };
      },
    });

  test('S11: a slow copy does not keep a server from moving the backup, which is locked while it is read', async () => {
    await using server = await startSlowWebdav();
    await using primary = webdavStorage('cloud', { type: 'webdav', url: server.url, path: '' });
    const refused: string[][] = [];
    server.onMove = (moving) => {
      if (server.reading.size > 0) refused.push([...server.reading]);
      if (server.reading.size > 0) return moving.answer(423);
      while (moving.step());
      moving.answer(201);
    };
    const gate = Promise.withResolvers<void>();
    const task = { storage: primary, source: 'shop', startedAt: new Date(at), keys: noKeys, scratch: folder.path };
    await using writer = await openBackup({ ...task, signal });
    const source = sourceIn(primary, offsite);
    const early = { ...books({ source }), run: 'r', storages: [gated(gate.promise)], writer, sweepAfterMs: 3_600_000 };
    await using copies = beginCopies(early);
    // More than fits into what lies between the two.
    const artifacts = await writer.add(part('database.dump', 'holdfast'.repeat(8_000_000)), options);
    copies.add(artifacts);
    await until(() => server.reading.size === 1, 'the copy reads');
    copies.sealing();
    await writer.seal({ ...draftOf(id), artifacts }, signal);
    copies.sealed();
    gate.resolve();
    expect(await copies.finish()).toMatchObject([{ state: 'complete', bytes: 64_000_000 }]);
    expect(refused.length, 'the server may see only late that nobody reads any more').toBeLessThan(3);
  }, 60_000);

  test.each<[string, (open: () => Promise<Readable>) => Promise<Readable>]>([
    ['is busy', () => Promise.reject(new HoldfastError('STORAGE_BUSY', 'locked', { retryable: true }))],
    ['fails', () => Promise.reject(new HoldfastError('STORAGE_FAULT', 'no such file or directory'))],
    ['breaks off in the middle', () => Promise.resolve(broken())],
    ['has it no longer', () => Promise.reject(new HoldfastError('STORAGE_NOT_FOUND', 'it has moved'))],
  ])('a stage that %s when it is read is read where it lies in the end', async (_how, read) => {
    await using writer = await open();
    const moving = Object.assign(Object.create(writer) as typeof writer, { read });
    await using copies = begin(moving);
    const artifacts = await writer.add(part('database.dump', '0123456789'), options);
    copies.add(artifacts);
    copies.sealing();
    await writer.seal({ ...draftOf(id), artifacts }, signal);
    copies.sealed();
    expect(await copies.finish()).toMatchObject([{ state: 'complete', bytes: 10, error: null }]);
    expect(readFileSync(file('offsite', 'database.dump'), 'utf8')).toBe('0123456789');
  });

  test('a storage that is down fails only its copy', async () => {
    const mend = breakDown('offsite');
    await using writer = await open();
    await using copies = begin(writer);
    const artifacts = await writer.add(part('database.dump', 'first'), options);
    copies.add(artifacts);
    await writer.seal({ ...draftOf(id), artifacts }, signal);
    copies.sealed();
    expect(await copies.finish()).toMatchObject([{ state: 'pending', error: { code: 'STORAGE_NOT_A_FOLDER' } }]);
    mend();
    expect(await retryCopies({ ...books(), now: true })).toMatchObject([{ state: 'complete' }]);
  });
});

describe('deleteLocalAfterCopy', () => {
  const far = () => changed(offsite, { localPath: () => null });

  test('N-23: the local copy goes only once every other storage has a whole one that was compared', async () => {
    const third = changed(localAt(join(folder.path, 'third'), 'third'), { localPath: () => null });
    const task = books({ source: sourceIn(local, far(), third) });
    await storeBackup(local, 'shop', at);
    expect(await deleteLocalCopies(task)).toEqual([]);
    await copyOne({ ...task, id, to: far(), from: null });
    expect(await deleteLocalCopies(task)).toEqual([]);
    await storeBackup(third, 'shop', at);
    expect(await deleteLocalCopies(task), 'lies there, but nobody compared it').toEqual([]);
    await copyOne({ ...task, id, to: third, from: null });
    expect(await deleteLocalCopies(task)).toEqual([{ id, storage: 'local' }]);
    expect(await names('local')).toEqual([]);
    expect(await names('offsite')).toEqual([id]);
    expect(catalog.proofs.list({ backup: id })).not.toEqual([]);
  });

  test('a held one stays, and without another storage all stay', async () => {
    await storeBackup(local, 'shop', at);
    await writeHold(local, 'shop', id, { at, reason: null }, signal);
    const task = books({ source: sourceIn(local, far()) });
    await copyOne({ ...task, id, to: far(), from: null });
    expect(await deleteLocalCopies(task)).toEqual([]);
    expect(await deleteLocalCopies(books({ source: sourceIn(local) }))).toEqual([]);
    expect(await names('local')).toEqual([id]);
  });
});

describe('download', () => {
  const refuse = () => Promise.reject(new HoldfastError('NOT_CONFIRMED', 'no', { kind: 'refused' }));
  const fetching = () => {
    const to = localAt(join(folder.path, 'carried'), 'carried');
    return { ...books(), id, from: [local], to, confirmReplace: refuse };
  };

  test('N-37: what lies there and is the same stays; something else only goes after asking', async () => {
    await storeBackup(local, 'shop', at);
    expect(await downloadBackup(fetching())).toMatchObject({ state: 'copied', from: 'local' });
    expect(await downloadBackup(fetching())).toMatchObject({ state: 'present' });
    writeFileSync(file('carried', 'database.dump'), 'damaged...');
    await expect(downloadBackup(fetching())).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(readFileSync(file('carried', 'database.dump'), 'utf8')).toBe('damaged...');
    const agreed = { ...fetching(), confirmReplace: async () => undefined };
    expect(await downloadBackup(agreed)).toMatchObject({ state: 'copied' });
    expect(readFileSync(file('carried', 'database.dump'), 'utf8')).toBe('0123456789');
  });

  test('N-d8: a broken download is no download', async () => {
    await storeBackup(local, 'shop', at);
    writeFileSync(file('local', 'database.dump'), 'damaged...');
    await expect(downloadBackup(fetching())).rejects.toMatchObject({ kind: 'integrity' });
    expect(await names('carried')).toEqual([]);
    const one = { ...fetching(), path: 'database.dump' };
    await expect(downloadArtifact(one)).rejects.toMatchObject({ kind: 'integrity' });
    expect(existsSync(join(folder.path, 'carried', 'database.dump'))).toBe(false);
  });

  test('one artifact alone, and none that does not exist', async () => {
    await storeBackup(local, 'shop', at);
    const one = { ...fetching(), path: 'database.dump' };
    expect(await downloadArtifact(one)).toEqual({ from: 'local', bytes: 10, artifacts: ['database.dump'] });
    expect(readFileSync(join(folder.path, 'carried', 'database.dump'), 'utf8')).toBe('0123456789');
    await expect(downloadArtifact(one), 'it is there already').rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    await expect(downloadArtifact({ ...one, path: '../x' })).rejects.toMatchObject({ code: 'ARTIFACT_UNKNOWN' });
  });
});

describe('where a backup is read from', () => {
  const resolve = (source: Source) => resolveBackup({ source, storage: null, id: 'latest', catalog, signal });

  test('rather here than elsewhere, and rather where no damage is known', async () => {
    const far = changed(offsite, { localPath: () => null });
    await storeBackup(local, 'shop', at);
    await copyOne({ ...books(), id, to: offsite, from: null });
    const found = await resolve(sourceIn(far, local));
    expect([found.storage.name, found.others.map(({ name }) => name)]).toEqual(['local', ['offsite']]);
    const proof = { kind: 'verify' as const, source: 'shop', backup: id, depth: 'checksum', seconds: 1, result: null };
    catalog.proofs.add({ ...proof, storage: 'local', at: new Date().toISOString(), ok: false });
    expect((await resolve(sourceIn(far, local))).storage.name).toBe('offsite');
  });

  test('S11: one storage that is down does not hide what the other has', async () => {
    await storeBackup(offsite, 'shop', at);
    breakDown('local');
    const found = await resolve(sourceIn(local, offsite));
    expect(found).toMatchObject({ id, unreachable: [{ storage: 'local' }] });
    rmSync(join(folder.path, 'offsite'), { recursive: true });
    await expect(resolve(sourceIn(local, offsite)), 'it may lie where nobody answers').rejects.toMatchObject({
      code: 'STORAGE_NOT_A_FOLDER',
    });
  });
});
