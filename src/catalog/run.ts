import { describeEvent } from '../base/describe-event.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { isFromFuture, type Clock } from '../base/clock.ts';
import { runId } from '../base/ids.ts';
import { silentLogger, type LogLevel, type Logger } from '../base/logger.ts';
import type { Report } from '../base/progress.ts';
import { withoutSecrets } from '../base/secret.ts';
import { lastWordsOfTool } from '../base/tool-failure.ts';
import type { Catalog, Operation, RunLine, RunRecord, RunState } from './catalog.ts';
import { endInterrupted } from './interrupted.ts';
import { patiently } from './patiently.ts';
import { ownProcess, processState } from './process-identity.ts';
import { keepProgress } from './run-progress.ts';

export interface RunRequest {
  catalog: Catalog;
  clock: Clock;
  operation: Operation;
  source: string | null;
  /** When it is known from the start; otherwise the outcome tells it. */
  backup?: string | null;
  trigger: string;
  signal: AbortSignal;
  report: Report;
  logger?: Logger;
}

export interface Run {
  readonly id: string;
  readonly signal: AbortSignal;
  /** Tells whoever watches, and writes the steps into the run's log. */
  readonly report: Report;
  /** Notes down what must be known of the run even if it does not come to its end. */
  keep(result: object): void;
}

export interface RunOutcome<Result> {
  /** `failed`: it worked and the answer is no (a drill that found a difference). Anything else that fails is thrown. */
  state: Extract<RunState, 'succeeded' | 'partial' | 'failed'>;
  result: Result;
  backup?: string | null;
  /** Of one that failed: what a word alone can say of it. */
  error?: RunRecord['error'];
}

/** Does the work as a run that `holdfast runs` lists and `holdfast logs` tells about, however it ends. */
export async function withRun<Result>(
  request: RunRequest,
  work: (run: Run) => Promise<RunOutcome<Result>>,
): Promise<Result> {
  const { catalog, clock } = request;
  const record = newRecord(request);
  await patiently(catalog, () => catalog.runs.add(record), { signal: request.signal });
  using cancelling = watchForCancel(catalog, record.id);
  using progress = keepProgress(catalog, clock, record.id);
  const signal = AbortSignal.any([request.signal, cancelling.signal]);
  const log = runLog(request, record.id);
  const own = { id: record.id, operation: record.operation, source: record.source };
  const report: Report = (event, inner) => {
    const line = describeEvent(event);
    if (line) log.write(line.level, line.message);
    progress.saw(event);
    request.report(event, inner ?? own);
  };
  const finish = async (change: Partial<Omit<RunRecord, 'id'>>) => {
    const finishedAt = clock.now().toISOString();
    const end = () => {
      log.catchUp();
      catalog.runs.update(record.id, { ...change, finishedAt });
    };
    try {
      await patiently(catalog, end);
    } catch (error) {
      // The work is what counts: a sealed backup must not be reported as failed because its history could not be written.
      request.report({ kind: 'warning', message: `the run's end was not recorded: ${toHoldfastError(error).message}` });
      finishLater(catalog, end);
    }
  };
  const keep = (result: object) => {
    try {
      catalog.runs.update(record.id, { result: withoutSecretsInside(result) });
    } catch (error) {
      report({ kind: 'warning', message: `the run could not be noted down: ${toHoldfastError(error).message}` });
    }
  };
  try {
    const { state, result, backup, error = null } = await work({ id: record.id, signal, report, keep });
    await finish({ state, error, result: withoutSecretsInside(result), ...(backup === undefined ? {} : { backup }) });
    return result;
  } catch (error) {
    const known = toHoldfastError(error);
    for (const line of lastWordsOfTool(known)) log.write('error', line);
    log.write('error', `${known.message} (${known.code})`);
    await finish({ state: known.kind === 'interrupted' ? 'cancelled' : 'failed', error: describeError(known) });
    throw error;
  }
}

/** As long as this process lives nobody else may say that the run has ended: nobody would be told of it, and all would wait for it. */
function finishLater(catalog: Catalog, finish: () => void): void {
  const owed = { catalog };
  const again = () => {
    try {
      catalog.briefly(finish);
      endsOwed.delete(owed);
    } catch {
      setTimeout(again, finishAgainMs).unref();
    }
  };
  endsOwed.add(owed);
  setTimeout(again, finishAgainMs).unref();
}

