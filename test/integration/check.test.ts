import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/care/alerts/finding.ts';
import { systemClock } from '../../src/base/clock.ts';
import { holdLock } from '../../src/catalog/lease.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { freePort } from '../support/loopback.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { smallDisk } from '../support/small-disk.ts';
import { localAt, storeBackup, writeManifests } from '../support/stored-backups.ts';

const git = promisify(execFile);
const hour = 3_600_000;
const day = 24 * hour;

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await server.sql('shop', 'create table item as select generate_series(1, 100) as id');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

interface Checked {
  status: number | null;
  findings: Finding[];
  codes: string[];
}

async function check(installation: Installation, ...args: string[]): Promise<Checked> {
  const { status, stdout } = await installation.run('check', '--json', ...args);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return { status, findings, codes: findings.map(({ code }) => code) };
}

function install(top: object = {}, settings: Record<string, unknown> = {}): Promise<Installation> {
  return installHoldfast({ url: server.url('shop'), settings, top: { ...top } });
}

function twoPlaces(second: object, monitor: object = {}): [object, Record<string, unknown>] {
  const storages = { local: { type: 'local', path: './backups' }, offsite: second };
  return [{ storages, monitor }, { storages: ['local', 'offsite'] }];
}

function ago(ms: number): Date {
  return new Date(Date.now() - ms);
}

