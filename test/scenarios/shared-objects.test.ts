import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, cp, mkdir, readdir, readFile, rm, stat, symlink, link, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/archive/format/manifest.ts';
import { listTree, sameContent } from '../support/file-trees.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { clientFor, hasRadosgw, newBucket, startRadosgw, type S3Access } from '../support/s3-server.ts';

/** What did not change between two backups of a folder is stored once. */
let holdfast: Installation;
let data: string;

interface Made {
  id: string;
  state: string;
  bytes: number;
  addedBytes: number;
  warnings: string[];
}

const files = 5000;

beforeEach(async () => {
  holdfast = await install();
  data = join(holdfast.folder, 'data');
  await fill(data, files);
});
afterEach(() => holdfast[Symbol.asyncDispose]());

function install(settings: Record<string, unknown> = {}, top: Record<string, unknown> = {}): Promise<Installation> {
  return installHoldfast({
    url: '',
    settings: { database: undefined, files: [{ path: './data' }], share: true, ...settings },
    top,
  });
}

async function fill(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const below = join(folder, String(number % 40), String(number % 7));
    if (number < 280) await mkdir(below, { recursive: true });
    await writeFile(join(below, `${number}.bin`), randomBytes(500 + ((number * 7919) % 3000)));
  }
  await writeFile(join(folder, 'large.bin'), randomBytes(9 * 1024 * 1024));
  await mkdir(join(folder, 'empty', 'below'), { recursive: true });
  await symlink('large.bin', join(folder, 'pointing'));
  await link(join(folder, 'large.bin'), join(folder, '3', 'second name'));
  // Whole seconds come back exactly; of others Node can set only what a floating-point number holds, a tenth of a microsecond beside.
  execFileSync('find', [folder, '-exec', 'touch', '-h', '-d', '2026-01-02 03:04:05', '{}', '+']);
  await utimes(join(folder, 'empty'), 1_000_000_000, 1_000_000_000);
}

async function change(folder: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const which = (number * 499) % files;
    const path = join(folder, String(which % 40), String(which % 7), `${which}.bin`);
    await appendFile(path, `changed ${number}`);
    await utimes(path, 1_800_000_000 + number, 1_800_000_000 + number);
  }
}

async function manifestOf(id: string, at = holdfast.storage): Promise<Manifest> {
  return JSON.parse(await readFile(join(at, 'shop', id, 'manifest.json'), 'utf8')) as Manifest;
}

