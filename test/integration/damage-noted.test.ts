import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { copyOne } from '../../src/care/copies/copies.ts';
import { localAt } from '../support/stored-backups.ts';
import { smallHouse } from '../support/small-house.ts';
import { twoStorages } from '../support/two-storages.ts';

const { signal } = new AbortController();

test('N-d9 S4 a copy that a drill found damaged pushes out no good one, and is good again once it was replaced', async () => {
  await using house = await smallHouse();
  const { damage, offsite, ...does } = await twoStorages(house);
  damage('offsite', does.newer);
  await expect(does.drill(offsite)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await does.copies(does.newer)).toEqual({ local: 'complete', offsite: 'corrupt' });
  expect(await does.prune(offsite)).toEqual([]);
  await does.copy({ to: offsite, from: house.storage, replace: 'damaged' });
  expect(await does.copies(does.newer)).toEqual({ local: 'complete', offsite: 'complete' });
  expect(await does.drill(offsite)).toMatchObject({ ok: true });
  expect(await does.prune(offsite)).toEqual([does.older]);
});

test('S4 a copy that was found damaged when another was to be made of it, or in its place, is noted as such', async () => {
  await using house = await smallHouse();
  const { damage, offsite, ...does } = await twoStorages(house);
  damage('offsite', does.newer);
  const refused = does.copy({ to: offsite, from: house.storage, replace: 'nothing' });
  await expect(refused).rejects.toMatchObject({ code: 'COPY_DAMAGED' });
  expect(await does.copies(does.newer)).toEqual({ local: 'complete', offsite: 'corrupt' });
  await does.copy({ to: offsite, from: house.storage, replace: 'damaged' });
  expect(await does.copies(does.newer)).toEqual({ local: 'complete', offsite: 'complete' });

  damage('backups', does.newer);
  const third = localAt(join(house.folder, 'third'), 'third');
  const source = { ...house.source, storages: [house.storage, offsite, third] as const };
  const { catalog } = house;
  const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
  // Read first, because it is nearest; then the other one.
  expect(await copyOne({ ...common, id: does.newer, to: third, from: null })).toMatchObject({ state: 'complete' });
  expect(await does.copies(does.newer)).toEqual({ local: 'corrupt', offsite: 'complete' });
  expect(await does.prune(house.storage)).toEqual([]);
});

test('S4 a copy that a restore found damaged is noted as such, whether or not another was whole', async () => {
  await using house = await smallHouse();
  const { damage, offsite, ...does } = await twoStorages(house);
  damage('backups', does.newer, 'database.sqlite.zst');
  expect(await does.restore({ storage: house.storage, others: [offsite] })).toMatchObject({ state: 'succeeded' });
  expect(await does.copies(does.newer)).toEqual({ local: 'corrupt', offsite: 'complete' });
  expect(await does.prune(house.storage)).toEqual([]);

  damage('offsite', does.newer);
  await expect(does.restoreFiles(offsite)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
  expect(await does.copies(does.newer)).toEqual({ local: 'corrupt', offsite: 'corrupt' });
  expect(await does.prune(offsite)).toEqual([]);
});

test('S4 a part of a database comes from another copy where the first one is damaged before anything is found in it', async () => {
  await using house = await smallHouse();
  const { damage, offsite, ...does } = await twoStorages(house);
  damage('backups', does.newer, 'database.sqlite.zst');
  const restored = does.restore({ storage: house.storage, others: [offsite] }, ['orders']);
  expect(await restored).toMatchObject({ state: 'succeeded' });
  expect(await does.copies(does.newer)).toEqual({ local: 'corrupt', offsite: 'complete' });
});

test.each([
  ['a whole database', []],
  ['a part of one', ['orders']],
])('S4 %s comes from another copy also where the damage cannot be written down', async (_what, tables) => {
  await using house = await smallHouse();
  const { damage, offsite, ...does } = await twoStorages(house);
  damage('backups', does.newer, 'database.sqlite.zst');
  using beside = new DatabaseSync(join(house.folder, 'state/catalog.sqlite'));
  beside.exec(`create trigger no_more before insert on proofs begin select raise(abort, 'there is no room'); end`);
  const restored = does.restore({ storage: house.storage, others: [offsite] }, tables);
  expect(await restored).toMatchObject({ state: 'succeeded' });
});

test('S4 a copy that was found damaged when it was fetched is noted as such', async () => {
  await using house = await smallHouse();
  const { damage, offsite, ...does } = await twoStorages(house);
  damage('backups', does.newer);
  expect(await does.fetch([house.storage, offsite])).toMatchObject({ from: 'offsite' });
  expect(await does.copies(does.newer)).toEqual({ local: 'corrupt', offsite: 'complete' });
});

test('S4 a shared object that is known to be damaged in a storage is compared and put right, and not taken for whole', async () => {
  await using house = await smallHouse({ share: true });
  writeFileSync(join(house.uploads, 'large.bin'), randomBytes(5 * 1024 * 1024));
  const { offsite, older, ...does } = await twoStorages(house);
  const objects = join(house.folder, 'offsite/shop/objects');
  const [object = ''] = readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .map((name) => join(objects, name))
    .toSorted((left, right) => statSync(right).size - statSync(left).size);
  const content = readFileSync(object);
  content[1000] = (content[1000] ?? 0) ^ 1;
  writeFileSync(object, content);
  expect(await does.verify(offsite)).toMatchObject({ ok: false });

  const { id, copies } = await does.take();
  expect(copies).toMatchObject({ offsite: 'complete' });
  expect(await does.verify(offsite, id)).toMatchObject({ ok: true });
  expect(await does.verify(offsite, older)).toMatchObject({ ok: true });
});
