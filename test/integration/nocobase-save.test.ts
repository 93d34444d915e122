import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { App, AppDatabase, AppTask } from '../../src/apps/app.ts';
import { createNocobase } from '../../src/apps/nocobase/nocobase.ts';
import { appSchema } from '../../src/apps/nocobase/options.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { openDatabase, temporaryFolder } from '../support/databases.ts';
import { makeAppFolder, nocobaseTables, oddShape, usualShape, type AppFolder } from '../support/nocobase-app.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { keepApp, savedOf, type KeptApp } from '../support/saved-app.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const task: AppTask = { signal, report: () => undefined };
const all = { only: null, to: null };

const files = {
  'storage/uploads/a.txt': 'aaaaa',
  'storage/uploads/süb/ földer/ü $(x).txt': 'bbbbb',
  'storage/uploads/without-a-record': 'is saved too',
  'storage/elsewhere/deep/er/scan.pdf': 'ccccc',
  'storage/apps/main/jwt_secret.dat': 'jwt',
};
const records = [
  { table: 'attachments', path: '', filename: 'a.txt', size: 5, storageId: 1 },
  { table: 'attachments', path: 'süb/ földer', filename: 'ü $(x).txt', size: 5, storageId: 1 },
  { table: 'labScans', path: 'deep/er', filename: 'scan.pdf', size: 5, storageId: 2 },
];

let server: TestPostgres;
let database: AppDatabase;
let folder: { path: string } & AsyncDisposable;
let from: AppFolder;
let into: AppFolder;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('nb');
  for (const statement of nocobaseTables(usualShape, { files: records })) await server.sql('nb', statement);
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = await temporaryFolder();
  const opened = openDatabase(server, 'nb', { scratch: join(folder.path, 'scratch') });
  database = {
    engine: 'postgres',
    name: 'nb',
    serverVersion: '15.18',
    select: (query, until) => opened.select(query, until),
  };
  from = await makeAppFolder(join(folder.path, 'one'), { files });
  into = await makeAppFolder(join(folder.path, 'two'), {
    files: {
      'storage/uploads/old.txt': 'of the second',
      'storage/apps/main/event-queue.json': '["a job of the second"]',
    },
  });
});
afterEach(() => folder[Symbol.asyncDispose]());

function appIn({ path }: AppFolder, more: object = {}): App {
  return createNocobase(appSchema.parse({ kind: 'nocobase', path, ...more }), {
    clock: systemClock,
    logger: silentLogger,
    scratch: join(folder.path, 'scratch'),
  });
}

function keep(encrypted = true, between?: (part: string) => Promise<void>): Promise<KeptApp> {
  return keepApp(appIn(from), { encrypted, database }, between);
}

function treesOf(app: App) {
  if (!app.trees) throw new Error('it has no trees');
  return app.trees;
}

function guardsOf(app: App) {
  if (!app.guards) throw new Error('it has no guards');
  return app.guards;
}

/** Every file below a folder with what is in it. */
async function contentOf(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(found.toSorted().map(async (each) => [each.slice(path.length + 1), await readFile(each, 'hex')])),
  );
}

