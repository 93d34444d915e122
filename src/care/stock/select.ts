import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { BackupRow, Catalog, CopyState, ProofRecord } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { isWhole, oldestFirst, partsOf, type Part } from '../backup-facts.ts';
import { takeInventory } from './inventory.ts';
import { nearestFirst } from './nearest.ts';
import { standings } from './proofs.ts';
import type { Source } from '../source.ts';

export type Selectable = Pick<BackupRow, 'id' | 'state' | 'facts'>;

/**
 * The backup that a text means: its id, a prefix that only one has, or `latest` (the newest that can be restored; one made for safety before
 * a restore only when there is no other, because it holds what somebody wanted to be rid of; one of some parts of the source only when
 * it holds what is `needed`, or there is no other). Rows may be of several storages; of the copies of one backup the first complete one
 * is taken.
 */
export function selectBackup<Row extends Selectable>(
  rows: readonly Row[],
  text: string,
  needed: Part | null = null,
): Row {
  const backups = onePerBackup(rows);
  if (text === 'latest') return latest(backups, needed);
  const exact = backups.find(({ id }) => id === text);
  if (exact) return exact;
  const matching = text === '' ? [] : backups.filter(({ id }) => id.startsWith(text));
  const [only] = matching;
  if (only && matching.length === 1) return only;
  throw matching.length > 1 ? ambiguous(text, matching) : unknown(text, backups);
}

export interface ResolvedBackup {
  /** Where it is read from. */
  storage: Storage;
  id: string;
  row: BackupRow;
  /** Other storages that have it whole, in the order to be tried. */
  others: Storage[];
  /** Of `latest`: one after it, which it cannot mean. */
  newer: NewerBackup | null;
  /** Storages that could not be asked. */
  unreachable: { storage: string; error: unknown }[];
}

/** The newest backup, where `latest` means an older one. */
export interface NewerBackup {
  id: string;
  /** What it has of its source; null: it is damaged, or cannot be read here. */
  parts: readonly Part[] | null;
  unreadable?: true;
}

/**
 * Where a backup is to be read from: in the named storage, or where the source has it whole, on this machine if possible, and rather not
 * where damage was found. One storage that is down does not hide what the others have.
 */
export async function resolveBackup(request: {
  source: Source;
  storage: Storage | null;
  id: string;
  /** For `latest`: the part it is wanted for; without one, all parts. */
  needed?: Part | null;
  catalog: Catalog | null;
  signal: AbortSignal;
}): Promise<ResolvedBackup> {
  const { source, catalog, signal } = request;
  const storages = request.storage ? [request.storage] : nearestFirst(source.name, source.storages);
  const unreachable: ResolvedBackup['unreachable'] = [];
  const found: BackupRow[] = [];
  for (const storage of storages) {
    try {
      found.push(...(await takeInventory({ storage, source: source.name, catalog, signal })));
    } catch (error) {
      throwIfAborted(signal);
      unreachable.push({ storage: storage.name, error });
    }
  }
  if (unreachable.length === storages.length) throw unreachable[0]?.error;
  const rows = damagedLast(found, catalog?.proofs.list({ source: source.name }) ?? []);
  const row = selectOrExplain(rows, request, unreachable);
  const placeOf = ({ storage }: BackupRow) => storages.find(({ name }) => name === storage);
  const others = rows
    .filter((other) => other !== row && other.id === row.id && other.state === 'complete')
    .map(placeOf)
    .filter((storage) => storage !== undefined);
  const newer = request.id === 'latest' ? newerThan(rows, row) : null;
  return { storage: placeOf(row) ?? source.storages[0], id: row.id, row, others, newer, unreachable };
}

/** One made for safety holds what somebody wanted to be rid of: nobody misses it. */
export function newerThan(rows: readonly Selectable[], { id }: Selectable): NewerBackup | null {
  const regular = onePerBackup(rows).filter(({ facts }) => facts?.trigger !== 'safety');
  const at = regular.findIndex((each) => each.id === id);
  const newest = at === -1 ? undefined : regular.slice(at + 1).findLast(({ state }) => told.has(state));
  if (!newest) return null;
  const parts = newest.state === 'complete' ? partsOf(newest) : null;
  return { id: newest.id, parts, ...(newest.state === 'unreadable' ? { unreadable: true } : {}) };
}

