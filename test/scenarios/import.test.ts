import { appendFile, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/archive/format/manifest.ts';
import { temporaryFolder } from '../support/databases.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { dumpWith, stateOf, writeFiles, writeOldBackups, type OldBackups } from '../support/old-backups.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

interface Imports {
  imported: number;
  known: number;
  skipped: number;
  failed: number;
  items: {
    name: string;
    system: string | null;
    state: string;
    id: string | null;
    timeFrom: string;
    notes: string[];
    error: { code: string } | null;
  }[];
  unrecognised: string[];
}

/** Debian's client of this moment may be one that a hostile script could misuse. */
const trust = ['--trust-script', '--allow', 'unpatched'];
/** The servers of these tests know no role but a superuser. */
const superuser = ['--allow', 'superuser'];

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('app');
  await server.sql(
    'app',
    `create table people (id int primary key, name text);
     insert into people select n, 'name ' || n from generate_series(1, 500) n`,
  );
});
afterAll(() => server[Symbol.asyncDispose]());

async function install(): Promise<Installation> {
  return installHoldfast({ url: server.url('app'), source: 'app' });
}

async function manifestOf(holdfast: Installation, id: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(holdfast.storage, 'app', id, 'manifest.json'), 'utf8')) as Manifest;
}

async function fixtures(): Promise<OldBackups & AsyncDisposable> {
  const folder = await temporaryFolder();
  return Object.assign(await writeOldBackups(server, 'app', join(folder.path, 'old')), {
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  });
}

async function importJson(holdfast: Installation, status: number, ...args: string[]): Promise<Imports> {
  const ended = await holdfast.run('import', ...args, ...superuser, '--json');
  expect(ended.status, ended.stderr).toBe(status);
  return JSON.parse(ended.stdout) as Imports;
}

