import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removingKey } from '../../src/archive/format/layout.ts';
import { systemClock } from '../../src/base/clock.ts';
import { copyOne } from '../../src/care/copies/copies.ts';
import { takeInventory } from '../../src/care/stock/inventory.ts';
import { prune } from '../../src/care/removal/prune.ts';
import { vanishedFrom } from '../../src/care/stock/vanished.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { clientFor, hasRadosgw, newBucket, startRadosgw } from '../support/s3-server.ts';
import { storageAt } from '../support/s3-storage.ts';
import { smallHouse } from '../support/small-house.ts';
import { localAt, storeBackup } from '../support/stored-backups.ts';

const { signal } = new AbortController();

test('S11 a backup whose removal was cut off is said to be gone, and is not missed', async () => {
  await using house = await smallHouse({ retention: { last: 1, minimum: 1 } });
  const { catalog, source, storage } = house;
  const { id: older } = await house.take({ source: { ...source, retentionIn: () => ({ minimum: 1 }) } });
  const { id: newer } = await house.take({ source: { ...source, retentionIn: () => ({ minimum: 1 }) } });
  // The clock's file and the manifest go; then the storage is gone.
  const cut = faultyStorage(storage, { delete: [null, null, 'refuse', 'refuse'] });
  const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
  const pruned = await prune({ ...common, storage: cut, timezone: 'UTC', dryRun: false });
  expect(pruned).toMatchObject({ removed: [], failed: [{ id: older, code: 'STORAGE_UNREACHABLE' }] });
  expect(pruned.failed[0]?.message).toContain(`${older} of shop is no backup in local any more`);

  const left = await takeInventory({ storage, source: 'shop', catalog, signal });
  expect(left.map(({ id }) => id)).toEqual([newer]);
  expect(vanishedFrom(catalog, { storage: storage.name, source: 'shop' })).toEqual([]);
});

test.skipIf(!hasRadosgw())(
  'N-27 a bucket that locks whatever is put into it keeps what the removal writes, and not the backup',
  async () => {
    await using house = await smallHouse({ retention: { last: 1, minimum: 1 } });
    await using service = await startRadosgw();
    const Bucket = await newBucket(service, 'lockable');
    await using storage = storageAt(service, Bucket);
    const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
    const { id: older } = await storeBackup(storage, 'shop', ago(3));
    const { id: newer } = await storeBackup(storage, 'shop', ago(2));
    using s3 = { client: clientFor(service), [Symbol.dispose]: () => s3.client.destroy() };
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
    await s3.client.putObjectLockConfiguration({ Bucket, ObjectLockConfiguration });

    const source = { ...house.source, storages: [storage] as const };
    const common = { source, catalog: house.catalog, clock: systemClock, signal, report: () => undefined };
    const pruning = () => prune({ ...common, storage, timezone: 'UTC', dryRun: false });
    expect(await pruning()).toMatchObject({ removed: [older], failed: [] });
    const left: string[] = [];
    for await (const { key } of storage.list(`shop/${older}/`, signal)) left.push(key);
    expect(left).toEqual([removingKey('shop', older)]);

    // What was stored since is locked itself.
    const { id: third } = await storeBackup(storage, 'shop', ago(1.5));
    await storeBackup(storage, 'shop', ago(1.2));
    const { removed, decisions } = await pruning();
    expect(removed).toEqual([newer]);
    expect(decisions.find(({ id }) => id === third)?.reasons).toEqual([expect.stringContaining('locked until')]);
  },
);

test('N-42 the empty folder that a removal left behind is not in the way of a copy; a stage that somebody else writes is', async () => {
  await using house = await smallHouse();
  const { id } = await house.take();
  const offsite = localAt(join(house.folder, 'offsite'), 'offsite');
  const source = { ...house.source, storages: [house.storage, offsite] as const };
  const common = { source, catalog: house.catalog, clock: systemClock, signal, report: () => undefined };
  const copying = () => copyOne({ ...common, id, to: offsite, from: null });
  const [left, partial] = [`shop/${id}`, `shop/.partial-${id}`].map((path) => join(house.folder, 'offsite', path));
  mkdirSync(join(left ?? '', 'files'), { recursive: true });
  mkdirSync(partial ?? '');
  expect(await copying()).toMatchObject({ state: 'pending', error: { code: 'STORAGE_TAKEN' } });
  expect(existsSync(join(left ?? '', 'files'))).toBe(true);
  rmdirSync(partial ?? '');
  expect(await copying()).toMatchObject({ state: 'complete' });
});
