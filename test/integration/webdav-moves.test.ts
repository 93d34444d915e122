import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { usualTiming, type MoveTiming } from '../../src/storage/move-stage.ts';
import { renamedStage } from '../../src/storage/renamed-stage.ts';
import type { Stage, Storage } from '../../src/storage/storage.ts';
import { Client } from '../../src/storage/webdav/client.ts';
import { Root } from '../../src/storage/webdav/root.ts';
import { stageFolders } from '../../src/storage/webdav/stage.ts';
import { webdavStorage } from '../../src/storage/webdav/webdav.ts';
import { streamOf } from '../suites/storage-suite.ts';
import { startSlowWebdav, type Moving, type SlowWebdavServer } from '../support/slow-webdav-server.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const quick: MoveTiming = { lookMs: 20, beginMs: 200, pieceMs: 400 };

let server: SlowWebdavServer;
let storage: Storage;
beforeEach(async () => {
  server = await startSlowWebdav();
  storage = webdavStorage('cloud', { type: 'webdav', url: server.url, path: '' });
});
afterEach(async () => {
  await storage[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

/** A stage of a backup that lacks only its commit, and what it will lie as. */
async function fullStage(timing = usualTiming): Promise<Stage> {
  const client = new Client({ type: 'webdav', url: server.url, path: '' }, server.url);
  const stage = await renamedStage(stageFolders(new Root(client)), 'shop/one/', signal, timing);
  for (const name of ['database.dump', 'deep/a.tar', 'zoo.tar']) await stage.put(name, streamOf(name), { signal });
  await stage.put('manifest.json', streamOf('{}'), { signal });
  return stage;
}

const whole = ['database.dump', 'deep/a.tar', 'manifest.json', 'zoo.tar'].map((name) => `shop/one/${name}`);

/** What may still be moved stays; later it goes. */
async function sweep(): Promise<void> {
  const before = server.files();
  await storage.removeUnfinished('shop/one/', signal);
  expect(server.files()).toEqual(before);
  server.agoMs = 3_600_000;
  await storage.removeUnfinished('shop/one/', signal);
  server.agoMs = 0;
}

const isFolder = ({ from }: Moving) => from.startsWith('shop/.partial-');
const doAll = (moving: Moving) => {
  while (moving.step());
};

describe('S8 a MOVE whose answer does not come from the server', () => {
  test('is waited for, and nothing is taken away under its hands', async () => {
    server.onMove = async (moving) => {
      if (isFolder(moving)) moving.answer(504);
      while (moving.step()) await pause(100);
      moving.answer(201);
    };
    {
      await using stage = await fullStage({ ...usualTiming, lookMs: 20 });
      await stage.commit(signal);
    }
    expect(server.files()).toEqual(whole);
    expect(await storage.unfinished('shop/', signal)).toEqual([]);
  });

  test.each([0, 1, 2])('that ends for ever after %i files leaves no manifest, and is swept', async (done) => {
    server.onMove = (moving) => {
      for (let step = 0; step < done; step += 1) moving.step();
      moving.answer(504);
    };
    {
      await using stage = await fullStage(quick);
      await expect(stage.commit(signal)).rejects.toMatchObject({ code: 'STORAGE_TIMEOUT' });
    }
    expect(await storage.stat('shop/one/manifest.json', signal)).toBeNull();
    // Nothing is gone: it may go on.
    expect(server.files()).toHaveLength(5);
    const [left] = await storage.unfinished('shop/', signal);
    expect(left?.prefix).toBe('shop/one/');
    expect(Date.now() - (left?.touchedAt.getTime() ?? 0)).toBeLessThan(60_000);
    await sweep();
    expect(server.files()).toEqual([]);
    expect(await storage.unfinished('shop/', signal)).toEqual([]);
    server.onMove = (moving) => {
      doAll(moving);
      moving.answer(201);
    };
    await using again = await fullStage();
    await again.commit(signal);
    expect(server.files()).toEqual(whole);
  });

  test('and begins only when nobody waits any more: what lies there then is no backup', async () => {
    let late: Moving | undefined;
    server.onMove = (moving) => {
      late = moving;
      moving.answer(504);
    };
    {
      await using stage = await fullStage(quick);
      await expect(stage.commit(signal)).rejects.toMatchObject({ code: 'STORAGE_TIMEOUT' });
    }
    if (late) doAll(late);
    expect(server.files().filter((name) => name.startsWith('shop/one/'))).toHaveLength(3);
    expect(await storage.stat('shop/one/manifest.json', signal)).toBeNull();
    await sweep();
    expect(server.files()).toEqual([]);
  });

  test('and is interrupted here: the server may end it, and it is no backup', async () => {
    const controller = new AbortController();
    server.onMove = async (moving) => {
      moving.step();
      controller.abort();
      await pause(100);
      doAll(moving);
    };
    {
      await using stage = await fullStage();
      await expect(stage.commit(controller.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
    await until(() => !server.held.has('shop/.partial-one'), 'the server has moved it');
    expect(server.files().filter((name) => name.startsWith('shop/one/'))).toHaveLength(3);
    expect(await storage.stat('shop/one/manifest.json', signal)).toBeNull();
    await sweep();
    expect(server.files()).toEqual([]);
  });

  test('of the manifest itself: when it lies there, the backup is sealed', async () => {
    server.onMove = async (moving) => {
      if (!isFolder(moving)) moving.answer(504);
      await pause(isFolder(moving) ? 0 : 100);
      doAll(moving);
      moving.answer(201);
    };
    {
      await using stage = await fullStage({ ...usualTiming, lookMs: 20 });
      await stage.commit(signal);
    }
    expect(server.files()).toEqual(whole);
  });
});

test.each([423, 429, 503])('a MOVE that is put off (%i) is asked for again', async (status) => {
  let asked = 0;
  server.onMove = (moving) => {
    asked += 1;
    if (asked % 3 !== 0) return moving.answer(status);
    doAll(moving);
    moving.answer(201);
  };
  {
    await using stage = await fullStage(quick);
    await stage.commit(signal);
  }
  expect(server.files()).toEqual(whole);
});

test('a MOVE that is put off for ever fails, and leaves no backup', async () => {
  server.onMove = (moving) => moving.answer(423);
  {
    await using stage = await fullStage(quick);
    await expect(stage.commit(signal)).rejects.toMatchObject({ code: 'STORAGE_BUSY' });
  }
  expect(await storage.stat('shop/one/manifest.json', signal)).toBeNull();
  await sweep();
  expect(server.files()).toEqual([]);
});

test('a MOVE that is refused leaves what lies there, and nothing of the stage', async () => {
  {
    await using stage = await fullStage();
    server.held.set('shop/one', null).set('shop/one/theirs', Buffer.from('x'));
    await expect(stage.commit(signal)).rejects.toMatchObject({ code: 'STORAGE_TAKEN' });
  }
  expect(server.files()).toEqual(['shop/one/theirs']);
  expect(await storage.unfinished('shop/', signal)).toEqual([]);
});

test('what is left beside a sealed backup goes without it', async () => {
  {
    await using stage = await fullStage();
    await stage.commit(signal);
  }
  server.held.set('shop/.sealing-one', null).set('shop/.partial-one', null);
  server.held.set('shop/.partial-one/zoo.tar', Buffer.from('x'));
  expect(await storage.unfinished('shop/', signal)).toMatchObject([{ prefix: 'shop/one/' }]);
  await storage.removeUnfinished('shop/one/', signal);
  expect(server.files()).toEqual(whole);
  expect(await storage.unfinished('shop/', signal)).toEqual([]);
});

describe.each([200, 202])('a MOVE that is answered with %i, which does not say that it was done', (status) => {
  test('and is done later is waited for', async () => {
    server.onMove = async (moving) => {
      moving.answer(status);
      while (moving.step()) await pause(20);
    };
    {
      await using stage = await fullStage(quick);
      await stage.commit(signal);
    }
    expect(server.files()).toEqual(whole);
  });

  test('and never done is not called stored', async () => {
    server.onMove = (moving) => moving.answer(status);
    {
      await using stage = await fullStage(quick);
      await expect(stage.commit(signal)).rejects.toMatchObject({ code: 'STORAGE_FAULT', hint: expect.any(String) });
    }
    await expect(storage.put('shop/x', streamOf('x'), { signal })).rejects.toMatchObject({ code: 'STORAGE_FAULT' });
    await sweep();
    expect(server.files()).toEqual([]);
  });

  test('of a file that was done', async () => {
    server.onMove = (moving) => {
      doAll(moving);
      moving.answer(status);
    };
    expect(await storage.put('shop/x', streamOf('x'), { signal })).toEqual({ bytes: 1 });
    expect(server.files()).toEqual(['shop/x']);
  });
});
