import { combineRows, type ListedBackup } from '../care/listing.ts';
import type { Source } from '../care/source.ts';
import type { Catalog } from '../catalog/catalog.ts';

/** What the catalog knows of the backups of a source, without asking any storage. */
export type Listings = (source: Source) => readonly ListedBackup[];

/** Thousands of rows are put together once, and again only when something of the source has changed. */
export function openListings(catalog: Catalog): Listings {
  const known = new Map<string, { version: number; backups: readonly ListedBackup[] }>();
  return (source) => {
    const { name, storages } = source;
    const version = catalog.backups.versions().get(name) ?? 0;
    const before = known.get(name);
    if (before?.version === version) return before.backups;
    const places = storages.map((storage) => storage.name);
    const rows = places.flatMap((storage) => catalog.backups.list(storage, name));
    const proofs = catalog.proofs.list({ source: name });
    const backups = combineRows(name, places, rows, proofs, catalog.copies.list({ source: name }));
    known.set(name, { version, backups });
    return backups;
  };
}
