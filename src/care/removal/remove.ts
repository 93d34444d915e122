import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { step, type Report } from '../../base/progress.ts';
import type { BackupRow, Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { backupTime, covers, isWhole, partsOf } from '../backup-facts.ts';
import { collectShared } from './collect-shared.ts';
import { takeInventory } from '../stock/inventory.ts';
import { standings, wasReadBack } from '../stock/proofs.ts';
import { held, holdRemovals, removeCopy } from './remove-copy.ts';
import type { Source } from '../source.ts';
import { assertOneStays, type StandIn } from './stays.ts';

export interface RemoveTask {
  source: Source;
  /** Where it is removed; other copies stay. */
  storages: readonly Storage[];
  id: string;
  /** Also when nothing that could be restored is left afterwards. */
  allowLastGood: boolean;
  /** Younger shared objects stay; a day where nothing is said. */
  objectAgeMs?: number;
  catalog: Catalog;
  clock: Clock;
  run?: string;
  signal: AbortSignal;
  report: Report;
}

export interface RemoveResult {
  id: string;
  /** The storages it was removed from. */
  removed: string[];
  freedBytes: number;
}

/** Checks everything before it touches anything: held, in use, the last good one. */
export async function removeOne(task: RemoveTask): Promise<RemoveResult> {
  const { source, storages, id, catalog, report } = task;
  await using lease = await holdRemovals(task);
  const { signal } = lease;
  const rows: BackupRow[] = [];
  for (const storage of source.storages) {
    try {
      rows.push(...(await takeInventory({ storage, source: source.name, catalog, signal })));
    } catch (error) {
      throwIfAborted(signal);
      // What another storage has and cannot tell now does not count as a good copy.
      if (storages.includes(storage)) throw error;
    }
  }
  const going = rows.filter((row) => row.id === id && storages.some(({ name }) => name === row.storage));
  const standing = standings(catalog.proofs.list({ source: source.name }));
  assertRemovable(task, rows, going, standing);
  const result: RemoveResult = { id, removed: [], freedBytes: 0 };
  for (const row of going) {
    const storage = storages.find(({ name }) => name === row.storage);
    if (!storage) continue;
    const sure = () => assertOneStays(standIns({ ...task, signal }, rows, row, standing));
    await step(report, `remove from ${storage.name}`, () => removeCopy({ ...task, storage, signal, sure }));
    result.removed.push(storage.name);
    result.freedBytes += (row.facts?.bytes ?? 0) - (row.facts?.sharedBytes ?? 0);
    if ((row.facts?.sharedBytes ?? 1) > 0)
      result.freedBytes += (await collectShared({ ...task, storage, signal })).freedBytes;
  }
  return result;
}

function assertRemovable(task: RemoveTask, rows: BackupRow[], going: BackupRow[], standing: Judge): void {
  const { source, id, allowLastGood } = task;
  if (going.length === 0) {
    throw new HoldfastError('BACKUP_UNKNOWN', `there is no backup ${id} of ${source.name} there`, {
      kind: 'usage',
      hint: '`holdfast list` shows what there is, and in which storage.',
    });
  }
  const hold = going.find((row) => row.held);
  if (hold?.held) throw held(id, hold.held.reason);
  if (allowLastGood) return;
  const [row] = going;
  const what = row && !isWhole(row) ? ` that holds its ${partsOf(row).join(' and ')}` : '';
  const last = `${id} is the last good backup of ${source.name}${what}`;
  if (
    isLast(
      goodOf(rows, standing),
      rows.filter(({ state }) => state === 'unreadable'),
      going,
    )
  )
    throw lastGood(last, 'Take a new backup first; to remove it all the same, say `--allow-last`.');
  if (isLast(readBackOf(task, rows, standing), [], going))
    throw lastGood(
      `${last}${what === '' ? '' : ' and'} that was read back, as far as is known here`,
      '`holdfast verify` reads the others; to remove it all the same, say `--allow-last`.',
    );
}

function lastGood(message: string, hint: string): HoldfastError {
  return new HoldfastError('LAST_GOOD_BACKUP', message, { kind: 'refused', hint });
}

type Judge = ReturnType<typeof standings>;

/** What of the good ones would stay and has at least as much; one that was read back where there is one. None where none is wanted. */
function standIns(task: RemoveTask, rows: BackupRow[], going: BackupRow, standing: Judge): StandIn[] {
  const { source, storages, id, allowLastGood, catalog, clock, signal } = task;
  if (allowLastGood) return [];
  const goes = (row: BackupRow) => row.id === id && storages.some(({ name }) => name === row.storage);
  const isInstead = (row: BackupRow) => !goes(row) && covers(partsOf(row), partsOf(going));
  const readBack = readBackOf(task, rows, standing).filter(isInstead);
  const instead = readBack.length > 0 ? readBack : goodOf(rows, standing).filter(isInstead);
  return instead.toReversed().flatMap((row) => {
    const storage = source.storages.find(({ name }) => name === row.storage);
    return storage ? [{ storage, source: source.name, id: row.id, catalog, clock, signal }] : [];
  });
}

/**
 * A safety backup shows the database as it was before a restore: it does not stand in for a regular one, and neither does one that
 * holds less. One that cannot be read here may be good for somebody else, and stands in for none.
 */
function isLast(counted: BackupRow[], others: BackupRow[], going: BackupRow[]): boolean {
  const staying = counted.filter((row) => !going.includes(row));
  return [...counted, ...others]
    .filter((row) => going.includes(row))
    .some((row) => !staying.some((other) => covers(partsOf(other), partsOf(row))));
}

function goodOf(rows: BackupRow[], standing: Judge): BackupRow[] {
  return regularOf(rows.filter((row) => standing(row).ok));
}

/** What was sealed a moment ago may turn out unreadable yet. */
function readBackOf({ clock }: RemoveTask, rows: BackupRow[], standing: Judge): BackupRow[] {
  return goodOf(rows, standing).filter((row) => wasReadBack(standing(row), backupTime(row), clock.now()));
}

/** Or all, where there are only such. */
function regularOf(rows: BackupRow[]): BackupRow[] {
  const regular = rows.filter((row) => row.facts?.trigger !== 'safety');
  return regular.length > 0 ? regular : rows;
}
