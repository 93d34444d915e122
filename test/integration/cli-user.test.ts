import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/archive/format/manifest.ts';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { toolsWith } from '../support/tools.ts';

/** What users of the NestJS starter (J) and of TMA Cloud (T) had or were promised, as they find it here. */
const program = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
const real = clientTools(15) ?? '';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
  await server.sql('shop', 'create schema pgboss; create table pgboss.job (id int); insert into pgboss.job values (1)');
});
afterAll(() => server[Symbol.asyncDispose]());

interface Backup {
  id: string;
}
interface Listed extends Backup {
  bytes: number;
  createdAt: string;
  description: string | null;
}

async function manifestOf(holdfast: Installation, id: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(holdfast.storage, 'shop', id, 'manifest.json'), 'utf8')) as Manifest;
}

test('J-01, J-15, T-02: create, list, verify, restore and help are one program, under the old names as well', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  for (const words of [['create'], ['now'], ['--now']]) {
    expect(await holdfast.run(...words), words.join(' ')).toMatchObject({ status: 0 });
  }
  const ids = await holdfast.stored();
  expect(ids).toHaveLength(3);
  for (const words of [['ls'], ['test-config'], ['cleanup', '--dry-run'], ['logs']]) {
    expect(await holdfast.run(...words), words.join(' ')).toMatchObject({ status: 0 });
  }
  expect(await holdfast.run('restore-dump', 'latest', '--dry-run')).toMatchObject({ status: 0 });
  expect((await holdfast.run('help')).stdout).toContain('holdfast <command>');
  expect((await holdfast.run('help', 'restore-dump')).stdout).toContain('Usage: holdfast restore');
});

