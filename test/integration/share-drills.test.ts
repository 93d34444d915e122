import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { drill } from '../../src/care/proof/drill.ts';
import { rebuild } from '../../src/care/stock/inventory.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { localAt } from '../support/stored-backups.ts';
import { smallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();

test('J-d5 a drill made after the copies were is known to a machine that has only one of them, also when it was away then', async () => {
  await using house = await smallHouse();
  const { folder, catalog } = house;
  const [offsite, away] = [localAt(join(folder, 'offsite'), 'offsite'), localAt(join(folder, 'away'), 'away')];
  const source = { ...house.source, storages: [house.storage, offsite, away] as const };
  const { id } = await house.take({ source });
  mkdirSync(join(folder, 'disk'));
  renameSync(join(folder, 'away'), join(folder, 'disk/away'));
  const told: string[] = [];
  const common = { source, catalog, clock: systemClock, signal };
  const drilled = await drill({
    ...common,
    storage: house.storage,
    id,
    scratch: join(folder, 'scratch'),
    report: (event) => event.kind === 'warning' && told.push(event.message),
  });
  expect(drilled).toMatchObject({ ok: true, storage: 'local' });
  const drillsIn = (where: string) => readdirSync(join(folder, where, 'shop', id, 'drills'));
  expect(drillsIn('offsite')).toEqual(drillsIn('backups'));
  expect(told.filter((message) => message.includes('away'))).toHaveLength(1);

  renameSync(join(folder, 'disk/away'), join(folder, 'away'));
  await house.take({ source });
  expect(drillsIn('away')).toEqual(drillsIn('backups'));

  // Of the copies, the one that was drilled is named.
  expect(catalog.proofs.list({ source: 'shop', kind: 'drill' })[0]).toMatchObject({ storage: 'local', ok: true });
  for (const storage of [offsite, away]) {
    using anew = openCatalog(join(folder, `state-${storage.name}`), systemClock);
    const found = await rebuild({ storages: [storage], sources: ['shop'], catalog: anew, signal });
    expect(found).toMatchObject({ backups: 2, drills: 1 });
    expect(anew.proofs.list({ kind: 'drill' })).toMatchObject([{ backup: id, ok: true, result: { storage: 'local' } }]);
  }
});
