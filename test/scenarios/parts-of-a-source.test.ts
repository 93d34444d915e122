import { expect, test } from 'vitest';
import { readManifest } from '../../src/archive/format/read-manifest.ts';
import { takeInventory } from '../../src/care/stock/inventory.ts';
import { goodBackups } from '../../src/care/monitor/facts.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import { resolveBackup, selectBackup } from '../../src/care/stock/select.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { BackupResult } from '../../src/backup/backup.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();
const rules = { last: 2, daily: 1, minimum: 2 };

const rowsOf = ({ storage, catalog }: SmallHouse) => takeInventory({ storage, source: 'shop', catalog, signal });
const ids = async (house: SmallHouse) => (await rowsOf(house)).map(({ id }) => id).toSorted();

function remove({ source, storage, catalog }: SmallHouse, { id }: BackupResult) {
  const task = { source, storages: [storage], id, allowLastGood: false, catalog, clock: systemClock };
  return removeOne({ ...task, signal, report: () => undefined });
}

test('backups of the folders alone push out no backup that holds the database, and stand in for none', async () => {
  await using house = await smallHouse({ retention: rules });
  const whole = await house.take();
  const since = house.catalog.runs.lastGood('backup').get('shop');
  expect(whole.only).toBeNull();
  const some: BackupResult[] = [];
  for (let n = 0; n < 3; n += 1) some.push(await house.take({ only: ['files'] }));
  const [first, second, third] = some;
  if (!first || !second || !third) throw new Error('three were made');
  expect(third.only).toEqual(['files']);
  // They do push each other out.
  expect(some.flatMap(({ removed }) => removed)).toEqual([first.id]);
  expect(await ids(house)).toEqual([whole.id, second.id, third.id].toSorted());
  expect((await readManifest(house.storage, 'shop', third.id, signal)).only).toEqual(['files']);
  expect(await readManifest(house.storage, 'shop', whole.id, signal)).not.toHaveProperty('only');

  const rows = await rowsOf(house);
  expect(selectBackup(rows, 'latest').id).toBe(whole.id);
  expect(selectBackup(rows, 'latest', 'database').id).toBe(whole.id);
  expect(selectBackup(rows, 'latest', 'files').id).toBe(third.id);
  const asked = { source: house.source, storage: null, catalog: house.catalog, signal };
  expect(await resolveBackup({ ...asked, id: 'latest' })).toMatchObject({
    id: whole.id,
    newer: { id: third.id, parts: ['files'] },
  });
  expect(await resolveBackup({ ...asked, id: whole.id })).toMatchObject({ id: whole.id, newer: null });
  const copies = rows.map((row) => ({ row, ok: true, drilledOk: false }));
  expect(goodBackups({ copies }, new Date()).map(({ id }) => id)).toEqual([whole.id]);
  // What is due by the clock is due all the same, however short the history.
  expect(house.catalog.runs.lastGood('backup').get('shop')).toBe(since);
  house.catalog.runs.trim({ runs: 1, before: '2000-01-01T00:00:00.000Z' });
  expect(house.catalog.runs.lastGood('backup').get('shop')).toBe(since);

  await expect(remove(house, whole)).rejects.toMatchObject({ code: 'LAST_GOOD_BACKUP' });
  expect(await remove(house, third)).toMatchObject({ removed: ['local'] });

  // A whole one takes the place of any other.
  const [next, last] = [await house.take(), await house.take()];
  expect(await ids(house)).toEqual([next.id, last.id].toSorted());
}, 60_000);

test('the parts that are all a source has are all of it', async () => {
  await using house = await smallHouse();
  const made = await house.take({ only: ['files', 'database'] });
  expect(made.only).toBeNull();
  expect(await readManifest(house.storage, 'shop', made.id, signal)).not.toHaveProperty('only');
});

test('N-d2 a backup that lacks an optional part pushes out none that has it, and is the latest all the same', async () => {
  await using house = await smallHouse({ retention: rules });
  const [files] = house.source.apps;
  if (!files) throw new Error('it has folders');
  let down = false;
  const optional = { ...files, optional: true, check: files.check?.bind(files) } as typeof files;
  optional.open = async (...args) => {
    if (down) throw new Error('not mounted');
    return files.open(...args);
  };
  const source = { ...house.source, apps: [optional] };
  const whole = await house.take({ source });
  down = true;
  for (let n = 0; n < 3; n += 1) expect((await house.take({ source })).state).toBe('partial');
  const left = await ids(house);
  expect(left).toHaveLength(3);
  expect(left).toContain(whole.id);
  expect(selectBackup(await rowsOf(house), 'latest').id).toBe(left.at(-1));
}, 60_000);
