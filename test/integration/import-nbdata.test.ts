import { execFile } from 'node:child_process';
import { scryptSync } from 'node:crypto';
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/databases.ts';
import { installHoldfast, type Ended, type Installation } from '../support/holdfast.ts';
import { makeNbdata, metadata, type NbdataWanted } from '../support/nbdata-writer.ts';
import { dumpWith } from '../support/old-backups.ts';
import { clientTools, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openTerminal } from '../support/terminal.ts';

const run = promisify(execFile);
const password = 'corréct hörse';

let server: TestPostgres;
let dump: Buffer;
let holdfast: Installation;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('app');
  await server.sql('app', 'create table people as select n as id, md5(n::text) from generate_series(1, 3000) n');
  dump = await dumpWith(server, 'app', ['-Fc', '--no-owner']);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  holdfast = await installHoldfast({ url: server.url('app'), source: 'app' });
});
afterEach(() => holdfast[Symbol.asyncDispose]());

async function written(wanted: Partial<NbdataWanted> = {}, change: (file: Buffer) => Buffer = (file) => file) {
  const file = join(holdfast.folder, 'backup_20260120_020000_0001.nbdata');
  await writeFile(file, change(makeNbdata({ data: dump, password: null, ...wanted })));
  return file;
}

function withPassword(text: string, ...args: string[]): Promise<Ended> {
  return holdfast.runWith({ env: { HOLDFAST_NBDATA_PASSWORD: text } }, ...args);
}

function flip(at: number) {
  return (file: Buffer): Buffer => {
    const copy = Buffer.from(file);
    const index = at < 0 ? copy.length + at : at;
    copy[index] = (copy[index] ?? 0) ^ 1;
    return copy;
  };
}

test('B-05, B-06, B-d11: inspect tells what a file holds before anything is done with it', async () => {
  const file = await written();
  const { status, stdout, stderr } = await holdfast.run('nbdata', 'inspect', file);
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/application +NocoBase 2\.2\.15/);
  expect(stdout).toMatch(/uploads +2 files/);
  expect(stderr).toContain('no authentication');
  expect(stderr).toContain('holds the key of the application');
  expect(await holdfast.json('nbdata', 'inspect', file)).toMatchObject({
    encrypted: false,
    version: '2.2.15',
    dialect: 'postgres',
    underscored: false,
    tablePrefix: '',
  });
});

test('B-17: an encrypted file is inspected, verified, unpacked and taken in with its password', async () => {
  const file = await written({ password });
  expect((await withPassword(password, 'nbdata', 'verify', file)).status).toBe(0);
  const to = join(holdfast.folder, 'unpacked');
  const extracted = await withPassword(password, 'nbdata', 'extract', file, '--to', to);
  expect(extracted.status, extracted.stderr).toBe(0);
  expect(await readFile(join(to, 'data'))).toEqual(dump);
  expect(await readFile(join(to, 'uploads/ü/photo.png'), 'utf8')).toBe('a picture');
  for (const path of ['.', 'uploads', 'aes_key.dat']) expect((await stat(join(to, path))).mode & 0o077, path).toBe(0);
  await run(join(clientTools(15) ?? '', 'pg_restore'), ['--list', join(to, 'data')]);

  const secret = join(holdfast.folder, 'password');
  await writeFile(secret, `${password}\n`);
  const imported = await holdfast.runWith(
    { env: { HOLDFAST_NBDATA_PASSWORD_FILE: secret } },
    'import',
    file,
    '--allow',
    'superuser',
    '--json',
  );
  expect(imported.status, imported.stderr).toBe(0);
  expect(JSON.parse(imported.stdout)).toMatchObject({
    imported: 1,
    items: [{ system: 'nocobase', id: '2026-01-20_02-00-00', backup: { tables: 1, rows: 3000 } }],
  });
  expect(await holdfast.json('drill', 'latest')).toMatchObject({ ok: true });
  for (const { stdout, stderr } of [extracted, imported]) expect(stdout + stderr).not.toContain(password);
  const stored = await readFile(join(holdfast.storage, 'app/2026-01-20_02-00-00/manifest.json'), 'utf8');
  expect(stored).not.toContain(password);
});

