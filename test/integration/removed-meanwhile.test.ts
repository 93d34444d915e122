import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { ScheduledPlan } from '../../src/schedule/plans.ts';
import { doWork } from '../../src/schedule/work.ts';
import { newsOfRun } from '../../src/care/alerts/run-news.ts';
import { forward } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';
import { twoStorages } from '../support/two-storages.ts';

const gone = { code: 'BACKUP_BUSY', kind: 'busy', message: expect.stringContaining('was removed') as unknown };

const foundDamaged = ({ catalog }: SmallHouse) =>
  catalog.proofs.list({ source: 'shop', kind: 'verify' }).filter(({ ok }) => !ok);

/** Somebody else removes the backup when a file of this name is read for the first, or so many-th, time. */
function removedAt(storage: Storage, name: RegExp, remove: () => Promise<unknown>, time = 1): Storage {
  let read = 0;
  return {
    ...forward(storage),
    get: async (key, options) => {
      if (name.test(key) && ++read === time) await remove();
      return storage.get(key, options);
    },
  };
}

const around = {
  now: new Date(),
  instance: 'test',
  timezone: 'UTC',
  placeOf: () => null,
  lastGood: null,
  failures: 1,
  owed: [],
  retryInMs: null,
};

test('a backup that is removed while a plan verifies the ones before it is not found damaged', async () => {
  await using house = await smallHouse();
  const { newer, remove } = await twoStorages(house);
  let removed = false;
  const removing = {
    ...forward(house.storage),
    get: async (...of: Parameters<typeof house.storage.get>) => {
      if (!removed) {
        removed = true;
        await remove(house.storage, newer);
      }
      return house.storage.get(...of);
    },
  };
  const plan = { kind: 'verify', source: 'shop', verify: { depth: 'checksum', backups: 'all' } } as ScheduledPlan;
  const { catalog, folder } = house;
  const source = { ...house.source, storages: [removing] as const };
  const here = { instance: 'test', version: '0', timezone: 'UTC', scratch: folder };
  const parts = { sources: [source], catalog, clock: systemClock, logger: silentLogger, ...here };
  const did = await doWork(plan, 'schedule', parts, new AbortController().signal);
  expect(removed).toBe(true);
  expect(did).toMatchObject({ outcome: 'good', said: 'succeeded: 1 copy as stored' });
  expect(foundDamaged(house)).toEqual([]);
});

test('a backup that is removed before its verification begins is not there, and not damaged', async () => {
  await using house = await smallHouse();
  const { verify, remove } = await twoStorages(house);
  await remove(house.storage);
  await expect(verify(house.storage)).rejects.toMatchObject(gone);
  expect(foundDamaged(house)).toEqual([]);
});

test('a backup that is removed while its restore is confirmed is not there, and not damaged', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const remove = async () => void (await does.remove(house.storage));
  await expect(does.restore({ storage: house.storage }, [], remove)).rejects.toMatchObject(gone);
  await does.copy({ to: house.storage, from: does.offsite, replace: 'nothing' });
  await expect(does.restore({ storage: house.storage }, ['orders'], remove)).rejects.toMatchObject(gone);
  await does.copy({ to: house.storage, from: does.offsite, replace: 'nothing' });
  await expect(does.restoreFiles(house.storage, remove)).rejects.toMatchObject(gone);
  expect(foundDamaged(house)).toEqual([]);
});

test('a backup that is removed while it is drilled is not there, and no drill that failed', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const removing = removedAt(house.storage, /database|files/, () => does.removeElsewhere(house.storage));
  await expect(does.drill(removing)).rejects.toMatchObject(gone);
  expect(foundDamaged(house)).toEqual([]);
  const [run] = house.catalog.runs.list({ operation: 'drill' });
  expect(run && newsOfRun(run, around)).toEqual({ problems: [], good: [], success: null });
});

test('a backup that is removed before its drill begins is not there', async () => {
  await using house = await smallHouse();
  const { drill, remove } = await twoStorages(house);
  await remove(house.storage);
  await expect(drill(house.storage)).rejects.toMatchObject(gone);
});

test('of a backup that is removed at the end of its drill nothing is left by the drill', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const removing = {
    ...forward(house.storage),
    put: async (...of: Parameters<typeof house.storage.put>) => {
      await does.removeElsewhere(house.storage);
      return house.storage.put(...of);
    },
  };
  await expect(does.drill(removing)).resolves.toMatchObject({ ok: true });
  expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([does.older]);
});

test('a backup that is removed while it is copied is not there, and not damaged', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  await does.remove(does.offsite);
  const from = removedAt(house.storage, /database/, () => does.removeElsewhere(house.storage));
  await expect(does.copy({ to: does.offsite, from, replace: 'nothing' })).rejects.toMatchObject(gone);
  expect(foundDamaged(house)).toEqual([]);
  expect(house.catalog.copies.list({ source: 'shop' })).toEqual([]);
});

test('a backup that is removed while it is downloaded is not there, or comes from where it still lies', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const from = removedAt(house.storage, /database/, () => does.removeElsewhere(house.storage));
  await expect(does.fetch([from])).rejects.toMatchObject(gone);
  await expect(does.fetch([house.storage])).rejects.toMatchObject(gone);
  expect(foundDamaged(house)).toEqual([]);
  expect(await does.fetch([house.storage, does.offsite])).toMatchObject({ state: 'copied', from: 'offsite' });
});

test('a backup that is removed while its restore loads it is not there, and nothing is left of the restore', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const remove = () => does.removeElsewhere(house.storage);
  // First all bytes are compared.
  const from = removedAt(house.storage, /database/, remove, 2);
  await expect(does.restore({ storage: from })).rejects.toMatchObject(gone);
  expect(readdirSync(house.folder).filter((name) => name.startsWith('restored'))).toEqual([]);
  await does.copy({ to: house.storage, from: does.offsite, replace: 'nothing' });
  await expect(does.restoreFiles(removedAt(house.storage, /files/, remove, 2))).rejects.toMatchObject(gone);
  expect(foundDamaged(house)).toEqual([]);
});

test('where another storage has the backup that was removed meanwhile, a restore goes on from there', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const from = { storage: house.storage, others: [does.offsite] };
  const restored = does.restore(from, [], async () => void (await does.remove(house.storage)));
  expect(await restored).toMatchObject({ state: 'succeeded', id: does.newer });
  expect(foundDamaged(house)).toEqual([]);
});
