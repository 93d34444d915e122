import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/archive/format/manifest.ts';
import { decryptor, encryptor } from '../../src/pipeline/encrypt.ts';
import { through } from '../../src/pipeline/pipeline.ts';
import { contentOf, evidenceOf } from '../support/evidence.ts';
import { installHoldfast, type Installation } from '../support/holdfast.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { fillShop } from '../support/shop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { watchArguments } from '../support/watch-arguments.ts';

const secret = 'grüne-kanarie-4711-geheim';
const otherSecret = 'blaue-kanarie-0815-geheim';
/** A block that is run is announced by a line `<!-- executed: NAME -->`. */
const page = new URL('../../docs/encryption.md', import.meta.url);
const { signal } = new AbortController();

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase('shop');
  await fillShop(server, 'shop', { rows: 300 });
});
afterAll(() => server[Symbol.asyncDispose]());

function install(encryption: object | null, dump: object = { format: 'custom' }): Promise<Installation> {
  return installHoldfast({ url: server.url('shop'), settings: { dump }, top: encryption ? { encryption } : {} });
}

async function manifestOf(holdfast: Installation, id: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(holdfast.storage, 'shop', id, 'manifest.json'), 'utf8')) as Manifest;
}

describe('files of age', () => {
  test('what age itself writes and reads is what we write and read', async () => {
    await using folder = await temporaryFolder();
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const keyFile = join(folder.path, 'key.txt');
    await writeFile(keyFile, `${identity}\n`);
    for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 1_000_000]) {
      const content = randomBytes(size);
      const ours = join(folder.path, 'ours.age');
      await writeFile(ours, await buffer(through(streamOf(content), [await encryptor([recipient])], signal)));
      expect(execFileSync('age', ['-d', '-i', keyFile, ours], { maxBuffer: 1 << 24 }).equals(content)).toBe(true);
      const theirs = execFileSync('age', ['-r', recipient], { input: content, maxBuffer: 1 << 24 });
      const back = await buffer(through(streamOf(theirs), [decryptor([identity], 'x')], signal));
      expect(back.equals(content)).toBe(true);
    }
  });
});

