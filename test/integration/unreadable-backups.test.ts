import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeDrill } from '../../src/archive/drills.ts';
import { copyBackup } from '../../src/archive/copy.ts';
import { writeHold } from '../../src/archive/hold.ts';
import { systemClock } from '../../src/base/clock.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { backupId } from '../../src/base/ids.ts';
import { rebuild, takeInventory } from '../../src/care/stock/inventory.ts';
import { prune } from '../../src/care/removal/prune.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import { verify } from '../../src/care/proof/verify.ts';
import { forward } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { builtProgram } from '../support/built-program.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';
import { runIn } from '../support/sqlite.ts';
import { localAt, storeBackup } from '../support/stored-backups.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const report = () => undefined;

/** As a disk with a bad sector, a file of another user, or an object in an archive class: everything else is given out. */
function without(storage: Storage, isKept: (key: string) => boolean, error: () => HoldfastError = denied): Storage {
  return {
    ...forward(storage),
    get: async (key, options) => {
      if (isKept(key)) throw error();
      return storage.get(key, options);
    },
  };
}

function denied(): HoldfastError {
  return new HoldfastError('STORAGE_DENIED', 'not allowed');
}

async function threeBackups({ storage }: SmallHouse): Promise<[string, string, string]> {
  const ids: string[] = [];
  for (const day of ['01', '02', '03']) ids.push((await storeBackup(storage, 'shop', `2026-11-${day}T02:00:00Z`)).id);
  return ids as [string, string, string];
}

test('a manifest that the storage does not give out hides no other backup', async () => {
  await using house = await smallHouse();
  const [first, second, third] = await threeBackups(house);
  const storage = without(house.storage, (key) => key.includes(second));
  const rows = await takeInventory({ storage, source: 'shop', catalog: house.catalog, signal });
  expect(rows).toMatchObject([
    { id: first, state: 'complete' },
    { id: second, state: 'unreadable', problem: 'not allowed (STORAGE_DENIED)' },
    { id: third, state: 'complete' },
  ]);
  // Also where the others are known already, and as whole again when it is given out.
  expect(await takeInventory({ storage, source: 'shop', catalog: house.catalog, signal })).toEqual(rows);
  const mended = await takeInventory({ storage: house.storage, source: 'shop', catalog: house.catalog, signal });
  expect(mended.map(({ state }) => state)).toEqual(['complete', 'complete', 'complete']);
});

test('a storage that gives out nothing, or does not answer, is one in trouble', async () => {
  await using house = await smallHouse();
  const [first] = await threeBackups(house);
  const look = (storage: Storage) => takeInventory({ storage, source: 'shop', catalog: null, signal });
  await expect(look(without(house.storage, () => true))).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
  const cut = () => new HoldfastError('STORAGE_UNREACHABLE', 'reset', { retryable: true });
  await expect(look(without(house.storage, (key) => key.includes(first), cut))).rejects.toMatchObject({
    code: 'STORAGE_UNREACHABLE',
  });
});

test('a folder that may not be looked into hides no other, and a hold that cannot be read holds', async () => {
  await using house = await smallHouse();
  const [first, second, third] = await threeBackups(house);
  await writeHold(house.storage, 'shop', third, { at: '2026-11-21T00:00:00.000Z', reason: 'audit' }, signal);
  const closed = (key: string) => key.includes(first);
  const storage: Storage = {
    ...without(house.storage, (key) => closed(key) || key.endsWith('hold.json')),
    stat: async (key, ending) => {
      if (closed(key)) throw denied();
      return house.storage.stat(key, ending);
    },
    statMany: async (keys, ending) => {
      if (keys.some(closed)) throw denied();
      return house.storage.statMany(keys, ending);
    },
  };
  expect(await takeInventory({ storage, source: 'shop', catalog: null, signal })).toMatchObject([
    { id: first, state: 'unreadable', held: null },
    { id: second, state: 'complete', held: null },
    { id: third, state: 'complete', held: { reason: null } },
  ]);
});

test('rebuild reads what can be read, results of drills too', async () => {
  await using house = await smallHouse();
  const [first, second, third] = await threeBackups(house);
  for (const id of [first, third])
    await writeDrill(house.storage, 'shop', id, new Date('2026-11-04T00:00:00Z'), { ok: true, seconds: 1 }, signal);
  const storage = without(
    house.storage,
    (key) => key.includes(second) || (key.includes(first) && key.includes('drills/')),
  );
  const found = await rebuild({ storages: [storage], sources: ['shop'], catalog: house.catalog, signal });
  expect(found).toEqual({ backups: 3, corrupt: 0, unreadable: 1, drills: 1 });
});

