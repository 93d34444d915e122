import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { runIn } from '../support/sqlite.ts';

const right = 'eine lange passphrase';
let installed: Installation;
beforeEach(async () => {
  installed = await installHoldfast({ url: 'sqlite:./shop.sqlite' });
  runIn(join(installed.folder, 'shop.sqlite'), 'create table item (id integer primary key)');
});
afterEach(() => installed[Symbol.asyncDispose]());

const encrypted = (encryption: object | null) =>
  installed.configure({
    state: './state',
    ...(encryption ? { encryption } : {}),
    sources: { shop: { database: { path: './shop.sqlite' }, storages: ['local', 'offsite'] } },
    storages: { local: { type: 'local', path: './backups' }, offsite: { type: 'local', path: './offsite' } },
  });

interface Found {
  findings: { subject: string; check: string; result: string; detail: string; hint: string | null }[];
}

async function doctor(): Promise<{ status: number | null; keys: string[] }> {
  const { status, stdout } = await installed.run('doctor', '--json');
  const { findings } = JSON.parse(stdout) as Found;
  const keys = findings.filter(({ check }) => check.startsWith('key'));
  return { status, keys: keys.map(({ check, result, detail }) => `${check} ${result}: ${detail}`) };
}

async function keyFindings(): Promise<string[]> {
  const { stdout } = await installed.run('check', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { code: string; severity: string }[] };
  return findings.filter(({ code }) => code.startsWith('KEY')).map(({ code, severity }) => `${code} ${severity}`);
}

test('S26: doctor and check say that the passphrase opens none of the backups, before the next one fails', async () => {
  await encrypted({ passphrase: right });
  expect((await doctor()).keys, 'before there is a key').toEqual([]);
  await installed.json('backup');
  expect(await doctor()).toEqual({
    status: 0,
    keys: [expect.stringMatching(/^keys ok: .*1 .*local, offsite/)],
  });
  expect(await keyFindings()).toEqual([]);

  await encrypted({ passphrase: 'eine ganz andere passphrase' });
  const wrong = await doctor();
  expect(wrong.status).toBe(1);
  expect(wrong.keys).toEqual([expect.stringMatching(/^keys failed: .*passphrase.*PASSPHRASE_WRONG/)]);
  expect(await keyFindings()).toEqual(['KEY_NOT_OPENED critical']);

  await encrypted(null);
  const none = await doctor();
  expect(none.keys).toEqual([expect.stringMatching(/^keys warning: .*nothing is given/)]);

  await encrypted({ passphrase: right });
  const [key] = await installed.json<{ file: string }[]>('key', 'list');
  await rm(join(installed.folder, 'offsite', 'shop', key?.file ?? ''));
  const lost = await doctor();
  expect([lost.status, lost.keys]).toEqual([
    1,
    [expect.stringMatching(/^keys failed: .*missing in offsite.*KEY_MISSING/)],
  ]);
}, 300_000);

test('public-key mode: that the key files are there is all this machine can know', async () => {
  const made = await installed.run('key', 'create', '--out', join(installed.folder, 'own.txt'));
  const recipient = /age1[0-9a-z]+/.exec(made.stdout + made.stderr)?.[0];
  await encrypted({ recipients: [recipient] });
  await installed.json('backup');
  expect(await doctor()).toEqual({ status: 0, keys: [expect.stringMatching(/^keys ok: .*opened elsewhere/)] });
  expect(await keyFindings()).toEqual([]);
}, 300_000);