test('N-11, J-09, O-04, T-06, B-04: a folder with backups of all five systems is taken in, the oldest first', async () => {
  await using holdfast = await install();
  await using old = await fixtures();
  await symlink('/etc/passwd', join(old.folder, 'link.dump'));
  const originals = [old.nestjs, old.opsCenter, old.tma, old.nocobase, join(old.nocodb, 'database.sql.gz')];
  const before = await stateOf(originals);

  const dry = await importJson(holdfast, 0, old.folder, '--dry-run');
  expect(dry.items.map(({ state }) => state)).toEqual(['found', 'found', 'found', 'found', 'found']);
  expect(await holdfast.stored('app')).toEqual([]);

  const done = await importJson(holdfast, 0, old.folder, ...trust);
  expect(done).toMatchObject({ imported: 5, failed: 0 });
  expect(done.items.map(({ system, id }) => [system, id])).toEqual([
    ['nocodb', '2025-03-01_05-15-00'],
    ['nestjs-starter', '2025-04-01_02-00-00'],
    ['ops-center', '2025-05-01_14-30-22'],
    ['tma-cloud', '2025-06-01_02-00-00'],
    ['nocobase', '2025-07-01_00-00-00'],
  ]);
  expect(new Set(done.unrecognised.map((path) => path.split('/').at(-1)))).toEqual(
    new Set(['link.dump', 'readme.txt']),
  );
  // What is not the database is said to stay, not passed over in silence.
  expect(done.items[0]?.notes.join()).toContain('nocodb-data.tar.gz');
  expect(done.items[4]?.notes.join()).toContain('3 files in it');
  for (const { id } of done.items) {
    const manifest = await manifestOf(holdfast, id ?? '');
    expect(manifest.database?.tables).toMatchObject([{ name: 'people', rows: 500 }]);
    expect(manifest.imported?.sha256).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(await manifestOf(holdfast, '2025-05-01_14-30-22')).toMatchObject({ description: 'Before major update' });
  expect(await manifestOf(holdfast, '2025-07-01_00-00-00')).toMatchObject({
    app: { kind: 'nocobase', version: '2.2.15' },
  });

  const again = await importJson(holdfast, 0, old.folder, ...trust);
  expect(again).toMatchObject({ imported: 0, known: 5, failed: 0 });
  expect((await holdfast.stored('app')).length).toBe(5);
  expect(await stateOf(originals)).toEqual(before);
  expect(await server.databases()).toEqual(['app', 'postgres']);
  expect(await holdfast.json('drill', '2025-07-01_00-00-00')).toMatchObject({ ok: true });
});

test('O-d11, N-d18: a local time is read in the zone that is given, and the file time does not matter', async () => {
  await using holdfast = await install();
  await using old = await fixtures();
  await utimes(old.opsCenter, new Date(0), new Date(0));
  const { items } = await importJson(holdfast, 0, old.opsCenter, ...trust, '--timezone', 'Europe/Berlin');
  expect(items).toMatchObject([{ id: '2025-05-01_12-30-22', timeFrom: 'name' }]);
  expect((await manifestOf(holdfast, '2025-05-01_12-30-22')).imported?.time).toEqual({
    from: 'name',
    zone: 'Europe/Berlin',
  });
});

test('N-d8, T-11, J-d13, T-d11, B-d6: what is cut, exchanged or not as recorded is told, and the others go on', async () => {
  await using holdfast = await install();
  await using old = await fixtures();
  const cut = (await readFile(old.nestjs)).subarray(0, 900);
  await writeFile(old.nestjs, cut);
  await appendFile(old.opsCenter, 'more');
  const flipped = await readFile(old.tma);
  flipped[flipped.length - 20] = (flipped.at(-20) ?? 0) ^ 1;
  await writeFile(old.tma, flipped);
  const nbdata = await readFile(old.nocobase);
  nbdata[200] = (nbdata[200] ?? 0) ^ 1;
  await writeFile(old.nocobase, nbdata);

  const done = await importJson(holdfast, 3, old.folder, ...trust);
  expect(done).toMatchObject({ imported: 1, failed: 4 });
  const codes = Object.fromEntries(done.items.map(({ system, error }) => [system, error?.code ?? null]));
  expect(codes).toMatchObject({
    nocodb: null,
    'nestjs-starter': expect.stringMatching(/DAMAGED/) as string,
    'ops-center': 'FOREIGN_MISMATCH',
    'tma-cloud': 'FOREIGN_MISMATCH',
    nocobase: 'NBDATA_DAMAGED',
  });
  expect(await holdfast.stored('app')).toEqual(['2025-03-01_05-15-00']);
  expect(await server.databases()).toEqual(['app', 'postgres']);

  const one = await holdfast.run('import', old.tma, ...superuser);
  expect(one.status).toBe(6);
  expect(one.stderr).toContain('(FOREIGN_MISMATCH)');
  const told = await holdfast.run('import', old.folder, ...trust, ...superuser);
  expect(told.status).toBe(3);
  expect(told.stdout).toMatch(/already there/);
  expect(told.stdout).toContain('readme.txt');
});

test('O-d3, J-d9: scripts of a folder are refused unless the operator says so, archives are taken', async () => {
  await using holdfast = await install();
  await using old = await fixtures();
  const done = await importJson(holdfast, 3, old.folder);
  expect(done).toMatchObject({ imported: 3, failed: 2 });
  expect(done.items.filter(({ state }) => state === 'failed').map(({ error }) => error?.code)).toEqual([
    'SCRIPT_FOREIGN',
    'SCRIPT_FOREIGN',
  ]);
});

test('S18, N-d19: hostile names stay names', async () => {
  await using holdfast = await install();
  await using old = await fixtures();
  const dump = await readFile(old.tma);
  const nasty = [`$(touch pwned)\n'; drop--_20250102T030405Z.dump`, `-rf_2025-02-03_04-05-06.dump`];
  await rm(old.folder, { recursive: true });
  await writeFiles(old.folder, Object.fromEntries(nasty.map((name) => [name, dump])));
  // The second holds the same bytes, and is the same backup.
  const done = await importJson(holdfast, 0, old.folder);
  expect(done).toMatchObject({ imported: 1, known: 1 });
  const text = await holdfast.run('import', old.folder, ...superuser);
  expect(text.stdout).not.toMatch(/\n'; drop/);
  expect((await readdir(holdfast.folder)).includes('pwned')).toBe(false);
});

test('S12, N-23: backups are taken from a configured storage, and the own ones in it are left alone', async () => {
  await using old = await fixtures();
  await using holdfast = await installHoldfast({
    url: server.url('app'),
    source: 'app',
    settings: { storages: ['local'], dump: { format: 'plain', compression: 'gzip' } },
    top: { storages: { local: { type: 'local', path: './backups' }, old: { type: 'local', path: old.folder } } },
  });
  const done = await importJson(holdfast, 0, '--from', 'old', 'tma');
  expect(done).toMatchObject({ imported: 1, items: [{ system: 'tma-cloud' }] });
  await holdfast.json('backup');
  const own = await importJson(holdfast, 0, '--from', 'local');
  expect(own).toMatchObject({ imported: 0, failed: 0, skipped: 1 });
  expect((await holdfast.stored('app')).length).toBe(2);
});

test('J-05: a directory dump is taken in by its folder, once', async () => {
  await using holdfast = await install();
  const folder = join(holdfast.folder, 'app.dir');
  await dumpWith(server, 'app', ['-Fd', '-f', folder]);
  expect(await importJson(holdfast, 0, folder)).toMatchObject({ imported: 1, items: [{ timeFrom: 'file' }] });
  expect(await importJson(holdfast, 0, folder)).toMatchObject({ imported: 0, known: 1 });
  await appendFile(join(folder, 'toc.dat'), 'x');
  expect((await importJson(holdfast, 0, folder, '--dry-run')).items).toMatchObject([{ state: 'found' }]);
});

test('an imported backup that was restored is the live database, and nothing calls it a leftover', async () => {
  await server.sql('postgres', 'create database moved');
  await server.sql('moved', `create table people as select 1 as id; comment on database moved is 'the people'`);
  await using holdfast = await installHoldfast({ url: server.url('moved'), source: 'app' });
  const file = join(holdfast.folder, 'old.dump');
  await dumpWith(server, 'moved', ['-Fc', '-f', file]);
  const { items } = await importJson(holdfast, 0, file);
  await holdfast.json('restore', items[0]?.id ?? '', '--yes');
  const comment = `select shobj_description(oid, 'pg_database') as said from pg_database where datname = 'moved'`;
  expect(await server.sql('postgres', comment)).toEqual([{ said: 'the people' }]);
  expect((await holdfast.run('doctor')).stdout).not.toContain('leftovers');
  // As an earlier version has left it.
  await server.sql('postgres', `comment on database moved is 'holdfast scratch database: {"note":"import"}'`);
  expect((await holdfast.run('doctor')).stdout).not.toContain('leftovers');
  const { id } = await holdfast.json<{ id: string }>('backup');
  await holdfast.json('restore', id, '--yes');
  expect(await server.sql('postgres', comment)).toEqual([{ said: null }]);
});

test('S11: an import goes to every storage of the source, encrypted like everything else there', async () => {
  await using old = await fixtures();
  await using holdfast = await installHoldfast({
    url: server.url('app'),
    source: 'app',
    settings: { storages: ['local', 'second'] },
    top: {
      storages: { local: { type: 'local', path: './backups' }, second: { type: 'local', path: './second' } },
      encryption: { passphrase: 'a long passphrase' },
    },
  });
  const done = await importJson(holdfast, 0, old.tma);
  expect(done.items).toMatchObject([{ backup: { copies: { local: 'complete', second: 'complete' } } }]);
  const id = done.items[0]?.id ?? '';
  expect(await readdir(join(holdfast.folder, 'second/app', id))).toContain('database.dump.age');
  expect(await importJson(holdfast, 0, old.tma)).toMatchObject({ known: 1 });
  expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
});

test('S1: kill -9 in the middle of an import leaves nothing half, and the next one finishes it', async () => {
  await using holdfast = await install();
  await using old = await fixtures();
  for (const when of ['load', 'store'] as const) {
    const { child, ended } = holdfast.start({}, 'import', old.folder, ...trust, ...superuser);
    child.stdin?.end();
    await until(async () => {
      const listed = await holdfast.stored('app');
      const scratch = (await server.databases()).length > 2;
      return when === 'load' ? scratch : listed.length > 0;
    }, `the import is in the middle of ${when}`);
    child.kill('SIGKILL');
    await ended;
    await until(async () => (await server.connections()).length === 0, 'its sessions have ended');
    for (const id of await holdfast.stored('app')) {
      expect(await holdfast.json('verify', id)).toMatchObject({ ok: true });
    }
  }
  const done = await importJson(holdfast, 0, old.folder, ...trust);
  expect(done.failed).toBe(0);
  expect(done.imported + done.known).toBe(5);
  expect((await holdfast.stored('app')).length).toBe(5);
});

test('an empty or unknown folder is said to be so, and no usage is guessed', async () => {
  await using holdfast = await install();
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, { 'notes.txt': 'x', 'plain.sql.gz': gzipSync('-- PostgreSQL database dump\n') });
  const ended = await holdfast.run('import', folder.path, ...superuser);
  expect(ended.status).toBe(0);
  expect(ended.stdout).toContain('no backup was recognised');
  expect(ended.stdout).toContain('plain.sql.gz');
  expect((await holdfast.run('import')).status).toBe(2);
});