test('S5: a backup of a newer format is not called damaged, by nobody, and stays', async () => {
  await using house = await smallHouse({ retention: { last: 1, minimum: 1 } });
  const { source, storage, catalog, folder } = house;
  const [first, second, third] = await threeBackups(house);
  makeNewer(join(folder, 'backups'), first);
  const task = { source, storage, catalog, clock: systemClock, signal, report };
  await expect(
    verify({ ...task, id: first, depth: 'checksum', scratch: join(folder, 'scratch') }),
  ).rejects.toMatchObject({ code: 'MANIFEST_NEWER' });
  expect(catalog.proofs.list({ source: 'shop' }), 'nothing is noted that would stay after an upgrade').toEqual([]);
  const { decisions, removed } = await prune({ ...task, timezone: 'UTC', dryRun: false });
  expect(removed).toEqual([second]);
  expect(decisions.at(-1)).toMatchObject({
    id: first,
    keep: true,
    reasons: ['cannot be read here, left for you to look at'],
  });

  const removal = { ...task, storages: [storage], allowLastGood: false };
  await expect(removeOne({ ...removal, id: third })).rejects.toMatchObject({ code: 'LAST_GOOD_BACKUP' });
  await removeOne({ ...removal, id: third, allowLastGood: true });
  await expect(removeOne({ ...removal, id: first }), 'it may be the last that is left').rejects.toMatchObject({
    code: 'LAST_GOOD_BACKUP',
  });
});

test('S5: a copy of a newer format is never replaced as a damaged one', async () => {
  await using house = await smallHouse();
  const [, second] = await threeBackups(house);
  const to = localAt(join(house.folder, 'offsite'), 'offsite');
  const copy = { from: house.storage, to, source: 'shop', id: second, signal, report };
  await copyBackup({ ...copy, replace: 'nothing' });
  makeNewer(join(house.folder, 'offsite'), second);
  await expect(copyBackup({ ...copy, replace: 'damaged' })).rejects.toMatchObject({ code: 'COPY_DIFFERS' });
});

test('S5: list, show, check and verify say that it cannot be read, and tell nobody to delete it', async () => {
  await using installed = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
  runIn(join(installed.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
  await installed.configure({
    state: './state',
    sources: { shop: { database: { path: './shop.sqlite' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const { id: older } = await installed.json<{ id: string }>('backup');
  // Of one that cannot be read, the second is all that is known of its time.
  await until(() => backupId(new Date()) > older, 'another second');
  const { id } = await installed.json<{ id: string }>('backup');
  makeNewer(installed.storage, id);
  expect(await installed.json('list')).toMatchObject([
    { id, state: 'unreadable', copies: { local: 'unreadable' } },
    { id: older, state: 'complete' },
  ]);
  expect((await installed.run('list')).stdout).toContain('! unreadable');
  const shown = await installed.run('show', id);
  expect(shown).toMatchObject({ status: 6, stdout: expect.stringMatching(/cannot be read here: .*MANIFEST_NEWER/) });
  expect(shown.stdout).not.toContain('damaged');
  expect(await installed.run('verify', id)).toMatchObject({
    status: 6,
    stderr: expect.stringContaining('MANIFEST_NEWER'),
  });
  const all = await installed.run('verify', '--all', '--json');
  expect([all.status, JSON.parse(all.stdout)]).toEqual([6, [expect.objectContaining({ id: older, ok: true })]]);
  expect((await installed.run('rebuild')).stdout).toContain('1 backup cannot be read here');
  expect((await installed.run('status')).stdout).toContain('1 backup cannot be read here');
  expect((await installed.run('restore', 'latest', '--dry-run')).stdout).toMatch(
    new RegExp(`the newest backup, ${id}, cannot be read here`),
  );
  const { findings } = JSON.parse((await installed.run('check', '--json')).stdout) as {
    findings: { code: string; hint: string; meaning: string }[];
  };
  const found = findings.filter(({ code }) => /^(BACKUP|VERIFY)_/.test(code));
  expect(found).toMatchObject([{ code: 'BACKUP_UNREADABLE', severity: 'critical', value: 1 }]);
  expect(JSON.stringify(found)).toMatch(/Upgrade Holdfast/);
  expect(JSON.stringify(found)).not.toMatch(/delete this copy|changed what was stored/);
}, 300_000);

test('verify --all tells of a file that is not given out, and goes on with the others', async () => {
  await using installed = await installHoldfast({ url: '' });
  runIn(join(installed.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
  await installed.configure({
    state: './state',
    sources: { shop: { database: { path: './shop.sqlite' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const { id: older } = await installed.json<{ id: string }>('backup');
  const { id } = await installed.json<{ id: string }>('backup');
  const dump = readdirSync(join(installed.storage, 'shop', older)).find((name) => name.startsWith('database.')) ?? '';
  chmodSync(join(installed.storage, 'shop', older, dump), 0);
  const { status, stdout, stderr } = withoutPrivilege(installed.folder, 'verify', '--all', '--json');
  expect(JSON.parse(stdout), stderr).toEqual([expect.objectContaining({ id, ok: true })]);
  expect(stderr).toContain(`${older} in local was not read`);
  expect([status, stderr]).toEqual([1, expect.stringContaining('NO_PERMISSION')]);
}, 300_000);

/** What root may read whatever its rights say, the program may not. */
function withoutPrivilege(cwd: string, ...args: string[]) {
  const { program, env } = builtProgram();
  const words = [program, ...args];
  const isRoot = process.getuid?.() === 0;
  const dropped = ['setpriv', '--inh-caps', '-all', '--bounding-set', '-all', ...words];
  const [command = '', ...rest] = isRoot ? dropped : words;
  const { PATH = '' } = process.env;
  return spawnSync(command, rest, { cwd, encoding: 'utf8', env: { PATH, HOME: cwd, LC_ALL: 'C.UTF-8', ...env } });
}

function makeNewer(storage: string, id: string): void {
  const file = join(storage, 'shop', id, 'manifest.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"format": 1', '"format": 2'));
}