test('the test files are what stock tools understand', async () => {
  const file = await written({ password });
  const content = await readFile(file);
  await writeFile(join(holdfast.folder, 'body'), content.subarray(16));
  const zip = join(holdfast.folder, 'plain.zip');
  const key = scryptSync(password, 'backup salt', 32).toString('hex');
  const start = content.subarray(0, 16).toString('hex');
  const files = ['-in', join(holdfast.folder, 'body'), '-out', zip];
  await run('openssl', ['enc', '-d', '-aes-256-cbc', '-K', key, '-iv', start, ...files]);
  expect((await run('unzip', ['-t', zip])).stdout).toContain('No errors detected');
});

test('B-07: on a terminal the password is asked for, and does not appear on it', async () => {
  const file = await written({ password });
  await using terminal = openTerminal(holdfast, 'nbdata', 'inspect', file);
  await terminal.sees('Password of backup_20260120_020000_0001.nbdata');
  terminal.type(`${password}\r`);
  await terminal.sees('NocoBase 2.2.15');
  expect(await terminal.ended).toBe(0);
  expect(terminal.raw()).not.toContain(password);
});

describe('B-11, S26: a wrong password is told from damage, as far as the format allows', () => {
  test.each<[string, string | null, string, (file: Buffer) => Buffer]>([
    ['no password', null, 'NBDATA_PASSWORD_NEEDED', (file) => file],
    ['another password', 'wrong', 'NBDATA_PASSWORD_WRONG', (file) => file],
    ['a bit in the start value', password, 'NBDATA_DAMAGED', flip(0)],
    ['a bit in the first block', password, 'NBDATA_DAMAGED', flip(17)],
    ['a bit in the last block', password, 'NBDATA_DAMAGED', flip(-1)],
    ['cut within a block', password, 'NBDATA_DAMAGED', (file) => file.subarray(0, -5)],
    ['cut within a block, and no password', null, 'NBDATA_DAMAGED', (file) => file.subarray(0, -5)],
    ['cut between blocks', password, 'NBDATA_DAMAGED', (file) => file.subarray(0, -1600)],
    ['another password, and a bit', 'wrong', 'NBDATA_PASSWORD_WRONG', flip(2000)],
    [
      'damaged at both ends: looks like a wrong password',
      password,
      'NBDATA_PASSWORD_WRONG',
      (file) => flip(-1)(flip(17)(file)),
    ],
  ])('%s: %s', async (_name, given, code, change) => {
    const file = await written({ password }, change);
    const ended =
      given === null
        ? await holdfast.run('nbdata', 'inspect', file)
        : await withPassword(given, 'nbdata', 'inspect', file);
    expect(ended.status).toBe(code === 'NBDATA_DAMAGED' ? 6 : 1);
    expect(ended.stderr).toContain(`(${code})`);
    expect(ended.stderr).toMatch(/^hint: .+\.$/m);
    if (code === 'NBDATA_PASSWORD_WRONG') expect(ended.stderr).toContain('the format cannot tell');
  });

  test.each([password, null])(
    'B-d6: one flipped bit in the middle (password: %s) is found, and nothing is taken in',
    async (secret) => {
      const file = await written({ password: secret }, flip(5000));
      for (const words of [
        ['nbdata', 'verify', file],
        ['nbdata', 'extract', file, '--to', join(holdfast.folder, 'out')],
        ['import', file, '--allow', 'superuser'],
      ]) {
        const ended = await withPassword(secret ?? 'not needed', ...words);
        expect(ended.status, words.join(' ')).toBe(6);
      }
      expect(await holdfast.stored('app')).toEqual([]);
      expect((await readdir(holdfast.folder)).filter((name) => name.includes('out'))).toEqual([]);
      expect(await server.databases()).toEqual(['app', 'postgres']);
    },
  );
});

test.each(['public', 'tenant1'])('B-16: a dump of the one schema %s comes back', async (schema) => {
  await server.sql('app', 'create schema if not exists tenant1; create table if not exists tenant1.t as select 1 as a');
  const data = await dumpWith(server, 'app', ['-Fc', '-n', schema, '--no-owner', '--quote-all-identifiers']);
  const database = { ...metadata.database, schema };
  const file = await written({ data, metadata: { ...metadata, database } });
  const { items } = await holdfast.json<{ items: object[] }>('import', file, '--allow', 'superuser');
  expect(items).toMatchObject([{ state: 'imported', backup: { tables: 1 } }]);
});