describe.each([
  ['custom', { format: 'custom' }],
  ['directory', { format: 'directory' }],
  ['plain', { format: 'plain' }],
])('B-17: a backup under a passphrase (%s)', (format, dump) => {
  test('N-d20: is verified, drilled and restored by swap, and nothing of it is readable', async () => {
    await using holdfast = await install({ passphrase: secret }, dump);
    const before = await contentOf(server, 'shop');
    const { id, artifacts } = await holdfast.json<{ id: string; artifacts: Manifest['artifacts'] }>('backup');
    const manifest = await manifestOf(holdfast, id);
    expect(manifest.encryption).toMatchObject({ scheme: 'age', passphrase: true, recipients: [] });
    expect(artifacts.length).toBeGreaterThan(format === 'directory' ? 5 : 1);
    for (const { path, encryption } of artifacts) {
      expect(encryption).toBe('age');
      expect(path).toMatch(/\.age$/);
      const stored = await readFile(join(holdfast.storage, 'shop', id, path));
      expect(stored.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    }
    const verified = await holdfast.json<{ ok: boolean; checks: { check: string; detail: string }[] }>('verify', id);
    expect(verified).toMatchObject({ ok: true });
    expect(JSON.stringify(verified)).toMatch(/read to its end/);
    expect(await holdfast.json('drill', id)).toMatchObject({ ok: true });
    await server.sql('shop', 'create table only_now (id int)');
    await holdfast.json('restore', id, '--yes');
    expect(await contentOf(server, 'shop')).toEqual(before);
  });
});

describe('S26, B-d6: a wrong passphrase and damage', () => {
  test('S26: a wrong passphrase is told as such, by every command, and nothing is touched', async () => {
    await using holdfast = await install({ passphrase: secret });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const before = await evidenceOf(server, 'shop');
    const config = await readFile(holdfast.configFile, 'utf8');
    await writeFile(holdfast.configFile, config.replace(secret, otherSecret));
    const calls = [
      ['backup'],
      ['verify', id],
      ['drill', id],
      ['restore', id, '--yes', '--no-safety-backup'],
      ['restore', id, '--in-place', '--yes', '--no-safety-backup'],
    ];
    for (const words of calls) {
      const { status, stderr } = await holdfast.run(...words);
      expect(stderr, words.join(' ')).toMatch(/PASSPHRASE_WRONG/);
      expect(status).toBe(1);
    }
    expect((await holdfast.run('verify', id, '--depth', 'checksum')).status).toBe(0);
    expect(await evidenceOf(server, 'shop')).toEqual(before);
    expect(await server.databases()).toEqual(['postgres', 'shop']);
    expect(await holdfast.stored()).toEqual([id]);
  });

  test('S4: one bit flipped in a key or an encrypted file is refused with exit 6 before the target is touched', async () => {
    await using holdfast = await install({ passphrase: secret });
    const { id, artifacts } = await holdfast.json<{ id: string; artifacts: Manifest['artifacts'] }>('backup');
    const before = await evidenceOf(server, 'shop');
    const keyFile = join(holdfast.storage, 'shop', (await manifestOf(holdfast, id)).encryption?.['key'] as string);
    const files = [keyFile, ...artifacts.map(({ path }) => join(holdfast.storage, 'shop', id, path))];
    for (const file of files) {
      const whole = await readFile(file);
      for (const at of [70, whole.length - 1]) {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ 4;
        await writeFile(file, changed);
        for (const words of [
          ['verify', id],
          ['restore', id, '--yes', '--no-safety-backup'],
        ]) {
          const { status, stderr } = await holdfast.run(...words);
          expect(status, `${words.join(' ')}, byte ${at} of ${file}: ${stderr}`).toBe(6);
        }
      }
      await writeFile(file, whole);
    }
    expect(await evidenceOf(server, 'shop')).toEqual(before);
    expect(await server.databases()).toEqual(['postgres', 'shop']);
    expect((await holdfast.run('verify', id)).status).toBe(0);
  }, 240_000);
});

test('public-key mode: the machine makes backups it cannot read, and the owner of the identity restores them', async () => {
  await using holdfast = await installHoldfast({ url: server.url('shop'), settings: { dump: { format: 'custom' } } });
  const pair = await holdfast.json<{ recipient: string; file: string }>('key', 'create', '--out', 'identity.txt');
  expect((await stat(join(holdfast.folder, 'identity.txt'))).mode & 0o777).toBe(0o600);
  expect((await holdfast.run('key', 'create', '--out', 'identity.txt')).status).toBe(2);
  const config = await readFile(holdfast.configFile, 'utf8');
  await writeFile(holdfast.configFile, `${config}encryption: { recipients: [${pair.recipient}] }\n`);
  const { id } = await holdfast.json<{ id: string }>('backup');
  const verified = await holdfast.json<object>('verify', id);
  expect(verified).toMatchObject({ ok: true });
  expect(JSON.stringify(verified)).toMatch(/no key here/);
  for (const words of [
    ['drill', id],
    ['restore', id, '--yes', '--no-safety-backup'],
  ]) {
    const { status, stderr } = await holdfast.run(...words);
    expect(stderr).toMatch(/KEY_NEEDED/);
    expect(status).toBe(1);
  }
  const identity = ['--identity', 'identity.txt'];
  expect(JSON.stringify(await holdfast.json('verify', id, ...identity))).toMatch(/read to its end/);
  expect(await holdfast.json('drill', id, ...identity)).toMatchObject({ ok: true });
  const before = await contentOf(server, 'shop');
  await holdfast.json('restore', id, '--yes', ...identity);
  expect(await contentOf(server, 'shop')).toEqual(before);
  const env = { HOLDFAST_IDENTITY_FILE: join(holdfast.folder, 'identity.txt') };
  expect((await holdfast.runWith({ env }, 'drill', id)).status).toBe(0);
});

test('a rotation, a changed passphrase and a new machine leave every backup readable', async () => {
  await using holdfast = await install({ passphrase: secret });
  const first = await holdfast.json<{ id: string }>('backup');
  const [rotated] = await holdfast.json<{ file: string; recipient: string }[]>('key', 'rotate');
  const second = await holdfast.json<{ id: string }>('backup');
  expect((await manifestOf(holdfast, second.id)).encryption).toMatchObject({ key: rotated?.file });
  expect((await manifestOf(holdfast, first.id)).encryption).not.toMatchObject({ key: rotated?.file });
  const listed = await holdfast.json<{ file: string; current: boolean }[]>('key', 'list');
  expect(listed.filter(({ current }) => current)).toMatchObject([{ file: rotated?.file }]);
  expect(listed).toHaveLength(2);

  const digests = await Promise.all([first, second].map(({ id }) => manifestOf(holdfast, id)));
  await writeFile(join(holdfast.folder, 'new.txt'), `${otherSecret}\n`);
  const changed = await holdfast.json<{ result: string }[]>('key', 'change-passphrase', '--new-file', 'new.txt');
  expect(changed.map(({ result }) => result)).toEqual(['changed', 'changed']);
  const config = await readFile(holdfast.configFile, 'utf8');
  await writeFile(holdfast.configFile, config.replace(secret, otherSecret));
  await rm(holdfast.state, { recursive: true });
  const third = await holdfast.json<{ id: string }>('backup');
  for (const { id } of [first, second, third]) expect((await holdfast.run('verify', id)).status).toBe(0);
  expect((await manifestOf(holdfast, third.id)).encryption).toMatchObject({ key: rotated?.file });
  expect(await Promise.all([first, second].map(({ id }) => manifestOf(holdfast, id)))).toEqual(digests);
}, 120_000);

test('S23, B-d6, B-d7: passphrase and keys are in no argument list, output, log, manifest, catalog or stored file', async () => {
  await using holdfast = await install({ passphrase: secret }, { format: 'directory' });
  const outputs: string[] = [];
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await holdfast.runWith({ env: { HOLDFAST_LOG_LEVEL: 'debug' } }, ...args);
    outputs.push(stdout, stderr);
  };
  const revealed = async () => {
    const { keys } = await holdfast.json<{ keys: { text: string }[] }>('key', 'export', '--reveal');
    return keys.map(({ text }) => text);
  };
  const seen = watchArguments();
  await seen.untilSeen('pg_dump', () => run('backup', '--debug'));
  await run('drill', 'latest', '--debug');
  await run('config', 'show');
  await run('config', 'export');
  await run('key', 'list', '--debug');
  await run('key', 'export', '--debug');
  await run('runs', '--json');
  await run('show', 'latest', '--json');
  const processes = await seen.stop();
  const secrets = [secret, ...(await revealed())];
  expect(secrets).toHaveLength(2);
  for (const each of secrets) {
    expect(processes.filter((line) => line.includes(each))).toEqual([]);
    for (const output of outputs) expect(output).not.toContain(each);
    // The operator wrote the passphrase into the configuration; nobody wrote the key anywhere.
    expect(await filesWith(each, holdfast)).toEqual(each === secret ? [holdfast.configFile] : []);
  }
  // Of the rows themselves nothing is readable either.
  expect(await filesWith('customer', join(holdfast.storage, 'shop'), /\.age$/)).toEqual([]);
});

