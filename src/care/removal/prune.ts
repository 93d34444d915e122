import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { step, type Report } from '../../base/progress.ts';
import { formatBytes } from '../../base/units.ts';
import type { BackupRow, Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { backupTime, partsOf } from '../backup-facts.ts';
import { assertClocksAgree, assertNoneFromTheFuture } from './clocks.ts';
import { collectShared, isCollectionOpen } from './collect-shared.ts';
import { takeInventory } from '../stock/inventory.ts';
import { learnNewestDrill, standings, wasReadBack } from '../stock/proofs.ts';
import { holdRemovals, removeCopy } from './remove-copy.ts';
import { decideRetention, standIns, type RetentionBackup, type RetentionDecision } from '../retention.ts';
import type { Source } from '../source.ts';
import { assertAllStay, type StandIn } from './stays.ts';

export interface PruneTask {
  source: Source;
  storage: Storage;
  catalog: Catalog;
  clock: Clock;
  /** Where a day begins. */
  timezone: string;
  dryRun: boolean;
  /** False where nobody has asked for it; see `RetentionQuestion`. */
  attended?: boolean;
  /** Looks for shared objects that no backup needs even when nothing was removed. */
  collect?: boolean;
  /** Younger ones stay; a day where nothing is said. */
  objectAgeMs?: number;
  /** The run this is part of, for whoever finds a backup locked. */
  run?: string;
  signal: AbortSignal;
  report: Report;
}

export interface PruneDecision extends RetentionDecision {
  at: string;
  bytes: number | null;
  /** Of these, what lies in objects that other backups may hold, too. */
  sharedBytes: number;
}

export const noObjects: PruneResult['objects'] = { removed: 0, postponed: null };

export interface PruneResult {
  storage: string;
  /** Newest first. */
  decisions: PruneDecision[];
  removed: string[];
  freedBytes: number;
  /** How many shared objects went that no backup needs any more; what is left for another time and why. */
  objects: { removed: number; postponed: string | null };
  /** What could not be removed this time. */
  failed: { id: string; code: string; message: string }[];
}

/** Applies the retention to one storage; with `dryRun` it only says what it would do. */
export async function prune(task: PruneTask): Promise<PruneResult> {
  if (task.dryRun) return (await plan(task)).result;
  await using lease = await holdRemovals(task);
  const inside = { ...task, signal: lease.signal };
  const { result, backups } = await plan(inside);
  const going = result.decisions.filter(({ keep }) => !keep);
  if (going.length > 0) await carryOutAll(inside, going, result, standIns(backups));
  if (result.removed.length === 0 && task.collect !== true && !(await isCollectionOpen(inside))) return result;
  const { removed, freedBytes, postponed } = await collectShared(inside);
  return { ...result, freedBytes: result.freedBytes + freedBytes, objects: { removed, postponed } };
}

async function carryOutAll(
  task: PruneTask,
  going: readonly PruneDecision[],
  result: PruneResult,
  insteadOf: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  await assertClocksAgree(task);
  const whole = new Set<string>();
  const staying = (id: string) => (insteadOf.get(id) ?? []).map((other) => standIn(task, other, whole));
  await step(
    task.report,
    'retention',
    async () => {
      // Oldest first: whatever stops this leaves the newest.
      for (const decision of going.toReversed()) await carryOut(task, decision, result, staying(decision.id));
    },
    () => `${result.removed.length} removed from ${task.storage.name}, ${formatBytes(result.freedBytes)} freed`,
  );
}

async function plan(task: PruneTask): Promise<{ result: PruneResult; backups: RetentionBackup[] }> {
  const rows = await takeInventory({ ...task, source: task.source.name });
  const backups = await judge(task, rows);
  const decisions = decide(task, rows, backups);
  const nothing = { removed: [], freedBytes: 0, objects: noObjects, failed: [] };
  return { result: { storage: task.storage.name, decisions, ...nothing }, backups };
}

async function judge(task: PruneTask, rows: readonly BackupRow[]): Promise<RetentionBackup[]> {
  const { source, catalog, clock } = task;
  assertNoneFromTheFuture(rows, task);
  await learnNewestDrill(rows, { ...task, source: source.name });
  const standing = standings(catalog.proofs.list({ source: source.name }));
  return rows.map((row) => {
    const known = standing(row);
    const at = backupTime(row);
    return {
      id: row.id,
      at,
      ok: known.ok,
      drilledOk: known.drilledOk,
      proven: wasReadBack(known, at, clock.now()),
      unreadable: row.state === 'unreadable',
      held: row.held !== null,
      safety: row.facts?.trigger === 'safety',
      parts: partsOf(row),
    };
  });
}

function decide(task: PruneTask, rows: readonly BackupRow[], backups: RetentionBackup[]): PruneDecision[] {
  const { source, storage, clock, timezone, attended = true } = task;
  const factsOf = new Map(rows.map(({ id, facts }) => [id, facts]));
  const times = new Map(backups.map(({ id, at }) => [id, at.toISOString()]));
  const rules = source.retentionIn(storage.name);
  return decideRetention({ backups, rules, now: clock.now(), timezone, attended }).map((decision) => ({
    ...decision,
    at: times.get(decision.id) ?? '',
    bytes: factsOf.get(decision.id)?.bytes ?? null,
    sharedBytes: factsOf.get(decision.id)?.sharedBytes ?? 0,
  }));
}

function standIn({ source, storage, catalog, clock, signal }: PruneTask, id: string, whole: Set<string>): StandIn {
  return { source: source.name, storage, id, catalog, clock, whole, signal };
}

/** One that cannot be removed now does not keep the others from going; it is tried again the next time. */
async function carryOut(
  task: PruneTask,
  decision: PruneDecision,
  result: PruneResult,
  insteadOf: readonly StandIn[],
): Promise<void> {
  const { id, bytes } = decision;
  try {
    await removeCopy({ ...task, id, sure: () => assertAllStay(insteadOf) });
    result.removed.push(id);
    result.freedBytes += (bytes ?? 0) - decision.sharedBytes;
  } catch (error) {
    throwIfAborted(task.signal);
    const { code, kind, message } = toHoldfastError(error);
    if (kind === 'busy' || kind === 'refused') {
      decision.keep = true;
      decision.reasons = [message];
      task.report({ kind: 'warning', message: `${id} stays in ${task.storage.name}: ${message}` });
    } else {
      result.failed.push({ id, code, message });
      task.report({ kind: 'warning', message: `${id} was not removed from ${task.storage.name}: ${message}` });
    }
  }
}