describe('S24, B-d13: hostile files', () => {
  const content = Buffer.from('x');
  test.each<[string, NbdataWanted['more'] & object, string]>([
    ['a path upwards', [{ path: 'uploads/../../escaped', content }], 'NBDATA_HOSTILE'],
    ['an absolute path', [{ path: '/tmp/holdfast-escaped', content }], 'NBDATA_HOSTILE'],
    ['a backslash', [{ path: String.raw`uploads\..\escaped`, content }], 'NBDATA_HOSTILE'],
    ['a link', [{ path: 'uploads/link', content: Buffer.from('/etc/passwd'), mode: 0o120777 }], 'NBDATA_HOSTILE'],
    ['a device', [{ path: 'uploads/dev', content, mode: 0o020666 }], 'NBDATA_HOSTILE'],
    [
      'a name twice',
      [
        { path: 'uploads/a', content },
        { path: 'uploads/a', content },
      ],
      'NBDATA_HOSTILE',
    ],
    ['a bomb that says so', [{ path: 'uploads/a', content, statedBytes: 3_000_000_000 }], 'NBDATA_HOSTILE'],
    ['a bomb that lies', [{ path: 'uploads/a', content: Buffer.alloc(5_000_000), statedBytes: 10 }], 'NBDATA_DAMAGED'],
    ['members that overlap', [{ path: 'uploads/a', content, sameAs: 0 }], 'NBDATA_HOSTILE'],
  ])('%s: nothing is unpacked', async (_name, more, code) => {
    await using place = await temporaryFolder();
    const file = await written({ more });
    const ended = await holdfast.run('nbdata', 'extract', file, '--to', join(place.path, 'in/out'));
    expect(ended.status, ended.stdout).toBe(6);
    expect(ended.stderr).toContain(`(${code})`);
    expect(await readdir(join(place.path, 'in')).catch(() => [])).toEqual([]);
    expect(await readdir(place.path)).not.toContain('escaped');
    await expect(access('/tmp/holdfast-escaped')).rejects.toThrow();
    expect((await holdfast.run('nbdata', 'verify', file)).status).toBe(6);
  });

  test('parts that are harmless can still be taken, and an existing folder is not written into', async () => {
    const file = await written({ more: [{ path: 'uploads/../../escaped', content }] });
    const to = join(holdfast.folder, 'only-data');
    expect((await holdfast.run('nbdata', 'extract', file, '--to', to, '--part', 'database')).status).toBe(0);
    expect(await readdir(to)).toEqual(['data']);
    const again = await holdfast.run('nbdata', 'extract', file, '--to', to, '--part', 'database');
    expect(again.status).toBe(4);
    expect(again.stderr).toContain('(FOLDER_EXISTS)');
    expect((await holdfast.run('nbdata', 'extract', file, '--part', 'all')).status).toBe(2);
  });
});

test.each<[string, Partial<NbdataWanted>, (file: Buffer) => Buffer, number, string]>([
  [
    'MySQL inside',
    { metadata: { ...metadata, database: { dialect: 'mysql' } } },
    (file) => file,
    4,
    'NBDATA_OTHER_DATABASE',
  ],
  ['no dump inside', { data: Buffer.from('hello') }, (file) => file, 6, 'NOT_A_DUMP'],
  ['a cut ZIP', {}, (file) => file.subarray(0, 4000), 6, 'NBDATA_DAMAGED'],
  ['not even a ZIP', {}, () => Buffer.from('hello'), 6, 'NBDATA_DAMAGED'],
])('B-11: %s is refused before the server is touched', async (_name, wanted, change, status, code) => {
  const ended = await holdfast.run('import', await written(wanted, change), '--allow', 'superuser');
  expect(ended.status, ended.stderr).toBe(status);
  expect(ended.stderr).toContain(`(${code})`);
  expect(await holdfast.stored('app')).toEqual([]);
  expect(await server.databases()).toEqual(['app', 'postgres']);
});

test('S24, S29: unpacking takes the same memory whatever the size', async () => {
  const file = await written({
    more: [{ path: 'uploads/large.bin', content: Buffer.alloc(600 * 1024 * 1024) }],
    password,
  });
  const { child, ended } = holdfast.start({ HOLDFAST_NBDATA_PASSWORD: password }, 'nbdata', 'verify', file);
  let peak = 0;
  const look = setInterval(() => void peakOf(child.pid).then((kilobytes) => (peak = Math.max(peak, kilobytes))), 20);
  const { status } = await ended;
  clearInterval(look);
  expect(status).toBe(0);
  expect(peak).toBeGreaterThan(20_000);
  expect(peak).toBeLessThan(250_000);
});

async function peakOf(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0);
}