describe('exit codes and output', () => {
  test('J-12, J-13: 2 without a backup, 0 with one, 1 with a warning, 3 when it cannot be found out', async () => {
    await using holdfast = await install();
    const none = await check(holdfast);
    expect(none).toMatchObject({ status: 2, codes: ['NO_BACKUP', 'STORAGE_MISSING'] });
    await holdfast.json('backup');
    const fine = await holdfast.run('check');
    expect(fine).toMatchObject({ status: 0, stderr: '' });
    expect(fine.stdout).toMatch(
      /^OK - 1 good backup of 1 source in 1 storage, the newest from just now \| 'shop age'=\d+s;;;0 'shop size'=\d+B;10737418240;;0 'shop backups'=1;1:;1:;0 'local free'=\d+B;;;0;\d+\n$/,
    );
    expect(JSON.parse((await holdfast.run('check', '--json')).stdout)).toEqual({ status: 'ok', findings: [] });

    const config = await readFile(holdfast.configFile, 'utf8');
    await writeFile(holdfast.configFile, `${config}monitor:\n  minBackups: 2\n`);
    const few = await holdfast.run('check');
    expect(few.status).toBe(1);
    expect(few.stdout).toMatch(/^WARNING - there is 1 good backup of shop, and should be 2 \| /);
    expect(few.stdout).toContain('\n! there is 1 good backup of shop, and should be 2 (TOO_FEW_BACKUPS)\n');
    expect(few.stdout).toContain('\n    hint: ');

    await writeFile(holdfast.configFile, `${config}monitor:\n  minBackups: none\n`);
    const wrong = await holdfast.run('check');
    expect(wrong.status).toBe(3);
    expect(wrong.stdout).toMatch(/^UNKNOWN - /);
    const asJson = await holdfast.run('check', '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      status: 'unknown',
      findings: [],
      error: { code: 'CONFIG_INVALID' },
    });
  });

  test('a state that cannot be used is critical, as its finding says, and no riddle', async () => {
    await using holdfast = await install();
    await writeFile(holdfast.state, 'in the way of the folder');
    const asJson = await holdfast.run('check', '--json');
    expect(asJson.status).toBe(2);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      status: 'critical',
      findings: [{ code: 'STATE_NOT_WRITABLE', severity: 'critical', source: null }],
    });
    const { status, stdout } = await holdfast.run('check', 'shop');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^CRITICAL - the state in .* cannot be written: .*\n/);
    expect(stdout).toContain('(STATE_NOT_WRITABLE)');

    await rm(holdfast.state);
    await holdfast.json('runs');
    await writeFile(join(holdfast.state, 'catalog.sqlite'), 'this is no database, and long enough to be looked at');
    expect((await holdfast.run('check')).stdout).toMatch(/^CRITICAL - .*\(CATALOG_DAMAGED\)/);
  });

  test('a check of everything is remembered, one of a source is not', async () => {
    await using holdfast = await install();
    await storeBackup(localAt(holdfast.storage), 'shop', ago(hour));
    const mark = () => {
      using catalog = openCatalog(holdfast.state, systemClock);
      return catalog.marks.get('check');
    };
    await check(holdfast, '--source', 'shop');
    expect(mark()).toBeNull();
    await check(holdfast);
    expect(mark()).toMatchObject({ name: 'check', detail: { status: 'ok', findings: [] } });
  });

  test('a run that was turned away because another was at work is no failure', async () => {
    await using holdfast = await install();
    await holdfast.json('backup');
    {
      using catalog = openCatalog(holdfast.state, systemClock);
      const { signal } = new AbortController();
      const lock = (name: string) => holdLock({ catalog, clock: systemClock, name, run: null, signal });
      await using _source = await lock('source:shop');
      await using _removals = await lock('removals:shop');
      expect((await holdfast.run('backup')).status).toBe(5);
      expect((await holdfast.run('prune', '--yes')).status).not.toBe(0);
    }
    expect((await check(holdfast)).codes).toEqual([]);
    const [status] = await holdfast.json<{ failed: unknown }[]>('status');
    expect(status?.failed).toBeNull();
    const { sources } = await holdfast.json<{ sources: { last30Days: object }[] }>('report');
    expect(sources[0]?.last30Days).toMatchObject({ runs: 1, good: 1 });
    using catalog = openCatalog(holdfast.state, systemClock);
    expect(catalog.figures.runTotals().filter(({ state }) => state !== 'succeeded')).toEqual([
      { operation: 'backup', state: 'turned-away', count: 1 },
      { operation: 'prune', state: 'turned-away', count: 1 },
    ]);
    expect(catalog.runs.list({ operation: 'prune' })[0]?.error?.code).toBe('BACKUP_BUSY');
  });

  test('J-d5: the age of the newest counts; overdue by its schedule', async () => {
    await using holdfast = await install({}, { schedule: { every: '1d' } });
    const storage = localAt(holdfast.storage);
    await storeBackup(storage, 'shop', ago(90 * day));
    await storeBackup(storage, 'shop', ago(hour));
    expect((await check(holdfast)).codes).toEqual(['DAEMON_DOWN', 'VERIFY_STALE', 'DRILL_STALE']);
    await rm(join(holdfast.storage, 'shop'), { recursive: true });
    await storeBackup(storage, 'shop', ago(2 * day));
    const late = await check(holdfast);
    expect(late.status).toBe(2);
    expect(late.findings[0]).toMatchObject({ code: 'BACKUP_OVERDUE', severity: 'critical', source: 'shop' });
    expect(late.findings[0]?.value).toBeGreaterThan(23 * hour);
  });

  test('a source has limits of its own', async () => {
    await using holdfast = await install({ monitor: { minBackups: 5 } }, { monitor: { minBackups: 1, maxAge: '1h' } });
    await storeBackup(localAt(holdfast.storage), 'shop', ago(2 * hour));
    expect((await check(holdfast)).codes).toEqual(['BACKUP_TOO_OLD']);
  });

  test('a database that does not answer', async () => {
    await using holdfast = await installHoldfast({ url: `postgres://nobody:no@127.0.0.1:${await freePort()}/shop` });
    await storeBackup(localAt(holdfast.storage), 'shop', ago(hour));
    const { status, findings } = await check(holdfast);
    expect(status).toBe(1);
    expect(findings).toMatchObject([{ code: 'DATABASE_UNREACHABLE', severity: 'warning', source: 'shop' }]);
  });
});

