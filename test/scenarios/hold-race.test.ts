import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readHold } from '../../src/archive/hold.ts';
import { systemClock } from '../../src/base/clock.ts';
import { markHeld } from '../../src/care/removal/mark-held.ts';
import { removeCopy } from '../../src/care/removal/remove-copy.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { smallHouse } from '../support/small-house.ts';
import { storeBackup } from '../support/stored-backups.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const mark = { at: '2026-11-21T00:00:00.000Z', reason: 'audit' };

test('a hold that comes while the backup is being removed is refused, not confirmed', async () => {
  await using house = await smallHouse();
  const { storage, catalog, source } = house;
  const { id } = await storeBackup(storage, 'shop', '2026-11-01T02:00:00Z');
  const task = { source: 'shop', storage, id, mark, catalog, clock: systemClock, signal };
  let said: unknown;
  // Between its look for a hold and the first delete.
  const removing: Storage = {
    ...faultyStorage(storage, {}),
    stat: async (...args) => {
      said ??= await markHeld(task).then(
        () => 'held',
        (error: unknown) => error,
      );
      return storage.stat(...args);
    },
  };
  await removeCopy({ source, storage: removing, id, catalog, clock: systemClock, signal });
  expect(said).toMatchObject({ code: 'BACKUP_BUSY' });
  expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([]);
});

test('one that comes first keeps it, and one for what another installation has just removed is taken back', async () => {
  await using house = await smallHouse();
  const { storage, catalog, source } = house;
  const { id } = await storeBackup(storage, 'shop', '2026-11-01T02:00:00Z');
  const task = { source: 'shop', storage, id, mark, catalog, clock: systemClock, signal };
  await markHeld(task);
  const removal = { source, storage, id, catalog, clock: systemClock, signal };
  await expect(removeCopy(removal)).rejects.toMatchObject({ code: 'BACKUP_HELD' });
  await markHeld({ ...task, mark: null });
  expect(await readHold(storage, 'shop', id, signal)).toBeNull();
  await removeCopy(removal);
  await expect(markHeld(task)).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN' });
  expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([]);
  expect(await readHold(storage, 'shop', id, signal)).toBeNull();
});

test('a hold of another installation that comes after the look for one, and before anything went, keeps the backup', async () => {
  await using house = await smallHouse();
  const other = openCatalog(join(house.folder, 'state-of-the-other'), systemClock);
  const { storage, catalog, source } = house;
  const { id } = await storeBackup(storage, 'shop', '2026-11-01T02:00:00Z');
  const task = { source: 'shop', storage, id, mark, catalog: other, clock: systemClock, signal };
  let isHeld = false;
  const removing: Storage = {
    ...faultyStorage(storage, {}),
    put: async (key, ...rest) => {
      if (key.endsWith('removing.json') && !isHeld) {
        await markHeld(task);
        isHeld = true;
      }
      return storage.put(key, ...rest);
    },
  };
  const removal = removeCopy({ source, storage: removing, id, catalog, clock: systemClock, signal });
  await expect(removal).rejects.toMatchObject({ code: 'BACKUP_HELD' });
  expect(isHeld).toBe(true);
  expect(readdirSync(join(house.folder, 'backups/shop', id)).toSorted()).toEqual([
    'database.dump',
    'hold.json',
    'manifest.json',
  ]);
  other[Symbol.dispose]();
});

test('a hold of another installation that comes too late is not confirmed', async () => {
  await using house = await smallHouse();
  const other = openCatalog(join(house.folder, 'state-of-the-other'), systemClock);
  const { storage, catalog, source } = house;
  const { id } = await storeBackup(storage, 'shop', '2026-11-01T02:00:00Z');
  const task = { source: 'shop', storage, id, mark, catalog: other, clock: systemClock, signal };
  let said: Promise<unknown> | undefined;
  const removing: Storage = {
    ...faultyStorage(storage, {}),
    delete: async (keys, ...rest) => {
      if (!said && keys.some((key) => key.endsWith('manifest.json'))) {
        said = markHeld(task).then(
          () => 'held',
          (error: unknown) => error,
        );
        await until(async () => (await readHold(storage, 'shop', id, signal)) !== null, 'the hold is there');
        // As long as it takes to look whether the backup is still there.
        await Promise.race([said, setTimeout(500)]);
      }
      return storage.delete(keys, ...rest);
    },
  };
  await removeCopy({ source, storage: removing, id, catalog, clock: systemClock, signal });
  expect(await said).toMatchObject({ code: 'BACKUP_UNKNOWN' });
  expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([]);
  other[Symbol.dispose]();
});

test('a removal that ends between two of the looks for it is not taken for none', async () => {
  await using house = await smallHouse();
  const other = openCatalog(join(house.folder, 'state-of-the-other'), systemClock);
  const { storage, catalog, source } = house;
  const { id } = await storeBackup(storage, 'shop', '2026-11-01T02:00:00Z');
  const isSure = Promise.withResolvers<void>();
  const goesOn = Promise.withResolvers<void>();
  const removing: Storage = {
    ...faultyStorage(storage, {}),
    delete: async (keys, ...rest) => {
      if (keys.some((key) => key.endsWith('manifest.json'))) {
        isSure.resolve();
        await goesOn.promise;
      }
      return storage.delete(keys, ...rest);
    },
  };
  const removal = removeCopy({ source, storage: removing, id, catalog, clock: systemClock, signal });
  await isSure.promise;
  const slow: Storage = {
    ...faultyStorage(storage, {}),
    statMany: async ([first = '', ...others], ...rest) => {
      const file = await storage.stat(first, ...rest);
      goesOn.resolve();
      await removal;
      return [file, ...(await storage.statMany(others, ...rest))];
    },
  };
  const held = markHeld({ source: 'shop', storage: slow, id, mark, catalog: other, clock: systemClock, signal });
  await expect(held).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN' });
  expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([]);
  other[Symbol.dispose]();
});

test('what a removal left that was cut off before anything went is cleared by a hold', async () => {
  await using house = await smallHouse();
  const { storage, catalog } = house;
  const { id } = await storeBackup(storage, 'shop', '2026-11-01T02:00:00Z');
  const left = join(house.folder, 'backups/shop', id, 'removing.json');
  writeFileSync(left, '{}');
  const anHourLater: Storage = {
    ...faultyStorage(storage, {}),
    statMany: async (...args) =>
      (await storage.statMany(...args)).map(
        (file) =>
          file && {
            ...file,
            modifiedAt: new Date(file.modifiedAt.getTime() - (file.key.endsWith('removing.json') ? 3_600_000 : 0)),
          },
      ),
  };
  await markHeld({ source: 'shop', storage: anHourLater, id, mark, catalog, clock: systemClock, signal });
  expect(existsSync(left)).toBe(false);
  expect(await readHold(storage, 'shop', id, signal)).toEqual(mark);
});
