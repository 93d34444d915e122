import { isOfOneFile } from '../archive/format/unreadable.ts';
import { throwIfAborted } from '../base/abort.ts';
import { describeEvent } from '../base/describe-event.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Report } from '../base/progress.ts';
import { withoutSecrets } from '../base/secret.ts';
import { formatBytes, formatCount, formatDuration } from '../base/units.ts';
import { backup } from '../backup/backup.ts';
import { retryCopies } from '../care/copies/copies.ts';
import { drill } from '../care/proof/drill.ts';
import { takeInventory } from '../care/stock/inventory.ts';
import { resolveBackup } from '../care/stock/select.ts';
import type { Source } from '../care/source.ts';
import { wasRemoved } from '../care/proof/removed-meanwhile.ts';
import { verify, type VerifyResult } from '../care/proof/verify.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { withRun } from '../catalog/run.ts';
import type { Outcome } from './memory.ts';
import type { Trigger } from './next.ts';
import type { ScheduledPlan, VerifyPlan } from './plans.ts';

/** What scheduled work needs. */
export interface WorkParts {
  sources: readonly Source[];
  catalog: Catalog;
  clock: Clock;
  logger: Logger;
  instance: string;
  version: string;
  timezone: string;
  scratch: string;
  /** Looks at everything and tells the alerts; resolves to what to say. */
  check?: ((signal: AbortSignal) => Promise<string>) | undefined;
  /** Sends the report. */
  report?: ((signal: AbortSignal) => Promise<string>) | undefined;
}

export interface Did {
  outcome: Outcome;
  /** For the log, without the plan's name. */
  said: string;
}

/** Does what a plan says, by the same recipes as the command line. Rejects as they do. */
export async function doWork(
  plan: ScheduledPlan,
  trigger: Trigger,
  parts: WorkParts,
  signal: AbortSignal,
): Promise<Did> {
  if (plan.kind === 'check' || plan.kind === 'report') {
    const said = await parts[plan.kind]?.(signal);
    return { outcome: 'good', said: said ?? 'there is nothing to do it with' };
  }
  const source = sourceOf(plan, parts);
  if (plan.kind === 'backup') return takeBackup(source, trigger, parts, signal);
  if (plan.kind === 'drill') return rehearse(source, trigger, parts, signal);
  return verifyCopies(source, plan.verify ?? { depth: 'checksum', backups: 'newest' }, trigger, parts, signal);
}

/**
 * Whether the same again may end better: a server or a storage that was away, a dump that came out damaged. Not so what somebody
 * has to set right first, and not what somebody wanted to end.
 */
export function mayHelp(plan: Pick<ScheduledPlan, 'kind'>, error: HoldfastError): boolean {
  if (error.retryable || error.kind === 'failed' || error.kind === 'partial') return true;
  return error.kind === 'integrity' && plan.kind === 'backup';
}

/** Copies that are owed. Without any due, nothing is done and no run is recorded. */
export async function makeCopies(source: Source, parts: WorkParts, signal: AbortSignal): Promise<string> {
  const { catalog, clock, logger } = parts;
  const report = logTo(logger, source.name, 'copy');
  const result = await withRun(
    { operation: 'copy', source: source.name, trigger: 'retry', catalog, clock, signal, report },
    async (run) => {
      const outcomes = await retryCopies({
        source,
        catalog,
        clock,
        run: run.id,
        signal: run.signal,
        report: run.report,
      });
      const state = outcomes.some((outcome) => outcome.state === 'pending')
        ? ('partial' as const)
        : ('succeeded' as const);
      return { state, result: outcomes };
    },
  );
  const made = result.filter(({ state }) => state === 'complete').length;
  return `${made} of ${formatCount(result.length)} owed ${result.length === 1 ? 'copy' : 'copies'} made`;
}

/** The steps of a run as lines of the log. */
export function logTo(logger: Logger, source: string, operation: string): Report {
  return (event, run) => {
    const line = describeEvent(event);
    if (!line) return;
    // Where a step begins is of interest only to somebody who looks for what hangs.
    const level = event.kind === 'step' ? 'debug' : line.level;
    logger.log(level, `${source}: ${operation}: ${withoutSecrets(line.message)}`, {
      source,
      operation,
      ...(run && { run: run.id }),
    });
  };
}

