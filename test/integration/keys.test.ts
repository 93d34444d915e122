import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyKeys, listKeyIds } from '../../src/archive/keys/key-files.ts';
import { createIdentity, unwrap } from '../../src/archive/keys/key-wrap.ts';
import type { KeyMemory, KeyRecord, Keys } from '../../src/archive/keys/keys.ts';
import { sourceKeys, type KeySettings } from '../../src/archive/keys/source-keys.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { streamOf } from '../suites/storage-suite.ts';
import { faultyStorage } from '../support/faulty-storage.ts';
import { localAt } from '../support/stored-backups.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const old = new Secret('das-alte-passwort');
const next = new Secret('das-neue-passwort');
const now = new Date('2026-11-20T05:15:00Z');

let folder: TemporaryFolder;
let storage: Storage;
let memory: KeyMemory;
beforeEach(async () => {
  folder = await temporaryFolder();
  storage = localAt(join(folder.path, 'one'));
  memory = freshMemory();
});
afterEach(() => folder[Symbol.asyncDispose]());

function freshMemory(): KeyMemory {
  const records = new Map<string, KeyRecord>();
  return { get: (source) => records.get(source) ?? null, put: (record) => void records.set(record.source, record) };
}

function keysOf(change: Partial<KeySettings> = {}): Keys {
  const clock = { now: () => now, monotonic: () => 0 };
  return sourceKeys({
    encrypt: true,
    passphrase: old,
    recipients: [],
    identities: [],
    memory,
    clock,
    workFactor: 10,
    ...change,
  });
}

function fileOf(name: string, place = 'one'): string {
  return join(folder.path, place, 'shop', name);
}

/** The folder itself stays: a storage remembers which it has made. */
async function emptyKeys(): Promise<void> {
  for (const name of await readdir(fileOf('keys'))) await rm(fileOf(`keys/${name}`));
}

async function flip(path: string, at: number): Promise<void> {
  const content = await readFile(path);
  const where = at < 0 ? content.length + at : at;
  content[where] = (content[where] ?? 0) ^ 1;
  await writeFile(path, content);
}

const file = 'keys/2026-11-20.age';