describe('storages', () => {
  test('one that is down hides nothing of the other, and what is owed to it is told (S11)', async () => {
    const down = { type: 'webdav', url: `http://127.0.0.1:${await freePort()}/dav`, retries: 0 };
    await using holdfast = await install(...twoPlaces(down, { minBackups: 3 }));
    expect((await holdfast.run('backup')).status).toBe(3);
    const { status, findings } = await check(holdfast);
    expect(status).toBe(2);
    expect(findings.map(({ code, severity, storage }) => [code, severity, storage])).toEqual([
      ['STORAGE_UNREACHABLE', 'critical', 'offsite'],
      ['TOO_FEW_BACKUPS', 'warning', null],
      ['COPY_PENDING', 'warning', 'offsite'],
    ]);
    const [state] = await holdfast.run('status', '--json').then(({ stdout }) => JSON.parse(stdout) as object[]);
    expect(state).toMatchObject({ pending: [{ storage: 'offsite', attempts: 1 }] });
    expect((await holdfast.run('status')).stdout).toContain('1 backup not copied to offsite yet');
    expect((await holdfast.run('doctor')).stdout).toContain('1 backup not copied to offsite yet');
  });

  test('one that never answers is given up in time', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const { port } = silent.address() as AddressInfo;
      const hanging = { type: 'webdav', url: `http://127.0.0.1:${port}/dav` };
      await using holdfast = await install(...twoPlaces(hanging, { timeout: '1s' }));
      await storeBackup(localAt(holdfast.storage), 'shop', ago(hour));
      const started = performance.now();
      const { findings } = await check(holdfast);
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(findings).toMatchObject([{ code: 'STORAGE_UNREACHABLE', storage: 'offsite' }]);
      expect(findings[0]?.message).toContain('no answer within 1s');
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  test('a folder that is gone, such as a disk that is not mounted, is not created by looking', async () => {
    await using holdfast = await install(...twoPlaces({ type: 'local', path: './offsite' }));
    await holdfast.json('backup');
    await rename(join(holdfast.folder, 'offsite'), join(holdfast.folder, 'elsewhere'));
    for (const _ of ['once', 'twice']) {
      const { status, findings } = await check(holdfast);
      expect(status).toBe(2);
      expect(findings[0]).toMatchObject({ code: 'STORAGE_MISSING', storage: 'offsite' });
      expect(findings[0]?.meaning).toContain('not mounted');
      expect(findings[1]).toMatchObject({ code: 'COPY_MISSING', storage: 'offsite' });
    }
  });

  test('O-d15: backups in a git work tree, until git ignores them', async () => {
    await using holdfast = await install();
    await storeBackup(localAt(holdfast.storage), 'shop', ago(hour));
    await git('git', ['init', '--quiet', holdfast.folder]);
    expect(await check(holdfast)).toMatchObject({ status: 1, codes: ['BACKUPS_IN_GIT'] });
    await writeFile(join(holdfast.folder, '.gitignore'), 'backups/\n');
    expect(await check(holdfast)).toMatchObject({ status: 0, codes: [] });
  });

  test('J-13: a disk that fills up', async ({ skip }) => {
    await using disk = await smallDisk(8);
    if (disk === null) return skip('this user may not mount a disk');
    const storages = { local: { type: 'local', path: join(disk.path, 'backups') } };
    await using holdfast = await install({ storages });
    await storeBackup(localAt(join(disk.path, 'backups')), 'shop', ago(hour));
    expect((await check(holdfast)).codes).toEqual([]);
    await writeFile(join(disk.path, 'filler'), Buffer.alloc(7.4 * 1024 * 1024));
    const short = await check(holdfast);
    expect(short).toMatchObject({ status: 1, codes: ['SPACE_SHORT'] });
    await writeFile(join(disk.path, 'rest'), Buffer.alloc(1024 * 1024)).catch(() => undefined);
    const full = await check(holdfast);
    expect(full.status).toBe(2);
    expect(full.codes).toEqual(expect.arrayContaining(['STORAGE_NOT_WRITABLE', 'SPACE_SHORT']));
  });

  test('the probe leaves nothing behind', async () => {
    await using holdfast = await install();
    await storeBackup(localAt(holdfast.storage), 'shop', ago(hour));
    await check(holdfast);
    const { stdout } = await git('find', [holdfast.storage, '-name', '*probe*']);
    expect(stdout).toBe('');
  });
});

test('S4: a manifest that was changed, and an artifact that a verification found changed', async () => {
  await using holdfast = await install();
  const { id } = await holdfast.json<{ id: string }>('backup');
  const folder = join(holdfast.storage, 'shop', id);
  const manifest = join(folder, 'manifest.json');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.replace('"shop"', '"shot"'));
  const changed = await check(holdfast);
  expect(changed.status).toBe(2);
  expect(changed.codes).toEqual(['NO_BACKUP', 'BACKUP_DAMAGED']);
  await writeFile(manifest, text);
  expect((await check(holdfast)).codes).toEqual([]);

  const { artifacts } = JSON.parse(text) as { artifacts: { path: string }[] };
  const artifact = join(folder, artifacts[0]?.path ?? '');
  const bytes = await readFile(artifact);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
  await writeFile(artifact, bytes);
  expect((await holdfast.run('verify')).status).toBe(6);
  expect((await check(holdfast)).codes).toEqual(['NO_BACKUP', 'VERIFY_FAILED']);
});