test('B-01, B-d10: folders and keys go from one application to another, and nothing of the other stays', async () => {
  const { saved, contents, warnings } = await keep();
  expect([...contents.keys()]).toEqual([
    'files/uploads.tar',
    'files/plugins.tar',
    'files/storage-scans.tar',
    'app/keys.tar',
  ]);
  expect(warnings).toEqual([expect.stringContaining('cloud')]);
  const app = appIn(into);
  expect(await app.readThrough(saved, signal)).toEqual({ detail: expect.stringContaining('3 keys') });
  expect(await app.rehearse(saved, task)).toMatchObject({ ok: true, differences: [] });

  const before = await contentOf(into.path);
  const planned = await treesOf(app).plan(saved, all, signal);
  expect(planned.map(({ name, replaces }) => [name, replaces])).toEqual([
    ['uploads', true],
    ['plugins', true],
    ['storage-scans', false],
    ['keys', true],
  ]);
  await using staged = await treesOf(app).stage(saved, all, task);
  for (const name of ['uploads', 'plugins', 'apps']) {
    expect(await contentOf(join(into.path, 'storage', name)), name).toEqual(
      Object.fromEntries(
        Object.entries(before).flatMap(([path, content]) =>
          path.startsWith(`storage/${name}/`) ? [[path.slice(`storage/${name}/`.length), content]] : [],
        ),
      ),
    );
  }
  const swapped = await staged.swap(signal);
  for (const name of ['uploads', 'elsewhere', 'plugins', 'apps']) {
    const place = join('storage', name);
    expect(await contentOf(join(into.path, place)), name).toEqual(await contentOf(join(from.path, place)));
  }
  // APP_KEY is another one: the settings are not touched, those of the backup lie beside them.
  expect(staged.warnings.join(' ')).toMatch(/APP_KEY is not as in the backup/);
  expect(await readFile(join(into.path, '.env'), 'utf8')).toContain(`key-of-${into.path}`);
  expect(await readFile(join(into.path, '.env.restored'), 'utf8')).toContain(`key-of-${from.path}`);
  expect((await stat(join(into.path, '.env.restored'))).mode & 0o077).toBe(0);

  await staged.back();
  expect(await contentOf(into.path)).toEqual(
    expect.objectContaining({ ...before, 'storage/uploads/old.txt': expect.any(String) }),
  );
  await staged[Symbol.asyncDispose]();
  expect(await contentOf(into.path)).toEqual(before);
  expect(swapped.map(({ name }) => name)).toEqual(['uploads', 'plugins', 'storage-scans', 'keys', 'settings']);
});

test.each([
  ['uploads', 'uploads.holdfast-0a1b2c3d'],
  ['apps', '.holdfast-keys-Ab3dE6/apps'],
])('S14: killed while %s changed places, nothing is saved without them', async (name, laid) => {
  const live = join(from.path, 'storage', name);
  await mkdir(join(from.path, 'storage', laid), { recursive: true });
  await rename(live, `${live}.before-2026-11-20_05-15-00`);
  await expect(keep()).rejects.toMatchObject({
    code: 'FILES_HALF_SWAPPED',
    hint: expect.stringContaining(`mv '${live}.before-2026-11-20_05-15-00' '${live}'`),
  });
});

test('what was live is kept beside it, comes back long afterwards, or is forgotten', async () => {
  const { saved } = await keep();
  const { trees } = appIn(into);
  if (!trees) throw new Error('it has no trees');
  const before = await contentOf(join(into.path, 'storage/apps'));
  const swapped = await (async () => {
    await using staged = await trees.stage(saved, { only: ['keys'], to: null }, task);
    return await staged.swap(signal);
  })();
  const [keys] = swapped;
  expect(await contentOf(keys?.previous ?? '')).toEqual(before);
  const undone = await trees.undo(swapped, signal);
  expect(await contentOf(join(into.path, 'storage/apps'))).toEqual(before);
  expect(await contentOf(undone.trees.at(-1)?.previous ?? '')).toEqual(
    await contentOf(join(from.path, 'storage/apps')),
  );
  await expect(trees.undo([{ name: 'keys', target: '/x', previous: '/not/there' }], signal)).rejects.toMatchObject({
    code: 'NO_WAY_BACK',
  });
  {
    await using staged = await trees.stage(saved, { only: ['keys'], to: null }, task);
    const [again] = await staged.swap(signal);
    await staged.forget(signal);
    await expect(stat(again?.previous ?? '')).rejects.toThrow('ENOENT');
  }
  expect((await readdir(join(into.path, 'storage'))).filter((name) => name.startsWith('.holdfast'))).toEqual([]);
});

test.skipIf(process.getuid?.() !== 0)(
  'keys in a mount of their own, which cannot change places, are told beforehand',
  async () => {
    const { saved } = await keep();
    const apps = join(into.path, 'storage/apps');
    const plan = () => appIn(into).trees?.plan(saved, { only: null, to: null }, signal);
    expect(await plan()).toContainEqual(expect.objectContaining({ name: 'keys', target: apps }));
    if (spawnSync('mount', ['--bind', join(from.path, 'storage/apps'), apps]).status !== 0) return;
    try {
      await expect(plan()).rejects.toMatchObject({
        code: 'FOLDER_HOLDS_MOUNT',
        message: expect.stringContaining(apps),
      });
      expect(await appIn(into).trees?.plan(saved, { only: ['uploads'], to: null }, signal)).toHaveLength(1);
    } finally {
      spawnSync('umount', [apps]);
    }
  },
);

