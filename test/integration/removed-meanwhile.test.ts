import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { ScheduledPlan } from '../../src/schedule/plans.ts';
import { doWork } from '../../src/schedule/work.ts';
import { forward } from '../../src/storage/forward.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';
import { twoStorages } from '../support/two-storages.ts';

const gone = { code: 'BACKUP_BUSY', kind: 'busy', message: expect.stringContaining('was removed') as unknown };

const foundDamaged = ({ catalog }: SmallHouse) =>
  catalog.proofs.list({ source: 'shop', kind: 'verify' }).filter(({ ok }) => !ok);

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

test('where another storage has the backup that was removed meanwhile, a restore goes on from there', async () => {
  await using house = await smallHouse();
  const does = await twoStorages(house);
  const from = { storage: house.storage, others: [does.offsite] };
  const restored = does.restore(from, [], async () => void (await does.remove(house.storage)));
  expect(await restored).toMatchObject({ state: 'succeeded', id: does.newer });
  expect(foundDamaged(house)).toEqual([]);
});