describe('one backup', () => {
  let holdfast: Installation;
  let said: Awaited<ReturnType<Installation['run']>>;
  let manifest: Manifest;
  let folder: string;

  beforeAll(async () => {
    holdfast = await installHoldfast({ url: server.url('shop') });
    said = await holdfast.run('backup', '--description', 'the nightly one');
    const [id = ''] = await holdfast.stored();
    folder = join(holdfast.storage, 'shop', id);
    manifest = await manifestOf(holdfast, id);
  });
  afterAll(() => holdfast[Symbol.asyncDispose]());

  test('T-01: it holds all schemas, those of other programs in the same database too', () => {
    const schemas = new Set(manifest.database?.tables.map(({ schema }) => schema));
    expect([...schemas].toSorted()).toEqual(['Sales & "Marketing"', 'audit', 'pgboss', 'public', 'shop']);
  });

  test('T-03, J-18: custom format from one serializable, deferrable snapshot, with owners and privileges in it', () => {
    expect(manifest.database?.snapshot.isolation).toBe('serializable-deferrable');
    expect(manifest.artifacts.find(({ role }) => role === 'database')).toMatchObject({ format: 'custom' });
    const listing = listingOf(join(folder, 'database.dump.zst'));
    expect(listing).toMatch(/ ACL shop TABLE customer /);
    expect(listing).toMatch(/ TABLE shop customer shop_owner$/m);
  });

  test('T-05, T-d7: a file beside it tells what, when, how, how large, and the number of its entries', async () => {
    const dump = manifest.artifacts.find(({ role }) => role === 'database');
    const path = join(folder, dump?.path ?? '');
    expect(manifest).toMatchObject({
      id: expect.stringMatching(/^\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$/),
      startedAt: expect.stringMatching(/Z$/),
      durationMs: expect.any(Number),
      description: 'the nightly one',
      database: { name: 'shop', owner: server.user, via: 'host', serverVersion: server.version },
    });
    expect(dump?.bytes).toBe((await stat(path)).size);
    expect(dump?.sha256).toBe(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
    const rows = await server.sql<{ rows: number }>('shop', 'select count(*)::int as rows from shop.item');
    expect(manifest.database?.tables).toContainEqual({
      schema: 'shop',
      name: 'item',
      rows: rows[0]?.rows,
      fingerprint: null,
    });

    const entries = listingOf(path)
      .split('\n')
      .filter((line) => /^\d+;/.test(line)).length;
    const { checks } = await holdfast.json<{ checks: { check: string; detail: string }[] }>('verify');
    expect(checks.find(({ check }) => check === 'structure')?.detail).toBe(`read to its end, ${entries} entries`);
  });

  test('T-06, J-d14, J-d17: it lies in a folder of its own, by time in UTC; nothing else lies beside it', async () => {
    expect(await readdir(join(holdfast.storage, 'shop'))).toEqual([manifest.id]);
    expect((await readdir(folder)).toSorted()).toEqual(['database.dump.zst', 'globals.sql.zst', 'manifest.json']);
    expect(manifest.id).toBe(manifest.startedAt.slice(0, 19).replace('T', '_').replaceAll(':', '-'));
  });

  test('T-09, J-19: it says what it does, in order: snapshot, dump, seal, checksum, structure, and sums it up', () => {
    expect(said.status).toBe(0);
    const steps = [...said.stderr.matchAll(/^✓ (\S+)/gm)].map(([, step]) => step);
    expect(steps).toEqual(['snapshot', 'dump', 'seal', 'checksum', 'structure']);
    expect(said.stdout).toContain(`backup complete  ${manifest.id}  of shop`);
    expect(said.stdout).toMatch(/holds +\d+ tables, [\d,]+ rows/);
    expect(said.stdout).toMatch(/size +[\d.]+ [KM]B/);
    expect(said.stdout).toContain(`holdfast restore ${manifest.id}`);
  });

  test('T-11: verify needs no server; a manifest that is missing is no backup, not a warning', async () => {
    await using elsewhere = await installHoldfast({ url: 'postgres://nobody@127.0.0.1:1/shop' });
    execFileSync('cp', ['-r', holdfast.storage, elsewhere.storage]);
    const { status, stdout } = await elsewhere.run('verify', 'latest');
    expect(status).toBe(0);
    expect(stdout).toMatch(/✓ checksum +database.dump.zst/);
    execFileSync('rm', [join(elsewhere.storage, 'shop', manifest.id, 'manifest.json')]);
    expect(await elsewhere.run('verify', 'latest')).toMatchObject({ status: 2 });
  });

  test('T-12, J-16, J-d6, J-d7: list tells id, size, date and note of each; sizes are exact, whatever the names', async () => {
    const [listed] = await holdfast.json<Listed[]>('list');
    const sizes = await Promise.all(manifest.artifacts.map(async ({ path }) => (await stat(join(folder, path))).size));
    expect(listed).toMatchObject({
      id: manifest.id,
      createdAt: manifest.startedAt,
      description: 'the nightly one',
      bytes: sizes.reduce((sum, size) => sum + size, 0),
    });
    const { stdout } = await holdfast.run('list');
    expect(stdout).toMatch(new RegExp(`1 +${manifest.id} .* the nightly one`));
    expect(stdout).toMatch(/^1 backup, [\d.]+ KB; the newest just now$/m);
  });

  function listingOf(path: string): string {
    return execFileSync('sh', ['-c', `zstd -dc "$1" | "$2/pg_restore" --list`, 'sh', path, real], { encoding: 'utf8' });
  }
});

test('T-12: without any backup, list says so and how to take one', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  expect(await holdfast.run('list')).toEqual({
    status: 0,
    signal: null,
    stdout: '',
    stderr: 'No backups yet. Take one with `holdfast backup`.\n',
  });
});

