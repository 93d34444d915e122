import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Storage, StoredObject } from '../../src/storage/storage.ts';

export interface StorageFixture extends AsyncDisposable {
  /** Empty. */
  storage: Storage;
}

const { signal } = new AbortController();

/** What every storage must do; an adapter's own test calls this and adds only what is special about it. */
export function describeStorage(kind: string, make: () => Promise<StorageFixture>): void {
  describe(`${kind}: the storage contract`, () => {
    let fixture: StorageFixture;
    let storage: Storage;
    beforeAll(async () => {
      fixture = await make();
      storage = fixture.storage;
    });
    afterAll(() => fixture[Symbol.asyncDispose]());

    let area: string;
    beforeEach(() => {
      area = `t${randomBytes(5).toString('hex')}`;
    });

    const put = (key: string, text: string | Buffer) => storage.put(key, streamOf(text), { signal });
    const read = async (key: string, range: { start?: number; end?: number } = {}) =>
      buffer(await storage.get(key, { signal, ...range }));
    const keys = async (prefix: string) =>
      (await collect(storage.list(prefix, signal))).map(({ key }) => key).toSorted();

    test('keeps what it is given, and replaces it', async () => {
      expect(await put(`${area}/a/one`, 'first')).toEqual({ bytes: 5 });
      expect(String(await read(`${area}/a/one`))).toBe('first');
      await put(`${area}/a/one`, 'second!');
      expect(String(await read(`${area}/a/one`))).toBe('second!');
      expect(await storage.stat(`${area}/a/one`, signal)).toMatchObject({ key: `${area}/a/one`, bytes: 7 });
    });

    test('what must be new replaces nothing', async () => {
      const putNew = (text: string) => storage.put(`${area}/a/key`, streamOf(text), { signal, ifAbsent: true });
      expect(await putNew('first')).toEqual({ bytes: 5 });
      await expect(putNew('second')).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
      expect(String(await read(`${area}/a/key`))).toBe('first');
      expect(await keys(`${area}/`)).toEqual([`${area}/a/key`]);
    });

    test('keeps large and empty content', async () => {
      const large = randomBytes(9_000_001);
      expect(await put(`${area}/large`, large)).toEqual({ bytes: large.length });
      expect(large.equals(await read(`${area}/large`))).toBe(true);
      await put(`${area}/empty`, '');
      expect(await read(`${area}/empty`)).toHaveLength(0);
    });

    test('reads ranges, both ends included', async () => {
      await put(`${area}/x`, '0123456789');
      expect(String(await read(`${area}/x`, { start: 3, end: 5 }))).toBe('345');
      expect(String(await read(`${area}/x`, { start: 7 }))).toBe('789');
      expect(String(await read(`${area}/x`, { start: 0, end: 0 }))).toBe('0');
      expect(String(await read(`${area}/x`, { start: 8, end: 100 }))).toBe('89');
    });

    test('what is not there is said to be not there', async () => {
      await expect(storage.get(`${area}/nothing`, { signal })).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
      expect(await storage.stat(`${area}/nothing`, signal)).toBeNull();
      expect(await keys(`${area}/`)).toEqual([]);
      expect(await storage.folders(`${area}/`, signal)).toEqual([]);
      expect(await storage.unfinished(`${area}/`, signal)).toEqual([]);
      await storage.delete([`${area}/nothing`], signal);
      await storage.removeFolder(`${area}/`, signal);
      await storage.removeUnfinished(`${area}/x/`, signal);
    });

    test('tells the same of many objects as of one', async () => {
      await put(`${area}/a`, 'x');
      await put(`${area}/deep/b`, 'xy');
      const asked = [`${area}/deep/b`, `${area}/nothing`, `${area}/no/folder`, `${area}/a`, `${area}/deep`];
      const one = await Promise.all(asked.map((key) => storage.stat(key, signal)));
      expect(await storage.statMany(asked, signal)).toEqual(one);
      expect(one.map((object) => object?.bytes)).toEqual([2, undefined, undefined, 1, undefined]);
    });

    test('lists everything below a prefix and nothing else', async () => {
      for (const key of ['a/1', 'a/2', 'a/deep/er/3', 'b/4', 'ab/5']) await put(`${area}/${key}`, key);
      expect(await keys(`${area}/a/`)).toEqual([`${area}/a/1`, `${area}/a/2`, `${area}/a/deep/er/3`]);
      expect(await keys(`${area}/`)).toHaveLength(5);
      expect((await storage.folders(`${area}/`, signal)).toSorted()).toEqual(['a', 'ab', 'b']);
      expect(await keys('')).toEqual(expect.arrayContaining([`${area}/b/4`]));
    });

    test('S10 lists more than a thousand objects', async () => {
      const many = Array.from({ length: 1100 }, (_, index) => `${area}/many/${index}`);
      for (let from = 0; from < many.length; from += 20) {
        await Promise.all(many.slice(from, from + 20).map((key) => put(key, key)));
      }
      expect(await keys(`${area}/many/`)).toEqual(many.toSorted());
      await storage.delete(many, signal);
      expect(await keys(`${area}/`)).toEqual([]);
    }, 240_000);

    test('S18 keeps names of the world', async () => {
      const names = [
        'with space',
        "quo'te",
        'dou"ble',
        'dollar$',
        'semi;--',
        'ünïcödé 😀',
        '100%',
        'a+b',
        'a&b=c?#',
        '(x)',
      ];
      for (const name of names) await put(`${area}/${name}`, name);
      expect(await keys(`${area}/`)).toEqual(names.map((name) => `${area}/${name}`).toSorted());
      for (const name of names) expect(String(await read(`${area}/${name}`))).toBe(name);
    });

    test('S24 refuses keys that lead anywhere else, in every method', async () => {
      for (const key of ['../x', '/etc/passwd', `${area}/../../x`, `${area}//x`, `${area}/.hidden`, '']) {
        const refused = expect.objectContaining({ code: 'STORAGE_KEY_INVALID' });
        await expect(put(key, 'x'), key).rejects.toEqual(refused);
        await expect(storage.get(key, { signal }), key).rejects.toEqual(refused);
        await expect(storage.stat(key, signal), key).rejects.toEqual(refused);
        await expect(storage.statMany([key], signal), key).rejects.toEqual(refused);
        await expect(storage.delete([key], signal), key).rejects.toEqual(refused);
        await expect(storage.stage(`${key}/`, signal), key).rejects.toEqual(refused);
        await expect(storage.removeFolder(`${key}/`, signal), key).rejects.toEqual(refused);
        await expect(storage.removeUnfinished(`${key}/`, signal), key).rejects.toEqual(refused);
        await expect(collect(storage.list(`${key}/`, signal)), key).rejects.toEqual(refused);
        expect(() => storage.localPath(key), key).toThrow(refused);
      }
      await expect(storage.stage('', signal)).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
      await expect(storage.removeFolder('', signal)).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
    });

    test('all or nothing: what fails half-way leaves what was there', async () => {
      await put(`${area}/x`, 'old');
      await expect(storage.put(`${area}/x`, failing(3_000_000, 'tool failed'), { signal })).rejects.toThrow(
        'tool failed',
      );
      await expect(storage.put(`${area}/new`, failing(10, 'tool failed'), { signal })).rejects.toThrow('tool failed');
      expect(String(await read(`${area}/x`))).toBe('old');
      expect(await keys(`${area}/`)).toEqual([`${area}/x`]);
    });

    test('a signal ends a put with its reason, and stops whoever produces', async () => {
      const controller = new AbortController();
      const content = endless();
      const putting = storage.put(`${area}/x`, content, { signal: controller.signal });
      setImmediate(() => controller.abort());
      await expect(putting).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect(content.destroyed).toBe(true);
      expect(await keys(`${area}/`)).toEqual([]);
      await expect(
        put(`${area}/y`, 'x').then(() => storage.get(`${area}/y`, { signal: AbortSignal.abort() })),
      ).rejects.toMatchObject({
        code: 'INTERRUPTED',
      });
    });

    test('a signal ends a get with its reason', async () => {
      await put(`${area}/large`, randomBytes(5_000_000));
      const controller = new AbortController();
      const content = await storage.get(`${area}/large`, { signal: controller.signal });
      const reading = buffer(content);
      controller.abort();
      await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
    });

    test('what nobody reads to its end holds nothing up', async () => {
      await put(`${area}/x`, Buffer.alloc(3_000_000, 'x'));
      for (let round = 0; round < 100; round += 1) {
        const content = await storage.get(`${area}/x`, { signal });
        content.on('error', () => undefined);
        if (round % 2 === 0) await once(content, 'readable');
        content.destroy();
      }
      expect((await read(`${area}/x`)).length).toBe(3_000_000);
      await storage.delete([`${area}/x`], signal);
      expect(await keys(`${area}/`)).toEqual([]);
    });

    test('a stage is invisible until it is committed, and then whole', async () => {
      await using stage = await storage.stage(`${area}/one/`, signal);
      expect(await stage.put('manifest.json', streamOf('{}'), { signal })).toEqual({ bytes: 2 });
      await stage.put('deep/part', streamOf('content'), { signal });
      if (storage.capabilities.atomicRename) {
        expect(await keys(`${area}/`)).toEqual([]);
        expect(await storage.folders(`${area}/`, signal)).toEqual([]);
      }
      await stage.commit(signal);
      expect(await keys(`${area}/`)).toEqual([`${area}/one/deep/part`, `${area}/one/manifest.json`]);
      expect(await storage.unfinished(`${area}/`, signal)).toEqual([]);
    });

    test('a stage that is not committed leaves nothing', async () => {
      {
        await using stage = await storage.stage(`${area}/one/`, signal);
        await stage.put('part', streamOf('content'), { signal });
        expect(await storage.unfinished(`${area}/`, signal)).toMatchObject([{ prefix: `${area}/one/` }]);
      }
      expect(await keys(`${area}/`)).toEqual([]);
      expect(await storage.unfinished(`${area}/`, signal)).toEqual([]);
      await using again = await storage.stage(`${area}/one/`, signal);
      expect(again).toBeDefined();
    });

    test('a part that failed leaves nothing in the stage, and one that is removed neither', async () => {
      await using stage = await storage.stage(`${area}/one/`, signal);
      await expect(stage.put('bad', failing(100_000, 'tool failed'), { signal })).rejects.toThrow('tool failed');
      await stage.put('unwanted', streamOf('x'), { signal });
      await stage.remove('unwanted');
      await stage.remove('never was');
      await stage.put('good', streamOf('x'), { signal });
      await expect(stage.put('../out', streamOf('x'), { signal })).rejects.toMatchObject({
        code: 'STORAGE_KEY_INVALID',
      });
      await stage.commit(signal);
      expect(await keys(`${area}/`)).toEqual([`${area}/one/good`]);
    });

    test('S21 a prefix belongs to one writer, and to nobody once it is there', async () => {
      const begun = await Promise.allSettled(Array.from({ length: 5 }, () => storage.stage(`${area}/one/`, signal)));
      const [mine, ...others] = begun.filter((each) => each.status === 'fulfilled');
      expect(others).toEqual([]);
      for (const each of begun)
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'STORAGE_TAKEN' });
      await using stage = mine?.value;
      await stage?.put('x', streamOf('x'), { signal });
      // Where nothing can be renamed, it is what makes the rest a backup.
      await stage?.put('manifest.json', streamOf('{}'), { signal });
      await stage?.commit(signal);
      await expect(storage.stage(`${area}/one/`, signal)).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
      expect(await keys(`${area}/`)).toEqual([`${area}/one/manifest.json`, `${area}/one/x`]);
      expect(await storage.unfinished(`${area}/`, signal)).toEqual([]);
    });

    test('a signal keeps a stage from being committed', async () => {
      {
        await using stage = await storage.stage(`${area}/one/`, signal);
        await stage.put('x', streamOf('x'), { signal });
        await expect(stage.commit(AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
      }
      expect(await keys(`${area}/`)).toEqual([]);
    });

    test('what a writer that died left behind is found, with its time, and can be removed', async () => {
      const before = Date.now() - 5000;
      const stage = await storage.stage(`${area}/dead/`, signal);
      await stage.put('part', streamOf('x'), { signal });
      const [left, ...more] = await storage.unfinished(`${area}/`, signal);
      expect(more).toEqual([]);
      expect(left?.prefix).toBe(`${area}/dead/`);
      expect(left?.touchedAt.getTime()).toBeGreaterThan(before);
      await storage.removeUnfinished(`${area}/dead/`, signal);
      expect(await storage.unfinished(`${area}/`, signal)).toEqual([]);
      expect(await keys(`${area}/`)).toEqual([]);
      await stage[Symbol.asyncDispose]();
    });

    test('tells what lies in a stage', async () => {
      await using stage = await storage.stage(`${area}/one/`, signal);
      await stage.put('deep/part', streamOf('content'), { signal });
      await stage.put('x', streamOf('x'), { signal });
      expect(await stage.sizes(signal)).toEqual(
        new Map([
          ['deep/part', 7],
          ['x', 1],
        ]),
      );
    });

    test('S1 a stage that was swept under its writer is never committed, and not made again', async () => {
      {
        await using stage = await storage.stage(`${area}/one/`, signal);
        await stage.put('deep/first', streamOf('x'), { signal });
        await storage.removeUnfinished(`${area}/one/`, signal);
        const goingOn = async () => {
          await stage.put('deep/second', streamOf('x'), { signal });
          await stage.put('manifest.json', streamOf('{}'), { signal });
          await stage.commit(signal);
        };
        await expect(goingOn()).rejects.toMatchObject({ code: expect.stringMatching(/^STAGE_LOST$|^STORAGE_/) });
        const again = goingOn().then(() => 'committed');
        await expect(again).rejects.toMatchObject({ code: expect.stringMatching(/^STAGE_LOST$|^STORAGE_/) });
      }
      expect(await keys(`${area}/`)).toEqual([]);
    });

    test('S1 what is read from a stage while it moves to its place is whole or not found there, never called lost', async () => {
      await using stage = await storage.stage(`${area}/one/`, signal);
      await stage.put('part', streamOf('content'), { signal });
      await stage.put('manifest.json', streamOf('{}'), { signal });
      const look = () =>
        stage.get('part', { signal }).then(
          async (content) => (await buffer(content)).toString(),
          (error: unknown) => (error as { code: string }).code,
        );
      const found = new Set<string>();
      let over = false;
      const committing = stage.commit(signal).finally(() => (over = true));
      while (!over) found.add(await look());
      await committing;
      found.add(await look());
      expect([...found].filter((each) => each !== 'content' && each !== 'STORAGE_NOT_FOUND')).toEqual([]);
    });

    test('S12 what bears no mark of ours is not taken for unfinished, and stays', async () => {
      await put(`${area}/coming/part`, 'x');
      expect(await storage.unfinished(`${area}/`, signal)).toEqual([]);
      await storage.removeUnfinished(`${area}/coming/`, signal);
      expect(await keys(`${area}/`)).toEqual([`${area}/coming/part`]);
    });

    test('what is half removed is found where it lies among the unfinished, unless its manifest is there', async () => {
      for (const name of ['half', 'whole']) await put(`${area}/${name}/removing.json`, '{}');
      await put(`${area}/half/part`, 'x');
      await put(`${area}/whole/manifest.json`, '{}');
      const found = (await storage.unfinished(`${area}/`, signal)).map(({ prefix }) => prefix);
      expect(found).toEqual(storage.capabilities.atomicRename ? [] : [`${area}/half/`]);
    });

    test('says how much still fits, or that it does not know', async () => {
      const free = await storage.free(signal);
      if (free) expect(free.bytes).toBeLessThanOrEqual(free.total);
      else expect(free).toBeNull();
    });
  });
}

export function streamOf(content: string | Buffer): Readable {
  return Readable.from([Buffer.from(content)], { objectMode: false });
}

/** Gives some bytes, then fails as a dump tool does. */
export function failing(bytes: number, message: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.alloc(bytes, 'x');
      throw new Error(message);
    })(),
    { objectMode: false },
  );
}

export function endless(): Readable {
  const piece = Buffer.alloc(64 * 1024, 'x');
  return new Readable({
    read() {
      setImmediate(() => this.push(piece));
    },
  });
}

export async function collect(objects: AsyncIterable<StoredObject>): Promise<StoredObject[]> {
  const all: StoredObject[] = [];
  for await (const object of objects) all.push(object);
  return all;
}
