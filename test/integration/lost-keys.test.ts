import { copyFile, mkdir, readFile, rename, rm, truncate } from 'node:fs/promises';
import { existsSync } from 'node:fs';
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
    encryption: { passphrase: 'eine lange passphrase' },
    sources: { shop: { database: { path: './shop.sqlite' }, storages: ['local', 'offsite'] } },
    storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
  });
});
afterEach(() => installed[Symbol.asyncDispose]());

interface Check {
  findings: { code: string; storage: string | null; message: string; hint: string }[];
}

/** The oldest backup, whose key is not the current one any more, and the file of that key in each storage. */
async function rotated(): Promise<{ old: string; key: string; local: string; offsite: string }> {
  const { id: old } = await installed.json<{ id: string }>('backup');
  const [listed] = await installed.json<{ file: string }[]>('key', 'list');
  const key = listed?.file ?? '';
  expect((await installed.run('key', 'rotate', '--source', 'shop')).status).toBe(0);
  await installed.json('backup');
  const at = (storage: string) => join(installed.folder, storage, 'shop', key);
  return { old, key, local: at('backups'), offsite: at('offsite') };
}

async function findingsOf(code: RegExp): Promise<Check['findings']> {
  const { stdout } = await installed.run('check', '--json');
  return (JSON.parse(stdout) as Check).findings.filter((each) => code.test(each.code));
}

test('S4: a key that one storage lost is read from another, told by check, and put back by the next backup, an old one too', async () => {
  const { old, key, local } = await rotated();
  await rm(local);
  expect(await findingsOf(/KEY|DAMAGED|VERIFY/)).toMatchObject([
    { code: 'KEY_FILE_MISSING', storage: 'local', message: expect.stringContaining(key) },
  ]);
  expect(await installed.json('verify', old, '--storage', 'local')).toMatchObject({ ok: true });
  const restored = await installed.run('restore', old, '--storage', 'local', '--yes');
  expect(restored.status, restored.stderr).toBe(0);
  await installed.json('backup');
  expect(existsSync(local)).toBe(true);
  expect(await findingsOf(/KEY|DAMAGED|VERIFY/)).toEqual([]);
}, 300_000);

test('S4: a key that is lost everywhere makes no backup corrupt: once it is back, so are they', async () => {
  const { old, key, local, offsite } = await rotated();
  const sheet = join(installed.folder, 'kept.age');
  await rename(local, sheet);
  await rm(offsite);
  for (const words of [
    ['verify', old],
    ['verify', '--all'],
    ['drill', old, '--target', 'temporary'],
  ]) {
    const { status, stdout, stderr } = await installed.run(...words);
    expect(status, `${words.join(' ')}: ${stdout}${stderr}`).toBe(6);
    expect(stderr, words.join(' ')).toContain('KEY_MISSING');
  }
  const found = await findingsOf(/KEY|DAMAGED|VERIFY/);
  expect(found.map(({ code, storage }) => `${code} ${storage}`).toSorted()).toEqual([
    'KEY_FILE_MISSING local',
    'KEY_FILE_MISSING offsite',
  ]);
  for (const { message, hint } of found) {
    expect(message).toContain(key);
    expect(hint).toMatch(/recovery sheet/);
    expect(hint).not.toMatch(/delete this copy/);
  }
  expect(JSON.stringify(await installed.json('list'))).not.toContain('corrupt');
  await mkdir(join(local, '..'), { recursive: true });
  await copyFile(sheet, local);
  expect(await installed.json('verify', old)).toMatchObject({ ok: true });
  await installed.json('backup');
  expect(existsSync(offsite)).toBe(true);
  expect(await findingsOf(/KEY|DAMAGED|VERIFY/)).toEqual([]);
}, 300_000);

test.each(['current', 'old'] as const)(
  'S4: a damaged file of the %s key in the second storage is put right by the next backup, before it is the last one',
  async (which) => {
    const { key, old, offsite: oldFile } = await rotated();
    const current = (await installed.json<{ file: string; storage: string }[]>('key', 'list')).find(
      ({ file }) => file !== key,
    );
    const file = which === 'old' ? oldFile : join(installed.folder, 'offsite/shop', current?.file ?? '');
    const whole = await readFile(file);
    await truncate(file, whole.length - 1);
    const { stderr } = await installed.run('backup');
    expect(stderr).toContain('was damaged in offsite and was put right from local');
    expect(await readFile(file)).toEqual(whole);
    await rm(installed.state, { recursive: true });
    await rm(installed.storage, { recursive: true });
    const verified = await installed.json('verify', which === 'old' ? old : 'latest', '--storage', 'offsite');
    expect(verified).toMatchObject({ ok: true, depth: 'structure' });
  },
  300_000,
);

test('promise 5: doctor on a new machine, where no source is configured, tries the keys of those that lie there', async () => {
  await installed.json('backup');
  const storages = { offsite: { type: 'local', path: './offsite' } };
  const examine = async (passphrase: string) => {
    await installed.configure({ state: './new-state', encryption: { passphrase }, storages });
    const { status, stdout } = await installed.run('doctor', '--json');
    const { findings } = JSON.parse(stdout) as { findings: { subject: string; check: string; detail: string }[] };
    return { status, keys: findings.filter(({ check }) => check === 'keys') };
  };
  expect(await examine('eine lange passphrase')).toMatchObject({
    status: 0,
    keys: [{ subject: 'source shop', result: 'ok', detail: '1 key in offsite: opened' }],
  });
  expect(await examine('eine falsche passphrase')).toMatchObject({
    status: 1,
    keys: [{ subject: 'source shop', result: 'failed', detail: expect.stringContaining('PASSPHRASE_WRONG') }],
  });
  await rm(join(installed.folder, 'offsite/shop/keys'), { recursive: true });
  expect(await examine('eine lange passphrase')).toMatchObject({
    status: 1,
    keys: [{ result: 'failed', detail: expect.stringContaining('KEY_MISSING') }],
  });
}, 300_000);

test('a machine that was lost on the day its key was made: the new one makes a key of another name, and both kinds of backups lie together', async () => {
  const { id: before } = await installed.json<{ id: string }>('backup');
  await rm(installed.state, { recursive: true });
  await rm(installed.storage, { recursive: true });
  const after = await installed.run('backup', '--json');
  expect(after.status, after.stderr).toBe(0);
  const { id, copies } = JSON.parse(after.stdout) as { id: string; copies: Record<string, string> };
  expect(copies).toEqual({ local: 'complete', offsite: 'complete' });
  for (const each of [before, id]) {
    const verified = await installed.json('verify', each, '--storage', 'offsite');
    expect(verified, each).toMatchObject({ ok: true, depth: 'structure' });
  }
  expect(await installed.json('copy', before, '--to', 'local')).toMatchObject({ state: 'complete' });
}, 300_000);