describe('J-06, J-d1, J-d2: every compression under its documented name gives a whole backup that stock tools open', () => {
  const unpack: Record<string, string> = { gzip: 'gzip -dc', bzip2: 'bzip2 -dc', xz: 'xz -dc', none: 'cat' };
  test.each([
    ['gzip', 'custom', 'database.dump'],
    ['gzip', 'directory', 'database.dir'],
    ['gzip', 'plain', 'database.sql.gz'],
    ['bzip2', 'custom', 'database.dump.bz2'],
    ['xz', 'custom', 'database.dump.xz'],
    ['xz', 'tar', 'database.tar.xz'],
  ])('%s, %s: %s', async (codec, format, name) => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const env = {
      HOLDFAST_DATABASE_URL: server.url('shop'),
      HOLDFAST_SOURCE: 'shop',
      HOLDFAST_STORAGE_PATH: holdfast.storage,
      HOLDFAST_STATE: holdfast.state,
      HOLDFAST_COMPRESSION: codec,
      HOLDFAST_FORMAT: format,
    };
    const ended = await holdfast.runWith({ env, cwd: '/' }, 'backup', '--json');
    expect(ended.status, ended.stderr).toBe(0);
    const { id } = JSON.parse(ended.stdout) as Backup;
    const path = join(holdfast.storage, 'shop', id, name);
    if (format === 'directory') expect(spawnSync(join(real, 'pg_restore'), ['--list', path]).status).toBe(0);
    else {
      const unpacker = name.endsWith('.dump') ? 'cat' : unpack[codec];
      const reader = format === 'plain' ? 'grep -q "PostgreSQL database dump complete"' : `'${real}/pg_restore' --list`;
      expect(spawnSync('sh', ['-c', `${unpacker} '${path}' | ${reader}`]).status).toBe(0);
    }
    expect(await holdfast.runWith({ env, cwd: '/' }, 'drill')).toMatchObject({ status: 0 });
  });
});

test('J-03, T-15: five fields with weekdays 0 to 7 say when; a pattern that means nothing is refused with its line', async () => {
  const patterns = ['0 2 * * *', '0 */6 * * *', '0 2 * * 0', '0 2 * * 7', '0 2 1 * *'];
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const sourceOf = (cron: string) => ({ database: { url: server.url('shop') }, schedule: { cron } });
  const sources = Object.fromEntries(patterns.map((cron, at) => [`s${at}`, sourceOf(cron)]));
  await holdfast.configure({ sources });
  expect(await holdfast.run('config', 'validate')).toMatchObject({ status: 0 });
  const { findings } = await holdfast.json<{ findings: { check: string; detail: string }[] }>('doctor');
  const due = findings.filter(({ check }) => check === 'schedule').map(({ detail }) => detail);
  expect(due).toHaveLength(patterns.length);
  for (const detail of due) expect(detail).toMatch(/^next due \d{4}-\d\d-\d\d \d\d:00 \(UTC\)/);
  expect(due[2]).toBe(due[3]);

  await holdfast.configure({ sources: { shop: sourceOf('0 25 * * *') } });
  const refused = await holdfast.run('backup');
  expect(refused).toMatchObject({ status: 2 });
  expect(refused.stderr).toMatch(
    /holdfast\.yaml:\d+: sources\.shop\.schedule\.cron must be a cron pattern.*"0 25 \* \* \*"/,
  );
});

test('J-04, J-d12, T-d11: age is the time in the manifest; copied files, other sources and strangers count for nothing', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { retention: { maxAge: '7d' } } });
  const { id } = await holdfast.json<Backup>('backup');
  const folder = join(holdfast.storage, 'shop');
  await writeFile(join(folder, 'shop_2020-01-01.dump'), 'somebody’s');
  execFileSync('touch', ['-d', '2020-01-01', join(folder, 'shop_2020-01-01.dump'), join(folder, id, 'manifest.json')]);
  const [pruned] = await holdfast.json<{ decisions: { id: string; keep: boolean }[]; removed: string[] }[]>('prune');
  expect(pruned).toMatchObject({ removed: [], decisions: [{ id, keep: true }] });
  expect((await readdir(folder)).toSorted()).toEqual([id, 'shop_2020-01-01.dump']);
});