async function takeBackup(source: Source, startedBy: Trigger, parts: WorkParts, signal: AbortSignal): Promise<Did> {
  const result = await backup({
    ...parts,
    source,
    trigger: 'schedule',
    startedBy,
    description: null,
    signal,
    report: logTo(parts.logger, source.name, 'backup'),
  });
  const owed = Object.values(result.copies).filter((state) => state === 'pending').length;
  const copies = owed > 0 ? `, ${formatCount(owed)} ${owed === 1 ? 'copy is' : 'copies are'} still owed` : '';
  const said = `${result.state} in ${formatDuration(result.durationMs)}: ${result.id}, ${formatBytes(result.bytes)}${copies}`;
  return { outcome: 'good', said };
}

async function rehearse(source: Source, trigger: Trigger, parts: WorkParts, signal: AbortSignal): Promise<Did> {
  const { catalog, clock, scratch, logger } = parts;
  const place = { source, storage: null, id: 'latest', needed: 'database' as const, catalog, signal };
  const found = await resolveBackup(place).catch((error: unknown) => {
    if (toHoldfastError(error).code === 'BACKUP_UNKNOWN') return null;
    throw error;
  });
  if (found === null) return { outcome: 'void', said: 'there is no backup yet' };
  const { storage, id } = found;
  const report = logTo(logger, source.name, 'drill');
  const result = await drill({ source, storage, id, trigger, catalog, clock, scratch, signal, report });
  const seconds = formatDuration(result.seconds * 1000);
  return result.ok
    ? { outcome: 'good', said: `passed: ${id}, recovery in ${seconds}` }
    : { outcome: 'hopeless', said: `failed: ${id} does not come back as it was` };
}

async function verifyCopies(
  source: Source,
  { depth, backups }: VerifyPlan,
  trigger: Trigger,
  parts: WorkParts,
  signal: AbortSignal,
): Promise<Did> {
  const { catalog, clock, scratch, logger } = parts;
  const report = logTo(logger, source.name, 'verify');
  const results: VerifyResult[] = [];
  const failures: HoldfastError[] = [];
  for (const storage of source.storages) {
    try {
      const rows = await takeInventory({ storage, source: source.name, catalog, signal });
      const complete = rows.filter(({ state }) => state === 'complete');
      for (const { id } of backups === 'all' ? complete : complete.slice(-1)) {
        const task = { source, storage, id, depth, trigger, catalog, clock, scratch, signal, report };
        const result = await verify(task).catch((error: unknown) => noteUnlessOfStorage(failures, error, signal));
        if (result) results.push(result);
      }
    } catch (error) {
      // It says nothing of the other storages.
      throwIfAborted(signal);
      failures.push(toHoldfastError(error));
    }
  }
  const bad = results.filter(({ ok }) => !ok);
  const [failure] = failures;
  if (bad.length > 0) {
    const found = `found damaged: ${bad.map(({ id, storage }) => `${id} in ${storage}`).join(', ')}`;
    const unread = failure ? `; not all was read: ${withoutSecrets(failure.message)}` : '';
    return { outcome: 'hopeless', said: found + unread };
  }
  if (failure) throw failure;
  if (results.length === 0) return { outcome: 'void', said: 'there is no backup yet' };
  const copies = `${formatCount(results.length)} ${results.length === 1 ? 'copy' : 'copies'}`;
  return { outcome: 'good', said: `succeeded: ${copies} as stored` };
}

/** What is about one backup keeps no other from being read; every one of a storage that does not answer would be waited for in vain. */
function noteUnlessOfStorage(failures: HoldfastError[], error: unknown, signal: AbortSignal): null {
  throwIfAborted(signal);
  if (wasRemoved(error)) return null;
  if (!isOfOneFile(error) && !(error instanceof HoldfastError && ['busy', 'integrity'].includes(error.kind)))
    throw error;
  failures.push(error);
  return null;
}

function sourceOf(plan: ScheduledPlan, { sources }: WorkParts): Source {
  const found = sources.find(({ name }) => name === plan.source);
  if (found) return found;
  throw new HoldfastError('SOURCE_UNKNOWN', `there is no source named "${plan.source}"`, { kind: 'usage' });
}