test('into a folder of its own: stock tar opens the same, and nothing live is touched', async () => {
  const { saved, contents } = await keep();
  const before = await contentOf(into.path);
  const to = join(folder.path, 'apart');
  await using staged = await treesOf(appIn(into)).stage(saved, { only: null, to }, task);
  await staged.swap(signal);
  expect((await readdir(to)).toSorted()).toEqual(['keys', 'plugins', 'storage-scans', 'uploads']);
  expect(await contentOf(join(to, 'keys/apps'))).toEqual(await contentOf(join(from.path, 'storage/apps')));
  expect(await contentOf(into.path)).toEqual(before);
  const tar = join(folder.path, 'keys.tar');
  await writeFile(tar, contents.get('app/keys.tar') ?? '');
  await mkdir(join(folder.path, 'by-hand'));
  await run('tar', ['-xf', tar, '-C', join(folder.path, 'by-hand')]);
  expect(await contentOf(join(folder.path, 'by-hand/apps'))).toEqual(await contentOf(join(from.path, 'storage/apps')));
});

test('B-d7: without encryption no key leaves the machine, and none is replaced', async () => {
  const { saved, contents, warnings } = await keep(false);
  expect([...contents.keys()]).not.toContain('app/keys.tar');
  for (const content of contents.values()) {
    for (const secret of [from.key, Buffer.from(`key-of-${from.path}`)]) expect(content.includes(secret)).toBe(false);
  }
  expect(warnings.join('\n')).toContain('SMTP_PASSWORD');
  const app = appIn(into);
  await using staged = await treesOf(app).stage(saved, all, task);
  expect(staged.trees.map(({ name }) => name)).not.toContain('keys');
  const guards = await guardsOf(app).before(saved, database, { allowed: [], signal });
  expect(guards.find(({ code }) => code === 'app-keys')).toMatchObject({
    result: 'block',
    override: '--allow app-keys',
  });
  // The same application: its key is where it was.
  const own = await guardsOf(appIn(from)).before(saved, database, { allowed: [], signal });
  expect(own.find(({ code }) => code === 'app-keys')).toMatchObject({ result: 'pass' });
});

test('what is deleted while the backup runs is named, and so is what was not there before', async () => {
  await rm(join(from.path, 'storage/uploads/a.txt'));
  const { saved, warnings } = await keep(true, async (part) => {
    if (part === 'files/plugins.tar') await rm(join(from.path, 'storage/elsewhere/deep/er/scan.pdf'));
  });
  expect(warnings).toContainEqual('1 of 3 file records without a file: attachments 1: a.txt');
  expect(warnings).toContainEqual(
    '1 file deleted while the backup ran, with records that may still be in the dump: labScans 3: deep/er/scan.pdf',
  );
  expect(saved.facts['fileRecords']).toEqual({ count: 3, missing: 1, deletedMeanwhile: 1 });
  expect(await readdir(join(folder.path, 'scratch'))).toEqual([]);
});

describe('keys find the place where NocoBase looks first', () => {
  test('those of earlier versions, and those a setting named', async () => {
    const apps = join(from.path, 'storage/apps');
    await cp(apps, join(from.path, 'storage/environment-variables'), { recursive: true });
    await rm(apps, { recursive: true });
    const { saved } = await keep();
    await using staged = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
    await staged.swap(signal);
    expect(await readFile(join(into.path, 'storage/apps/main/aes_key.dat'))).toEqual(from.key);
  });

  test('a key outside of the storage folder goes where the settings here say', async () => {
    await rm(join(from.path, 'storage/apps'), { recursive: true });
    await writeFile(join(from.path, 'my.key'), from.key);
    await writeFile(join(from.path, '.env'), 'APP_KEY=a\nAPP_AES_SECRET_KEY_PATH=my.key\n');
    await writeFile(join(into.path, '.env'), 'APP_KEY=a\nAPP_AES_SECRET_KEY_PATH=keys/other.key\n');
    const { saved } = await keep();
    await using staged = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
    await staged.swap(signal);
    expect(await readFile(join(into.path, 'keys/other.key'))).toEqual(from.key);
    await writeFile(join(into.path, '.env'), 'APP_KEY=a\nAPP_AES_SECRET_KEY_PATH=storage/apps/other.key\n');
    {
      await using among = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
      await among.swap(signal);
    }
    for (const name of ['other.key', 'main/aes_key.dat'])
      expect(await readFile(join(into.path, 'storage/apps', name))).toEqual(from.key);
    await rm(join(into.path, '.env'));
    await using again = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
    await again.swap(signal);
    expect(await readFile(join(into.path, 'storage/apps/main/aes_key.dat'))).toEqual(from.key);
  });
});

