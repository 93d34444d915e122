import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readHold } from '../../src/archive/hold.ts';
import { systemClock } from '../../src/base/clock.ts';
import { markHeld } from '../../src/care/mark-held.ts';
import { removeCopy } from '../../src/care/remove-copy.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { smallHouse } from '../support/small-house.ts';
import { storeBackup } from '../support/stored-backups.ts';

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
