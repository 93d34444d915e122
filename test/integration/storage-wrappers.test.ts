import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { withOptions } from '../../src/storage/with-options.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { withTimeout } from '../../src/storage/with-timeout.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { collect, describeStorage, failing, streamOf } from '../suites/storage-suite.ts';
import { faultyStorage, type Call, type Fault } from '../support/faulty-storage.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();

const wrappers: Record<string, (storage: Storage) => Storage> = {
  retry: (storage) => withRetry(storage, { retries: 4 }),
  timeout: (storage) => withTimeout(storage, 60_000),
  limit: (storage) => withLimit(storage, { upload: 1e9, download: 1e9 }, systemClock),
  'retry, timeout and limit': (storage) =>
    withOptions(
      storage,
      { limit: { upload: 1e9, download: 1e9 }, timeout: 60_000, retries: 4 },
      { clock: systemClock, logger: silentLogger },
    ),
};

for (const [name, wrap] of Object.entries(wrappers)) {
  describeStorage(`local with ${name}`, async () => {
    const folder = await temporaryFolder();
    const storage = localStorage('local', { type: 'local', path: join(folder.path, 'backups') });
    return { storage: wrap(storage), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  });
}

let folder: TemporaryFolder;
let local: Storage;
beforeEach(async () => {
  folder = await temporaryFolder();
  local = localStorage('local', { type: 'local', path: join(folder.path, 'backups') });
});
afterEach(() => folder[Symbol.asyncDispose]());

/** A faulty storage with retries that cost no time; `waits` are those it would have taken. */
function retrying(faults: Partial<Record<Call, Fault[]>>, retries = 4) {
  const faulty = faultyStorage(local, faults);
  const waits: number[] = [];
  const storage = withRetry(faulty, {
    retries,
    random: () => 1,
    wait: async (ms) => {
      waits.push(ms);
    },
  });
  return { storage, calls: faulty.calls, waits };
}

describe('S8 retry', () => {
  test('questions are asked again, each time after a longer wait', async () => {
    await local.put('shop/x', streamOf('x'), { signal });
    const { storage, waits } = retrying({
      stat: ['refuse', 'lost', 'refuse'],
      statMany: ['refuse'],
      folders: ['refuse'],
      delete: ['lost'],
    });
    expect(await storage.stat('shop/x', signal)).toMatchObject({ bytes: 1 });
    expect(waits).toEqual([500, 1000, 2000]);
    expect(await storage.statMany(['shop/x'], signal)).toHaveLength(1);
    expect(await storage.folders('', signal)).toEqual(['shop']);
    await storage.delete(['shop/x'], signal);
    expect(await local.stat('shop/x', signal)).toBeNull();
  });

  test('not more often than asked for, and nothing that would fail again', async () => {
    const often = retrying({ stat: ['refuse', 'refuse', 'refuse', 'refuse'] }, 2);
    await expect(often.storage.stat('shop/x', signal)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    expect(often.calls).toHaveLength(3);
    const denied = retrying({ stat: ['denied'] });
    await expect(denied.storage.stat('shop/x', signal)).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    expect(denied.calls).toHaveLength(1);
  });

  test('the wait ends with the work', async () => {
    const stop = new AbortController();
    const faulty = faultyStorage(local, { stat: ['refuse'] });
    const storage = withRetry(faulty, { retries: 1, random: () => 1 });
    const asked = storage.stat('shop/x', stop.signal);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  test('a list that breaks off tells each object once', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await local.put(`shop/${name}`, streamOf(name), { signal });
    const { storage, calls } = retrying({ list: [2, 3, null] });
    const keys = (await collect(storage.list('shop/', signal))).map(({ key }) => key);
    expect(keys.toSorted()).toEqual(['shop/a', 'shop/b', 'shop/c', 'shop/d']);
    expect(calls).toHaveLength(3);
  });

  test('a download goes on where it was cut', async () => {
    const content = randomBytes(5_000_000);
    await local.put('shop/large', streamOf(content), { signal });
    const { storage, calls } = retrying({ get: [2_000_000, 'refuse', 0, 1_500_000, null] });
    expect(content.equals(await buffer(await storage.get('shop/large', { signal })))).toBe(true);
    const starts = calls.filter(({ call }) => call === 'get').map(({ start }) => start);
    expect(starts).toEqual([0, 2_000_000, 2_000_000, 2_000_000, 3_500_000]);
  });

  test('so does a part of an object, within its bounds', async () => {
    const content = randomBytes(3_000_000);
    await local.put('shop/large', streamOf(content), { signal });
    const { storage } = retrying({ get: [100_000, null] });
    const part = await buffer(await storage.get('shop/large', { signal, start: 1_000_000, end: 1_999_999 }));
    expect(content.subarray(1_000_000, 2_000_000).equals(part)).toBe(true);
  });

  test('what never gets further fails in the end, and what gets further may be cut more often', async () => {
    const content = randomBytes(8 * 1024 * 1024);
    await local.put('shop/large', streamOf(content), { signal });
    const stuck = retrying({ get: [10, 10, 10, 10, 10, 10] }, 3);
    await expect(buffer(await stuck.storage.get('shop/large', { signal }))).rejects.toMatchObject({
      code: 'STORAGE_UNREACHABLE',
    });
    expect(stuck.calls.filter(({ call }) => call === 'get')).toHaveLength(4);
    const slow = retrying({ get: Array.from({ length: 7 }, () => 1024 * 1024) }, 1);
    expect(content.equals(await buffer(await slow.storage.get('shop/large', { signal })))).toBe(true);
  });

  test('S5 an object that became shorter is an error, not an end', async () => {
    await local.put('shop/large', Readable.from([Buffer.alloc(8_000_000, 'x')]), { signal });
    const { storage } = retrying({});
    const content = await storage.get('shop/large', { signal });
    const reading = (async () => {
      for await (const _ of content) await truncate(join(folder.path, 'backups/shop/large'), 3_000_000);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'STORAGE_CUT' });
  });

  test('a reader that goes away lets the storage go, too', async () => {
    await local.put('shop/large', streamOf(randomBytes(3_000_000)), { signal });
    const content = await retrying({}).storage.get('shop/large', { signal });
    for await (const _ of content) break;
    expect(content.destroyed).toBe(true);
  });

  test('what is small and of a known size is stored again; a stream is not', async () => {
    const small = retrying({ put: ['refuse', 'lost', null] });
    expect(await small.storage.put('shop/small', streamOf('content'), { signal, size: 7 })).toEqual({ bytes: 7 });
    expect(String(await buffer(await local.get('shop/small', { signal })))).toBe('content');
    for (const options of [{ signal }, { signal, size: 2_000_000 }]) {
      const stream = retrying({ put: ['lost', null] });
      await expect(stream.storage.put('shop/stream', streamOf(randomBytes(2_000_000)), options)).rejects.toMatchObject({
        code: 'STORAGE_UNREACHABLE',
      });
      expect(stream.calls).toHaveLength(1);
    }
  });

  test('the failure of who produces the content is never repeated', async () => {
    const { storage, calls } = retrying({});
    await expect(storage.put('shop/x', failing(10, 'the tool died'), { signal, size: 20 })).rejects.toThrow(
      'the tool died',
    );
    expect(calls).toEqual([]);
  });

  test('in a stage, too', async () => {
    const faulty = faultyStorage(local, { stage: ['refuse'] });
    const storage = withRetry(faulty, { retries: 2, wait: async () => undefined });
    await using stage = await storage.stage('shop/b/', signal);
    await stage.put('x', streamOf('x'), { signal, size: 1 });
    expect(String(await buffer(await stage.get('x', { signal })))).toBe('x');
    await stage.commit(signal);
    expect(await local.stat('shop/b/x', signal)).not.toBeNull();
  });

  test('a name that the lost first try took is not said to be taken by somebody else', async () => {
    const lost = faultyStorage(local, { stage: ['lost'] });
    const storage = withRetry(lost, { retries: 2, wait: async () => undefined });
    await expect(storage.stage('shop/b/', signal)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  });
});

describe('S8 timeout', () => {
  /** Longer than a busy machine needs to open a file. */
  const silenceMs = 500;
  const silence = { code: 'STORAGE_TIMEOUT', retryable: true, hint: expect.any(String) };

  test('a question without an answer ends, and can be asked again', async () => {
    const faulty = faultyStorage(local, { stat: ['hang', null], list: ['hang'], stage: ['hang'], put: ['hang'] });
    const timed = withTimeout(faulty, silenceMs);
    await expect(timed.stat('shop/x', signal)).rejects.toMatchObject(silence);
    expect(await timed.stat('shop/x', signal)).toBeNull();
    await expect(collect(timed.list('shop/', signal))).rejects.toMatchObject(silence);
    await expect(timed.stage('shop/b/', signal)).rejects.toMatchObject(silence);
    await expect(timed.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject(silence);
  });

  test('a download that stops half-way ends, and goes on elsewhere', async () => {
    const content = randomBytes(1_000_000);
    await local.put('shop/x', streamOf(content), { signal });
    let first = true;
    const stopping: Storage = {
      ...faultyStorage(local, {}),
      get: async (key, options) => {
        const all = await local.get(key, options);
        if (!first) return all;
        first = false;
        all.destroy();
        let given = false;
        return new Readable({
          read() {
            if (!given) this.push(content.subarray(0, 300_000));
            given = true;
          },
        });
      },
    };
    await expect(buffer(await withTimeout(stopping, silenceMs).get('shop/x', { signal }))).rejects.toMatchObject(
      silence,
    );
    first = true;
    const both = withRetry(withTimeout(stopping, silenceMs), { retries: 3, wait: async () => undefined });
    expect(content.equals(await buffer(await both.get('shop/x', { signal })))).toBe(true);
  });

  test('time in which nobody reads, or nothing is there to be written, does not count', async () => {
    const content = randomBytes(2_000_000);
    await local.put('shop/x', streamOf(content), { signal });
    const timed = withTimeout(local, silenceMs);
    const slowReader = await timed.get('shop/x', { signal });
    await once(slowReader, 'readable');
    await pause(2 * silenceMs);
    expect(content.equals(await buffer(slowReader))).toBe(true);
    const slowTool = Readable.from(
      (async function* () {
        yield Buffer.from('one');
        await pause(2 * silenceMs);
        yield Buffer.from('two');
      })(),
      { objectMode: false },
    );
    expect(await timed.put('shop/slow', slowTool, { signal })).toEqual({ bytes: 6 });
  });

  test('the operator is quicker', async () => {
    const stop = new AbortController();
    const timed = withTimeout(faultyStorage(local, { stat: ['hang'] }), 60_000);
    const asked = timed.stat('shop/x', stop.signal);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('limit', () => {
  /** Bytes, and how long they took. */
  async function timed(work: () => Promise<unknown>): Promise<number> {
    const started = performance.now();
    await work();
    return performance.now() - started;
  }

  test('uploads and downloads together stay below what is asked for', async () => {
    const content = randomBytes(400_000);
    const storage = withLimit(local, { upload: 1_000_000, download: 2_000_000 }, systemClock);
    const up = await timed(() =>
      Promise.all(['a', 'b'].map((name) => storage.put(`shop/${name}`, streamOf(content), { signal }))),
    );
    // 800 kB at 1 MB a second. The upper bound is that of a busy machine.
    expect(up).toBeGreaterThan(700);
    expect(up).toBeLessThan(8000);
    const down = await timed(async () => {
      const both = await Promise.all(['a', 'b'].map((name) => storage.get(`shop/${name}`, { signal })));
      await Promise.all(both.map((each) => buffer(each)));
    });
    expect(down).toBeGreaterThan(330);
    expect(down).toBeLessThan(8000);
  });

  test('in a stage, which a tool then cannot write into by itself', async () => {
    const storage = withLimit(local, { upload: 1_000_000, download: null }, systemClock);
    expect(storage.capabilities.localFolders).toBe(false);
    await using stage = await storage.stage('shop/b/', signal);
    expect(await timed(() => stage.put('x', streamOf(randomBytes(400_000)), { signal }))).toBeGreaterThan(300);
    await expect(stage.folder('database.dir')).rejects.toThrow('slowed down');
    expect(withLimit(local, { upload: null, download: 1e6 }, systemClock).capabilities.localFolders).toBe(true);
  });

  test('is left at once when the work is stopped', async () => {
    const stop = new AbortController();
    const storage = withLimit(local, { upload: 10_000, download: null }, systemClock);
    const storing = storage.put('shop/x', streamOf(randomBytes(1_000_000)), { signal: stop.signal });
    stop.abort();
    expect(await timed(() => expect(storing).rejects.toMatchObject({ code: 'INTERRUPTED' }))).toBeLessThan(5000);
    expect(await local.stat('shop/x', signal)).toBeNull();
  });
});

test('a local folder gets only what was asked for', () => {
  const tools = { clock: systemClock, logger: silentLogger };
  expect(withOptions(local, {}, tools)).toBe(local);
  expect(withOptions(local, { timeout: null, retries: 0, limit: {} }, tools)).toBe(local);
  expect(withOptions(faultyStorage(local, {}), {}, tools)).not.toHaveProperty('calls');
});
