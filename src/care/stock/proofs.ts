import { readDrills } from '../../archive/drills.ts';
import type { BackupRow, Catalog, ProofRecord } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { oldestFirst } from '../backup-facts.ts';

export interface Standing {
  /** Complete, and the last look at it found nothing wrong. */
  ok: boolean;
  drilledOk: boolean;
  /** And all of it was read. */
  proven: boolean;
}

/** What is known about copies beyond their manifest. Of several proofs of a kind the newest counts. */
export function standings(proofs: readonly ProofRecord[]): (row: BackupRow) => Standing {
  const newest = new Map<string, ProofRecord>();
  for (const proof of proofs) {
    const key = `${proof.kind} ${proof.storage} ${proof.backup}`;
    const other = newest.get(key);
    if (!other || proof.at > other.at) newest.set(key, proof);
  }
  return (row) => {
    const verified = newest.get(`verify ${row.storage} ${row.id}`)?.ok;
    const drilled = newest.get(`drill ${row.storage} ${row.id}`)?.ok;
    const ok = row.state === 'complete' && verified !== false && drilled !== false;
    return { ok, drilledOk: ok && drilled === true, proven: ok && (verified === true || drilled === true) };
  };
}

/** Whoever makes a backup reads it back at once. Of one that lies there longer, others may take it that nothing was found. */
const readBackMs = 24 * 3_600_000;

export function wasReadBack({ ok, proven }: Standing, at: Date, now: Date): boolean {
  return ok && (proven || now.getTime() - at.getTime() > readBackMs);
}

/** Takes the results of drills that lie beside a backup into the catalog; returns how many. */
export async function learnDrills({
  storage,
  source,
  id,
  catalog,
  signal,
}: {
  storage: Storage;
  source: string;
  id: string;
  catalog: Catalog;
  signal: AbortSignal;
}): Promise<number> {
  const drills = await readDrills(storage, source, id, signal);
  for (const { at, result } of drills) {
    const { ok, seconds } = result;
    catalog.proofs.learn({
      kind: 'drill',
      source,
      backup: id,
      storage: storage.name,
      at,
      ok: ok === true,
      depth: null,
      seconds: typeof seconds === 'number' ? seconds : 0,
      result,
    });
  }
  return drills.length;
}

/**
 * Drills made on other machines are only known to the storage. Looked for from the newest backup down to the first that passed
 * one: older ones do not matter to retention.
 */
export async function learnNewestDrill(
  rows: readonly BackupRow[],
  { storage, source, catalog, signal }: { storage: Storage; source: string; catalog: Catalog; signal: AbortSignal },
): Promise<void> {
  const known = catalog.proofs.list({ source, kind: 'drill' }).filter((proof) => proof.storage === storage.name);
  const drilled = new Set(known.map(({ backup }) => backup));
  const passed = new Set(known.filter(({ ok }) => ok).map(({ backup }) => backup));
  for (const { id, state } of oldestFirst(rows).toReversed()) {
    if (passed.has(id)) return;
    if (state !== 'complete' || drilled.has(id)) continue;
    const found = await learnDrills({ storage, source, id, catalog, signal });
    if (found > 0 && catalog.proofs.list({ source, backup: id, kind: 'drill' })[0]?.ok) return;
  }
}