async function objectsIn(storage: string): Promise<string[]> {
  const found = await readdir(join(storage, 'shop', 'objects'), { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function restoreInto(id: string, folder: string, from = holdfast): Promise<string> {
  await from.json('restore', 'files', id, '--to', folder, '--yes');
  return join(folder, 'data');
}

test('issue 7.3: of 5,000 files ten change: the second backup costs little, each comes back as it was, and the first may go', async () => {
  const first = await holdfast.json<Made>('backup');
  const before = join(holdfast.folder, 'before');
  await cp(data, before, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });

  const same = await holdfast.json<Made>('backup');
  expect(same).toMatchObject({ state: 'succeeded', warnings: [], addedBytes: 0, bytes: first.bytes });

  await change(data, 10);
  const second = await holdfast.json<Made>('backup');
  expect(second.addedBytes).toBeGreaterThan(0);
  expect(second.addedBytes).toBeLessThan(second.bytes * 0.12);

  expect(sameContent(await restoreInto(first.id, join(holdfast.folder, 'to-1')), before)).toBe(true);
  expect(listTree(await restoreInto(second.id, join(holdfast.folder, 'to-2')))).toEqual(listTree(data));
  expect(sameContent(join(holdfast.folder, 'to-2', 'data'), data)).toBe(true);

  await holdfast.json('delete', first.id, '--yes');
  await holdfast.json('delete', same.id, '--yes');
  await holdfast.json('prune');
  expect(await holdfast.stored()).toEqual([second.id]);
  expect(await holdfast.json('verify', second.id, '--depth', 'structure')).toMatchObject({ ok: true });
  expect(await holdfast.json('drill', second.id)).toMatchObject({ ok: true });
  expect(sameContent(await restoreInto(second.id, join(holdfast.folder, 'to-3')), data)).toBe(true);
}, 300_000);

test('the commands of docs/manual-recovery.md put a folder of several tars together with stock tools, also in a download', async () => {
  const { id } = await holdfast.json<Made>('backup');
  await holdfast.json('backup');
  const downloads = join(holdfast.folder, 'downloads');
  await holdfast.json('download', id, '--to', downloads);
  for (const cwd of [join(holdfast.storage, 'shop', id), join(downloads, 'shop', id)]) {
    expect(byHand('manual-recovery', ['checksums'], cwd)).not.toMatch(/FAILED/);
    byHand('manual-recovery', ['folder'], cwd);
    expect(listTree(join(cwd, 'restored'))).toEqual(listTree(data));
    expect(sameContent(join(cwd, 'restored'), data)).toBe(true);
  }
}, 300_000);

test('those of docs/encryption.md do so with encrypted ones', async () => {
  const { recipient } = await holdfast.json<{ recipient: string }>('key', 'create', '--out', 'identity.txt');
  await appendFile(holdfast.configFile, `\nencryption: { recipients: [${recipient}] }\n`);
  await holdfast.json('backup');
  const { id, addedBytes } = await holdfast.json<Made>('backup');
  expect(addedBytes).toBe(0);
  const cwd = join(holdfast.storage, 'shop', id);
  await cp(join(holdfast.folder, 'identity.txt'), join(cwd, 'identity.txt'));
  byHand('encryption', ['identity', 'folder'], cwd);
  expect(listTree(join(cwd, 'restored'))).toEqual(listTree(data));
  expect(sameContent(join(cwd, 'restored'), data)).toBe(true);
}, 300_000);

function byHand(page: string, blocks: readonly string[], cwd: string): string {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8');
  const lines = blocks.map((name) => {
    const found = new RegExp(`<!-- executed: ${name} -->\\s*\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
    if (found === undefined) throw new Error(`docs/${page}.md has no block named ${name}`);
    return found.replaceAll(/^\$ /gm, '').replaceAll('uploads', 'data');
  });
  return execFileSync('bash', ['-c', `set -e -o pipefail\n${lines.join('\n')}`], { cwd, encoding: 'utf8' });
}

test('a download stands alone: it verifies and restores where the objects are not', async () => {
  await holdfast.json('backup');
  const { id } = await holdfast.json<Made>('backup');
  const folder = join(holdfast.folder, 'elsewhere');
  await holdfast.json('download', id, '--to', folder);
  expect(await readdir(join(folder, 'shop'))).toEqual([id]);
  await using other = await install({}, { storages: { local: { type: 'local', path: folder } } });
  expect(await other.json('verify', id, '--depth', 'structure')).toMatchObject({ ok: true });
  expect(sameContent(await restoreInto(id, join(other.folder, 'to'), other), data)).toBe(true);
}, 300_000);

test('encrypted: nothing in the storage tells what is shared, also where only recipients can read; a new key stores anew', async () => {
  const recipient = 'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg';
  for (const settings of [{ passphrase: 'correct horse battery staple' }, { recipients: [recipient] }]) {
    await using other = await install({ files: [{ path: data }] }, { encryption: settings });
    const first = await other.json<Made>('backup');
    const second = await other.json<Made>('backup');
    expect(second).toMatchObject({ addedBytes: 0, bytes: first.bytes });
    const { artifacts } = await manifestOf(second.id, other.storage);
    expect(artifacts.every(({ content, encryption }) => encryption === 'age' && typeof content === 'string')).toBe(
      true,
    );
    const plain = await manifestOf((await holdfast.json<Made>('backup')).id);
    const digests = new Set(plain.artifacts.map(({ content }) => content));
    expect(artifacts.filter(({ content }) => digests.has(content))).toEqual([]);
    await other.json('key', 'rotate');
    const third = await other.json<Made>('backup');
    expect(third.addedBytes).toBe(third.bytes);
    if ('passphrase' in settings)
      expect(sameContent(await restoreInto(second.id, join(other.folder, 'to'), other), data)).toBe(true);
  }
}, 300_000);

test('a damaged object fails no second backup: everything is stored anew, and a copy mends the first', async () => {
  const second = join(holdfast.folder, 'second');
  await using other = await install(
    { files: [{ path: data }], storages: ['local', 'second'] },
    { storages: { local: { type: 'local', path: './backups' }, second: { type: 'local', path: second } } },
  );
  const first = await other.json<Made>('backup');
  const [object = ''] = (await manifestOf(first.id, other.storage)).artifacts.map((artifact) => artifact.object ?? '');
  const path = join(other.storage, 'shop', object);
  const bytes = await readFile(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(path, bytes);
  const made = await other.run('backup', '--json');
  expect(made.status, made.stderr).toBe(0);
  expect(made.stderr).toMatch(/everything is stored anew/);
  const anew = JSON.parse(made.stdout) as Made;
  expect(anew.addedBytes).toBe(anew.bytes);
  expect((await other.run('verify', first.id)).status).toBe(6);
  await other.json('copy', first.id, '--from', 'second', '--to', 'local', '--replace');
  expect(await other.json('verify', first.id)).toMatchObject({ ok: true });
}, 300_000);

test('copies get only what they miss, and a missing object is found by check', async () => {
  const second = join(holdfast.folder, 'second');
  await using other = await install(
    { files: [{ path: data }], storages: ['local', 'second'] },
    { storages: { local: { type: 'local', path: './backups' }, second: { type: 'local', path: second } } },
  );
  await other.json('backup');
  const before = new Map(
    await Promise.all((await objectsIn(second)).map(async (path) => [path, (await stat(path)).ino] as const)),
  );
  await change(data, 3);
  const made = await other.json<Made>('backup');
  const after = await objectsIn(second);
  expect(after.filter((path) => !before.has(path)).length).toBeLessThanOrEqual(4);
  for (const [path, inode] of before) expect((await stat(path)).ino).toBe(inode);
  expect(await other.json('verify', made.id, '--storage', 'second', '--depth', 'structure')).toMatchObject({
    ok: true,
  });

  const { artifacts } = await manifestOf(made.id, other.storage);
  await rm(join(other.storage, 'shop', artifacts[0]?.object ?? ''));
  const found = await other.run('check', '--json');
  expect(found.stdout).toMatch(/the shared object objects\/.* is missing/);
}, 300_000);

test('S1: kill -9 at 12 points of backups that share and of prunes that collect: what is listed is whole', async () => {
  const { id } = await holdfast.json<Made>('backup');
  // However few of the others come about: this one stays.
  await holdfast.json('hold', id);
  const started = performance.now();
  await holdfast.json<Made>('backup');
  const whole = performance.now() - started;
  let died = 0;
  for (let at = 0; at < 12; at += 1) {
    await change(data, 1 + at);
    const prunes = at % 3 === 2;
    const { child, ended } = holdfast.start(
      {},
      ...(prunes ? ['delete', 'latest', '--yes', '--allow-last'] : ['backup']),
    );
    const timer = setTimeout(() => child.kill('SIGKILL'), (whole * (at + 1)) / 12);
    if ((await ended).signal === 'SIGKILL') died += 1;
    clearTimeout(timer);
  }
  expect(died).toBeGreaterThan(2);
  const last = await holdfast.json<Made>('backup');
  const listed = await holdfast.json<{ id: string; state: string }[]>('list');
  expect(listed.map((each) => each.id)).toEqual(expect.arrayContaining([id, last.id]));
  for (const each of listed) expect(await holdfast.json('verify', each.id), each.id).toMatchObject({ ok: true });
  expect(sameContent(await restoreInto(last.id, join(holdfast.folder, 'to')), data)).toBe(true);
}, 600_000);

async function lockByDefault(service: S3Access, Bucket: string): Promise<void> {
  const s3 = clientFor(service);
  const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } as const;
  await s3.putObjectLockConfiguration({
    Bucket,
    ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule },
  });
  s3.destroy();
}

describe.skipIf(!hasRadosgw())('in a bucket', () => {
  test('a bucket as primary and as copy shares as a folder does; with object lock, everything is stored anew', async () => {
    await using service = await startRadosgw();
    const access = { endpoint: service.endpoint, accessKey: service.accessKey, secretKey: service.secretKey };
    for (const kind of ['plain', 'versioned', 'lockable', 'locking by itself'] as const) {
      const locked = kind === 'lockable' || kind === 'locking by itself';
      const bucket = await newBucket(service, locked ? 'lockable' : kind);
      if (kind === 'locking by itself') await lockByDefault(service, bucket);
      const objectLock = kind === 'lockable' ? { objectLock: { mode: 'governance', days: 1 } } : {};
      await using other = await install(
        { files: [{ path: data }], storages: ['far', 'near'] },
        {
          storages: {
            far: { type: 's3', bucket, prefix: 'holdfast', ...access, ...objectLock },
            near: { type: 'local', path: './backups' },
          },
        },
      );
      const first = await other.json<Made>('backup');
      const second = await other.json<Made>('backup');
      expect(second.addedBytes).toBe(locked ? second.bytes : 0);
      expect(await other.json('verify', second.id, '--storage', 'near')).toMatchObject({ ok: true });
      if (locked) continue;
      await other.json('delete', first.id, '--yes');
      expect(await other.json('verify', second.id, '--storage', 'far')).toMatchObject({ ok: true });
      expect(await other.json('verify', second.id, '--storage', 'near')).toMatchObject({ ok: true });
    }
  }, 600_000);
});