describe('promise 4: the manual commands of docs/encryption.md', () => {
  test.each([
    ['custom', { format: 'custom' }],
    ['custom', { format: 'custom', compression: 'xz' }],
    ['plain', { format: 'plain' }],
    ['directory', { format: 'directory' }],
  ])('restore a backup for a recipient with stock tools (%s, %j)', async (block, dump) => {
    await using holdfast = await install(null, dump);
    const { recipient } = await holdfast.json<{ recipient: string }>('key', 'create', '--out', 'identity.txt');
    const config = await readFile(holdfast.configFile, 'utf8');
    await writeFile(
      holdfast.configFile,
      `${config}encryption: { passphrase: ${secret}, recipients: [${recipient}] }\n`,
    );
    const { id } = await holdfast.json<{ id: string }>('backup');
    const cwd = join(holdfast.storage, 'shop', id);
    await copyFile(join(holdfast.folder, 'identity.txt'), join(cwd, 'identity.txt'));
    await using fresh = await startPostgres();
    const env = {
      PATH: process.env.PATH ?? '',
      PGHOST: fresh.host,
      PGPORT: String(fresh.port),
      PGUSER: fresh.user,
      PGPASSWORD: server.password,
    };
    await fresh.sql('postgres', `alter role ${fresh.user} password '${server.password}'`);
    const blocks = await Promise.all(['identity', 'globals', block].map(blockNamed));
    execFileSync('bash', ['-c', `set -e\n${blocks.join('\n')}`], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    execFileSync('psql', ['-qd', 'postgres', '-c', `alter role ${fresh.user} password '${fresh.password}'`], { env });
    expect(await contentOf(fresh, 'shop')).toEqual(await contentOf(server, 'shop'));
  });

  test('age asks for the passphrase and opens the key with it; the recovery sheet holds the same', async () => {
    await using holdfast = await install({ passphrase: secret });
    const { id } = await holdfast.json<{ id: string }>('backup');
    const cwd = join(holdfast.storage, 'shop', id);
    await typed(await blockNamed('key'), secret, cwd);
    const { keys } = await holdfast.json<{ keys: { text: string }[] }>('key', 'export', '--reveal');
    expect(await readFile(join(cwd, 'key.txt'), 'utf8')).toContain(keys[0]?.text);
    const { stdout } = await holdfast.run('key', 'export');
    expect(stdout).not.toContain('AGE-SECRET-KEY');
    const armoured = /-----BEGIN AGE[\s\S]*END AGE ENCRYPTED FILE-----\n/.exec(stdout)?.[0] ?? '';
    await writeFile(join(holdfast.folder, 'key.age'), armoured);
    await typed('age -d key.age > sheet.txt', secret, holdfast.folder);
    expect(await readFile(join(holdfast.folder, 'sheet.txt'), 'utf8')).toContain(keys[0]?.text);
  });
});

/** age reads passphrases from a terminal only; `script` gives it one. */
function typed(command: string, answer: string, cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const plain = command.replaceAll(/^\$ /gm, '');
    const child = spawn('script', ['-qec', `bash -c ${quoted(`set -e\n${plain}`)}`, '/dev/null'], { cwd });
    let answered = false;
    let seen = '';
    child.stdout.on('data', (text: Buffer) => {
      seen += text.toString();
      if (!answered && /passphrase/i.test(seen)) {
        answered = true;
        child.stdin.write(`${answer}\n`);
      }
    });
    child.once('error', reject);
    child.once('close', (status) => (status === 0 ? resolve() : reject(new Error(`ended with ${status}: ${seen}`))));
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

async function blockNamed(name: string): Promise<string> {
  const text = await readFile(page, 'utf8');
  const found = new RegExp(`<!-- executed: ${name} -->\\s*\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
  if (found === undefined) throw new Error(`docs/encryption.md has no block named ${name}`);
  return found.replaceAll(/^\$ /gm, '');
}

async function filesWith(text: string, place: Installation | string, only = /./): Promise<string[]> {
  const found: string[] = [];
  const folder = typeof place === 'string' ? place : place.folder;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && only.test(path) && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}

function streamOf(content: Buffer): Readable {
  return Readable.from(content.length === 0 ? [] : [content], { objectMode: false });
}