test.each([
  ['sources.shop.pointInTime', { settings: { pointInTime: true } }],
  ['sources.shop.dump.incremental', { settings: { dump: { incremental: true } } }],
])('J-07, T-14: %s, which is not there, is not pretended: the setting is refused, not ignored', async (key, wanted) => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), ...wanted });
  const { status, stderr } = await holdfast.run('backup');
  expect(status).toBe(2);
  expect(stderr).toContain(`${key} is not a known key`);
  expect(await holdfast.stored()).toEqual([]);
});

test('J-08, T-13: host, port, user, name and password as variables; what the caller gives is used', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const env = {
    HOLDFAST_DATABASE_HOST: server.host,
    HOLDFAST_DATABASE_PORT: String(server.port),
    HOLDFAST_DATABASE_USER: server.user,
    HOLDFAST_DATABASE_PASSWORD: server.password,
    HOLDFAST_DATABASE_NAME: 'shop',
    HOLDFAST_STORAGE_PATH: join(holdfast.folder, 'other'),
    HOLDFAST_STATE: holdfast.state,
  };
  const run = (more: Record<string, string>) => holdfast.runWith({ env: { ...env, ...more }, cwd: '/' }, 'backup');
  expect(await run({})).toMatchObject({ status: 0 });
  expect((await run({ HOLDFAST_DATABASE_NAME: 'another' })).stderr).toContain('DATABASE_MISSING');
  expect((await run({ HOLDFAST_DATABASE_USER: '' })).status).toBe(0);
});

describe('J-12, J-13, J-14, J-d4: what is wrong is told at once, all of it, and by the exit code', () => {
  test('status counts what is damaged and names the last failure; one finding does not hide the next', async () => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    const { id } = await holdfast.json<Backup>('backup');
    await writeFile(join(holdfast.storage, 'shop', id, 'manifest.json'), '{');
    expect(await holdfast.run('verify', id)).toMatchObject({ status: 6 });
    await holdfast.configure({ state: './state', sources: { shop: { database: { url: server.url('gone') } } } });
    expect(await holdfast.run('backup')).toMatchObject({ status: 1 });
    const { stdout } = await holdfast.run('status');
    expect(stdout).toContain('✗ no complete backup');
    expect(stdout).toContain('! never drilled');
    expect(stdout).toContain('✗ 1 backup damaged');
    expect(stdout).toMatch(/✗ the last backup failed just now: the database gone does not exist/);

    // One that somebody stopped makes up for nothing.
    {
      using catalog = openCatalog(holdfast.state, systemClock);
      const [failed] = catalog.runs.list({ operation: 'backup', limit: 1 });
      if (failed) catalog.runs.add({ ...failed, id: `${failed.id}-cancelled`, state: 'cancelled', error: null });
    }
    const [{ failed }] = await holdfast.json<[{ failed: { state: string } | null }]>('status');
    expect(failed).toMatchObject({ operation: 'backup', state: 'failed' });
  });

  test('doctor looks at everything, whatever fails first, and ends with 1', async () => {
    await using holdfast = await installHoldfast({
      url: 'postgres://nobody@127.0.0.1:1/shop',
      top: { storages: { local: { type: 'local', path: '/dev/null' } } },
    });
    const { status, stdout } = await holdfast.run('doctor');
    expect(status).toBe(1);
    expect(stdout).toMatch(/✗ connection .*DATABASE_UNREACHABLE/);
    expect(stdout).toMatch(/✗ write .*STORAGE_NOT_A_FOLDER/);
    expect(stdout).toMatch(/✓ writable +runs, locks and history/);
    expect(stdout).toContain('2 checks failed');
  });
});

