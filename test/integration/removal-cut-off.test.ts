import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { takeInventory } from '../../src/care/inventory.ts';
import { prune } from '../../src/care/prune.ts';
import { vanishedFrom } from '../../src/care/vanished.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { smallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();

test('S11 a backup whose removal was cut off is not missed: we took it away', async () => {
  await using house = await smallHouse({ retention: { last: 1, minimum: 1 } });
  const { catalog, source, storage } = house;
  const { id: older } = await house.take({ source: { ...source, retentionIn: () => ({ minimum: 1 }) } });
  const { id: newer } = await house.take({ source: { ...source, retentionIn: () => ({ minimum: 1 }) } });
  // The clock's file and the manifest go; then the storage is gone.
  const cut = faultyStorage(storage, { delete: [null, null, 'refuse', 'refuse'] });
  const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
  const pruned = await prune({ ...common, storage: cut, timezone: 'UTC', dryRun: false });
  expect(pruned).toMatchObject({ removed: [], failed: [{ id: older, code: 'STORAGE_UNREACHABLE' }] });

  const left = await takeInventory({ storage, source: 'shop', catalog, signal });
  expect(left.map(({ id }) => id)).toEqual([newer]);
  expect(vanishedFrom(catalog, { storage: storage.name, source: 'shop' })).toEqual([]);
});
