import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeBackup } from '../../src/archive/remove.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Source } from '../../src/care/source.ts';
import { doWork } from '../../src/schedule/work.ts';
import { saysNothing } from '../../src/catalog/turned-away.ts';
import type { ScheduledPlan } from '../../src/schedule/plans.ts';
import { forward } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';

/** As the daemon does it: all backups in all storages. */
async function verifyAll(house: SmallHouse, storages: Source['storages']) {
  const plan = { kind: 'verify', source: 'shop', verify: { depth: 'checksum', backups: 'all' } } as ScheduledPlan;
  const source = { ...house.source, storages };
  const { catalog } = house;
  const here = { instance: 'test', version: '0', timezone: 'UTC', scratch: join(house.folder, 'scratch') };
  const parts = { sources: [source], catalog, clock: systemClock, logger: silentLogger, ...here };
  return await doWork(plan, 'schedule', parts, new AbortController().signal);
}

const looked = ({ catalog }: SmallHouse) =>
  catalog.proofs.list({ source: 'shop', kind: 'verify' }).map(({ backup, ok }) => [backup, ok]);

test('S10 a storage that does not answer keeps no other from being verified, and the plan has failed all the same', async () => {
  await using house = await smallHouse();
  const { id } = await house.take();
  const before = looked(house).length;
  const away = { ...faultyStorage(house.storage, { folders: ['refuse'] }), name: 'away' };
  await expect(verifyAll(house, [away, house.storage])).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  expect(looked(house).length).toBe(before + 1);
  expect(looked(house)).toContainEqual([id, true]);
});

test('S5 damage in one storage is told, and which storage was not looked into', async () => {
  await using house = await smallHouse();
  const { id } = await house.take();
  const folder = join(house.folder, 'backups', 'shop', id);
  const dump = (await readdir(folder)).find((name) => name.includes('sqlite')) ?? '';
  await truncate(join(folder, dump), 10);
  const away = { ...faultyStorage(house.storage, { folders: ['refuse'] }), name: 'away' };
  expect(await verifyAll(house, [away, house.storage])).toEqual({
    outcome: 'hopeless',
    said: expect.stringMatching(
      new RegExp(`found damaged: ${id} in local; not all was read: the connection was reset`),
    ),
  });
});

test('S5 one file that is not given out keeps no other backup from being verified', async () => {
  await using house = await smallHouse();
  const first = await house.take();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const second = await house.take();
  const denied = new HoldfastError('STORAGE_DENIED', 'not allowed');
  const refusing: Storage = {
    ...forward(house.storage),
    capabilities: { ...house.storage.capabilities, localFolders: false },
    get: (key, options) => (key.includes(first.id) ? Promise.reject(denied) : house.storage.get(key, options)),
  };
  const before = looked(house).length;
  await expect(verifyAll(house, [refusing])).rejects.toThrow(denied);
  expect(looked(house).length).toBe(before + 1);
  expect(looked(house).filter(([id]) => id === second.id)).toHaveLength(2);
});

test.each([
  ['the one that is read', 0],
  ['one that is to be read later', 1],
])(
  'S21 retention of another machine that takes %s is no damage, and keeps no other from being verified',
  async (_, taken) => {
    await using house = await smallHouse();
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      ids.push((await house.take()).id);
      await new Promise((resolve) => setTimeout(resolve, 1100));
    }
    const [first = '', ...others] = ids;
    const [going = ''] = taken === 0 ? [first] : others;
    let removed = false;
    const shared: Storage = {
      ...forward(house.storage),
      capabilities: { ...house.storage.capabilities, localFolders: false },
      get: async (key, options) => {
        if (!removed && key.includes(first) && !key.endsWith('manifest.json')) {
          removed = true;
          await removeBackup(house.storage, 'shop', going, options.signal);
        }
        return await house.storage.get(key, options);
      },
    };
    const before = looked(house).length;
    expect(await verifyAll(house, [shared])).toMatchObject({ outcome: 'good' });
    expect(removed).toBe(true);
    expect(looked(house).filter(([, ok]) => !ok)).toEqual([]);
    expect(looked(house).length).toBe(before + 2);
    const runs = house.catalog.runs.list({ operation: 'verify' }).filter(({ backup }) => backup === going);
    expect(runs).toMatchObject([
      { state: 'failed', error: { code: 'BACKUP_BUSY', message: expect.stringContaining('removed') } },
    ]);
    expect(runs.every(saysNothing)).toBe(true);
  },
);
