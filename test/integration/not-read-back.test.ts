import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { manifestKey } from '../../src/archive/format/layout.ts';
import { systemClock } from '../../src/base/clock.ts';
import { prune } from '../../src/care/removal/prune.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { forward } from '../../src/storage/forward.ts';
import { smallHouse, type SmallHouse } from '../support/small-house.ts';

const { signal } = new AbortController();
const retention = { last: 1, minimum: 1 };

const twoDaysAgo = () => new Date(Date.now() - 2 * 86_400_000);

function pruning({ source, storage }: SmallHouse, catalog: Catalog) {
  const common = { source, storage, catalog, clock: systemClock, signal, report: () => undefined };
  return prune({ ...common, timezone: 'UTC', dryRun: false });
}

test.each(['the same state folder', 'that of another machine'])(
  'decision 6: retention at the very moment when a backup is read back, with %s, leaves the one that was',
  async (which) => {
    await using house = await smallHouse({ retention });
    const { id: first } = await house.take({ clock: { ...systemClock, now: twoDaysAgo } });
    const isOwn = which === 'the same state folder';
    const catalog = isOwn ? house.catalog : openCatalog(join(house.folder, 'other'), systemClock);
    let begun = false;
    let pruned: Awaited<ReturnType<typeof pruning>> | undefined;
    const storage = {
      ...forward(house.storage),
      get: async (...[key, options]: Parameters<typeof house.storage.get>) => {
        const [id = '', name = ''] = key.split('/').slice(1);
        const isSealed = (await house.storage.stat(manifestKey('shop', id), signal)) !== null;
        if (!begun && isSealed && id > first && name !== 'manifest.json') {
          begun = true;
          pruned = await pruning(house, catalog);
          for (const file of readdirSync(join(house.folder, 'backups/shop', id)))
            if (file.startsWith('database.')) appendFileSync(join(house.folder, 'backups/shop', id, file), 'x');
        }
        return house.storage.get(key, options);
      },
    };
    const source = { ...house.source, storages: [storage] as const };
    await expect(house.take({ source })).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
    expect(pruned).toMatchObject({ removed: [] });
    expect(pruned?.decisions.map(({ reasons }) => reasons)).toEqual([
      ['last 1 of 1', 'newest good backup'],
      ['newest backup that was read back'],
    ]);
    expect(readdirSync(join(house.folder, 'backups/shop'))).toEqual([first]);
    if (!isOwn) catalog[Symbol.dispose]();
  },
);

test('once it was read back, it pushes out the one before', async () => {
  await using house = await smallHouse({ retention });
  const { id: first } = await house.take();
  const { removed } = await house.take();
  expect(removed).toEqual([first]);
});