/** Of any other nobody knows yet what it will be. */
const told: ReadonlySet<CopyState> = new Set(['complete', 'corrupt', 'unreadable']);

export function describeNewer({ id, parts, unreadable }: NewerBackup): string {
  if (unreadable) return `the newest backup, ${id}, cannot be read here; this takes the newest whole one before it`;
  if (parts === null) return `the newest backup, ${id}, is damaged; this takes the newest whole one before it`;
  return `the newest backup, ${id}, has only the ${parts.join(' and the ')}; this takes the newest whole one before it`;
}

/** What is not found may lie in the storage that does not answer. */
function selectOrExplain(
  rows: readonly BackupRow[],
  { id, needed = null }: { id: string; needed?: Part | null },
  unreachable: ResolvedBackup['unreachable'],
): BackupRow {
  try {
    return selectBackup(rows, id, needed);
  } catch (error) {
    const [first] = unreachable;
    throw first && toHoldfastError(error).code === 'BACKUP_UNKNOWN' ? first.error : error;
  }
}

function damagedLast(rows: readonly BackupRow[], proofs: readonly ProofRecord[]): BackupRow[] {
  const standing = standings(proofs);
  const bad = new Set(rows.filter((row) => row.state === 'complete' && !standing(row).ok));
  return [...rows.filter((row) => !bad.has(row)), ...bad];
}

function onePerBackup<Row extends Selectable>(rows: readonly Row[]): Row[] {
  const backups = new Map<string, Row>();
  for (const row of rows) {
    const before = backups.get(row.id);
    if (!before || (before.state !== 'complete' && row.state === 'complete')) backups.set(row.id, row);
  }
  return oldestFirst([...backups.values()]);
}

function latest<Row extends Selectable>(backups: Row[], needed: Part | null): Row {
  const complete = backups.filter(({ state }) => state === 'complete');
  const regular = complete.filter(({ facts }) => facts?.trigger !== 'safety');
  const serves = (row: Row) => (needed === null ? isWhole(row) : partsOf(row).includes(needed));
  const newest = [regular, complete].map((rows) => rows.findLast(serves)).find((row) => row !== undefined);
  const other = newest ?? regular.at(-1) ?? complete.at(-1);
  if (other) return other;
  throw new HoldfastError(
    'BACKUP_UNKNOWN',
    backups.length === 0 ? 'there are no backups yet' : 'no backup is complete',
    {
      kind: 'usage',
      hint: backups.length === 0 ? 'Take one with `holdfast backup`.' : 'See what is wrong with `holdfast list`.',
    },
  );
}

function ambiguous(text: string, matching: Selectable[]): HoldfastError {
  return new HoldfastError('BACKUP_AMBIGUOUS', `${matching.length} backups begin with ${text}: ${spell(matching)}`, {
    kind: 'usage',
    hint: 'Give more of the id, or `latest`.',
    details: { matches: matching.map(({ id }) => id) },
  });
}

function unknown(text: string, backups: Selectable[]): HoldfastError {
  const sharing = (id: string) => {
    let at = 0;
    while (at < id.length && id[at] === text[at]) at += 1;
    return at;
  };
  const best = Math.max(0, ...backups.map(({ id }) => sharing(id)));
  // Those that agree longest with what was typed; a shared year alone says nothing.
  const near = best >= 'YYYY-MM'.length ? backups.filter(({ id }) => sharing(id) === best) : backups;
  return new HoldfastError('BACKUP_UNKNOWN', `there is no backup ${JSON.stringify(text)}`, {
    kind: 'usage',
    hint:
      near.length === 0
        ? 'There are no backups yet; take one with `holdfast backup`.'
        : `There are ${spell(near)}; \`holdfast list\` shows all.`,
    details: { near: near.slice(-5).map(({ id }) => id) },
  });
}

function spell(backups: Selectable[]): string {
  const names = backups.slice(-5).map(({ id }) => id);
  return `${backups.length > names.length ? `${backups.length - names.length} earlier ones and ` : ''}${names.join(', ')}`;
}
