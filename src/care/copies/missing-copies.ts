import { compareBackupIds } from '../../base/ids.ts';
import { standings } from '../stock/proofs.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { takeInventory } from '../stock/inventory.ts';
import type { Source } from '../source.ts';

export interface MissingCopy {
  id: string;
  to: Storage;
}

/** Which backups lie whole somewhere and not in these storages, oldest first. Those made for safety stay where they are. */
export async function missingCopies({
  source,
  storages,
  catalog,
  signal,
}: {
  source: Source;
  storages: readonly Storage[];
  catalog: Catalog;
  signal: AbortSignal;
}): Promise<MissingCopy[]> {
  const standing = standings(catalog.proofs.list({ source: source.name }));
  const whole: string[] = [];
  const there = new Map<string, Set<string>>();
  for (const storage of source.storages) {
    const rows = await takeInventory({ storage, source: source.name, catalog, signal });
    there.set(storage.name, new Set(rows.map(({ id }) => id)));
    whole.push(...rows.filter((row) => standing(row).ok && row.facts?.trigger !== 'safety').map(({ id }) => id));
  }
  const ids = [...new Set(whole)].toSorted(compareBackupIds);
  return storages.flatMap((to) => ids.filter((id) => !there.get(to.name)?.has(id)).map((id) => ({ id, to })));
}
