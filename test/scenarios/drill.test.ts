import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentOf, evidenceOf } from '../support/evidence.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toolsWith } from '../support/tools.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
});
afterAll(() => server[Symbol.asyncDispose]());

interface Drilled {
  ok: boolean;
  seconds: number;
  target: string;
  tables: { compared: number; mismatched: { name: string; reason: string }[] };
  sequences: { compared: number; mismatched: { name: string }[] };
  checks: { ok: boolean }[];
}

const targets: [string, () => Promise<{ target: string } & AsyncDisposable>][] = [
  ['the same server', async () => ({ target: 'same', [Symbol.asyncDispose]: async () => undefined })],
  ['a temporary server', async () => ({ target: 'temporary', [Symbol.asyncDispose]: async () => undefined })],
  [
    'another server without the roles',
    async () => {
      const other = await startPostgres();
      return { target: other.url('postgres'), [Symbol.asyncDispose]: () => other[Symbol.asyncDispose]() };
    },
  ],
];

test.each(targets)('promise 2: a drill on %s compares everything and leaves nothing behind', async (_name, place) => {
  await using where = await place();
  await using holdfast = await installHoldfast({
    url: server.url('shop'),
    settings: {
      dump: { fingerprints: true },
      drill: { target: where.target, checks: ['select count(*) > 0 from shop.customer', 'select false'] },
    },
  });
  const before = await evidenceOf(server, 'shop');
  const { id } = await holdfast.json<{ id: string }>('backup');
  const ended = await holdfast.run('drill', id, '--json');
  const result = JSON.parse(ended.stdout) as Drilled;
  expect(result.tables).toMatchObject({ mismatched: [] });
  expect(result.tables.compared).toBeGreaterThan(10);
  expect(result.sequences.mismatched).toEqual([]);
  expect(result.sequences.compared).toBeGreaterThan(3);
  expect(result.seconds).toBeGreaterThan(0);
  // The operator's own check said false: that is a failed drill, and no weaker word.
  expect(result.checks.map(({ ok }) => ok)).toEqual([true, false]);
  expect(result.ok).toBe(false);
  expect(ended.status).toBe(6);
  expect(await evidenceOf(server, 'shop')).toEqual(before);
  expect(await server.databases()).toEqual(['postgres', 'shop']);
});

test('a drill that comes back with one row less, one changed value or one moved sequence fails (the drill itself is tested)', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { fingerprints: true } } });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const file = join(holdfast.storage, 'shop', id, 'manifest.json');
  const { sealManifest } = await import('../../src/archive/format/manifest.ts');
  const pristine = await readFile(file, 'utf8');
  const mutations: [
    string,
    (database: { tables: Record<string, unknown>[]; sequences: Record<string, unknown>[] }) => void,
  ][] = [
    ['rows', ({ tables }) => tables.forEach((table) => table.name === 'item' && (table.rows = Number(table.rows) + 1))],
    ['content', ({ tables }) => tables.forEach((table) => table.name === 'item' && (table.fingerprint = 'another'))],
    ['sequence', ({ sequences }) => sequences.forEach((each) => each.name === 'ticket' && (each.value = '1'))],
  ];
  for (const [what, mutate] of mutations) {
    const { digest: _digest, ...manifest } = JSON.parse(pristine);
    mutate(manifest.database);
    await writeFile(file, JSON.stringify(sealManifest(manifest)));
    const ended = await holdfast.run('drill', id, '--json');
    expect(ended.status, what).toBe(6);
    const result = JSON.parse(ended.stdout) as Drilled;
    expect([...result.tables.mismatched, ...result.sequences.mismatched], what).toHaveLength(1);
  }
  // And a restore by swap refuses for the same reason, before the swap.
  const before = await evidenceOf(server, 'shop');
  const restored = await holdfast.run('restore', id, '--yes', '--no-safety-backup');
  expect(restored.status).toBe(6);
  expect(restored.stderr).toMatch(/RESTORE_DIFFERS/);
  expect(await evidenceOf(server, 'shop')).toEqual(before);
});