describe('the key that the backup was encrypted with is the one that NocoBase reads here', () => {
  const own = Buffer.alloc(32, 7);
  const settings = (app: AppFolder, keyPath: string | null) =>
    writeFile(join(app.path, '.env'), `APP_KEY=a\n${keyPath === null ? '' : `APP_AES_SECRET_KEY_PATH=${keyPath}\n`}`);
  const swapped = async () => {
    const { saved } = await keep();
    await using staged = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
    await staged.swap(signal);
    return (name: string) => readFile(join(into.path, name));
  };

  test('from the usual place to where a setting names it, and what lay there is kept beside it', async () => {
    await settings(into, 'keys/aes');
    await mkdir(join(into.path, 'keys'));
    await writeFile(join(into.path, 'keys/aes'), own);
    const now = await swapped();
    expect(await now('keys/aes')).toEqual(from.key);
    const kept = (await readdir(join(into.path, 'keys'))).find((name) => name !== 'aes');
    expect(await now(`keys/${String(kept)}`)).toEqual(own);
  });

  test('from the usual place to another one among the keys', async () => {
    await settings(into, 'storage/apps/main/own.key');
    await writeFile(join(into.path, 'storage/apps/main/own.key'), own);
    expect(await (await swapped())('storage/apps/main/own.key')).toEqual(from.key);
  });

  test.each(['keys/aes', 'storage/apps/main/own.key'])(
    'from %s, with an older one in the usual place',
    async (name) => {
      await settings(from, name);
      await mkdir(join(from.path, 'keys'));
      await writeFile(join(from.path, name), own);
      await settings(into, null);
      expect(await (await swapped())('storage/apps/main/aes_key.dat')).toEqual(own);
    },
  );

  test('to the place of earlier versions, where a setting still names it', async () => {
    const name = 'storage/environment-variables/main/aes_key.dat';
    await settings(into, name);
    await mkdir(join(into.path, 'storage/environment-variables/main'), { recursive: true });
    await writeFile(join(into.path, name), own);
    expect(await (await swapped())(name)).toEqual(from.key);
  });

  test('where the settings here hold another one, NocoBase looks at no file: that is told', async () => {
    await rm(join(from.path, '.env'));
    const { saved } = await keep();
    const toldWith = async (given: string) => {
      await writeFile(join(into.path, '.env'), `APP_KEY=a\nAPP_AES_SECRET_KEY=${given}\n`);
      await using staged = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
      return staged.warnings;
    };
    expect(await toldWith(own.toString('hex'))).toEqual([expect.stringMatching(/^APP_AES_SECRET_KEY .* another key/)]);
    expect(await toldWith(from.key.toString('hex'))).toEqual([]);
  });

  test('among the settings: files are laid down as they were', async () => {
    await writeFile(join(from.path, '.env'), `APP_KEY=a\nAPP_AES_SECRET_KEY=${'ab'.repeat(32)}\n`);
    await settings(into, null);
    expect(await (await swapped())('storage/apps/main/aes_key.dat')).toEqual(from.key);
  });
});

test.each([
  ['behind links, as an orchestrator lays secrets', (app: string) => join(app, 'secret/aes'), 'secret/aes'],
  [
    'behind a link among the other keys',
    (app: string) => join(app, 'storage/apps/main/aes_key.dat'),
    'storage/apps/main/aes_key.dat',
  ],
  ['by its name in the container', () => '/app/nocobase/storage/keys/aes.dat', 'storage/keys/aes.dat'],
])('a key is saved and laid down where the application reads it: %s', async (_how, written, path) => {
  await rm(join(from.path, 'storage/apps'), { recursive: true });
  await mkdir(join(from.path, 'secret/..data'), { recursive: true });
  await writeFile(join(from.path, 'secret/..data/aes'), from.key);
  await symlink('..data/aes', join(from.path, 'secret/aes'));
  await mkdir(join(from.path, 'storage/apps/main'), { recursive: true });
  await symlink('../../../secret/aes', join(from.path, 'storage/apps/main/aes_key.dat'));
  await mkdir(join(from.path, 'storage/keys'), { recursive: true });
  await writeFile(join(from.path, 'storage/keys/aes.dat'), from.key);
  for (const { path: app } of [from, into])
    await writeFile(join(app, '.env'), `APP_KEY=a\nAPP_AES_SECRET_KEY_PATH=${written(app)}\n`);
  const { saved } = await keep();
  await using staged = await treesOf(appIn(into)).stage(saved, { only: ['keys'], to: null }, task);
  await staged.swap(signal);
  expect(await readFile(join(into.path, path))).toEqual(from.key);
});

