import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { smallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  const session = await server.session('shop');
  await session.query(`create table item (id int primary key, what text);
    insert into item select i, md5(i::text) || md5((i * 7)::text) from generate_series(1, 40000) i`);
  await session[Symbol.asyncDispose]();
});
afterAll(() => server[Symbol.asyncDispose]());

interface Result {
  id: string;
  state: string;
  copies: Record<string, string>;
  artifacts: { path: string; role: string }[];
}
type Listed = Result & { held: boolean };

async function install(
  offsite: Record<string, unknown> = {},
  settings: Record<string, unknown> = {},
): Promise<Installation> {
  return installHoldfast({
    url: server.url('shop'),
    settings: { storages: ['local', 'offsite'], dump: { format: 'custom' }, ...settings },
    top: {
      storages: {
        local: { type: 'local', path: './backups' },
        offsite: { type: 'local', path: './offsite', ...offsite },
      },
    },
  });
}

const offsiteOf = ({ folder }: Installation) => readdir(join(folder, 'offsite', 'shop')).catch(() => [] as string[]);
const fileOf = (role: string, artifacts: Result['artifacts']) =>
  artifacts.find((artifact) => artifact.role === role)?.path ?? '';
const parse = ({ stdout }: { stdout: string }): Result => JSON.parse(stdout) as Result;

test('S11: the second storage down leaves the run partial and the backup whole; the copy is made later', async () => {
  await using holdfast = await install();
  const blocked = join(holdfast.folder, 'offsite');
  writeFileSync(blocked, 'not a folder');
  const first = await holdfast.run('backup', '--json');
  expect(first.status, first.stderr).toBe(3);
  const { id, state, copies } = parse(first);
  expect([state, copies]).toEqual(['partial', { local: 'complete', offsite: 'pending' }]);
  expect(await holdfast.json('runs')).toMatchObject([{ operation: 'backup', state: 'partial', backup: id }]);
  const shown = await holdfast.runWith({}, 'show', id, '--json');
  expect(parse(shown)).toMatchObject({
    copies: { offsite: 'pending' },
    pending: [{ storage: 'offsite', attempts: 1, lastError: { code: 'STORAGE_NOT_A_FOLDER' } }],
  });
  expect((await holdfast.run('show', id)).stdout).toMatch(/to offsite +failed once, next try .*STORAGE_NOT_A_FOLDER/s);

  rmSync(blocked);
  expect(await holdfast.json('copy', '--pending'), 'not due yet').toEqual([]);
  expect(await holdfast.json('copy', '--pending', '--now')).toMatchObject([{ id, to: 'offsite', state: 'complete' }]);
  expect(await offsiteOf(holdfast)).toEqual([id]);
  expect(await holdfast.json<Listed[]>('list')).toMatchObject([{ copies: { local: 'complete', offsite: 'complete' } }]);
  expect(await holdfast.json('verify', id, '--storage', 'offsite')).toMatchObject({ ok: true, storage: 'offsite' });
  expect(await holdfast.json('drill', id, '--storage', 'offsite')).toMatchObject({ ok: true });
});

test('N-35: show tells of a backup where it lies, how large it is and what is in it; one that is unknown ends with an error', async () => {
  await using holdfast = await install();
  const { id, artifacts } = await holdfast.json<Result>('backup');
  const dump = artifacts.find(({ role }) => role === 'database');
  const { manifest, copies } = await holdfast.json<{ manifest: Result; copies: Result['copies'] }>('show', id);
  expect(copies).toEqual({ local: 'complete', offsite: 'complete' });
  expect(manifest.artifacts).toContainEqual(expect.objectContaining({ path: dump?.path, role: 'database' }));
  const { stdout } = await holdfast.run('show', id);
  for (const told of [id, 'local complete', 'offsite complete', 'shop']) expect(stdout).toContain(told);
  const unknown = await holdfast.run('show', '2020-01-01_00-00-00');
  expect(unknown).toMatchObject({ status: 2, stdout: '' });
  expect(unknown.stderr).toMatch(/^error: .*2020-01-01_00-00-00.*\(BACKUP_UNKNOWN\)$/m);
});

