import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { makeNbdata, metadata, type NbdataWanted } from '../support/nbdata-writer.ts';
import { makeAppFolder, nocobaseTables, usualShape } from '../support/nocobase-app.ts';
import { dumpWith } from '../support/old-backups.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const password = 'corréct hörse';
const passphrase = 'a long enough passphrase';
const text = String.raw`ends in a backslash\ `.trim();

let server: TestPostgres;
let dump: Buffer;
let holdfast: Installation;
let path: string;
let folder: TemporaryFolder;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('nb');
  const records = [{ table: 'attachments', path: 'ü', filename: 'photo.png', size: 9, storageId: 1 }];
  for (const statement of nocobaseTables(usualShape, { files: records })) await server.sql('nb', statement);
  await server.sql('nb', 'create table notes (id int primary key, body text)');
  await server.sql('nb', 'insert into notes values (1, $1)', [text]);
  dump = await dumpWith(server, 'nb', ['-Fc', '--no-owner']);
});
afterAll(() => server[Symbol.asyncDispose]());

async function install(encryption: object): Promise<void> {
  await server.sql('postgres', 'drop database if exists live with (force)');
  await server.createDatabase('live');
  for (const statement of nocobaseTables(usualShape, { version: '2.2.14' })) await server.sql('live', statement);
  ({ path } = await makeAppFolder(join(folder.path, 'app'), { files: { 'storage/uploads/of-today.txt': 'x' } }));
  holdfast = await installHoldfast({
    url: server.url('live'),
    source: 'nb',
    settings: { app: { kind: 'nocobase', path }, ...encryption },
  });
}

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await holdfast[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function written(wanted: Partial<NbdataWanted> = {}, change: (file: Buffer) => Buffer = (file) => file) {
  const file = join(holdfast.folder, 'backup_20260120_020000_0001.nbdata');
  await writeFile(file, change(makeNbdata({ data: dump, password: null, ...wanted })));
  return file;
}

test('B-07: a .nbdata becomes a backup with its files and key, and comes back as one', async () => {
  await install({ encryption: { passphrase } });
  const env = { HOLDFAST_NBDATA_PASSWORD: password };
  const imported = await holdfast.runWith(
    { env },
    'import',
    await written({ password }),
    '--allow',
    'superuser',
    '--json',
  );
  expect(imported.status, imported.stderr).toBe(0);
  const { items } = JSON.parse(imported.stdout) as { items: { id: string; backup: { warnings: string[] } }[] };
  const [item] = items;
  expect(item?.backup.warnings.join('\n')).toContain('no authentication');
  expect(item?.backup.warnings.join('\n')).not.toContain('not taken in');
  expect(await holdfast.json('verify', item?.id ?? '')).toMatchObject({ ok: true });

  const restored = await holdfast.run('restore', item?.id ?? '', '--yes', '--keep-old', '--if-connected', 'disconnect');
  expect(restored.status, restored.stderr).toBe(0);
  expect(await server.sql('live', 'select body from notes')).toEqual([{ body: text }]);
  expect((await readdir(join(path, 'storage/uploads'), { recursive: true })).toSorted()).toEqual([
    'a b.txt',
    'ü',
    'ü/photo.png',
  ]);
  expect(await readFile(join(path, 'storage/uploads/ü/photo.png'), 'utf8')).toBe('a picture');
  expect(await readFile(join(path, 'storage/apps/main/aes_key.dat'))).toEqual(Buffer.alloc(32, 7));
  // Readable for the application, and its own where Holdfast may give files away.
  expect((await stat(join(path, 'storage/uploads/ü/photo.png'))).mode & 0o777).toBe(0o644);
  expect(restored.stdout + restored.stderr).toContain('nothing has to be upgraded');
});

test('B-d6: one flipped bit in an encrypted .nbdata: nothing is taken in', async () => {
  await install({ encryption: { passphrase } });
  const uploads = { 'uploads/large.bin': 'x'.repeat(100_000) };
  const env = { HOLDFAST_NBDATA_PASSWORD: password };
  const file = await written({ password, uploads }, (content) => {
    const at = content.length - 2000;
    content[at] = (content[at] ?? 0) ^ 1;
    return content;
  });
  const ended = await holdfast.runWith({ env }, 'import', file, '--allow', 'superuser');
  expect(ended.status, ended.stderr).toBe(6);
  expect(await holdfast.stored('nb')).toEqual([]);
  expect(await readdir(join(path, 'storage/uploads'))).toEqual(['.gitkeep', 'of-today.txt']);
});

test('B-d7: into a backup that is not encrypted, the key of a .nbdata is not taken', async () => {
  await install({});
  const { items } = await holdfast.json<{
    items: { id: string; backup: { warnings: string[]; artifacts: { path: string }[] } }[];
  }>('import', await written(), '--allow', 'superuser');
  expect(items[0]?.backup.warnings.join('\n')).toContain('its aes_key.dat is not taken in');
  expect(items[0]?.backup.artifacts.map(({ path: name }) => name).join(' ')).not.toContain('keys');
  const guarded = await holdfast.run('restore', items[0]?.id ?? '', '--yes', '--if-connected', 'disconnect');
  expect(guarded.status).toBe(4);
  expect(guarded.stderr + guarded.stdout).toContain('--allow app-keys');
});

test('S24, B-d13: a member that leads elsewhere ends it', async () => {
  await install({});
  const more = [{ path: 'uploads/../../escaped', content: Buffer.from('x') }];
  const ended = await holdfast.run('import', await written({ more }), '--allow', 'superuser');
  expect(ended.status, ended.stdout).toBe(6);
  expect(ended.stderr).toContain('(NBDATA_HOSTILE)');
  expect(await holdfast.stored('nb')).toEqual([]);
});

test('B-08: one of a newer NocoBase is taken in, and not restored over older programs', async () => {
  await install({ encryption: { passphrase } });
  const { items } = await holdfast.json<{ items: { id: string }[] }>(
    'import',
    await written({ metadata: { ...metadata, version: '2.3.0' } }),
    '--allow',
    'superuser',
  );
  const guarded = await holdfast.run('restore', items[0]?.id ?? '', '--yes', '--if-connected', 'disconnect');
  expect(guarded.status).toBe(4);
  expect(guarded.stderr + guarded.stdout).toContain('made by NocoBase 2.3.0, the programs here are 2.2.15');
});