const finishAgainMs = 5000;
const endsOwed = new Set<{ catalog: Catalog }>();

/** Whether the end of a run is known to this process alone: closing the catalog now would lose it. */
export function owesEnds(catalog: Catalog): boolean {
  return [...endsOwed].some((owed) => owed.catalog === catalog);
}

/** Whoever wants the run to end writes so into the catalog: that reaches it in whatever process or container it runs. */
function watchForCancel(catalog: Catalog, run: string): { signal: AbortSignal } & Disposable {
  const cancelled = new AbortController();
  const look = () => {
    try {
      const by = catalog.runs.cancelledBy(run);
      if (by === null) return;
      clearInterval(timer);
      cancelled.abort(
        new HoldfastError('RUN_CANCELLED', `cancelled by ${by}`, {
          kind: 'interrupted',
          hint: 'What was unfinished is removed; it can be started again.',
        }),
      );
    } catch {
      // A catalog that is busy for a moment answers the next time.
    }
  };
  const timer = setInterval(look, cancelCheckMs);
  timer.unref();
  return { signal: cancelled.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

const cancelCheckMs = 1000;

/** Runs whose process died without a word become failed. To be called at every start, before anything else is looked at. */
export function markInterrupted(catalog: Catalog, clock: Clock): RunRecord[] {
  const dead = catalog.runs.list({ state: 'running' }).filter((run) => hasDied(run, catalog, clock));
  for (const run of dead) endInterrupted(catalog, clock, run);
  return dead;
}

/** A day without a sign of life, for runs of machines or containers that cannot be seen from here. */
const silentAfterMs = 24 * 3_600_000;

function hasDied(run: RunRecord, catalog: Catalog, clock: Clock): boolean {
  const state = processState(run);
  if (state !== 'unknown') return state === 'gone';
  const now = clock.now();
  const signs = [
    run.startedAt,
    ...catalog.runs.lines(run.id).map(({ at }) => at),
    ...catalog.locks.list().flatMap((lock) => (lock.run === run.id ? [lock.renewedAt] : [])),
  ];
  // Of a clock that was ahead none would be old until that time comes.
  const past = signs.filter((at) => !isFromFuture(at, now)).map((at) => new Date(at).getTime());
  return now.getTime() - Math.max(...past) > silentAfterMs;
}

function newRecord({ operation, source, backup = null, trigger, clock }: RunRequest): RunRecord {
  const startedAt = clock.now();
  return {
    id: runId(startedAt),
    operation,
    source,
    backup,
    trigger,
    state: 'running',
    startedAt: startedAt.toISOString(),
    finishedAt: null,
    ...ownProcess(),
    error: null,
    result: null,
  };
}

/** Lines that cannot be written now are written with the next one, or with the end of the run. */
function runLog({ catalog, clock, logger = silentLogger }: RunRequest, run: string) {
  let unwritten: RunLine[] = [];
  const catchUp = (): void => {
    if (unwritten.length === 0) return;
    catalog.atomically(() => {
      for (const line of unwritten) catalog.runs.log(run, line);
    });
    unwritten = [];
  };
  const write = (level: LogLevel, text: string): void => {
    const message = withoutSecrets(text);
    logger.log(level, message, { run });
    const isFirst = unwritten.length === 0;
    unwritten.push({ at: clock.now().toISOString(), level, message, fields: null });
    try {
      catalog.briefly(catchUp);
    } catch (error) {
      const { code, message: why } = toHoldfastError(error);
      // Another process that writes for a while loses nobody anything.
      if (isFirst && code !== 'CATALOG_BUSY')
        logger.log('warn', `the run's log could not be written yet: ${why}`, { run });
    }
  };
  return { write, catchUp };
}

function describeError({ code, message, hint }: HoldfastError): RunRecord['error'] {
  return { code, message: withoutSecrets(message), hint: hint === undefined ? null : withoutSecrets(hint) };
}

/** Cleaned string by string: a secret with a quote in it would not be found in the finished JSON. */
function withoutSecretsInside(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(withoutSecretsInside);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecretsInside(inner)]));
}
