import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { takeInventory } from '../../src/care/stock/inventory.ts';
import { backup } from '../../src/backup/backup.ts';
import { openArchive } from '../../src/archive/reader.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { Source } from '../../src/care/source.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { House } from '../../src/house.ts';
import { restore } from '../../src/restore/restore.ts';
import { forward } from '../../src/storage/forward.ts';
import { relay } from '../../src/storage/relay.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { openHouse } from '../../src/wiring.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const { signal } = new AbortController();
const report = () => undefined;

let server: TestPostgres;
let folder: string;
beforeAll(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-partial-'));
  await server.createDatabase('shop');
  await server.sql(
    'shop',
    `create table small (id int primary key, name text);
     insert into small select n, 'name ' || n from generate_series(1, 500) n;
     create table large (id int primary key, noise text);
     insert into large select n, (select string_agg(md5(n::text || m), '') from generate_series(1, 30) m)
       from generate_series(1, 4000) n;
     create view noisy as select small.name, large.noise from small join large using (id);`,
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A storage somewhere else, as far as anybody can tell, that counts what is fetched from it. */
function faraway(storage: Storage): Storage & { fetched: Map<string, number> } {
  const fetched = new Map<string, number>();
  return {
    ...forward(storage),
    fetched,
    localPath: () => null,
    get: async (key, options) => {
      fetched.set(key, fetched.get(key) ?? 0);
      const passed = (bytes: number) => fetched.set(key, (fetched.get(key) ?? 0) + bytes);
      return relay(await storage.get(key, options), { passed });
    },
  };
}

interface Remote {
  house: House;
  source: Source;
  storage: ReturnType<typeof faraway>;
  id: string;
}

async function storedAs(format: string, resources: AsyncDisposableStack): Promise<Remote> {
  const place = await mkdtemp(join(folder, `${format}-`));
  const file = join(place, 'holdfast.yaml');
  const settings = { url: server.url('shop') };
  const config = { state: './state', sources: { shop: { database: settings, dump: { format } } } };
  await writeFile(file, JSON.stringify(config));
  const house = resources.use(
    await openHouse(await loadConfig({ path: file, env: {}, cwd: place }), {
      clock: systemClock,
      logger: silentLogger,
    }),
  );
  const source = await house.source(undefined, signal);
  const { id } = await backup({ ...common(house), source, trigger: 'manual', description: null });
  const storage = faraway(source.storages[0]);
  return { house, source: { ...source, storages: [storage] }, storage, id };
}

function common({ catalog, clock, instance, version, timezone, scratch }: House) {
  return { catalog, clock, instance, version, timezone, scratch, signal, report };
}

async function restoreSmall({ house, source, storage, id }: Remote, into: string | null): Promise<void> {
  await restore({
    ...common(house),
    request: {
      source,
      from: { storage, id },
      into,
      onlyNew: false,
      guarded: { sources: [], folders: [] },
      inPlace: false,
      files: true,
      scope: { tables: [{ schema: 'public', name: 'small' }], schemas: [] },
      owners: 'keep',
      sessions: 'disconnect',
      keepOld: false,
      safetyBackup: false,
      jobs: null,
      allowed: [],
    },
    confirm: async () => undefined,
  });
}

const sum = (fetched: Map<string, number>) => [...fetched.values()].reduce((all, bytes) => all + bytes, 0);

describe('promise 5: no more is fetched than needed', () => {
  test('a listing reads manifests', async () => {
    await using resources = new AsyncDisposableStack();
    const { storage, id } = await storedAs('custom', resources);
    expect(await takeInventory({ storage, source: 'shop', catalog: null, signal })).toHaveLength(1);
    expect([...storage.fetched.keys()]).toEqual([`shop/${id}/manifest.json`]);
  });

  test.each([
    ['another database', 'beside'],
    ['the live one, in one transaction', null],
  ])('one table of a directory dump into %s fetches the table of contents and that table', async (_where, into) => {
    await using resources = new AsyncDisposableStack();
    const remote = await storedAs('directory', resources);
    const { artifacts } = (
      await openArchive({ ...remote, source: 'shop', keys: remote.source.keys, scratch: remote.house.scratch, signal })
    ).manifest;
    remote.storage.fetched.clear();
    await server.sql('shop', into === null ? 'delete from small where id > 10' : 'select 1');
    await restoreSmall(remote, into);
    const [{ count } = { count: '' }] = await server.sql<{ count: string }>(
      into ?? 'shop',
      'select count(*)::text from small',
    );
    expect(count).toBe('500');
    const files = [...remote.storage.fetched.keys()].filter((key) => !key.endsWith('manifest.json'));
    expect(files.filter((key) => key.endsWith('/toc.dat'))).toHaveLength(1);
    expect(files).toHaveLength(2);
    const large = artifacts.toSorted((a, b) => b.bytes - a.bytes)[0];
    expect(large?.bytes).toBeGreaterThan(1_000_000);
    expect(sum(remote.storage.fetched)).toBeLessThan((large?.bytes ?? 0) / 10);
    if (into !== null) await server.sql('postgres', `drop database ${into}`);
  });

  test('what else is in the backup is not looked at for a table of a custom dump', async () => {
    await using resources = new AsyncDisposableStack();
    const remote = await storedAs('custom', resources);
    await restoreSmall(remote, 'beside');
    const files = [...remote.storage.fetched.keys()].map((key) => key.split('/').at(-1) ?? '');
    expect(files.toSorted()).toEqual([expect.stringMatching(/^database\.dump/), 'manifest.json']);
    await server.sql('postgres', 'drop database beside');
  });
});
