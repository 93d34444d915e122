import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { manifestKey } from '../../src/archive/format/layout.ts';
import { systemClock } from '../../src/base/clock.ts';
import { copyOne } from '../../src/care/copies/copies.ts';
import { examine } from '../../src/care/doctor/doctor.ts';
import { prune } from '../../src/care/removal/prune.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import { sftpStorage } from '../../src/storage/sftp/sftp.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { localAt } from '../support/stored-backups.ts';
import { hasSshd, startSftpServer, type SftpServer } from '../support/sftp-server.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();

describe.skipIf(!hasSshd())('a folder of a NAS that is mounted here, and again by SFTP', () => {
  let server: SftpServer;
  let house: SmallHouse;
  let near: Storage;
  let far: Storage;
  let elsewhere: Storage;
  let older: string;
  let newer: string;
  beforeAll(async () => {
    server = await startSftpServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    house = await smallHouse();
    const path = `t${Date.now()}`;
    near = localAt(join(server.root, path), 'near');
    [far, elsewhere] = [path, `${path}-other`].map((each) => {
      const { host, port, user, key, fingerprint } = server;
      const options = {
        type: 'sftp',
        host,
        port,
        user,
        key,
        hostKey: fingerprint,
        path: join(server.root, each),
      } as const;
      return sftpStorage('far', options);
    }) as [Storage, Storage];
    ({ id: older } = await house.take({ source: { ...house.source, storages: [near] } }));
    ({ id: newer } = await house.take({ source: { ...house.source, storages: [near] } }));
  });
  afterEach(async () => {
    await far[Symbol.asyncDispose]();
    await elsewhere[Symbol.asyncDispose]();
    await house[Symbol.asyncDispose]();
  });

  const work = (other: Storage) => {
    const rules = { minimum: 1, last: 1 };
    const source = { ...house.source, storages: [near, other] as const, retention: rules, retentionIn: () => rules };
    const { catalog } = house;
    const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
    return {
      copy: (id: string) => copyOne({ ...common, id, to: other, from: null }),
      prune: () => prune({ ...common, storage: other, timezone: 'UTC', dryRun: false }),
      delete: (id: string) => removeOne({ ...common, storages: [other], id, allowLastGood: false }),
      doctor: async () => {
        const storages = [near, other];
        const found = await examine({
          sources: [source],
          storages,
          catalog,
          compressions: [],
          clock: systemClock,
          signal,
        });
        return found.filter(({ check, result }) => check === 'place' && result === 'failed');
      },
    };
  };
  const there = async (storage: Storage) => {
    const found = await storage.statMany(
      [older, newer].map((id) => manifestKey('shop', id)),
      signal,
    );
    return found.filter((each) => each !== null).length;
  };

  test('is found by doctor, and neither counts as a copy nor loses anything to the retention of one', async () => {
    const { copy, prune: clean, delete: remove, doctor } = work(far);
    const same = { code: 'STORAGES_SAME_PLACE', message: expect.stringMatching(/far.*near.*are the same place/) };
    await expect(copy(newer)).rejects.toMatchObject(same);
    expect(await clean()).toMatchObject({ removed: [], failed: [{ id: older, ...same }] });
    await expect(remove(older)).rejects.toMatchObject(same);
    expect(await there(near)).toBe(2);
    expect((await doctor()).map(({ subject }) => subject).toSorted()).toEqual(['storage far', 'storage near']);
  });

  test('and another one beside it is another place', async () => {
    const { copy, prune: clean, doctor } = work(elsewhere);
    expect(await doctor()).toEqual([]);
    expect(await copy(older)).toMatchObject({ state: 'complete' });
    expect(await copy(newer)).toMatchObject({ state: 'complete' });
    expect(await clean()).toMatchObject({ removed: [older], failed: [] });
    expect([await there(near), await there(elsewhere)]).toEqual([2, 1]);
  });
});