test('N-08, N-09: dump, copies, then retention; one of them failing stops none of the others, and the end says what was reached', async () => {
  await using holdfast = await install({}, { retention: { last: 1 } });
  writeFileSync(join(holdfast.folder, 'offsite'), 'not a folder');
  await holdfast.run('backup');
  const { status, stdout, stderr } = await holdfast.run('backup');
  expect(status, stderr).toBe(3);
  expect(await holdfast.stored(), 'retention has removed the first one').toHaveLength(1);
  const lines = (await holdfast.run('logs')).stdout
    .split('\n')
    .map((line) => /(dump|copies|retention)\b/.exec(line)?.[1]);
  const order = lines.filter((word, at) => word !== undefined && word !== lines[at - 1]);
  expect(order.indexOf('dump')).toBeLessThan(order.indexOf('copies'));
  expect(order.indexOf('copies')).toBeLessThan(order.indexOf('retention'));
  const told = (word: string) => new RegExp(`^  ${word} +(.+)$`, 'm').exec(stdout)?.[1];
  expect(stdout).toMatch(/^backup partial +\S+ +of shop$/m);
  expect(told('holds')).toBe('1 table, 40,000 rows');
  expect(told('size')).toMatch(/^[\d.]+ [KM]B, compressed from [\d.]+ [KM]B$/);
  expect(told('time')).toMatch(/^\d+\.\d s, then \d+\.\d s to read it back$/);
  expect(told('stored in')).toBe('local, offsite (pending)');
  expect(stderr).toMatch(/not copied to offsite/);
});

test('S11: the primary down fails the backup, and says so', async () => {
  await using holdfast = await install();
  writeFileSync(holdfast.storage, 'not a folder');
  const { status, stderr } = await holdfast.run('backup');
  expect([status, stderr]).toEqual([2, expect.stringContaining('STORAGE_NOT_A_FOLDER')]);
  expect(await offsiteOf(holdfast)).toEqual([]);
});

test('a second storage that is full leaves nothing half there, and the first is as good as alone', async (context) => {
  await using disk = await smallDisk(1);
  if (!disk) return context.skip('this user may not mount a disk');
  await using holdfast = await install({ path: disk.path });
  const ended = await holdfast.run('backup', '--json');
  expect(ended.status, ended.stderr).toBe(3);
  expect(parse(ended).copies).toEqual({ local: 'complete', offsite: 'pending' });
  expect(await readdir(join(disk.path, 'shop'))).toEqual([]);
});

test('a second storage slower than the first does not hold the first up', async () => {
  await using holdfast = await install({ limit: { upload: '500kb' } });
  const { ended } = holdfast.start({}, 'backup', '--json');
  await until(async () => (await holdfast.stored()).length === 1, 'the primary is sealed');
  expect((await offsiteOf(holdfast)).filter((name) => !name.startsWith('.'))).toEqual([]);
  const result = await ended;
  expect(result.status, result.stderr).toBe(0);
  expect(parse(result).copies).toEqual({ local: 'complete', offsite: 'complete' });
  const [id = ''] = await holdfast.stored();
  const bytes = (storage: string) => readFile(join(holdfast.folder, storage, 'shop', id, 'manifest.json'));
  expect(await bytes('offsite')).toEqual(await bytes('backups'));
});

