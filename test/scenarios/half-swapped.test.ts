import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findLeftovers } from '../../src/apps/files/place/leftovers.ts';
import { swapTrees } from '../../src/apps/files/place/swap.ts';
import { openArchive } from '../../src/archive/reader.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const names = ['a', 'b', 'c', 'd'].map((name) => `${name}.png`);
const refused = { code: 'FILES_HALF_SWAPPED', kind: 'refused' };

function fill(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeFileSync(join(folder, name), name);
}

/** As a swap inside of a folder that cannot be renamed goes: all out, then all in; ended after so many of the renames. */
function killedAfter({ uploads }: SmallHouse, renames: number): { before: string; laid: string } {
  const laid = join(uploads, '.holdfast-new-0a1b2c3d');
  const before = join(uploads, '.holdfast-before-2026-11-21_03-00-00');
  fill(laid);
  mkdirSync(before);
  const all = [
    ...names.map((name) => [join(uploads, name), join(before, name)] as const),
    ...names.map((name) => [join(laid, name), join(uploads, name)] as const),
  ];
  for (const [from, to] of all.slice(0, renames)) renameSync(from, to);
  return { before, laid };
}

async function planned({ source, storage, folder }: SmallHouse, id: string) {
  const place = { storage, source: 'shop', id, keys: source.keys, scratch: folder, signal };
  const saved = (await openArchive(place)).saved('files');
  if (!saved) throw new Error('it holds folders');
  return source.apps[0]?.trees?.plan(saved, { only: null, to: null }, signal);
}

test.each([1, 4, 6])(
  'S14 a folder whose exchange was cut off after %i renames is neither saved nor restored over',
  async (renames) => {
    await using house = await smallHouse();
    fill(house.uploads);
    const { id } = await house.take();
    const { before, laid } = killedAfter(house, renames);
    await expect(house.take()).rejects.toMatchObject({ ...refused, hint: expect.stringContaining(before) });
    await expect(planned(house, id)).rejects.toMatchObject(refused);
    expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([id]);
    // The way back that it tells.
    for (const name of readdirSync(before)) renameSync(join(before, name), join(house.uploads, name));
    for (const folder of [before, laid]) rmSync(folder, { recursive: true });
    expect((await house.take()).state).toBe('succeeded');
    expect(await planned(house, id)).toMatchObject([{ name: 'uploads' }]);
  },
);

test('S14 a folder that is not there since its exchange was cut off is not passed over, optional or not', async () => {
  await using house = await smallHouse();
  const before = `${house.uploads}.before-2026-11-21_03-00-00`;
  renameSync(house.uploads, before);
  // Kept by an earlier restore, it says nothing about what has become of the folder.
  await expect(house.take()).rejects.toMatchObject({ code: 'FILES_MISSING' });
  mkdirSync(`${house.uploads}.holdfast-0a1b2c3d`);
  await expect(house.take()).rejects.toMatchObject({ ...refused, hint: expect.stringContaining(`mv '${before}'`) });
});

test('S14 what an earlier restore kept, and what a later one only laid down, is no exchange', async () => {
  await using house = await smallHouse();
  const before = join(house.uploads, '.holdfast-before-2026-11-20_03-00-00');
  fill(before);
  const keptAt = statSync(before).ctimeMs;
  await until(() => Date.now() > keptAt + 10, 'a later moment');
  fill(join(house.uploads, '.holdfast-new-0a1b2c3d'));
  expect((await house.take()).state).toBe('succeeded');
});

test('S14 what a killed restore laid down is no exchange either when a later one ends well and keeps what lived', async () => {
  await using house = await smallHouse();
  const { uploads } = house;
  fill(uploads);
  const laid = join(uploads, '.holdfast-new-0a1b2c3d');
  fill(laid);
  const laidAt = statSync(laid).ctimeMs;
  await until(() => Date.now() > laidAt + 10, 'a later moment');
  const staged = join(uploads, '.holdfast-new-4e5f6a7b');
  fill(staged);
  const at = new Date('2026-11-21T03:00:00Z');
  const swap = await swapTrees([{ name: 'uploads', target: uploads, staged, how: 'inside', replaces: true }], at);
  rmdirSync(staged);
  expect((await house.take()).state).toBe('succeeded');
  expect(readdirSync(join(uploads, '.holdfast-left-0a1b2c3d')).toSorted()).toEqual(names);
  expect(await findLeftovers(uploads)).toEqual([swap.trees[0]?.previous, join(uploads, '.holdfast-left-0a1b2c3d')]);
});

test('S14 the exchange for an empty folder that was cut off is found as well, and one that was over is none', async () => {
  await using house = await smallHouse();
  fill(house.uploads);
  killedAfter(house, 2 * names.length);
  expect((await house.take()).state).toBe('succeeded');
  const laid = join(house.uploads, '.holdfast-new-00000000');
  mkdirSync(laid);
  const laidAt = statSync(laid).ctimeMs;
  await until(() => Date.now() > laidAt + 10, 'a later moment');
  const before = join(house.uploads, '.holdfast-before-2026-11-21_03-00-01');
  mkdirSync(before);
  renameSync(join(house.uploads, 'a.png'), join(before, 'a.png'));
  await expect(house.take()).rejects.toMatchObject({ ...refused, hint: expect.stringContaining(before) });
});