test('S4, S24: damaged or foreign keys are refused before anything is laid down', async () => {
  const { saved, contents } = await keep();
  const tar = Buffer.from(contents.get('app/keys.tar') ?? '');
  tar[0] = (tar[0] ?? 0) ^ 1;
  const damaged = savedOf(saved.facts, new Map([...contents, ['app/keys.tar', tar]]));
  const before = await contentOf(into.path);
  await expect(appIn(into).readThrough(damaged, signal)).rejects.toMatchObject({ kind: 'integrity' });
  await expect(treesOf(appIn(into)).stage(damaged, all, task)).rejects.toMatchObject({ kind: 'integrity' });
  expect(await contentOf(into.path)).toEqual(before);
});

test('a swap that cannot be finished leaves everything as it was', async () => {
  const { saved } = await keep();
  const before = await contentOf(into.path);
  {
    await using staged = await treesOf(appIn(into)).stage(saved, all, task);
    // The last thing to take its place: everything else has by then.
    const laid = (await readdir(into.path)).find((name) => name.startsWith('.holdfast-keys-'));
    await rm(join(into.path, laid ?? '', '.env.restored'));
    await expect(staged.swap(signal)).rejects.toThrow('ENOENT');
  }
  expect(await contentOf(into.path)).toEqual(before);
});

