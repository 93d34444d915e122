import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { examine } from '../../src/care/doctor/doctor.ts';
import { withRun } from '../../src/catalog/run.ts';
import { runIn } from '../support/sqlite.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();

/** What a restore notes before its folders change places is all that is left of it. */
async function killRestore({ catalog, folder, uploads }: SmallHouse, id: string, change: object = {}) {
  const previous = join(folder, 'uploads.before-2026-11-21_03-00-00');
  await mkdir(previous, { recursive: true });
  const files = [{ name: 'uploads', target: uploads, previous }];
  await noteRestore(catalog, id, { previous: 'app.before', files, swapping: true, ...change });
  return previous;
}

async function noteRestore(catalog: SmallHouse['catalog'], id: string, result: object) {
  const around = { catalog, clock: systemClock, signal, report: () => undefined };
  const run = { operation: 'restore', source: 'shop', backup: id, trigger: 'manual', ...around } as const;
  const killed = withRun(run, async (inside) => {
    inside.keep({ id, mode: 'swap', safety: null, ...result });
    throw new Error('killed');
  });
  await expect(killed).rejects.toThrow('killed');
}

const told = async ({ source, storage, catalog }: SmallHouse) => {
  const found = await examine({
    sources: [source],
    storages: [storage],
    catalog,
    compressions: [],
    clock: systemClock,
    signal,
  });
  return found.filter(({ check }) => check === 'restore');
};

test('S14 folders of a backup beside the database that was live are told by doctor, and by every backup of them', async () => {
  await using house = await smallHouse();
  const { id, warnings } = await house.take();
  expect([warnings, await told(house)]).toEqual([[], []]);
  const previous = await killRestore(house, id);
  expect(await told(house)).toMatchObject([
    {
      result: 'failed',
      detail: expect.stringContaining(previous),
      hint: expect.stringContaining('restore --undo --source shop'),
    },
  ]);
  const mixed = await house.take();
  expect(mixed.warnings).toEqual([expect.stringContaining(`are those of the backup ${id}, the database is not`)]);
});

test.each<[string, (house: SmallHouse, previous: string, id: string) => Promise<unknown>]>([
  ['another restore came to its end', ({ catalog }, _, id) => noteRestore(catalog, id, { previous: 'x', files: [] })],
  ['it was undone', ({ catalog }, _, id) => noteRestore(catalog, id, { undone: 'it' })],
  ['what lived was cleared away', (_, previous) => rm(previous, { recursive: true })],
])('it is told no more when %s', async (_, mend) => {
  await using house = await smallHouse();
  const { id } = await house.take();
  const previous = await killRestore(house, id);
  expect(await told(house)).toHaveLength(1);
  await mend(house, previous, id);
  expect(await told(house)).toEqual([]);
});

test('and not when the database had changed places too', async () => {
  await using house = await smallHouse();
  const { id } = await house.take();
  runIn(join(house.folder, 'former.sqlite'), 'create table t (x)');
  await killRestore(house, id, { previous: join(house.folder, 'former.sqlite') });
  expect(await told(house)).toEqual([]);
});

test('restores beside the live database say nothing of it', async () => {
  await using house = await smallHouse();
  const { id } = await house.take();
  await killRestore(house, id);
  await noteRestore(house.catalog, id, { mode: 'new', previous: null, files: [] });
  expect(await told(house)).toHaveLength(1);
});