test('S1: kill -9 in the middle of a copy leaves nothing that is listed; the next try sweeps it and makes the copy', async () => {
  await using holdfast = await install({ limit: { upload: '200kb' } });
  const { child, ended } = holdfast.start({}, 'backup');
  await until(async () => (await holdfast.stored()).length === 1, 'the primary is sealed');
  await until(async () => (await offsiteOf(holdfast)).some((name) => name.startsWith('.partial-')), 'the copy runs');
  child.kill('SIGKILL');
  expect((await ended).signal).toBe('SIGKILL');
  const listed = await holdfast.json<Listed[]>('list');
  expect(listed).toMatchObject([{ state: 'complete', copies: { local: 'complete', offsite: 'pending' } }]);
  expect(await holdfast.json('copy', '--pending')).toMatchObject([{ state: 'complete' }]);
  expect(await offsiteOf(holdfast)).toEqual([listed[0]?.id]);
});

test('damage is not copied: exit 6, nothing at the receiver; another copy is read instead where there is one', async () => {
  await using holdfast = await install({}, { storages: ['local'] });
  const { id, artifacts } = await holdfast.json<Result>('backup');
  await holdfast.configure({
    state: './state',
    sources: { shop: { database: { url: server.url('shop') }, storages: ['local', 'offsite'] } },
    storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
  });
  const dump = join(holdfast.storage, 'shop', id, fileOf('database', artifacts));
  const good = readFileSync(dump);
  const bad = Buffer.from(good);
  bad.writeUInt8(bad.readUInt8(1000) ^ 1, 1000);
  writeFileSync(dump, bad);
  const refused = await holdfast.run('copy', id, '--to', 'offsite');
  expect([refused.status, refused.stderr]).toEqual([6, expect.stringContaining('DIGEST_MISMATCH')]);
  expect(await offsiteOf(holdfast)).toEqual([]);
  expect(await holdfast.json('list')).toMatchObject([{ id, copies: { local: 'corrupt' } }]);

  // Somebody has mended it; a look finds that.
  writeFileSync(dump, good);
  expect(await holdfast.json('verify', id)).toMatchObject({ ok: true });
  expect(await holdfast.json('copy', '--all', '--to', 'offsite')).toMatchObject([{ id, state: 'complete' }]);
  writeFileSync(dump, bad);
  const restored = await holdfast.run('restore', id, '--into', 'shop_copy', '--yes');
  expect(restored.status, restored.stderr).toBe(0);
  expect(restored.stderr).toMatch(/the copy in local is damaged; this reads the one in offsite/);

  // Where it cannot even be told what is in it, either: the first bytes.
  bad.fill(0, 0, 2000);
  for (const [words, left] of [
    [['--into', 'shop_copy'], bad],
    [[], bad],
    [['--in-place'], bad],
    [['--in-place'], null],
    [[], null],
  ] as const) {
    await server.sql('postgres', 'drop database if exists shop_copy');
    // What was found damaged is not read first again, until a look finds it mended.
    writeFileSync(dump, good);
    expect(await holdfast.json('verify', id, '--storage', 'local')).toMatchObject({ ok: true });
    if (left) writeFileSync(dump, left);
    else rmSync(dump, { force: true });
    const ended = await holdfast.run('restore', id, '--yes', '--no-safety-backup', ...words);
    expect([ended.status, ended.stderr], words.join()).toEqual([
      0,
      expect.stringContaining('this reads the one in offsite'),
    ]);
  }
  expect((await holdfast.run('restore', id, '--into', 'shop_other', '--storage', 'local', '--yes')).status).toBe(6);
  expect(await holdfast.run('copy', id, '--to', 'local')).toMatchObject({ status: 6 });
  expect(await holdfast.run('copy', id, '--to', 'local', '--replace')).toMatchObject({ status: 0 });
  expect(readFileSync(dump)).toEqual(good);
});

