import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { copyOne, type OneCopy } from '../../src/care/copies/copies.ts';
import { downloadBackup } from '../../src/care/copies/download.ts';
import { drill } from '../../src/care/proof/drill.ts';
import { listBackups } from '../../src/care/stock/listing.ts';
import { prune } from '../../src/care/removal/prune.ts';
import { removeOne } from '../../src/care/removal/remove.ts';
import { verify } from '../../src/care/proof/verify.ts';
import { restoreFiles } from '../../src/restore/restore-files.ts';
import { restore, type RestoreResult } from '../../src/restore/restore.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { localAt } from './stored-backups.ts';
import type { SmallHouse } from './small-house.ts';

const { signal } = new AbortController();

/** Two backups in two storages. */
export async function twoStorages(house: SmallHouse) {
  const { folder, catalog } = house;
  const offsite = localAt(join(folder, 'offsite'), 'offsite');
  const source = { ...house.source, storages: [house.storage, offsite] as const };
  const { id: older } = await house.take({ source });
  const { id: newer } = await house.take({ source });
  const common = { source, catalog, clock: systemClock, signal, report: () => undefined };
  const around = { instance: 'test', version: '0.0.0', timezone: 'UTC', scratch: join(folder, 'scratch') };
  return {
    older,
    newer,
    offsite,
    damage: (where: string, id: string, artifact = 'files/uploads.tar.zst') =>
      appendFileSync(join(folder, where, 'shop', id, artifact), 'x'),
    restore: (
      from: { storage: Storage; others?: readonly Storage[] },
      tables: string[] = [],
      confirm: () => Promise<void> = async () => undefined,
    ): Promise<RestoreResult> => {
      const scope = tables.length === 0 ? null : { tables: tables.map((name) => ({ schema: '', name })), schemas: [] };
      const request = {
        source,
        from: { ...from, id: newer },
        into: scope ? null : join(folder, 'restored.sqlite'),
        onlyNew: scope === null,
        guarded: { sources: [source], folders: [] },
        inPlace: scope !== null,
        files: false,
        scope,
        owners: 'none' as const,
        sessions: 'refuse' as const,
        keepOld: true,
        safetyBackup: false,
        jobs: null,
        allowed: [],
      };
      return restore({ ...common, ...around, request, confirm });
    },
    restoreFiles: (storage: Storage, confirm: () => Promise<void> = async () => undefined) => {
      const wanted = { only: null, to: join(folder, 'unpacked') };
      const request = { source, from: { storage, id: newer }, wanted, keepOld: true, safetyBackup: false };
      return restoreFiles({ ...common, ...around, request, confirm });
    },
    take: () => house.take({ source }),
    verify: (storage: Storage, id = newer) =>
      verify({ ...common, storage, id, depth: 'checksum', scratch: join(folder, 'scratch') }),
    drill: (storage: Storage) => drill({ ...common, storage, id: newer, scratch: join(folder, 'scratch') }),
    fetch: (from: readonly Storage[]) => {
      const to = localAt(join(folder, 'fetched'), 'fetched');
      return downloadBackup({ ...common, id: newer, from, to, confirmReplace: async () => undefined });
    },
    copy: (rest: Pick<OneCopy, 'to' | 'from' | 'replace'>) => copyOne({ ...common, id: newer, ...rest }),
    copies: async (id: string) =>
      (await listBackups({ catalog }, source, signal)).backups.find((backup) => backup.id === id)?.copies,
    remove: (storage: Storage, id = newer) => removeOne({ ...common, storages: [storage], id, allowLastGood: true }),
    /** As another machine does it, whom no lock of this one reaches. */
    removeElsewhere: async (storage: Storage) => {
      const state = join(folder, 'elsewhere');
      mkdirSync(state, { recursive: true });
      using other = openCatalog(state, systemClock);
      await removeOne({ ...common, catalog: other, storages: [storage], id: newer, allowLastGood: true });
    },
    prune: async (storage: Storage) => {
      const one = { ...source, retentionIn: () => ({ last: 1, minimum: 1 }) };
      return (await prune({ ...common, source: one, storage, timezone: 'UTC', dryRun: false })).removed;
    },
  };
}
