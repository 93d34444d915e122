import { appendFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { rebuild } from '../../src/care/stock/inventory.ts';
import { listBackups, type ListedBackup } from '../../src/care/stock/listing.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import { verify } from '../../src/care/proof/verify.ts';
import { s3Options } from '../../src/storage/s3/options.ts';
import { s3Storage } from '../../src/storage/s3/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { localAt } from '../support/stored-backups.ts';
import { smallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();

/** One backup, verified in two storages; that in `offsite` may be damaged. `named` is the configuration: which name leads where. */
async function twoPlaces({ damaged = false, verified = ['local', 'offsite'] } = {}) {
  const house = await smallHouse();
  const { folder, catalog } = house;
  const at = (path: string) => join(folder, path);
  const named = (places: Record<string, string>) => {
    const storages = Object.entries(places).map(([name, path]) => localAt(at(path), name)) as [Storage, ...Storage[]];
    const source = { ...house.source, storages };
    const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
    return {
      storages,
      list: async (): Promise<ListedBackup | undefined> => (await listBackups({ catalog }, source, signal)).backups[0],
      verify: (storage: Storage) => verify({ ...common, storage, id, depth: 'checksum', scratch: at('scratch') }),
      delete: (storage: Storage) => removeOne({ ...common, storages: [storage], id, allowLastGood: false }),
      rebuild: () => rebuild({ storages, sources: [source.name], catalog, signal }),
    };
  };
  const { id } = await house.take();
  cpSync(at('backups'), at('far'), { recursive: true });
  const path = (place: string) => join(at(place), 'shop', id, 'manifest.json');
  if (damaged) appendFileSync(join(at('far'), 'shop', id, 'files/uploads.tar.zst'), 'x');
  const asItWas = named({ local: 'backups', offsite: 'far' });
  for (const storage of asItWas.storages) if (verified.includes(storage.name)) await asItWas.verify(storage);
  return { house, at, id, path, named, asItWas, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() };
}

describe('what was found of a copy belongs to the place where it lies, and not to the name of its storage', () => {
  test('names that were exchanged take what was found along, and the only whole copy is not deleted for the damaged one', async () => {
    await using world = await twoPlaces({ damaged: true });
    expect(await world.asItWas.list()).toMatchObject({ copies: { local: 'complete', offsite: 'corrupt' } });

    const exchanged = world.named({ local: 'far', offsite: 'backups' });
    expect(await exchanged.list()).toMatchObject({ copies: { local: 'corrupt', offsite: 'complete' } });
    const [, whole] = exchanged.storages;
    await expect(exchanged.delete(whole as Storage)).rejects.toMatchObject({ code: 'LAST_GOOD_BACKUP' });
    expect(await world.named({ local: 'backups', offsite: 'far' }).list()).toMatchObject({
      copies: { local: 'complete', offsite: 'corrupt' },
    });
  });

  test('a storage that was given another name keeps what is known of it', async () => {
    await using world = await twoPlaces({ damaged: true });
    const before = await world.asItWas.list();
    expect(before?.verified).toMatchObject({ ok: false });
    const renamed = await world.named({ local: 'backups', attic: 'far' }).list();
    expect(renamed).toEqual({ ...before, copies: { local: 'complete', attic: 'corrupt' } });
  });

  test('a name that leads to a place where nothing was ever read proves nothing; one that leads back does', async () => {
    await using world = await twoPlaces({ verified: ['local'] });
    cpSync(world.at('backups'), world.at('bigger'), { recursive: true });
    const only = world.named({ local: 'backups' });
    const before = await only.list();
    expect(before?.verified).toMatchObject({ ok: true });
    const moved = world.named({ local: 'bigger' });
    expect(await moved.list()).toMatchObject({ verified: null, copies: { local: 'complete' } });
    await moved.verify(moved.storages[0]);
    expect(await moved.list()).toMatchObject({ verified: { ok: true } });
    expect(await only.list()).toEqual(before);
    expect(await moved.list()).toMatchObject({ verified: { ok: true } });
  });

  test.each(['list', 'rebuild'] as const)(
    'damage that is known is not forgotten where the folder was moved (%s)',
    async (first) => {
      await using world = await twoPlaces({ damaged: true });
      cpSync(world.at('far'), world.at('bigger'), { recursive: true });
      const moved = world.named({ local: 'backups', offsite: 'bigger' });
      await moved[first]();
      expect(await moved.list()).toMatchObject({ copies: { local: 'complete', offsite: 'corrupt' } });
      cpSync(world.at('backups'), world.at('bigger'), { recursive: true });
      await moved.verify(moved.storages[1] as Storage);
      expect(await moved.list()).toMatchObject({ copies: { local: 'complete', offsite: 'complete' } });
      expect(await world.asItWas.list()).toMatchObject({ copies: { local: 'complete', offsite: 'corrupt' } });
    },
  );

  test('a bucket of the same name at another service is another place', () => {
    const context = { clock: systemClock, logger: silentLogger, scratch: '/nowhere' };
    const places = [undefined, 'https://s3.example.com', 'https://S3.example.com/', 'http://minio:9000'].map(
      (endpoint) => {
        const options = s3Options.parse({
          type: 's3',
          bucket: 'shop',
          ...(endpoint === undefined ? {} : { endpoint }),
        });
        const { title, place } = s3Storage('offsite', options, context);
        expect(title).toBe('s3://shop');
        return place;
      },
    );
    expect(new Set(places).size).toBe(3);
  });
});
