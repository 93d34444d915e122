import { HoldfastError } from '../../base/errors.ts';
import type { Catalog, ProofRecord } from '../../catalog/catalog.ts';
import { patiently } from '../../catalog/patiently.ts';
import type { Storage } from '../../storage/storage.ts';

type Places = Record<string, string>;
type Known = Partial<Pick<Catalog, 'marks' | 'proofs' | 'atomically' | 'briefly'>>;
type Named = Pick<Storage, 'name' | 'title' | 'place'>;

const markName = 'places';

/**
 * What verifications found is about copies where they lie, and is noted under the name of their storage. Where the configuration leads the name
 * to another place, they stay with the place: they are known by the name it has now, or wait until it has one again.
 */
export async function settlePlace(catalog: Known, storage: Named, signal: AbortSignal): Promise<void> {
  const { marks, proofs, atomically, briefly } = catalog;
  if (!marks || !proofs || !atomically || !briefly || placesIn(marks)[storage.name] === placeOf(storage)) return;
  const change = () => atomically(() => follow({ marks, proofs }, storage));
  try {
    await patiently({ briefly }, change, { signal });
  } catch (error) {
    // A full disk or a read-only state folder must not hide what the storage holds.
    if (!(error instanceof HoldfastError)) throw error;
  }
}

function follow({ marks, proofs }: Pick<Catalog, 'marks' | 'proofs'>, storage: Named): void {
  const { [storage.name]: before, ...others } = placesIn(marks);
  const place = placeOf(storage);
  // Another process was quicker.
  if (before === place) return;
  const verified = () => proofs.list({ kind: 'verify' }).filter((proof) => proof.storage === storage.name);
  const damage = before === undefined ? [] : newestOfEach(verified()).filter(({ ok }) => !ok);
  if (before !== undefined) proofs.move(storage.name, nameless(before));
  const namesake = Object.keys(others).find((name) => others[name] === place);
  if (namesake !== undefined) {
    proofs.move(namesake, storage.name);
    delete others[namesake];
  }
  proofs.move(nameless(place), storage.name);
  // Most likely its folder was moved, with all that is in it. That a copy is whole has to be read anew; that it is not is not forgotten before.
  if (verified().length === 0) for (const proof of damage) proofs.learn(proof);
  const detail: Places = { ...others, [storage.name]: place };
  marks.put({ name: markName, lastAttempt: null, lastGood: null, detail });
}

function placesIn(marks: Pick<Catalog['marks'], 'get'>): Places {
  return (marks.get(markName)?.detail ?? {}) as Places;
}

function placeOf({ title, place }: Named): string {
  return place ?? title;
}

/** As no storage is called; `proofs.list` leaves it out. */
function nameless(place: string): string {
  return `?${place}`;
}

function newestOfEach(newestFirst: readonly ProofRecord[]): ProofRecord[] {
  return [...new Map(newestFirst.toReversed().map((proof) => [`${proof.source}/${proof.backup}`, proof])).values()];
}