describe('the key of a source', () => {
  test('is made once, lies in each storage, and opens with age itself', async () => {
    const key = await keysOf().forWriting(storage, 'shop', signal);
    const naming = expect.any(Buffer);
    expect(key).toEqual({ file, recipient: expect.stringMatching(/^age1/), recipients: [], passphrase: true, naming });
    expect(await keysOf().forWriting(storage, 'shop', signal)).toEqual(key);
    expect((await readdir(fileOf('keys'))).toSorted()).toEqual(['2026-11-20.age', '2026-11-20.pub']);
    const second = localAt(join(folder.path, 'two'));
    expect(await keysOf().forWriting(second, 'shop', signal)).toEqual(key);
    expect(await readFile(fileOf(file, 'two'))).toEqual(await readFile(fileOf(file)));
    const identity = await keysOf().unlock(second, 'shop', file, signal);
    expect(identity).toMatch(/^AGE-SECRET-KEY-1/);
    // The file for a stranger with age alone: its public half is one that `age -R` takes.
    const sealed = execFileSync('age', ['-R', fileOf('keys/2026-11-20.pub')], { input: 'hello' });
    await writeFile(join(folder.path, 'key.txt'), identity);
    expect(execFileSync('age', ['-d', '-i', join(folder.path, 'key.txt')], { input: sealed }).toString()).toBe('hello');
  });

  test('survives the loss of the state, and is put where it is missing', async () => {
    const key = await keysOf().forWriting(storage, 'shop', signal);
    memory = freshMemory();
    expect(await keysOf().forWriting(storage, 'shop', signal)).toEqual(key);
    await emptyKeys();
    expect(await keysOf().forWriting(storage, 'shop', signal)).toEqual(key);
    expect(await readdir(fileOf('keys'))).toContain('2026-11-20.age');
  });

  test('S26: a changed passphrase is noticed before anything is written', async () => {
    await keysOf().forWriting(storage, 'shop', signal);
    const wrong = { code: 'PASSPHRASE_WRONG', kind: 'failed', hint: expect.stringContaining('key change-passphrase') };
    await expect(keysOf({ passphrase: next }).forWriting(storage, 'shop', signal)).rejects.toMatchObject(wrong);
    memory = freshMemory();
    await expect(keysOf({ passphrase: next }).forWriting(storage, 'shop', signal)).rejects.toMatchObject(wrong);
    await expect(keysOf({ passphrase: next }).unlock(storage, 'shop', file, signal)).rejects.toMatchObject(wrong);
  });

  test('S4, S26: damage anywhere in the file is told apart from a wrong passphrase', async () => {
    await keysOf().forWriting(storage, 'shop', signal);
    const { length } = await readFile(fileOf(file));
    for (const at of [3, 40, 60, 80, 110, 160, length - 60, -1]) {
      await flip(fileOf(file), at);
      const damaged = { code: 'KEY_DAMAGED', kind: 'integrity' };
      await expect(keysOf().unlock(storage, 'shop', file, signal), `byte ${at}`).rejects.toMatchObject(damaged);
      await flip(fileOf(file), at);
    }
    await writeFile(fileOf(file), (await readFile(fileOf(file))).subarray(0, 100));
    await expect(keysOf().unlock(storage, 'shop', file, signal)).rejects.toMatchObject({ code: 'KEY_DAMAGED' });
    await rm(fileOf(file));
    await expect(keysOf().unlock(storage, 'shop', file, signal)).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  test('a damaged file is put right by the next backup on the machine that knows it', async () => {
    await keysOf().forWriting(storage, 'shop', signal);
    const whole = await readFile(fileOf(file));
    await flip(fileOf(file), -1);
    await keysOf().forWriting(storage, 'shop', signal);
    expect(await readFile(fileOf(file))).toEqual(whole);
  });

  test('S24: a path of a manifest that leads elsewhere is refused', async () => {
    for (const path of ['../x.age', 'keys/../../x.age', 'keys/x.age', '/etc/passwd', 'keys/2026-11-20.recipients.age'])
      await expect(keysOf().unlock(storage, 'shop', path, signal)).rejects.toMatchObject({ code: 'MANIFEST_HOSTILE' });
  });

  test('does not keep the program from other work while a passphrase is tried', async () => {
    await keysOf({ workFactor: undefined }).forWriting(storage, 'shop', signal);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    await keysOf().unlock(storage, 'shop', file, signal);
    clearInterval(timer);
    expect(longest).toBeLessThan(250);
  });
});

describe('public keys', () => {
  test('a machine with recipients alone writes and cannot read; their owner can', async () => {
    const person = await createIdentity();
    const stranger = await createIdentity();
    const writing = { passphrase: null, recipients: [person.recipient] };
    const daemon = keysOf(writing);
    const key = await daemon.forWriting(storage, 'shop', signal);
    expect(key).toMatchObject({ passphrase: false, recipients: [person.recipient] });
    expect(key?.recipient).not.toBe(person.recipient);
    expect(daemon.canRead).toBe(false);
    await expect(keysOf(writing).unlock(storage, 'shop', file, signal)).rejects.toMatchObject({ code: 'KEY_NEEDED' });
    const owner = keysOf({ ...writing, identities: [new Secret(person.identity)] });
    expect(owner.canRead).toBe(true);
    const identity = await owner.unlock(storage, 'shop', file, signal);
    const other = keysOf({ ...writing, identities: [new Secret(stranger.identity)] });
    await expect(other.unlock(storage, 'shop', file, signal)).rejects.toMatchObject({ code: 'KEY_WRONG' });
    // As on a recovery sheet: the key of the source itself.
    const sheet = keysOf({ ...writing, identities: [new Secret(identity)] });
    expect(await sheet.unlock(storage, 'shop', file, signal)).toBe(identity);
  });

  test('a public key that merely lies in the storage is not believed', async () => {
    const person = await createIdentity();
    const thief = await createIdentity();
    const writing = { passphrase: null, recipients: [person.recipient] };
    const first = await keysOf(writing).forWriting(storage, 'shop', signal);
    await writeFile(fileOf('keys/2026-11-20.pub'), `${thief.recipient}\n`);
    const second = await keysOf(writing).forWriting(storage, 'shop', signal);
    memory = freshMemory();
    const third = await keysOf(writing).forWriting(storage, 'shop', signal);
    for (const key of [first, second, third]) expect(key?.recipient).not.toBe(thief.recipient);
    expect(third?.file).not.toBe(first?.file);
  });

  test('a passphrase and recipients are two files for one key, and a change of recipients makes a new one', async () => {
    const person = await createIdentity();
    const both = { recipients: [person.recipient] };
    const first = await keysOf(both).forWriting(storage, 'shop', signal);
    expect((await readdir(fileOf('keys'))).toSorted()).toEqual([
      '2026-11-20.age',
      '2026-11-20.pub',
      '2026-11-20.recipients.age',
    ]);
    const byPassphrase = await keysOf().unlock(storage, 'shop', file, signal);
    const asPerson = keysOf({ passphrase: null, identities: [new Secret(person.identity)] });
    expect(await asPerson.unlock(storage, 'shop', file, signal)).toBe(byPassphrase);
    const second = await keysOf().forWriting(storage, 'shop', signal);
    expect(second?.file).toBe('keys/2026-11-20-2.age');
    expect(second?.recipient).not.toBe(first?.recipient);
    expect(await listKeyIds(storage, 'shop', signal)).toEqual(['2026-11-20', '2026-11-20-2']);
  });
});

describe('rotation and change', () => {
  test('after a rotation old and new open, and copies take their key along', async () => {
    const first = await keysOf().forWriting(storage, 'shop', signal);
    const second = await keysOf().rotate([storage], 'shop', signal);
    expect(second.recipient).not.toBe(first?.recipient);
    expect(await keysOf().forWriting(storage, 'shop', signal)).toEqual(second);
    const target = localAt(join(folder.path, 'two'));
    for (const key of [file, second.file]) {
      await copyKeys(storage, target, 'shop', key, signal);
      await copyKeys(storage, target, 'shop', key, signal);
      expect(await keysOf().unlock(target, 'shop', key, signal)).toBe(
        await keysOf().unlock(storage, 'shop', key, signal),
      );
    }
    await expect(copyKeys(storage, target, 'shop', '../shop/x.age', signal)).rejects.toMatchObject({
      code: 'MANIFEST_HOSTILE',
    });
  });

  test('a new passphrase opens every key in every storage, the old one none', async () => {
    await keysOf().forWriting(storage, 'shop', signal);
    await keysOf().rotate([storage], 'shop', signal);
    const target = localAt(join(folder.path, 'two'));
    const keys = [file, 'keys/2026-11-20-2.age'];
    for (const key of keys) await copyKeys(storage, target, 'shop', key, signal);
    const storages = [storage, target];
    const done = await keysOf().changePassphrase({ storages, source: 'shop', from: null, to: next, signal });
    expect(done.map(({ result }) => result)).toEqual(['changed', 'changed', 'changed', 'changed']);
    for (const place of storages) {
      for (const key of keys) {
        await keysOf({ passphrase: next }).unlock(place, 'shop', key, signal);
        const asOld = keysOf().unlock(place, 'shop', key, signal);
        await expect(asOld).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
      }
    }
    expect((await readdir(fileOf('keys'))).filter((name) => name.includes('next'))).toEqual([]);
    const key = await keysOf({ passphrase: next }).forWriting(storage, 'shop', signal);
    expect(key?.file).toBe('keys/2026-11-20-2.age');
  });

  test('a storage that does not answer keeps all keys as they are; one that cannot be written to is told with what opens now', async () => {
    await keysOf().forWriting(storage, 'shop', signal);
    const target = localAt(join(folder.path, 'two'), 'offsite');
    await copyKeys(storage, target, 'shop', file, signal);
    const change = { source: 'shop', from: old, to: next, signal };
    const down = faultyStorage(target, { list: ['refuse'] });
    const refused = keysOf().changePassphrase({ ...change, storages: [storage, down] });
    await expect(refused).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    await keysOf().unlock(storage, 'shop', file, signal);

    const readOnly = faultyStorage(target, { put: ['denied'] });
    const half = keysOf().changePassphrase({ ...change, storages: [storage, readOnly] });
    const hint = expect.stringMatching(/some keys of shop open with the new passphrase already.*keep both/i);
    await expect(half).rejects.toMatchObject({ code: 'STORAGE_DENIED', hint });
    await keysOf({ passphrase: next }).unlock(storage, 'shop', file, signal);
    await keysOf().unlock(target, 'shop', file, signal);
    const done = await keysOf().changePassphrase({ ...change, storages: [storage, target] });
    expect(done.map(({ result }) => result)).toEqual(['present', 'changed']);
  });

  test('a change made from another machine is taken over', async () => {
    const key = await keysOf().forWriting(storage, 'shop', signal);
    await keysOf({ memory: freshMemory() }).changePassphrase({
      storages: [storage],
      source: 'shop',
      from: old,
      to: next,
      signal,
    });
    expect(await keysOf({ passphrase: next }).forWriting(storage, 'shop', signal)).toEqual(key);
    await expect(keysOf().forWriting(storage, 'shop', signal)).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  });

  test('killed at any point, each key opens with one of the two, and the same command finishes', async () => {
    await keysOf().forWriting(storage, 'shop', signal);
    const whole = new Map<string, Buffer>();
    for (const name of await readdir(fileOf('keys'))) whole.set(name, await readFile(fileOf(`keys/${name}`)));
    const identity = await keysOf().unlock(storage, 'shop', file, signal);
    let ended = false;
    let point = 0;
    for (; !ended; point += 1) {
      await emptyKeys();
      for (const [name, content] of whole) {
        await storage.put(`shop/keys/${name}`, streamOf(content), { signal });
      }
      const dying = dyingAt(storage, point);
      const change = { source: 'shop', from: old, to: next, signal };
      ended = await keysOf()
        .changePassphrase({ ...change, storages: [dying] })
        .then(
          () => true,
          () => false,
        );
      const main = await readFile(fileOf(file));
      const opened = await Promise.allSettled(
        [old, next].map((passphrase) => unwrap(main, { passphrase, identities: [] }, 'x')),
      );
      const found = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value.identity] : []));
      expect(found, `point ${point}`).toEqual([identity]);
      await keysOf().changePassphrase({ ...change, storages: [storage] });
      expect(await keysOf({ passphrase: next }).unlock(storage, 'shop', file, signal)).toBe(identity);
      expect((await readdir(fileOf('keys'))).toSorted()).toEqual(['2026-11-20.age', '2026-11-20.pub']);
    }
    expect(point).toBeGreaterThan(5);
  }, 120_000);
});

/** Does so many changes and then nothing any more, like a process that was killed. */
function dyingAt(inner: Storage, point: number): Storage {
  let left = point;
  const orDie =
    <Args extends unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('killed')) : act(...args);
    };
  return new Proxy(inner, {
    get: (target, name) => {
      if (name === 'put') return orDie(target.put.bind(target));
      if (name === 'delete') return orDie(target.delete.bind(target));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