describe('guards', () => {
  test('B-12: an application that runs is told by its socket, and by its port', async () => {
    const { saved } = await keep();
    const guard = async (more: object = {}, allowed: string[] = []) =>
      (await guardsOf(appIn(into, more)).before(saved, database, { allowed, signal })).find(
        ({ code }) => code === 'app-stopped',
      );
    expect(await guard()).toMatchObject({ result: 'pass' });

    const socket = createSocket().listen(join(into.path, 'storage/gateway.sock'));
    await new Promise((listening) => socket.once('listening', listening));
    expect(await guard()).toMatchObject({ result: 'block', override: '--allow app-stopped' });
    expect(await guard({}, ['app-stopped'])).toMatchObject({ result: 'warn' });
    await new Promise((closed) => socket.close(closed));

    // As it is written for the container, which has the folder of the application under another name.
    await writeFile(join(into.path, '.env'), 'APP_KEY=a\nAPP_PORT=1\nSOCKET_PATH=/app/nocobase/storage/own.sock\n');
    const own = createSocket().listen(join(into.path, 'storage/own.sock'));
    await new Promise((listening) => own.once('listening', listening));
    expect(await guard()).toMatchObject({ result: 'block' });
    await new Promise((closed) => own.close(closed));

    const http = createServer((request, answer) =>
      answer.end(request.url === '/api/__health_check' ? 'ok' : ''),
    ).listen(0);
    await new Promise((listening) => http.once('listening', listening));
    const address = http.address();
    const port = typeof address === 'object' ? address?.port : 0;
    expect(await guard({ url: `http://127.0.0.1:${port}` })).toMatchObject({ result: 'block' });
    await new Promise((closed) => http.close(closed));
    expect(await guard({ url: `http://127.0.0.1:${port}` })).toMatchObject({ result: 'pass' });
  });

  test('B-12: where the programs lie in an image, silence at an address of their settings says nothing', async () => {
    const { saved } = await keep();
    const image = await makeAppFolder(join(folder.path, 'image'), { version: null });
    const guard = async (more: object = {}) =>
      (await guardsOf(appIn(image, more)).before(saved, database, { allowed: [], signal })).find(
        ({ code }) => code === 'app-stopped',
      );
    expect(await guard()).toMatchObject({ result: 'warn', detail: expect.stringContaining('app.url') });
    expect(await guard({ url: 'http://127.0.0.1:1' })).toMatchObject({ result: 'pass' });
  });

  test('B-08, B-11: an older target, a missing plugin', async () => {
    const { saved } = await keep();
    const older = await makeAppFolder(join(folder.path, 'older'), { version: '2.1.9' });
    await rm(join(older.path, 'storage/plugins'), { recursive: true });
    const guards = await guardsOf(appIn(older)).before(saved, null, { allowed: [], signal });
    const of = (code: string) => guards.find((guard) => guard.code === code);
    expect(of('app-version')).toMatchObject({ result: 'block' });
    expect(of('app-plugins')).toMatchObject({ result: 'warn', detail: expect.stringContaining('kanban') });
    expect(await guardsOf(appIn(older)).after(saved, database, signal)).toEqual([
      expect.stringContaining('Do not start NocoBase 2.1.9'),
    ]);
    expect(await guardsOf(appIn(into)).after(saved, database, signal)).toEqual([
      expect.stringContaining('nothing has to be upgraded'),
    ]);
  });

  test('B-09: a schema is moved in the restored database, and its collections know', async () => {
    await server.createDatabase('odd');
    for (const statement of nocobaseTables({ ...oddShape, tablePrefix: '', underscored: false }, {}))
      await server.sql('odd', statement);
    const odd = { ...database, name: 'odd', select: (query: string) => server.sql('odd', query) };
    const source = await makeAppFolder(join(folder.path, 'odd'), { env: { DB_SCHEMA: 'tenant1' } });
    const { saved } = await keepApp(appIn(source), { encrypted: true, database: odd });
    const app = guardsOf(appIn(into));
    const schema = async (allowed: string[]) =>
      (await app.before(saved, null, { allowed, signal })).find(({ code }) => code === 'app-schema');
    expect(await schema([])).toMatchObject({ result: 'block', override: '--allow app-schema' });
    expect(await schema(['app-schema'])).toMatchObject({ result: 'warn' });
    expect(await app.adjust?.(saved, null, { allowed: [], signal })).toEqual([]);
    const moves = (await app.adjust?.(saved, null, { allowed: ['app-schema'], signal })) ?? [];
    await server.sql('odd', ['begin', ...moves, 'commit'].join(';\n'));
    expect(await server.sql('odd', 'select options from public.collections')).toEqual([
      { options: { schema: 'public', template: 'file' } },
    ]);
    // Where something else lives there, nothing happens.
    await server.createDatabase('full');
    for (const statement of nocobaseTables({ ...oddShape, tablePrefix: '', underscored: false }, {}))
      await server.sql('full', statement);
    await server.sql('full', 'create table public.somebody()');
    await expect(server.sql('full', ['begin', ...moves, 'commit'].join(';\n'))).rejects.toThrow('other objects depend');
    expect(await server.sql('full', 'select count(*)::int as n from tenant1.collections')).toEqual([{ n: 1 }]);
  });
});

test('a database is needed, and doctor tells what it sees', async () => {
  await expect(appIn(from).open({ encrypted: true, database: null }, signal)).rejects.toMatchObject({
    code: 'NOCOBASE_NO_DATABASE',
  });
  expect((await appIn(from).check(signal)).map(({ name, result }) => [name, result])).toEqual([
    ['folder', 'ok'],
    ['settings', 'ok'],
    ['storage', 'ok'],
    ['version', 'ok'],
    ['state', 'ok'],
  ]);
  await writeFile(join(from.path, '.env'), 'APP_KEY=a\nAPP_AES_SECRET_KEY_PATH=keys/aes\n');
  expect((await appIn(from).check(signal)).filter(({ result }) => result !== 'ok')).toEqual([
    {
      name: 'key',
      result: 'warning',
      detail: `APP_AES_SECRET_KEY_PATH leads to ${from.path}/keys/aes, where there is no file`,
      hint: expect.stringContaining('see that file'),
    },
  ]);
  await rm(join(from.path, '.env'));
  expect((await appIn(from).check(signal)).find(({ name }) => name === 'settings')).toMatchObject({
    result: 'warning',
  });
  expect(await appIn({ ...from, path: join(folder.path, 'nowhere') }).check(signal)).toMatchObject([
    { result: 'failed' },
  ]);
  await expect(appIn(from, { envFile: 'other.env' }).check(signal)).rejects.toMatchObject({
    code: 'NOCOBASE_SETTINGS_UNREADABLE',
  });
});
