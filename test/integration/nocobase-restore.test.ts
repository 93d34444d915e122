import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { makeAppFolder, nocobaseTables, usualShape } from '../support/nocobase-app.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const restore = ['restore', 'latest', '--yes', '--if-connected', 'disconnect'];
const tenant = { ...usualShape, schema: 'tenant1' };
const records = [
  { table: 'attachments', path: '', filename: 'a.txt', size: 5, storageId: 1 },
  { table: 'labScans', path: 'deep/er', filename: 'scan.pdf', size: 5, storageId: 2 },
];

let server: TestPostgres;
let holdfast: Installation;
let folder: TemporaryFolder;
let path: string;
/** What a NocoBase that runs holds open. */
let running: Server | null = null;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = await temporaryFolder();
  await server.sql('postgres', 'drop database if exists nb with (force)');
  await server.createDatabase('nb');
  for (const statement of nocobaseTables(tenant, { files: records })) await server.sql('nb', statement);
  ({ path } = await makeAppFolder(join(folder.path, 'app'), {
    env: { DB_SCHEMA: 'tenant1' },
    files: { 'storage/uploads/a.txt': 'aaaaa', 'storage/elsewhere/deep/er/scan.pdf': 'ccccc' },
  }));
  holdfast = await installHoldfast({
    url: server.url('nb'),
    source: 'nb',
    settings: sourceSettings(),
    top: { storages },
  });
  const made = await holdfast.run('backup', 'nb');
  if (made.status !== 0) throw new Error(made.stderr);
});
afterEach(async () => {
  running?.close();
  running = null;
  await holdfast[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const storages = { local: { type: 'local', path: './backups' } };

function sourceSettings() {
  return { app: { kind: 'nocobase', path }, encryption: { passphrase: 'a long enough passphrase' } };
}

function start(): void {
  running = createServer().listen(join(path, 'storage/gateway.sock'));
}

/** A command of the operator's, to be run before a restore. */
async function hookBefore(shell: string): Promise<void> {
  const source = {
    database: { url: server.url('nb') },
    ...sourceSettings(),
    hooks: { restore: { before: { shell } } },
  };
  await holdfast.configure({ state: './state', sources: { nb: source }, storages });
}

async function set(more: string): Promise<void> {
  const settings = await readFile(join(path, '.env'), 'utf8');
  await writeFile(join(path, '.env'), settings.replace(/^DB_SCHEMA=.*\n/m, more));
}

test('B-01, B-12: everything comes back together, and the way back leads for all of it', async () => {
  await writeFile(join(path, 'storage/uploads/a.txt'), 'changed');
  await writeFile(join(path, 'storage/apps/main/aes_key.dat'), 'another key, 32 bytes long ......');
  await server.sql('nb', `update tenant1.storages set title = 'changed'`);
  const restored = await holdfast.run(...restore, '--keep-old');
  expect(restored.status, restored.stderr).toBe(0);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('aaaaa');
  expect(await readFile(join(path, 'storage/elsewhere/deep/er/scan.pdf'), 'utf8')).toBe('ccccc');
  expect(await readFile(join(path, 'storage/apps/main/aes_key.dat'), 'utf8')).not.toContain('another');
  expect(await server.sql('nb', 'select distinct title from tenant1.storages')).toEqual([{ title: null }]);

  const undone = await holdfast.run('restore', '--undo', '--yes', '--if-connected', 'disconnect');
  expect(undone.status, undone.stderr).toBe(0);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('changed');
  expect(await readFile(join(path, 'storage/apps/main/aes_key.dat'), 'utf8')).toContain('another');
  expect(await server.sql('nb', 'select distinct title from tenant1.storages')).toEqual([{ title: 'changed' }]);
});

test('B-01: a way back of which a part is gone is not gone at all, and leads again when that is there', async () => {
  await writeFile(join(path, 'storage/uploads/a.txt'), 'changed');
  const restored = await holdfast.run(...restore, '--keep-old');
  expect(restored.status, restored.stderr).toBe(0);
  // The last of them to come back, and not by the same means as the others.
  const kept = (await readdir(join(path, 'storage'))).find((name) => name.startsWith('apps.before-')) ?? '';
  const elsewhere = join(folder.path, 'elsewhere');
  await rename(join(path, 'storage', kept), elsewhere);
  const live = await readdir(join(path, 'storage'));

  const lost = await holdfast.run('restore', '--undo', '--yes');
  expect(lost.stderr).toContain('NO_WAY_BACK');
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('aaaaa');
  expect(await readdir(join(path, 'storage'))).toEqual(live);

  await rename(elsewhere, join(path, 'storage', kept));
  const undone = await holdfast.run('restore', '--undo', '--yes');
  expect(undone.status, undone.stderr).toBe(0);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('changed');
});

test('B-01: a way back that was refused at the database leaves the folders as they were, and leads later', async () => {
  await writeFile(join(path, 'storage/uploads/a.txt'), 'changed');
  const restored = await holdfast.run(...restore, '--keep-old');
  expect(restored.status, restored.stderr).toBe(0);
  const live = await readdir(join(path, 'storage'), { recursive: true });
  {
    await using _somebody = await server.session('nb');
    const refused = await holdfast.run('restore', '--undo', '--yes', '--if-connected', 'refuse');
    expect(refused.stderr).toContain('SESSIONS_CONNECTED');
  }
  expect(await readdir(join(path, 'storage'), { recursive: true })).toEqual(live);

  const undone = await holdfast.run('restore', '--undo', '--yes');
  expect(undone.status, undone.stderr).toBe(0);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('changed');
});

test('B-12: the way back is not gone under an application that runs, unless that is allowed or a hook stops it', async () => {
  await writeFile(join(path, 'storage/uploads/a.txt'), 'changed');
  const restored = await holdfast.run(...restore, '--keep-old');
  expect(restored.status, restored.stderr).toBe(0);
  start();
  const refused = await holdfast.run('restore', '--undo', '--yes');
  expect(refused.status, refused.stderr).toBe(4);
  for (const word of ['NocoBase runs', '--allow app-stopped', 'RESTORE_REFUSED'])
    expect(refused.stderr).toContain(word);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('aaaaa');

  await hookBefore('true');
  const left = await holdfast.run('restore', '--undo', '--yes');
  expect(left.status, left.stderr).toBe(4);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('aaaaa');

  const allowed = await holdfast.run('restore', '--undo', '--yes', '--allow', 'app-stopped');
  expect(allowed.status, allowed.stderr).toBe(0);
  expect(await readFile(join(path, 'storage/uploads/a.txt'), 'utf8')).toBe('changed');
});

test('B-09: into another schema only where that is allowed, and then everything is there', async () => {
  await set('');
  const refused = await holdfast.run(...restore);
  expect(refused.status).toBe(4);
  expect(refused.stderr + refused.stdout).toContain('--allow app-schema');
  expect(await server.sql('nb', `select 1 as there from pg_tables where schemaname = 'tenant1' limit 1`)).toHaveLength(
    1,
  );

  const inPlace = await holdfast.run(...restore, '--in-place', '--allow', 'app-schema');
  expect(inPlace.status, inPlace.stderr).toBe(4);

  const moved = await holdfast.run(...restore, '--allow', 'app-schema');
  expect(moved.status, moved.stderr).toBe(0);
  expect(await server.sql('nb', 'select options from public.collections')).toEqual([
    { options: { schema: 'public', template: 'file' } },
  ]);
  expect(await server.sql('nb', `select 1 from pg_namespace where nspname = 'tenant1'`)).toEqual([]);
});

test('B-09, B-12: a prefix, or an application that runs, blocks before anything is touched', async () => {
  await set('DB_SCHEMA=tenant1\nDB_TABLE_PREFIX=x_\n');
  start();
  const before = await readdir(path, { recursive: true });
  const refused = await holdfast.run(...restore);
  const after = await readdir(path, { recursive: true });
  expect(refused.status).toBe(4);
  for (const word of ['table prefix', 'NocoBase runs']) expect(refused.stderr + refused.stdout).toContain(word);
  expect(after.toSorted()).toEqual(before.toSorted());
});

test('B-18: folders alone come back into a place of their own', async () => {
  const to = join(folder.path, 'apart');
  await mkdir(to);
  const ended = await holdfast.run('restore', 'files', 'latest', '--to', to, '--yes');
  expect(ended.status, ended.stderr).toBe(0);
  expect(await readFile(join(to, 'storage-scans/deep/er/scan.pdf'), 'utf8')).toBe('ccccc');
  expect(await readdir(join(to, 'keys'))).toContain('settings.env');
});

test('B-12: beside the live one, a database is restored while the application runs, whatever its settings', async () => {
  await set('DB_SCHEMA=tenant1\nDB_TABLE_PREFIX=x_\n');
  start();
  await server.sql('postgres', 'drop database if exists nb_copy with (force)');
  const beside = await holdfast.run('restore', 'latest', '--yes', '--into', 'nb_copy');
  expect(beside.status, beside.stderr).toBe(0);
  expect(await server.sql('nb_copy', 'select count(*)::int as n from tenant1.storages')).toEqual([{ n: 3 }]);
});

test('B-12: an application that a hook stops is restored; one that the hook leaves running is not', async () => {
  start();
  await hookBefore('true');
  const left = await holdfast.run(...restore);
  expect(left.status, left.stderr).toBe(4);
  expect(left.stderr).toContain('NocoBase runs');
  expect(left.stderr).toContain('--allow app-stopped');

  // Without its socket nothing answers, as when it was stopped.
  await hookBefore(`rm ${join(path, 'storage/gateway.sock')}`);
  const restored = await holdfast.run(...restore);
  expect(restored.status, restored.stderr).toBe(0);
  expect(restored.stdout + restored.stderr).toContain('left to the hook');
});

test('B-12: an application that is started while a restore runs keeps it from going live', async () => {
  await server.sql('nb', `update tenant1.storages set title = 'now'`);
  const { child, ended } = holdfast.start({}, ...restore);
  let seen = '';
  child.stderr?.on('data', (text: string) => {
    seen += text;
    if (running === null && seen.includes('✓ load')) start();
  });
  const { status, stderr } = await ended;
  expect(running).not.toBeNull();
  expect(status, stderr).toBe(4);
  expect(stderr).toContain('NocoBase runs');
  expect(await server.sql('nb', 'select distinct title from tenant1.storages')).toEqual([{ title: 'now' }]);
  expect((await server.databases()).filter((name) => name.includes('restoring'))).toEqual([]);
  expect((await readdir(path)).filter((name) => name.includes('holdfast') || name.includes('before'))).toEqual([]);
});