test.each<[string, (file: string) => Promise<void>, string]>([
  ['deleted', (file) => rm(file), 'is missing'],
  ['cut short', (file) => truncate(file, 100), 'has 100 bytes instead of'],
])('S5: a file of the newest backup that was %s is found without reading it', async (_, harm, problem) => {
  await using holdfast = await install();
  const { id } = await holdfast.json<{ id: string }>('backup');
  const folder = join(holdfast.storage, 'shop', id);
  const dump = (await readdir(folder)).find((name) => name.startsWith('database.')) ?? '';
  await harm(join(folder, dump));
  const { status, findings } = await check(holdfast);
  expect(status).toBe(2);
  expect(findings.map(({ code }) => code)).toEqual(['NO_BACKUP', 'BACKUP_DAMAGED']);
  expect(findings[1]?.message).toContain(problem);
});

test('an encrypted backup without its key is found before it is needed', async () => {
  const encryption = { passphrase: 'correct horse battery' };
  await using holdfast = await install({ encryption });
  await holdfast.json('backup');
  expect((await check(holdfast)).codes).toEqual([]);
  await rm(join(holdfast.storage, 'shop', 'keys'), { recursive: true });
  const { status, findings } = await check(holdfast);
  expect(status).toBe(2);
  expect(findings).toMatchObject([{ code: 'KEY_FILE_MISSING', source: 'shop', storage: 'local' }]);
});

describe('one storage in trouble does not keep the others from care', () => {
  async function withOneDown() {
    const down = { type: 'webdav', url: `http://127.0.0.1:${await freePort()}/dav`, retries: 0 };
    const [top, settings] = twoPlaces(down);
    const holdfast = await install(top, { ...settings, retention: { last: 1 }, storages: ['offsite', 'local'] });
    const storage = localAt(holdfast.storage);
    const old = await storeBackup(storage, 'shop', ago(3 * day));
    // So long that it counts, though nobody here knows whether it was read back.
    const kept = await storeBackup(storage, 'shop', ago(2 * day));
    return { holdfast, old: old.id, kept: kept.id };
  }

  test('prune', async () => {
    const { holdfast: installation, old, kept } = await withOneDown();
    await using holdfast = installation;
    // As whoever makes one does at once.
    await holdfast.run('verify', kept, '--storage', 'local', '--depth', 'checksum');
    const dry = await holdfast.run('prune', '--dry-run');
    expect(dry.status).toBe(1);
    expect(dry.stdout).toContain('would remove 1 of 2 backups');
    const { status, stdout } = await holdfast.run('prune', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { storage: 'offsite', removed: [], error: { code: 'STORAGE_UNREACHABLE' } },
      { storage: 'local', removed: [old], error: null },
    ]);
    expect(await holdfast.stored()).toEqual([kept]);
    expect((await check(holdfast)).codes).toContain('RETENTION_FAILED');
  });

  test('verify --all', async () => {
    const { holdfast: installation, old, kept } = await withOneDown();
    await using holdfast = installation;
    const { status, stdout, stderr } = await holdfast.run('verify', '--all', '--depth', 'checksum', '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { id: old, storage: 'local', ok: true },
      { id: kept, storage: 'local', ok: true },
    ]);
    expect(stderr).toContain('storage offsite could not be asked');
  });
});

test('S28, S30: 200 sources and 10,000 backups are looked at in seconds', async () => {
  const names = Array.from({ length: 200 }, (_, n) => `shop-${n}`);
  await using holdfast = await install({
    sources: Object.fromEntries(names.map((name) => [name, { database: { url: server.url('shop') } }])),
    monitor: { maxAge: 'off', staleDrill: 'off', staleVerify: 'off' },
  });
  await mkdir(holdfast.storage);
  for (const name of names) {
    writeManifests(holdfast.storage, name, 50);
    // Of the newest, all files are looked for.
    await writeFile(join(holdfast.storage, name, '2025-01-03_01-00-00', 'database.dump'), Buffer.alloc(1000));
  }
  await check(holdfast);
  const started = performance.now();
  const warm = await check(holdfast);
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(warm).toMatchObject({ status: 0, codes: [] });
});
