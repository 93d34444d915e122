import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { writeDrill } from '../../src/archive/drills.ts';
import { removeHold, writeHold } from '../../src/archive/hold.ts';
import { applyRetention } from '../../src/backup/afterwards.ts';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { takeInventory, rebuild } from '../../src/care/stock/inventory.ts';
import { prune, type PruneTask } from '../../src/care/removal/prune.ts';
import { removeOne, type RemoveTask } from '../../src/care/removal/remove.ts';
import type { RetentionRules } from '../../src/care/retention.ts';
import { resolveBackup } from '../../src/care/stock/select.ts';
import type { Source } from '../../src/care/source.ts';
import { readingLock } from '../../src/care/proof/verify.ts';
import type { Catalog, ProofRecord } from '../../src/catalog/catalog.ts';
import { holdLock } from '../../src/catalog/lease.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { forward } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { localAt, storeBackup } from '../support/stored-backups.ts';

const signal = new AbortController().signal;
const hour = 3_600_000;
const day = 24 * hour;

let folder: string;
let storage: Storage;
let offsite: Storage;
let catalog: Catalog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-backups-'));
  storage = localAt(join(folder, 'local'));
  offsite = localAt(join(folder, 'offsite'), 'offsite');
  catalog = openCatalog(join(folder, 'state'), systemClock);
});
afterEach(() => {
  catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const file = (...names: string[]) => join(folder, 'local', 'shop', ...names);
const inventory = (which: Catalog | null = catalog) =>
  takeInventory({ storage, source: 'shop', catalog: which, signal });
const ids = async () => (await inventory()).map(({ id }) => id);
/** From one moment, so that the same number of days is the same backup, however long a test takes. */
const now = Math.floor(Date.now() / 1000) * 1000;
const daysAgo = (days: number) => new Date(now - days * day);
const store = async (...days: number[]) => {
  const made: string[] = [];
  for (const each of days) made.push((await storeBackup(storage, 'shop', daysAgo(each))).id);
  return made;
};

function source(rules: Partial<RetentionRules> = {}, storages: Source['storages'] = [storage]): Source {
  return {
    name: 'shop',
    database: null,
    storages,
    retention: { minimum: 1, ...rules },
    retentionIn: () => ({ minimum: 1, ...rules }),
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

const pruning = (rules: Partial<RetentionRules>, rest: Partial<PruneTask> = {}) =>
  prune({
    source: source(rules),
    storage,
    catalog,
    clock: systemClock,
    timezone: 'UTC',
    dryRun: false,
    signal,
    report: () => undefined,
    ...rest,
  });
const removing = (id: string, rest: Partial<RemoveTask> = {}) =>
  removeOne({
    source: source(),
    storages: [storage],
    id,
    allowLastGood: false,
    catalog,
    clock: systemClock,
    signal,
    report: () => undefined,
    ...rest,
  });

function proof(backup: string, facts: Partial<ProofRecord>): void {
  catalog.proofs.add({
    kind: 'drill',
    source: 'shop',
    backup,
    storage: 'local',
    at: new Date().toISOString(),
    ok: true,
    depth: null,
    seconds: 1,
    result: null,
    ...facts,
  });
}

describe('inventory', () => {
  test('what a storage holds, oldest first; the second time nothing is read', async () => {
    const [second, first] = await store(1, 2);
    const rows = await inventory();
    expect(rows.map(({ id }) => id)).toEqual([first, second]);
    expect(rows[0]).toMatchObject({ storage: 'local', source: 'shop', state: 'complete', held: null, problem: null });
    expect(rows[0]?.facts).toMatchObject({
      bytes: 10,
      trigger: 'schedule',
      database: { name: 'shop', tables: 20, rows: 19_000, format: 'custom' },
    });
    const unreadable = {
      ...storage,
      name: 'local',
      statMany: storage.statMany.bind(storage),
      folders: storage.folders.bind(storage),
    };
    const again = takeInventory({
      storage: Object.assign(unreadable, { get: () => Promise.reject(new Error('read again')) }),
      source: 'shop',
      catalog,
      signal,
    });
    expect(await again).toEqual(rows);
  });

  test('promise 5: without a catalog, and with one that cannot be written, the answer is the same', async () => {
    await store(1, 2);
    const rows = await inventory();
    expect(await inventory(null)).toEqual(rows);
    const full = () => {
      throw new HoldfastError('DISK_FULL', 'no space left');
    };
    expect(
      await inventory({ ...catalog, backups: { ...catalog.backups, list: () => [], put: full, remove: full } }),
    ).toEqual(rows);
  });

  test('J-d13 T-d11 a folder without a manifest is no backup; S12 foreign things are not ours', async () => {
    const [id = ''] = await store(1);
    mkdirSync(file('2026-01-01_00-00-00'));
    writeFileSync(file('2026-01-01_00-00-00', 'database.dump'), 'half');
    mkdirSync(file('lost+found'));
    writeFileSync(file('notes.txt'), 'mine');
    expect(await ids()).toEqual([id]);
  });

  test('what disappeared is forgotten, also when only the manifest is gone', async () => {
    const [gone = '', half = '', left = ''] = await store(3, 2, 1);
    await inventory();
    rmSync(file(gone), { recursive: true });
    rmSync(file(half, 'manifest.json'));
    expect(await ids()).toEqual([left]);
    expect(catalog.backups.list('local', 'shop').map(({ id }) => id)).toEqual([left]);
  });

  test('S4 a damaged manifest is listed as corrupt, and as complete again once it is whole', async () => {
    const [id = ''] = await store(1);
    await inventory();
    const whole = readFileSync(file(id, 'manifest.json'), 'utf8');
    writeFileSync(file(id, 'manifest.json'), whole.replace('"shop"', '"shap"'));
    expect(await inventory()).toMatchObject([
      { id, state: 'corrupt', facts: null, problem: expect.stringContaining('MANIFEST_DAMAGED') },
    ]);
    writeFileSync(file(id, 'manifest.json'), whole);
    expect(await inventory()).toMatchObject([{ id, state: 'complete', problem: null }]);
  });

  test('S5 a manifest of a newer format says so', async () => {
    const [id = ''] = await store(1);
    writeFileSync(file(id, 'manifest.json'), '{"format": 2}');
    expect(await inventory()).toMatchObject([
      { state: 'unreadable', problem: expect.stringContaining('MANIFEST_NEWER') },
    ]);
  });

  test('a hold made or released on another machine is seen', async () => {
    const [id = ''] = await store(1);
    await inventory();
    await writeHold(storage, 'shop', id, { at: '2026-11-20T00:00:00.000Z', reason: 'audit' }, signal);
    expect(await inventory()).toMatchObject([{ held: { reason: 'audit' } }]);
    await removeHold(storage, 'shop', id, signal);
    expect(await inventory()).toMatchObject([{ held: null }]);
  });

  test('a storage that cannot be read is an error, not an empty list', async () => {
    writeFileSync(join(folder, 'local'), 'a file where the folder should be');
    await expect(inventory()).rejects.toBeInstanceOf(HoldfastError);
  });

  test('rebuild brings backups, holds and drills back', async () => {
    const [id = ''] = await store(1);
    await writeHold(storage, 'shop', id, { at: '2026-11-20T00:00:00.000Z', reason: null }, signal);
    await writeDrill(storage, 'shop', id, new Date('2026-11-20T06:00:00.000Z'), { ok: true, seconds: 2.5 }, signal);
    catalog.backups.put({
      storage: 'local',
      source: 'shop',
      id: '2020-01-01_00-00-00',
      state: 'complete',
      stamp: 'x',
      facts: null,
      problem: null,
      held: null,
    });
    const found = await rebuild({ storages: [storage], sources: ['shop', 'blog'], catalog, signal });
    expect(found).toEqual({ backups: 1, corrupt: 0, unreadable: 0, drills: 1 });
    expect(catalog.backups.list('local', 'shop')).toMatchObject([{ id, held: { reason: null } }]);
    expect(catalog.proofs.list({ kind: 'drill' })).toMatchObject([
      { backup: id, at: '2026-11-20T06:00:00.000Z', ok: true, seconds: 2.5 },
    ]);
  });

  test.each([
    ['is not mounted', () => undefined, 'STORAGE_MISSING'],
    ['cannot be read', () => writeFileSync(join(folder, 'local'), 'a file'), 'STORAGE_NOT_A_FOLDER'],
  ])('rebuild forgets nothing of a storage that %s', async (_what, replace, code) => {
    const [id = ''] = await store(1);
    await inventory();
    await writeDrill(storage, 'shop', id, new Date('2026-11-20T06:00:00.000Z'), { ok: true, seconds: 2.5 }, signal);
    await rebuild({ storages: [storage], sources: ['shop'], catalog, signal });
    rmSync(join(folder, 'local'), { recursive: true });
    replace();
    const away = rebuild({ storages: [storage], sources: ['shop'], catalog, signal });
    await expect(away).rejects.toMatchObject({ code });
    expect(catalog.backups.list('local', 'shop')).toMatchObject([{ id }]);
  });

  test('rebuild of one source leaves what is known of the others', async () => {
    const [id = ''] = await store(1);
    const { id: other } = await storeBackup(storage, 'blog', daysAgo(1));
    const ofTheOther = () => takeInventory({ storage, source: 'blog', catalog, signal });
    const before = await ofTheOther();
    await inventory();
    await rebuild({ storages: [storage], sources: ['shop'], catalog, signal });
    expect(catalog.backups.list('local', 'shop')).toMatchObject([{ id }]);
    expect(catalog.backups.list('local', 'blog')).toEqual(before);
    await rebuild({ storages: [storage], sources: ['shop'], all: true, catalog, signal });
    expect(catalog.backups.list('local', 'blog')).toEqual([]);
    expect(other).toBe(before[0]?.id);
  });

  test('rebuild that is cut off in the middle forgets nothing', async () => {
    await store(1, 2);
    await storeBackup(storage, 'blog', daysAgo(1));
    const before = [await inventory(), await takeInventory({ storage, source: 'blog', catalog, signal })];
    const away: Storage = {
      ...forward(storage),
      get: (key, options) =>
        key.startsWith('shop/')
          ? storage.get(key, options)
          : Promise.reject(new HoldfastError('STORAGE_UNREACHABLE', 'away')),
    };
    const cutOff = rebuild({ storages: [away], sources: ['shop', 'blog'], all: true, catalog, signal });
    await expect(cutOff).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    expect(['shop', 'blog'].map((name) => catalog.backups.list('local', name))).toEqual(before);
  });
});

test('resolveBackup finds a whole copy in whichever storage', async () => {
  const at = daysAgo(1);
  const { id } = await storeBackup(storage, 'shop', at);
  await storeBackup(offsite, 'shop', at);
  const ask = (which: Storage | null) =>
    resolveBackup({ source: source({}, [storage, offsite]), storage: which, id: 'latest', catalog, signal });
  expect((await ask(null)).storage.name).toBe('local');
  expect((await ask(offsite)).storage.name).toBe('offsite');
  writeFileSync(file(id, 'manifest.json'), '{}');
  expect(await ask(null)).toMatchObject({ id, storage: { name: 'offsite' } });
});

describe('prune', () => {
  test('the preview says what would go and why, and touches nothing', async () => {
    const made = await store(1, 2, 3);
    const result = await pruning({ last: 2 }, { dryRun: true });
    expect(result.decisions.map(({ id, keep, reasons }) => [id, keep, reasons[0]])).toEqual([
      [made[0], true, 'last 1 of 2'],
      [made[1], true, 'last 2 of 2'],
      [made[2], false, 'beyond last 2'],
    ]);
    expect(result).toMatchObject({ storage: 'local', removed: [], freedBytes: 0 });
    expect(await ids()).toHaveLength(3);
    expect(catalog.locks.list()).toEqual([]);
  });

  test('T-07 removes what no rule keeps, completely, and nothing else', async () => {
    const [newest, , oldest = ''] = await store(1, 2, 3);
    writeFileSync(file('notes.txt'), 'mine');
    const result = await pruning({ last: 2 });
    expect(result).toMatchObject({ removed: [oldest], freedBytes: 10, failed: [] });
    expect(existsSync(file(oldest))).toBe(false);
    expect(existsSync(file('notes.txt'))).toBe(true);
    expect(await ids()).toHaveLength(2);
    expect((await pruning({ last: 2 })).removed).toEqual([]);
    expect((await pruning({ maxAgeMs: hour })).removed).toHaveLength(1);
    expect(await ids()).toEqual([newest]);
    expect(catalog.locks.list()).toEqual([]);
  });

  test('B-d9 order is the manifest’s time, whatever the files’ times say', async () => {
    const [newest = '', older = ''] = await store(1, 2);
    utimesSync(file(newest, 'manifest.json'), daysAgo(900), daysAgo(900));
    expect((await pruning({ last: 1 })).removed).toEqual([older]);
  });

  test('N-d9 a copy that was found damaged does not push out the last one that is whole', async () => {
    const [broken = '', whole = '', old = ''] = await store(1, 2, 3);
    proof(broken, { kind: 'verify', depth: 'checksum', ok: false });
    const result = await pruning({ last: 1 });
    expect(result.removed).toEqual([old]);
    expect(await ids()).toEqual([whole, broken]);
    proof(broken, { kind: 'verify', depth: 'structure', ok: true, at: new Date(Date.now() + 1000).toISOString() });
    expect((await pruning({ last: 1 })).removed).toEqual([whole]);
  });

  test('the newest drilled backup stays, also when another machine drilled it', async () => {
    const [newest, , drilled = '', oldest = ''] = await store(1, 2, 3, 4);
    for (const id of [drilled, oldest])
      await writeDrill(storage, 'shop', id, new Date(), { ok: true, seconds: 1 }, signal);
    await pruning({ last: 1 });
    expect(await ids()).toEqual([drilled, newest]);
  });

  test('S20 after a backup whose clock had jumped by a year, retention leaves what was young before; asked for, it goes', async () => {
    const young = await store(...Array.from({ length: 12 }, (_, each) => 365 + each));
    const [newest = ''] = await store(0);
    proof(newest, { kind: 'verify' });
    const rules = { maxAgeMs: 10 * day };
    const task = {
      source: source(rules),
      catalog,
      clock: systemClock,
      timezone: 'UTC',
      signal,
      report: () => undefined,
    };
    expect(await applyRetention(task, 'run')).toEqual(young.slice(9).toReversed());
    const preview = await pruning(rules, { dryRun: true });
    expect(preview.decisions.filter(({ keep }) => keep).map(({ id }) => id)).toEqual([newest]);
  });

  test('what is held stays', async () => {
    const [newest, held = ''] = await store(1, 2);
    await writeHold(storage, 'shop', held, { at: new Date().toISOString(), reason: null }, signal);
    expect((await pruning({ last: 1 })).removed).toEqual([]);
    expect(await ids()).toEqual([held, newest]);
  });

  test('what a restore or a drill is reading is skipped, and goes the next time', async () => {
    const [, read = '', other] = await store(1, 2, 3);
    {
      await using _reading = await holdLock({
        catalog,
        clock: systemClock,
        name: readingLock('shop', read),
        run: 'r1',
        mode: 'shared',
        signal,
      });
      const result = await pruning({ last: 1 });
      expect(result.removed).toEqual([other]);
      expect(result.decisions.find(({ id }) => id === read)).toMatchObject({
        keep: true,
        reasons: [expect.stringContaining('in use by run r1')],
      });
    }
    expect((await pruning({ last: 1 })).removed).toEqual([read]);
  });

  test('one that cannot be removed does not keep the others', async () => {
    const [, second = '', third = ''] = await store(1, 2, 3);
    const broken: Storage = Object.assign(localAt(join(folder, 'local')), {
      delete: (keys: readonly string[], at: AbortSignal) =>
        keys.some((key) => key.includes(third))
          ? Promise.reject(new HoldfastError('NO_PERMISSION', 'not allowed'))
          : storage.delete(keys, at),
    });
    const result = await pruning({ last: 1 }, { storage: broken });
    expect(result).toMatchObject({ removed: [second], failed: [{ id: third, code: 'NO_PERMISSION' }] });
  });

  describe('S20 clocks that disagree remove nothing', () => {
    const off = (ms: number): Clock => ({ ...systemClock, now: () => new Date(Date.now() + ms) });
    test.each([
      ['ours a day ahead', day],
      ['ours ten minutes ahead', 10 * 60_000],
      ['ours ten minutes behind', -10 * 60_000],
      ['ours two days behind: backups from the future', -2 * day],
    ])('%s', async (_title, ms) => {
      await store(1, 2, 3);
      await expect(pruning({ last: 1 }, { clock: off(ms) })).rejects.toMatchObject({
        code: 'CLOCK_DISAGREES',
        kind: 'refused',
      });
      expect(await ids()).toHaveLength(3);
      expect(await storage.folders('', signal)).toEqual(['shop']);
    });
    test('S1 what a killed pruning wrote to ask for the time does not stay for ever', async () => {
      await store(1, 2, 3);
      const inTheStorage = () => readdirSync(file()).filter((name) => !/^2\d{3}-/.test(name));
      const killed: Storage = { ...forward(storage), delete: () => Promise.reject(new Error('killed')) };
      await expect(pruning({ last: 2 }, { storage: killed })).rejects.toThrow('killed');
      expect(inTheStorage()).toHaveLength(1);
      expect((await pruning({ last: 2 })).removed).toHaveLength(1);
      expect(inTheStorage()).toEqual([]);
    });
    test('somebody else who asks at the same time takes away what was written: it is written again', async () => {
      await store(1, 2);
      let taken = 0;
      const busy: Storage = {
        ...forward(storage),
        put: async (key, ...rest) => {
          const put = await storage.put(key, ...rest);
          if ((taken += 1) < 3) await storage.delete([key], signal);
          return put;
        },
      };
      const asked = pruning({ last: 1 }, { storage: busy, clock: off(10 * 60_000) });
      await expect(asked).rejects.toMatchObject({ code: 'CLOCK_DISAGREES' });
      expect(await ids()).toHaveLength(2);
    });
    test('a minute is nothing', async () => {
      await store(1, 2);
      expect((await pruning({ last: 1 }, { clock: off(60_000) })).removed).toHaveLength(1);
    });
  });
});

describe('delete', () => {
  test('removes one backup; the rest and its proofs stay apart', async () => {
    const [newest = '', older = ''] = await store(1, 2);
    proof(older, {});
    proof(newest, {});
    expect(await removing(older)).toEqual({ id: older, removed: ['local'], freedBytes: 10 });
    expect(await ids()).toEqual([newest]);
    expect(catalog.proofs.list({}).map(({ backup }) => backup)).toEqual([newest]);
  });

  test('refuses one that is held', async () => {
    const [, older = ''] = await store(1, 2);
    await writeHold(storage, 'shop', older, { at: new Date().toISOString(), reason: 'audit' }, signal);
    await expect(removing(older)).rejects.toMatchObject({
      code: 'BACKUP_HELD',
      kind: 'refused',
      message: expect.stringContaining('audit'),
    });
  });

  test('refuses the last good one, unless told so', async () => {
    const [broken = '', good = ''] = await store(1, 2);
    writeFileSync(file(broken, 'manifest.json'), '{}');
    await storeBackup(storage, 'shop', daysAgo(0.5), { trigger: 'safety' });
    await expect(removing(good)).rejects.toMatchObject({ code: 'LAST_GOOD_BACKUP', kind: 'refused' });
    expect((await removing(broken)).removed).toEqual(['local']);
    expect((await removing(good, { allowLastGood: true })).removed).toEqual(['local']);
  });

  test('refuses the last one that was read back while a newer one was not yet, unless told so', async () => {
    const [newest = '', older = ''] = await store(0.1, 3);
    const refused = { code: 'LAST_GOOD_BACKUP', message: expect.stringContaining('that was read back') };
    // Nothing is known of it here, but whoever made it read it back on the same day.
    await expect(removing(older)).rejects.toMatchObject(refused);
    proof(older, {});
    await expect(removing(older)).rejects.toMatchObject(refused);
    expect((await removing(newest)).removed).toEqual(['local']);
    const [another = ''] = await store(0.05);
    proof(another, {});
    expect((await removing(older)).removed).toEqual(['local']);
  });

  test('a good copy elsewhere is a good backup', async () => {
    const [id = ''] = await store(1);
    await storeBackup(offsite, 'shop', daysAgo(1));
    const both = source({}, [storage, offsite]);
    await expect(removing(id, { source: both, storages: [storage, offsite] })).rejects.toMatchObject({
      code: 'LAST_GOOD_BACKUP',
    });
    expect((await removing(id, { source: both })).removed).toEqual(['local']);
    await expect(removing(id, { source: both, storages: [offsite] })).rejects.toMatchObject({
      code: 'LAST_GOOD_BACKUP',
    });
  });

  test('refuses one that is being read, and an unknown one', async () => {
    const [, older = ''] = await store(1, 2);
    await using _reading = await holdLock({
      catalog,
      clock: systemClock,
      name: readingLock('shop', older),
      run: 'r1',
      signal,
    });
    await expect(removing(older)).rejects.toMatchObject({ code: 'BACKUP_BUSY', kind: 'busy' });
    await expect(removing('2020-01-01_00-00-00')).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN', kind: 'usage' });
    expect(await ids()).toHaveLength(2);
  });

  test('two deletions at once never remove both of the last two', async () => {
    const [one = '', two = ''] = await store(1, 2);
    const ends = await Promise.allSettled([removing(one), removing(two)]);
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await ids()).toHaveLength(1);
  });
});
