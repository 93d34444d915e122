import { setImmediate as nextTurn } from 'node:timers/promises';
import { combineRows, type ListedBackup } from '../care/stock/listing.ts';
import type { Source } from '../care/source.ts';
import type { Catalog } from '../catalog/catalog.ts';

/** What the catalog knows of a source, without asking any storage. */
export interface Listed {
  /** Newest first. */
  readonly backups: readonly ListedBackup[];
  readonly newest: ListedBackup | null;
  readonly damaged: number;
  readonly bytes: number;
  readonly storages: readonly { name: string; copies: number; bytes: number }[];
  readonly drilled: { id: string; at: string; ok: boolean; seconds: number } | null;
  readonly sizes: readonly { at: string; bytes: number; seconds: number }[];
}

export interface Listings {
  of(source: Source): Listed;
  /** Asks only once whether anything has changed. */
  ofAll(sources: readonly Source[]): Listed[];
}

/** As many as a picture of sizes needs. */
const drawn = 60;

/** Thousands of rows are put together once, and again only when something of the source has changed. */
export function openListings(catalog: Catalog): Listings {
  const known = new Map<string, { version: number; listed: Listed }>();
  const at = (source: Source, versions: ReadonlyMap<string, number>): Listed => {
    const version = versions.get(source.name) ?? 0;
    const before = known.get(source.name);
    if (before?.version === version) return before.listed;
    const listed = list(source, catalog);
    known.set(source.name, { version, listed });
    return listed;
  };
  return {
    of: (source) => at(source, catalog.backups.versions()),
    ofAll: (sources) => {
      const versions = catalog.backups.versions();
      return sources.map((source) => at(source, versions));
    },
  };
}

/** Bit by bit, so that the first to ask does not hold up everybody else by it. */
export async function warmUp(listings: Listings, sources: readonly Source[], signal: AbortSignal): Promise<void> {
  for (const source of sources) {
    await nextTurn();
    if (signal.aborted) return;
    listings.of(source);
  }
}

function list({ name, storages }: Source, catalog: Catalog): Listed {
  const places = storages.map((storage) => storage.name);
  const rows = places.flatMap((storage) => catalog.backups.list(storage, name));
  const proofs = catalog.proofs.list({ source: name });
  const backups = combineRows(name, places, rows, proofs, catalog.copies.list({ source: name }));
  const whole = backups.filter(({ state }) => state === 'complete');
  const regular = whole.filter(({ trigger }) => trigger !== 'safety');
  const drill = proofs.find(({ kind }) => kind === 'drill');
  return {
    backups,
    newest: regular[0] ?? null,
    damaged: backups.filter(({ state }) => state !== 'complete' && state !== 'unreadable').length,
    bytes: sum(backups),
    storages: places.map((place) => {
      const there = backups.filter(({ copies }) => copies[place] === 'complete');
      return { name: place, copies: there.length, bytes: sum(there) };
    }),
    drilled: drill ? { id: drill.backup, at: drill.at, ok: drill.ok, seconds: drill.seconds } : null,
    sizes: regular
      .slice(0, drawn)
      .toReversed()
      .map(({ createdAt, bytes, seconds }) => ({ at: createdAt, bytes, seconds: seconds ?? 0 })),
  };
}

function sum(backups: readonly ListedBackup[]): number {
  return backups.reduce((total, { bytes }) => total + bytes, 0);
}

/**
 * Newest first over all sources. The cursor is the last one seen, so that new ones do not shift the pages. Only as much is sorted as
 * is asked for.
 */
export function pageOf(
  lists: readonly (readonly ListedBackup[])[],
  cursor: string | undefined,
  limit: number,
): { items: ListedBackup[]; next: string | null } {
  const heads = lists.map((backups) => {
    const at = cursor === undefined ? 0 : firstAfter(backups, cursor);
    return { backups, at, place: placeAt(backups, at) };
  });
  const items: ListedBackup[] = [];
  for (;;) {
    let best: (typeof heads)[number] | undefined;
    for (const head of heads) if (head.place > (best?.place ?? '')) best = head;
    const found = best?.backups[best.at];
    if (!best || !found) return { items, next: null };
    const last = items.at(-1);
    if (items.length === limit && last) return { items, next: `${placeOf(last)}|${last.id}` };
    items.push(found);
    best.at += 1;
    best.place = placeAt(best.backups, best.at);
  }
}

/** Nothing where the list has ended, which is behind everything. */
function placeAt(backups: readonly ListedBackup[], at: number): string {
  const backup = backups[at];
  return backup ? placeOf(backup) : '';
}

function placeOf({ createdAt, source }: Pick<ListedBackup, 'createdAt' | 'source'>): string {
  return `${createdAt}|${source}`;
}

/** One that was removed meanwhile has left its place. */
function firstAfter(backups: readonly ListedBackup[], cursor: string): number {
  const [createdAt = '', source = '', id = ''] = cursor.split('|');
  const seen = backups.findIndex((each) => each.source === source && each.id === id);
  if (seen >= 0) return seen + 1;
  const place = placeOf({ createdAt, source });
  const next = backups.findIndex((each) => placeOf(each) < place);
  return next < 0 ? backups.length : next;
}
