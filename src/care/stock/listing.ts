import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { compareBackupIds } from '../../base/ids.ts';
import { backupTime } from '../backup-facts.ts';
import { takeInventory } from './inventory.ts';
import type { Source } from '../source.ts';
import type { BackupRow, Catalog, CopyRecord, CopyState, ProofRecord } from '../../catalog/catalog.ts';

/** One backup over all storages of its source, as `list --json` prints it. */
export interface ListedBackup {
  id: string;
  source: string;
  createdAt: string;
  description: string | null;
  bytes: number;
  /** Of these, what other backups may hold, too. */
  sharedBytes: number;
  /** What it added to its storage when it was made. */
  addedBytes: number;
  /** From the first connection until it was sealed. */
  seconds: number | null;
  state: Exclude<CopyState, 'missing' | 'pending'>;
  copies: Record<string, CopyState>;
  verified: { depth: string; at: string; ok: boolean } | null;
  drilled: { at: string; ok: boolean; seconds: number } | null;
  held: boolean;
  trigger: string | null;
}

export interface Listing {
  /** Newest first. */
  backups: ListedBackup[];
  /** Storages that could not be asked; what is listed of them is what was last seen there. */
  unreachable: { storage: string; error: unknown }[];
}

/** What all storages of a source hold. One that does not answer must not hide the others. */
export async function listBackups(
  { catalog }: { catalog: Catalog },
  source: Source,
  signal: AbortSignal,
): Promise<Listing> {
  const rows: BackupRow[] = [];
  const unreachable: Listing['unreachable'] = [];
  for (const storage of source.storages) {
    try {
      rows.push(...(await takeInventory({ storage, source: source.name, catalog, signal })));
    } catch (error) {
      throwIfAborted(signal);
      rows.push(...catalog.backups.list(storage.name, source.name));
      unreachable.push({ storage: storage.name, error: toHoldfastError(error) });
    }
  }
  const storages = source.storages.map(({ name }) => name);
  return {
    backups: combineRows(
      source.name,
      storages,
      rows,
      catalog.proofs.list({ source: source.name }),
      catalog.copies.list({ source: source.name }),
    ),
    unreachable,
  };
}

/** Pure: rows per storage, proofs (newest first) and copies that are still owed become one entry per backup, newest backup first. */
export function combineRows(
  source: string,
  storages: readonly string[],
  rows: readonly BackupRow[],
  proofs: readonly ProofRecord[],
  queue: readonly CopyRecord[] = [],
): ListedBackup[] {
  const rowsById = Map.groupBy(rows, ({ id }) => id);
  const proofsById = Map.groupBy(proofs, ({ backup }) => backup);
  const queueById = Map.groupBy(queue, ({ backup }) => backup);
  return [...rowsById]
    .map(([id, copies]) =>
      combine(source, id, storages, copies, { proofs: proofsById.get(id) ?? [], queue: queueById.get(id) ?? [] }),
    )
    .toSorted(
      (a, b) => new Date(b.createdAt).getTime() - new Date(a.createdAt).getTime() || compareBackupIds(b.id, a.id),
    );
}

function combine(
  source: string,
  id: string,
  storages: readonly string[],
  rows: readonly BackupRow[],
  { proofs, queue }: { proofs: readonly ProofRecord[]; queue: readonly CopyRecord[] },
): ListedBackup {
  const best = rows.find(({ facts }) => facts !== null);
  const copies = Object.fromEntries(storages.map((storage) => [storage, copyState(storage, rows, proofs, queue)]));
  const states = Object.values(copies);
  const verified = decisive(proofs.filter(({ kind }) => kind === 'verify'));
  const drilled = proofs.find(({ kind }) => kind === 'drill');
  return {
    id,
    source,
    createdAt: backupTime(best ?? { id, facts: null }).toISOString(),
    description: best?.facts?.description ?? null,
    bytes: best?.facts?.bytes ?? 0,
    sharedBytes: best?.facts?.sharedBytes ?? 0,
    addedBytes: best?.facts?.addedBytes ?? best?.facts?.bytes ?? 0,
    seconds: best?.facts ? best.facts.durationMs / 1000 : null,
    state:
      (['complete', 'unreadable', 'corrupt', 'incomplete'] as const).find((state) => states.includes(state)) ??
      'incomplete',
    copies,
    verified: verified ? { depth: verified.depth ?? 'checksum', at: verified.at, ok: verified.ok } : null,
    drilled: drilled ? { at: drilled.at, ok: drilled.ok, seconds: drilled.seconds } : null,
    held: rows.some(({ held }) => held !== null),
    trigger: best?.facts?.trigger ?? null,
  };
}

/** Newest first: damage found last is what counts, and otherwise the deepest look, which a later shallow one does not undo. */
function decisive(verifications: readonly ProofRecord[]): ProofRecord | undefined {
  const [newest] = verifications;
  if (newest?.ok === false) return newest;
  return verifications.find(({ ok, depth }) => ok && depth === 'structure') ?? newest;
}

/** A manifest can be whole where an artifact is not: what the newest verification found counts. */
function copyState(
  storage: string,
  rows: readonly BackupRow[],
  proofs: readonly ProofRecord[],
  queue: readonly CopyRecord[],
): CopyState {
  const row = rows.find((each) => each.storage === storage);
  if (!row) return queue.some((copy) => copy.storage === storage) ? 'pending' : 'missing';
  const checked = proofs.find((proof) => proof.kind === 'verify' && proof.storage === storage);
  return row.state === 'complete' && checked?.ok === false ? 'corrupt' : row.state;
}
