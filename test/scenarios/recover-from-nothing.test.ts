import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { hasRadosgw, newBucket, startRadosgw } from '../support/s3-server.ts';
import { fillShop, shopRoles } from '../support/shop.ts';

let server: TestPostgres;
/** The machine that was lost: only its storage is left. */
let lost: Installation;
/** On the new machine, nothing is known but where the storage is. */
let other: TestPostgres;
let id: string;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 200 });
  lost = await installHoldfast({ url: server.url('shop') });
  ({ id } = await lost.json<{ id: string }>('backup', '--description', 'the last one'));
  other = await startPostgres();
  // Row security names them, so nothing can be restored without; their passwords are not in any backup.
  for (const role of shopRoles) await other.sql('postgres', `create role "${role.replaceAll('"', '""')}"`);
});
afterAll(async () => {
  await lost[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

interface Machine extends AsyncDisposable {
  run(...args: string[]): ReturnType<Installation['run']>;
  json<T>(...args: string[]): Promise<T>;
}

const machines: [string, () => Promise<Machine>][] = [
  [
    'a file that names only the storage',
    async () => {
      const machine = await installHoldfast({ url: '' });
      await machine.configure({ state: './state', storages: { kept: { type: 'local', path: lost.storage } } });
      return machine;
    },
  ],
  ['the environment alone', () => machineOf({ HOLDFAST_STORAGE_PATH: lost.storage })],
];

async function machineOf(env: Record<string, string>): Promise<Machine> {
  const machine = await installHoldfast({ url: '' });
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-new-machine-'));
  const run = (...args: string[]) => machine.runWith({ env, cwd: folder }, ...args);
  return {
    run,
    json: async <T>(...args: string[]) => {
      const { status, stdout, stderr } = await run(...args, '--json');
      if (status !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${status}:\n${stderr}`);
      return JSON.parse(stdout) as T;
    },
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe.each(machines)('promise 5: a new machine with %s', (_name, start) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await start();
  });
  afterAll(() => machine[Symbol.asyncDispose]());

  test('sees what there is', async () => {
    expect(await machine.run('config', 'validate')).toMatchObject({ status: 0 });
    expect(await machine.json('list')).toMatchObject([
      { id, source: 'shop', state: 'complete', description: 'the last one' },
    ]);
    expect(await machine.json('show', id)).toMatchObject({ manifest: { id, source: 'shop' } });
    const tree = await machine.run('inspect', id);
    expect(tree).toMatchObject({ status: 0, stdout: expect.stringContaining('customer') });
    expect(await machine.json('rebuild')).toMatchObject({ backups: 1, corrupt: 0 });
  });

  test('proves it', async () => {
    expect(await machine.json('verify', id)).toMatchObject({ ok: true });
    expect(await machine.json('drill', id)).toMatchObject({ ok: true, tables: { mismatched: [] } });
    const { stdout } = await machine.run('doctor', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    expect(stdout).toContain('in the storages: shop');
  });

  test('brings it back, whole, to another server', async () => {
    await other.sql('postgres', 'drop database if exists back');
    const restored = await machine.run('restore', id, '--into', other.url('back'), '--yes');
    expect(restored).toMatchObject({ status: 0 });
    expect(await contentOf(other, 'back')).toEqual(await contentOf(server, 'shop'));
  });

  test('finds a source that is named', async () => {
    expect(await machine.json('list', '--source', 'shop')).toMatchObject([{ id }]);
    const unknown = await machine.run('list', '--source', 'shp');
    expect(unknown).toMatchObject({ status: 2, stderr: expect.stringContaining('SOURCE_UNKNOWN') });
    expect(unknown.stderr).toContain('shop');
  });

  test('says what it cannot do, and how', async () => {
    for (const command of [['backup'], ['restore', id, '--yes'], ['drill', id, '--target', 'same']]) {
      const refused = await machine.run(...command);
      expect(refused, command.join(' ')).toMatchObject({ status: 2 });
      expect(refused.stderr).toContain('SOURCE_NOT_CONFIGURED');
      expect(refused.stderr).toContain('--into');
    }
  });
});

test('promise 5: rebuild --storage reads that one, and names those there are', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'holdfast-empty-'));
  await using machine = await installHoldfast({ url: '' });
  await machine.configure({
    state: './state',
    storages: { kept: { type: 'local', path: lost.storage }, empty: { type: 'local', path: empty } },
  });
  expect(await machine.json('rebuild', '--storage', 'empty')).toMatchObject({ backups: 0 });
  expect(await machine.json('rebuild', '--storage', 'kept')).toMatchObject({ backups: 1 });
  const wrong = await machine.run('rebuild', '--storage', 'kpt');
  expect(wrong).toMatchObject({ status: 2 });
  expect(wrong.stderr).toContain('STORAGE_UNKNOWN');
  expect(wrong.stderr).toContain('kept, empty');
  expect(await readdir(empty)).toEqual([]);
  await rm(empty, { recursive: true });
});

test('nothing configured and nothing stored is said, not listed', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'holdfast-empty-'));
  await using machine = await machineOf({ HOLDFAST_STORAGE_PATH: empty });
  expect(await machine.run('list')).toMatchObject({ status: 0, stdout: '' });
  expect(await machine.run('backup')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('SOURCE_NOT_CONFIGURED'),
  });
  await rm(empty, { recursive: true });
});

test('a source that is configured is not shadowed by what lies in a storage, and one beside it can be named', async () => {
  await using machine = await installHoldfast({ url: server.url('shop'), source: 'mine' });
  await machine.configure({
    state: './state',
    sources: { mine: { database: { url: server.url('shop') } } },
    storages: { kept: { type: 'local', path: lost.storage } },
  });
  expect(await machine.json('list')).toEqual([]);
  expect(await machine.json('list', '--source', 'shop')).toMatchObject([{ id, source: 'shop' }]);
});

test('doctor tells a warning once', async () => {
  await using machine = await machineOf({ HOLDFAST_STORAGE_PATH: lost.storage, HOLDFAST_KEEP_LATS: '3' });
  const { stdout, stderr } = await machine.run('doctor');
  expect(stdout.split('HOLDFAST_KEEP_LATS')).toHaveLength(2);
  expect(stderr).toBe('');
  // Every other command says it on the error output.
  expect((await machine.run('list')).stderr).toContain('HOLDFAST_KEEP_LATS');
});

test('what the log level may be is said', async () => {
  const wrong = await lost.runWith({ env: { HOLDFAST_LOG_LEVEL: 'verbose' } }, 'list');
  expect(wrong).toMatchObject({ status: 2 });
  expect(wrong.stderr).toContain('debug, info, warn, error');
  expect(await lost.runWith({ env: { HOLDFAST_LOG_LEVEL: 'INFO' } }, 'list')).toMatchObject({ status: 0 });
});

describe.skipIf(!hasRadosgw())('promise 5: only a bucket and the passphrase are left', () => {
  let s3: Awaited<ReturnType<typeof startRadosgw>>;
  let env: Record<string, string>;
  let stored: string;
  beforeAll(async () => {
    s3 = await startRadosgw();
    const { endpoint, accessKey, secretKey } = s3;
    const bucket = await newBucket(s3);
    env = {
      HOLDFAST_S3_BUCKET: bucket,
      HOLDFAST_S3_ENDPOINT: endpoint,
      HOLDFAST_S3_ACCESS_KEY: accessKey,
      HOLDFAST_S3_SECRET_KEY: secretKey,
      HOLDFAST_PASSPHRASE: 'correct horse battery staple',
    };
    await using machine = await machineOf({
      ...env,
      HOLDFAST_SOURCE: 'shop',
      HOLDFAST_DATABASE_URL: server.url('shop'),
    });
    ({ id: stored } = await machine.json<{ id: string }>('backup'));
  });
  afterAll(() => s3?.[Symbol.asyncDispose]());

  test('it is seen, proven and brought back', async () => {
    await using machine = await machineOf(env);
    expect(await machine.json('list')).toMatchObject([{ id: stored, source: 'shop', state: 'complete' }]);
    expect(await machine.json('show', 'latest')).toMatchObject({ manifest: { encryption: { scheme: 'age' } } });
    expect(await machine.json('verify', 'latest')).toMatchObject({ ok: true, depth: 'structure' });
    await other.sql('postgres', 'drop database if exists from_bucket');
    const restored = await machine.run('restore', 'latest', '--into', other.url('from_bucket'), '--yes');
    expect(restored).toMatchObject({ status: 0 });
    expect(await contentOf(other, 'from_bucket')).toEqual(await contentOf(server, 'shop'));
    expect(await machine.json('rebuild')).toMatchObject({ backups: 1, corrupt: 0 });
    const { stdout } = await machine.run('doctor', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });

  test('S26 with a wrong passphrase, the lists are there and the content is not', async () => {
    await using machine = await machineOf({ ...env, HOLDFAST_PASSPHRASE: 'not the right one at all' });
    expect(await machine.json('list')).toMatchObject([{ id: stored }]);
    const refused = await machine.run('restore', 'latest', '--into', other.url('never'), '--yes');
    expect(refused.stderr).toContain('PASSPHRASE_WRONG');
    expect(await other.databases()).not.toContain('never');
  });
});
