import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Source } from '../source.ts';

/** Which copies were seen in a storage, are not there any more, and were not removed by us. */
interface Place {
  storage: string;
  source: string;
}

type Marks = Partial<Pick<Catalog, 'marks' | 'runs'>>;

export function vanishedFrom({ marks }: Marks, place: Place): string[] {
  const ids: unknown = marks?.get(markOf(place))?.detail;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}

/**
 * Notes what a look into a storage did not find again. Only backups that were made here: those of another installation are removed by
 * its retention. What is there again is forgotten.
 */
export function noteVanished(
  catalog: Marks,
  place: Place,
  { gone, isThere }: { gone: readonly string[]; isThere: (id: string) => boolean },
): void {
  const before = vanishedFrom(catalog, place);
  const own = gone.length === 0 ? [] : madeHere(catalog, place.source);
  const now = [...new Set([...before, ...gone.filter((id) => own.includes(id))])].filter((id) => !isThere(id));
  if (now.length !== before.length || now.some((id) => !before.includes(id))) put(catalog, place, now);
}

/** We removed it, or the operator knows. */
export function forgetVanished(catalog: Marks, place: Place, id?: string): void {
  const before = vanishedFrom(catalog, place);
  if (before.length === 0) return;
  put(
    catalog,
    place,
    before.filter((each) => id !== undefined && each !== id),
  );
}

/**
 * Refuses to begin anew where there is no folder and backups were proven before: its disk is most likely not mounted, and what would be
 * made there fills another one.
 */
export async function assertPresent(
  { name }: Pick<Source, 'name'>,
  storage: Storage,
  catalog: Partial<Pick<Catalog, 'proofs'>>,
  signal: AbortSignal,
): Promise<void> {
  if (!storage.identity || (await storage.identity()) !== null) return;
  throwIfAborted(signal);
  const known = catalog.proofs?.list({ source: name }).some((proof) => proof.storage === storage.name);
  if (!known) return;
  throw new HoldfastError('STORAGE_MISSING', `the folder of storage ${storage.name} is not there: ${storage.title}`, {
    hint: `Backups of ${name} were in it: mount the disk, or set the path right. To begin anew there, \`holdfast storage create ${storage.name}\`.`,
    retryable: true,
  });
}

function madeHere({ runs }: Marks, source: string): string[] {
  return (runs?.list({ source }) ?? []).flatMap(({ operation, backup }) =>
    backup !== null && (operation === 'backup' || operation === 'import') ? [backup] : [],
  );
}

function put({ marks }: Marks, place: Place, ids: readonly string[]): void {
  marks?.put({ name: markOf(place), lastAttempt: null, lastGood: null, detail: ids });
}

function markOf({ storage, source }: Place): string {
  return `vanished:${storage}/${source}`;
}