test('N-37, N-38: a download is a storage by itself, inspected and verified like any other', async () => {
  await using holdfast = await install();
  const { id, artifacts } = await holdfast.json<Result>('backup');
  const [dump, globals] = [fileOf('database', artifacts), fileOf('globals', artifacts)];
  const to = join(holdfast.folder, 'carry');
  const done = await holdfast.json('download', id, '--to', './carry', '--storage', 'offsite');
  expect(done).toMatchObject({ id, source: 'shop', from: 'offsite', to, state: 'copied', artifacts: null });
  const settings = { database: { url: server.url('shop') }, storages: ['carry'] };
  await using other = await installHoldfast({
    url: server.url('shop'),
    top: { sources: { shop: settings }, storages: { carry: { type: 'local', path: to } } },
  });
  expect(await other.json('verify', id)).toMatchObject({ ok: true, storage: 'carry' });
  expect(await other.json('inspect', id)).toMatchObject({ id });

  expect((await holdfast.run('download', id, '--to', './carry')).stdout).toMatch(/there already, and whole/);
  writeFileSync(join(to, 'shop', id, globals), 'something else');
  expect((await holdfast.run('download', id, '--to', './carry')).status, 'nobody was there to ask').toBe(4);
  expect(readFileSync(join(to, 'shop', id, globals), 'utf8')).toBe('something else');
  expect(await holdfast.run('download', id, '--to', './carry', '--yes')).toMatchObject({ status: 0 });
  expect(await other.json('verify', id)).toMatchObject({ ok: true });

  const one = await holdfast.json('download', id, '--artifact', dump, '--to', './one');
  expect(one).toMatchObject({ artifacts: [dump] });
  expect(readFileSync(join(holdfast.folder, 'one', dump))).toEqual(
    readFileSync(join(holdfast.storage, 'shop', id, dump)),
  );
  expect(await holdfast.run('download', id, '--artifact', 'nothing.dump')).toMatchObject({ status: 2 });
});

test('N-34, N-36: hold and release reach every copy, and one copy can be deleted without the other', async () => {
  await using holdfast = await install();
  const { id } = await holdfast.json<Result>('backup');
  expect(await holdfast.json('hold', id)).toMatchObject({ held: true, storages: ['local', 'offsite'] });
  expect((await holdfast.run('delete', id, '--storage', 'offsite', '--yes')).status).toBe(4);
  expect(await holdfast.json('release', id)).toMatchObject({ held: false, storages: ['local', 'offsite'] });
  expect(existsSync(join(holdfast.folder, 'offsite', 'shop', id, 'hold.json'))).toBe(false);
  const away = await holdfast.run('delete', id, '--s3-only', '--yes');
  expect([away.status, away.stderr]).toEqual([2, expect.stringContaining('outside of this machine')]);
  expect((await holdfast.run('delete', id, '--s3-only', '--local-only', '--yes')).status).toBe(2);
  expect(await holdfast.json('delete', id, '--storage', 'offsite', '--yes')).toMatchObject({ removed: ['offsite'] });
  expect(await holdfast.json<Listed[]>('list')).toMatchObject([{ copies: { local: 'complete', offsite: 'missing' } }]);
});

test('N-27, J-d12: each storage keeps by its own rules', async () => {
  await using holdfast = await install({ retention: { last: 3 } }, { retention: { last: 1 } });
  for (let n = 0; n < 2; n += 1) await holdfast.json('backup');
  expect(await holdfast.stored()).toHaveLength(1);
  expect(await offsiteOf(holdfast)).toHaveLength(2);
});

test('N-23: deleteLocalAfterCopy wants a storage outside of this machine', async () => {
  await using holdfast = await install({}, { deleteLocalAfterCopy: true });
  const { status, stderr } = await holdfast.run('backup');
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/deleteLocalAfterCopy.*no storage outside of this machine/s),
  ]);
});

test.each([
  ['nothing', []],
  ['an id without a place', ['latest']],
  ['an id and --all', ['latest', '--all', '--to', 'offsite']],
  ['--now alone', ['latest', '--to', 'offsite', '--now']],
  ['--pending with a place', ['--pending', '--to', 'offsite']],
  ['an unknown storage', ['--all', '--to', 'elsewhere']],
])('copy with %s is wrong usage', async (_title, args) => {
  await using holdfast = await install();
  expect((await holdfast.run('copy', ...args)).status).toBe(2);
});
