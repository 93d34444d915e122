import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { manifestKey, removingKey } from '../../src/archive/format/layout.ts';
import { systemClock } from '../../src/base/clock.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { deleteLocalCopies } from '../../src/care/removal/delete-local.ts';
import { prune } from '../../src/care/removal/prune.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import type { RetentionRules } from '../../src/care/retention.ts';
import type { Source } from '../../src/care/source.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { forward } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { localAt, storeBackup } from '../support/stored-backups.ts';

const { signal } = new AbortController();
const days = (count: number) => new Date(Date.now() - count * 86_400_000);

let folder: string;
let catalogs: [one: Catalog, other: Catalog];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-removals-'));
  catalogs = [openCatalog(join(folder, 'one'), systemClock), openCatalog(join(folder, 'other'), systemClock)];
});
afterEach(() => {
  for (const catalog of catalogs) catalog[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface World {
  near: Storage;
  far: Storage;
  older: string;
  newer: string;
}

/** Two storages, as if on different machines. */
async function storages(): Promise<World> {
  const near = localAt(join(folder, 'near'), 'near');
  const far = { ...forward(localAt(join(folder, 'far'), 'far')), localPath: () => null };
  const { id: older } = await storeBackup(near, 'shop', days(3));
  const { id: newer } = await storeBackup(near, 'shop', days(2));
  await storeBackup(far, 'shop', days(2));
  for (const { name } of [near, far]) cpSync(join(folder, name), join(folder, 'as-it-was', name), { recursive: true });
  return { near, far, older, newer };
}

/** What an installation, with a state folder of its own, does in these storages. */
function installation(catalog: Catalog, all: [Storage, ...Storage[]], rules: Partial<RetentionRules> = {}) {
  const source: Source = {
    name: 'shop',
    database: null,
    storages: all,
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
  const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
  return {
    prune: () => prune({ ...common, storage: all[0], timezone: 'UTC', dryRun: false }),
    delete: (id: string, from: readonly Storage[] = all) =>
      removeOne({ ...common, storages: from, id, allowLastGood: false }),
    deleteLocal: () => deleteLocalCopies(common),
  };
}

/** The same storage, that tells of every call before it is made. */
function watched(storage: Storage, before: (call: string) => Promise<void>): Storage {
  const calls = ['put', 'stat', 'statMany', 'delete'] as const;
  const watching = Object.fromEntries(
    calls.map((call) => [
      call,
      async (...given: unknown[]) => {
        await before(call);
        return await (storage[call] as (...args: unknown[]) => Promise<unknown>)(...given);
      },
    ]),
  );
  return { ...forward(storage), ...watching, localPath: storage.localPath.bind(storage) };
}

type Does = (there: World, catalog: Catalog) => Promise<unknown>;

const prunes: Does = ({ near }, catalog) => installation(catalog, [near], { last: 1 }).prune();
const deletesOlder: Does = ({ near, older }, catalog) => installation(catalog, [near]).delete(older);
const deletesNewer: Does = ({ near, newer }, catalog) => installation(catalog, [near]).delete(newer);
const deletesNear: Does = ({ near, far, newer }, catalog) => installation(catalog, [near, far]).delete(newer, [near]);
const deletesFar: Does = ({ near, far, newer }, catalog) => installation(catalog, [near, far]).delete(newer, [far]);
const deletesCopied: Does = ({ near, far, newer: backup }, catalog) => {
  const at = new Date().toISOString();
  const proof = { kind: 'verify', source: 'shop', backup, storage: 'far', at, depth: 'checksum' } as const;
  catalog.proofs.add({ ...proof, ok: true, seconds: 1, result: null });
  return installation(catalog, [near, far]).deleteLocal();
};

const mayBeRefused = (error: unknown): void => {
  if (!(error instanceof HoldfastError) || !['busy', 'refused', 'usage'].includes(error.kind)) throw error;
};

/** The other one begins when the first is about to make its nth call, and stands still before its own mth until the first has ended. */
async function meet(there: World, [one, other]: readonly [Does, Does], nth: number, mth: number): Promise<boolean> {
  const oneEnded = Promise.withResolvers<void>();
  const otherStands = Promise.withResolvers<void>();
  let otherDoes: Promise<unknown> | undefined;
  const calls = { one: 0, other: 0 };
  const late = (storage: Storage) =>
    watched(storage, async () => {
      calls.other += 1;
      if (calls.other !== mth) return;
      otherStands.resolve();
      await oneEnded.promise;
    });
  const early = (storage: Storage) =>
    watched(storage, async () => {
      calls.one += 1;
      if (calls.one !== nth) return;
      const seen = { ...there, near: late(there.near), far: late(there.far) };
      otherDoes = other(seen, catalogs[1]).catch(mayBeRefused).finally(otherStands.resolve);
      await otherStands.promise;
    });
  await one({ ...there, near: early(there.near), far: early(there.far) }, catalogs[0]).catch(mayBeRefused);
  oneEnded.resolve();
  await otherDoes;
  return otherDoes !== undefined;
}

function asItWas({ near, far, older }: World, isOlderThere: boolean): void {
  for (const { name } of [near, far]) {
    rmSync(join(folder, name), { recursive: true });
    cpSync(join(folder, 'as-it-was', name), join(folder, name), { recursive: true });
  }
  if (!isOlderThere) rmSync(join(folder, 'near/shop', older), { recursive: true });
}

test.each([
  ['prunes', 'deletes what is to stay', true, prunes, deletesNewer],
  ['deletes the newer one', 'prunes', true, deletesNewer, prunes],
  ['deletes the older one', 'deletes the newer one', true, deletesOlder, deletesNewer],
  ['deletes the near copy', 'deletes the far one', false, deletesNear, deletesFar],
  ['deletes what was copied', 'deletes the copy', false, deletesCopied, deletesFar],
  ['deletes the copy', 'deletes what was copied', false, deletesFar, deletesCopied],
] as const)('one installation %s, another %s: whatever the moment, a good one is left', async (...given) => {
  const [, , isOlderThere, one, other] = given;
  const there = await storages();
  const left = async (keyOf: typeof manifestKey) => {
    const found: string[] = [];
    for (const storage of isOlderThere ? [there.near] : [there.near, there.far])
      for (const id of [there.older, there.newer])
        if ((await storage.stat(keyOf('shop', id), signal)) !== null) found.push(`${id} in ${storage.name}`);
    return found;
  };
  let haveMet = true;
  for (let nth = 1; haveMet; nth += 1) {
    for (let mth = 0; mth < 16; mth += 1) {
      asItWas(there, isOlderThere);
      haveMet = await meet(there, [one, other], nth, mth);
      const when = `at call ${nth} of the one; the other stood still before its call ${mth}`;
      expect(await left(manifestKey), when).not.toEqual([]);
      // Whoever gave way took its mark back.
      expect(await left(removingKey), when).toEqual([]);
    }
  }
});

test('what another installation is just removing is left to it, and what it left behind when it was killed is not', async () => {
  const { near, older, newer } = await storages();
  const mark = join(folder, 'near', removingKey('shop', older));
  writeFileSync(mark, '{}');
  const own = installation(catalogs[0], [near], { last: 1 });
  const pruned = await own.prune();
  expect(pruned).toMatchObject({ removed: [], failed: [] });
  expect(pruned.decisions.find(({ id }) => id === older)).toMatchObject({ keep: true, reasons: [expect.any(String)] });
  await expect(own.delete(older)).rejects.toMatchObject({ code: 'BACKUP_BUSY' });
  expect(existsSync(mark)).toBe(true);

  const twentyMinutesLater: Storage = {
    ...forward(near),
    stat: async (key, ...rest) => {
      const file = await near.stat(key, ...rest);
      if (!file || key !== removingKey('shop', older)) return file;
      return { ...file, modifiedAt: new Date(file.modifiedAt.getTime() - 20 * 60_000) };
    },
  };
  const pruning = installation(catalogs[0], [twentyMinutesLater], { last: 1 }).prune();
  expect(await pruning).toMatchObject({ removed: [older] });
  expect(readdirSync(join(folder, 'near/shop'))).toEqual([newer]);
});

test('a removal that took too long to be sure, as when its machine was asleep, gives the backup up', async () => {
  const { near, older } = await storages();
  const [now, asleep] = [Date.now.bind(Date), 20 * 60_000];
  const slow: Storage = {
    ...forward(near),
    stat: async (key, ...rest) => {
      if ((await near.stat(removingKey('shop', older), signal)) !== null)
        vi.spyOn(Date, 'now').mockReturnValue(now() + asleep);
      return near.stat(key, ...rest);
    },
  };
  const removing = installation(catalogs[0], [slow]).delete(older);
  await expect(removing).rejects.toMatchObject({ code: 'BACKUP_BUSY' });
  vi.restoreAllMocks();
  expect(await near.stat(manifestKey('shop', older), signal)).not.toBeNull();
  expect(await near.stat(removingKey('shop', older), signal)).toBeNull();
});

describe('what is to stay instead and is there in part only, as a transfer that was cut off leaves it', () => {
  const emptyIt = (storage: Storage, id: string) => rmSync(join(folder, storage.name, 'shop', id, 'database.dump'));
  const cutIt = (storage: Storage, id: string) =>
    writeFileSync(join(folder, storage.name, 'shop', id, 'database.dump'), '01');
  const knownDamaged = (storage: Storage) =>
    catalogs[0].proofs
      .list({ source: 'shop', kind: 'verify' })
      .filter((proof) => proof.storage === storage.name && !proof.ok);

  test.each([
    ['is missing', emptyIt],
    ['has 2 bytes instead of 10', cutIt],
  ])('keeps the older one from retention: a file %s', async (problem, harm) => {
    const { near, older, newer } = await storages();
    harm(near, newer);
    const own = installation(catalogs[0], [near], { last: 1 });
    const pruned = await own.prune();
    expect(pruned).toMatchObject({ removed: [], failed: [{ id: older, code: 'BACKUP_DAMAGED' }] });
    expect(pruned.failed[0]?.message).toContain(
      `${newer} in near, which stays instead, is damaged: database.dump ${problem}`,
    );
    expect(existsSync(join(folder, 'near', manifestKey('shop', older)))).toBe(true);
    expect(await near.stat(removingKey('shop', older), signal)).toBeNull();
    expect(knownDamaged(near)).toMatchObject([{ backup: newer }]);
    // From now on it is known, and another one is the newest that is good.
    const again = await own.prune();
    expect(again.decisions).toMatchObject([
      { id: newer, keep: expect.any(Boolean) },
      { id: older, keep: true },
    ]);
  });

  test('keeps the last whole copy from being deleted', async () => {
    const { near, far, older, newer } = await storages();
    rmSync(join(folder, 'near/shop', older), { recursive: true });
    emptyIt(far, newer);
    const own = installation(catalogs[0], [near, far]);
    await expect(own.delete(newer, [near])).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
    expect(knownDamaged(far)).toMatchObject([{ backup: newer }]);
    await expect(own.delete(newer, [near])).rejects.toMatchObject({ code: 'LAST_GOOD_BACKUP' });
    expect(await near.stat(manifestKey('shop', newer), signal)).not.toBeNull();
  });

  test('keeps the copy on this machine, although that one was compared byte by byte when it was made', async () => {
    const there = await storages();
    emptyIt(there.far, there.newer);
    expect(await deletesCopied(there, catalogs[0])).toEqual([]);
    expect(await there.near.stat(manifestKey('shop', there.newer), signal)).not.toBeNull();
    expect(knownDamaged(there.far)).toMatchObject([{ backup: there.newer }]);
  });
});