test('S13 sessions of one load that wait for one another are no damage: it is loaded again by one job', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const calls = join(holdfast.folder, 'calls');
  const once = join(holdfast.folder, 'once');
  // As pg_restore says it when the server has ended one of its workers.
  const tools = await toolsWith(join(holdfast.folder, 'tools'), {
    pg_restore: `case "$*" in *--dbname*) echo "$*" >>'${calls}'
      if mkdir '${once}' 2>/dev/null; then
        "$real" "$@" --section=pre-data || exit 1
        echo 'pg_restore: error: could not execute query: ERROR:  deadlock detected' >&2
        echo 'DETAIL:  Process 11 waits for AccessExclusiveLock on relation 5 of database 7; blocked by process 12.' >&2
        exit 1
      fi ;;
    esac
    exec "$real" "$@"`,
  });
  await holdfast.configure({
    state: './state',
    sources: {
      shop: { database: { url: server.url('shop'), tools }, dump: { format: 'directory' }, drill: { target: 'same' } },
    },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const { id } = await holdfast.json<{ id: string }>('backup');
  for (const words of [
    ['drill', id],
    ['restore', id, '--yes', '--no-safety-backup'],
    ['restore', id, '--into', 'beside', '--yes'],
  ]) {
    await rm(calls, { force: true });
    await rm(once, { recursive: true, force: true });
    const ended = await holdfast.run(...words);
    expect(ended.status, ended.stderr).toBe(0);
    expect(ended.stderr + ended.stdout).toContain('loaded again from the beginning, by one job');
    const [first, second, ...more] = (await readFile(calls, 'utf8')).trim().split('\n');
    expect([first, second, more]).toEqual([
      expect.stringContaining('--jobs='),
      expect.not.stringContaining('--jobs='),
      [],
    ]);
  }
  expect(await contentOf(server, 'beside')).toEqual(await contentOf(server, 'shop'));
  await server.sql('postgres', 'drop database beside');
  expect(await server.databases()).toEqual(['postgres', 'shop']);

  // By one job it cannot happen, and is told.
  await rm(once, { recursive: true });
  const alone = await holdfast.run('drill', id, '--jobs', '1');
  expect([alone.status, alone.stderr]).toEqual([1, expect.stringContaining('deadlock detected')]);
  expect(await server.databases()).toEqual(['postgres', 'shop']);
});

test('S20, J-d5: proofs are recorded: list and show tell when a backup was verified and drilled', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const { id } = await holdfast.json<{ id: string }>('backup');
  const entry = async () => (await holdfast.json<{ id: string; verified: unknown; drilled: unknown }[]>('list'))[0];
  expect(await entry()).toMatchObject({ id, verified: { depth: 'structure', ok: true }, drilled: null });
  await holdfast.json('drill', id);
  expect(await entry()).toMatchObject({ drilled: { ok: true } });
});

test.each(['custom', 'directory', 'plain'])(
  'promise 2: a drill of a subscriber leaves no copy behind, and no second subscription to the same slot (%s)',
  async (format) => {
    await using publishes = await startPostgres();
    await publishes.createDatabase('subscriber');
    await publishes.sql('subscriber', 'create table orders (id int); insert into orders values (1)');
    await publishes.sql(
      'subscriber',
      `create subscription from_erp connection 'host=erp.example dbname=erp' publication p with (connect = false, slot_name = 'from_erp');
       comment on subscription from_erp is 'orders'`,
    );
    await using holdfast = await installHoldfast({
      url: publishes.url('subscriber'),
      settings: { dump: { format }, drill: { target: 'same' } },
    });
    const { id } = await holdfast.json<{ id: string }>('backup');
    expect((await holdfast.json<Drilled>('drill', id)).ok).toBe(true);
    expect(await publishes.databases()).toEqual(['postgres', 'subscriber']);
    const { warnings } = await holdfast.json<{ warnings: string[] }>('restore', id, '--into', 'copy', '--yes');
    expect(warnings).toContainEqual(expect.stringMatching(/subscription from_erp was left out/));
    const subscriptions = await publishes.sql(
      'postgres',
      'select datname, subslotname from pg_subscription s join pg_database d on d.oid = s.subdbid',
    );
    expect(subscriptions).toEqual([{ datname: 'subscriber', subslotname: 'from_erp' }]);
  },
);
