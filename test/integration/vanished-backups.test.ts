import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';

let installed: Installation;
beforeEach(async () => {
  installed = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
  runIn(join(installed.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
  await installed.configure({
    state: './state',
    sources: { shop: { database: { path: './shop.sqlite' }, storages: ['local', 'offsite'] } },
    storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './mnt/offsite' } },
  });
});
afterEach(() => installed[Symbol.asyncDispose]());

interface Found {
  findings: { code: string; storage: string | null; message: string }[];
}

async function vanished(): Promise<string[]> {
  const { stdout } = await installed.run('check', '--json');
  const { findings } = JSON.parse(stdout) as Found;
  return findings
    .filter(({ code }) => code === 'BACKUPS_VANISHED')
    .map(({ storage, message }) => `${storage}: ${message}`);
}

test('S11: a second storage whose disk is not mounted is not made anew on another one: the copy is owed, and found once it is back', async () => {
  const { id } = await installed.json<{ id: string }>('backup');
  const [mounted, away] = [join(installed.folder, 'mnt'), join(installed.folder, 'away')];
  await rename(mounted, away);
  const second = await installed.run('backup', '--json');
  expect(second.status, second.stderr).toBe(3);
  expect(JSON.parse(second.stdout)).toMatchObject({ copies: { local: 'complete', offsite: 'pending' } });
  expect(second.stderr).toContain('the folder of storage offsite is not there');
  const doctor = await installed.run('doctor');
  expect([doctor.status, doctor.stdout]).toEqual([1, expect.stringContaining('STORAGE_MISSING')]);
  expect(existsSync(mounted), 'neither a backup, doctor nor check makes it').toBe(false);
  expect(await vanished(), 'that is told as STORAGE_MISSING').toEqual([]);

  // An empty mount point looks like a storage that is new: what was in it is missed all the same.
  await mkdir(join(mounted, 'offsite'), { recursive: true });
  expect(await vanished()).toEqual([expect.stringMatching(new RegExp(`^offsite: 1 backup of shop is gone .*${id}`))]);
  await rm(mounted, { recursive: true });
  await rename(away, mounted);
  expect(await vanished()).toEqual([]);
  expect(await installed.json('copy', '--pending', '--now')).toMatchObject([{ to: 'offsite', state: 'complete' }]);
}, 300_000);

test('a folder that is not there is no storage without backups: every command says that it is missing', async () => {
  await installed.configure({
    state: './state',
    sources: { shop: { database: { path: './shop.sqlite' } } },
    storages: { local: { type: 'local', path: './backups' } },
  });
  const { id } = await installed.json<{ id: string }>('backup');
  const away = `${installed.storage}-away`;
  await rename(installed.storage, away);
  for (const words of [['list'], ['list', '--json'], ['status'], ['verify'], ['show', 'latest'], ['prune']]) {
    const ended = await installed.run(...words);
    const said = ended.stdout + ended.stderr;
    expect(ended.status, `${words.join(' ')}: ${said}`).not.toBe(0);
    expect(said, words.join(' ')).toContain('is not there');
    expect(said).not.toMatch(/no backups yet/i);
  }
  expect(existsSync(installed.storage)).toBe(false);
  await rename(away, installed.storage);
  expect(await installed.json('list')).toMatchObject([{ id }]);
}, 300_000);

test('a lost manifest is missed; what retention, delete and rebuild take away is not', async () => {
  const { id: first } = await installed.json<{ id: string }>('backup');
  const { id: second } = await installed.json<{ id: string }>('backup');
  await rm(join(installed.storage, 'shop', first, 'manifest.json'));
  expect(await vanished()).toEqual([expect.stringMatching(new RegExp(`^local: .*${first}`))]);
  expect((await installed.run('delete', second, '--storage', 'offsite', '--yes')).status).toBe(0);
  expect(await vanished()).toHaveLength(1);
  expect((await installed.run('rebuild')).status).toBe(0);
  expect(await vanished()).toEqual([]);
  // With the folder made by hand, or by `storage create`, one begins anew.
  await rename(join(installed.folder, 'mnt'), join(installed.folder, 'away'));
  expect((await installed.run('storage', 'create', 'offsite')).status).toBe(0);
  expect((await installed.run('backup')).status).toBe(0);
}, 300_000);
