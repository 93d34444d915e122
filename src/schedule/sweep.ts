import { sourcePrefix } from '../archive/format/layout.ts';
import { sweepUnfinished } from '../archive/sweep.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { parseBackupId } from '../base/ids.ts';
import type { Logger } from '../base/logger.ts';
import { sourceLock } from '../backup/backup.ts';
import type { Source } from '../care/source.ts';
import { sweepElsewhere } from '../care/removal/sweep-elsewhere.ts';
import { readingLock } from '../care/proof/verify.ts';
import { usualSilentMs } from '../care/copies/copy-lock.ts';
import type { Catalog, LockRow, Operation, RunRecord } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { isGone } from '../catalog/lock-holder.ts';
import { patiently } from '../catalog/patiently.ts';
import { markInterrupted } from '../catalog/run.ts';
import type { Database } from '../engines/engine.ts';

export interface SweepParts {
  sources: readonly Source[];
  /** Only what runs of this one have left. */
  only?: Source;
  catalog: Catalog;
  clock: Clock;
  logger: Logger;
}

const markName = 'swept';
const looksBack = 500;

/**
 * Clears up after runs whose process died: what they had half written in the storages, and the scratch databases that carry their
 * name; and after those whose scratch database could not be dropped when they ended. What belongs to a run this state folder does not know is left alone; it may be somebody else's work.
 */
export async function sweepInterrupted(parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { catalog, clock, logger, sources, only } = parts;
  for (const run of markInterrupted(catalog, clock))
    logger.log(
      'warn',
      `${run.operation} of ${run.source ?? 'all sources'} was cut off: ${run.id}; its process is gone`,
    );
  const ended = (['failed', 'cancelled'] as const).flatMap((state) => catalog.runs.list({ state, limit: looksBack }));
  const dead = ended.filter((run) => hasDied(run) || run.error?.code === 'LEFTOVER_DATABASE');
  const before = new Set((catalog.marks.get(markName)?.detail ?? []) as string[]);
  const done = dead.filter(({ id }) => before.has(id));
  const open = dead.filter(({ id, source }) => !before.has(id) && (!only || source === only.name));
  if (open.length === 0) return;
  for (const run of open) {
    signal.throwIfAborted();
    const source = sources.find(({ name }) => name === run.source);
    try {
      if (source) await sweepAfter(run, source, parts, signal);
      done.push(run);
    } catch (error) {
      signal.throwIfAborted();
      // The storage or the server may be away; it is tried again.
      logger.log('debug', `leftovers of ${run.id} are still there: ${toHoldfastError(error).message}`);
    }
  }
  const now = clock.now().toISOString();
  const mark = { name: markName, lastAttempt: now, lastGood: now, detail: done.map(({ id }) => id) };
  await patiently(catalog, () => catalog.marks.put(mark), { signal });
}

const writing: readonly Operation[] = ['backup', 'restore'];
const rehearsing: readonly Operation[] = ['drill', 'restore', 'import'];

function hasDied({ state, error }: RunRecord): boolean {
  return state === 'failed' && error?.code === 'INTERRUPTED';
}

async function sweepAfter(run: RunRecord, source: Source, parts: SweepParts, signal: AbortSignal): Promise<void> {
  if (hasDied(run) && writing.includes(run.operation)) await sweepStages(run, source, parts, signal);
  if (rehearsing.includes(run.operation)) await dropScratch(run, source, parts, signal);
}

/** While we hold the source's lock nobody writes for it from this state folder; and it must bear a time of that run. */
async function sweepStages(run: RunRecord, source: Source, parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { catalog, clock, logger } = parts;
  await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: null, signal });
  const from = Math.floor(new Date(run.startedAt).getTime() / 1000) * 1000;
  const ended = new Date(run.finishedAt ?? clock.now());
  const alive = (prefix: string) => {
    const name = prefix.slice(sourcePrefix(source.name).length, -1);
    const id = parseBackupId(name);
    return id === null || id.at.getTime() < from || id.at > ended || isWorkedOn(catalog, source, name);
  };
  const waiting: string[] = [];
  for (const storage of source.storages) {
    // Elsewhere others may write as well, of whose locks this state folder knows nothing; they give a sign every half minute.
    const silentMs = storage.localPath(source.name) === null ? usualSilentMs : 0;
    const now = silentMs === 0 ? ended : clock.now();
    const options = { olderThanMs: silentMs, alive, signal: lease.signal };
    const swept =
      silentMs === 0
        ? await sweepUnfinished(storage, source.name, { now, ...options })
        : await sweepElsewhere({ source, storage, clock }, options);
    if (swept.length > 0)
      logger.log(
        'info',
        `${source.name}: removed what ${run.id} left unfinished in ${storage.name}: ${swept.join(', ')}`,
      );
    if (now.getTime() - ended.getTime() < silentMs) waiting.push(storage.name);
  }
  if (waiting.length === 0) return;
  throw new HoldfastError('SOURCE_BUSY', `${waiting.join(', ')} may still be written to`, { kind: 'busy' });
}

/** A copy holds no lock on the source, and may still write what a run that died began. */
function isWorkedOn(catalog: Catalog, source: Source, id: string): boolean {
  const begins = [`copy:${source.name}/${id}/`, `${readingLock(source.name, id)}#`];
  const isOf = ({ name }: LockRow) =>
    name === readingLock(source.name, id) || begins.some((each) => name.startsWith(each));
  return catalog.locks.list().some((row) => isOf(row) && !isGone(row));
}

async function dropScratch(run: RunRecord, source: Source, { logger }: SweepParts, signal: AbortSignal): Promise<void> {
  const { target } = source.drill;
  const { database: own } = source;
  if (!own) return;
  const servers: Database[] = [own, ...(typeof target === 'object' ? [own.at(target.address)] : [])];
  const ending = `_${run.id.replaceAll('-', '_')}`;
  for (const server of servers) {
    for (const { database } of await server.leftovers(signal)) {
      if (!database.endsWith(ending)) continue;
      // One that was proven and waited for its swap has lost its mark, and is refused: it may be all that is left.
      await server.named(database).drop({ unmarked: false }, signal);
      logger.log('info', `${source.name}: dropped the scratch database ${database} of ${run.id}`);
    }
  }
}