test('J-19, T-04: a dump that cannot be read back is removed, before any older backup is', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { retention: { last: 1 } } });
  const { id } = await holdfast.json<Backup>('backup');
  const tools = await toolsWith(join(holdfast.folder, 'tools'), {
    pg_restore: `cat > /dev/null; echo 'pg_restore: error: could not read from input file: end of file' >&2; exit 1`,
  });
  await holdfast.configure({
    state: './state',
    sources: { shop: { database: { url: server.url('shop'), tools }, retention: { last: 1 } } },
  });
  const { status, stderr } = await holdfast.run('backup');
  expect(status).toBe(6);
  expect(stderr).toMatch(/^error: .*damaged/m);
  expect(await holdfast.stored()).toEqual([id]);
  expect(await readdir(join(holdfast.storage, 'shop'))).toEqual([id]);
});

test('J-d3: in the bare environment of cron the configured database is backed up, and never a default one', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const cron = (line: string) =>
    spawnSync('/bin/sh', ['-c', line], {
      encoding: 'utf8',
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', SHELL: '/bin/sh' },
    });
  const backup = cron(`cd '${holdfast.folder}' && '${program}' backup`);
  expect(backup.status, backup.stderr).toBe(0);
  expect(await holdfast.stored()).toHaveLength(1);
  const lost = cron(`cd / && '${program}' backup`);
  expect(lost).toMatchObject({ status: 2, stdout: '' });
  expect(lost.stderr).toContain('CONFIG_MISSING');
  for (const name of ['backups', 'state', 'holdfast.yaml']) {
    expect((await stat(join(holdfast.folder, name))).mode & 0o077, name).toBe(0);
  }
});

test.each([
  ['empty.dump', Buffer.alloc(0), 'NOT_A_DUMP'],
  ['garbage.dump', Buffer.from('\u0000\u0001 nothing that anybody wrote '.repeat(100)), 'NOT_A_DUMP'],
  ['text.sql', Buffer.from('hello\n'), 'NOT_A_DUMP'],
  ['head-only.dump', Buffer.from('PGDMP\u0001\u000e\u0000'), 'DUMP_DAMAGED'],
])(
  'T-d12, J-d9: an unreadable archive (%s) is told in our words, and nothing was touched',
  async (name, content, code) => {
    await using holdfast = await installHoldfast({ url: server.url('shop') });
    await writeFile(join(holdfast.folder, name), content);
    const before = { names: await server.databases(), shop: await evidenceOf(server, 'shop') };
    for (const words of [
      ['import', `./${name}`, '--allow', 'superuser'],
      ['restore', `./${name}`, '--yes', '--no-safety-backup', '--allow', 'superuser'],
    ]) {
      const { status, stderr } = await holdfast.run(...words);
      expect(status, stderr).toBe(6);
      expect(stderr).toMatch(new RegExp(`^error: .+ \\(${code}\\)$`, 'm'));
      expect(stderr).toMatch(/^hint: .+\.$/m);
    }
    expect({ names: await server.databases(), shop: await evidenceOf(server, 'shop') }).toEqual(before);
    expect(await holdfast.stored()).toEqual([]);
  },
);

test('T-d13: a directory is restored by several workers, and still nothing goes live before all is compared', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop') });
  const record = join(holdfast.folder, 'arguments');
  const tools = await toolsWith(join(holdfast.folder, 'tools'), {
    pg_restore: `printf '%s ' "$@" >> '${record}'; echo >> '${record}'; exec "$real" "$@"`,
  });
  await holdfast.configure({
    state: './state',
    sources: { shop: { database: { url: server.url('shop'), tools }, dump: { format: 'directory' } } },
  });
  await holdfast.json('backup');
  const restored = await holdfast.run('restore', 'latest', '--into', 'parallel', '--jobs', '3');
  expect(restored.status, restored.stderr).toBe(0);
  const loading = (await readFile(record, 'utf8')).split('\n').find((line) => line.includes('--dbname'));
  expect(loading).toMatch(/--jobs[ =]3 /);
  expect(loading).not.toContain('--single-transaction');
  await server.sql('postgres', 'drop database parallel');
});
