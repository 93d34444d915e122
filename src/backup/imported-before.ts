import { readManifest } from '../archive/format/read-manifest.ts';
import { inParallel } from '../base/parallel.ts';
import { takeInventory } from '../care/stock/inventory.ts';
import type { Source } from '../care/source.ts';
import type { Catalog } from '../catalog/catalog.ts';

const readAtOnce = 8;

/** The backups of a source that were imported, by the digests of the files they were. */
export async function importedBefore(
  source: Source,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const [storage] = source.storages;
  const rows = await takeInventory({ storage, source: source.name, catalog, signal });
  const imports = rows.filter(({ state, facts }) => state === 'complete' && facts?.trigger === 'import');
  const known = new Map<string, string>();
  await inParallel(imports, readAtOnce, async ({ id }) => {
    const { imported } = await readManifest(storage, source.name, id, signal);
    if (imported) known.set(imported.sha256, id);
  });
  return known;
}
