import { randomUUID } from 'node:crypto';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { formatSetting } from '../base/units.ts';
import type { Alerts } from '../care/alerts/alerts.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { endSilentRuns } from '../catalog/lease.ts';
import { patiently } from '../catalog/patiently.ts';
import { owesEnds } from '../catalog/run.ts';
import { alertsJob, copiesJob, planJob, postJob, regularJob, type JobParts } from './jobs.ts';
import { holdDaemonLock, startHeartbeat, type DaemonView } from './daemon.ts';
import { planMemory, takeOver } from './memory.ts';
import { forgetHistory } from './forget.ts';
import type { Plans } from './plans.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { watchState } from './state-watch.ts';
import { sweepInterrupted } from './sweep.ts';
import type { WorkParts } from './work.ts';

export interface DaemonParts extends WorkParts {
  plans: Plans;
  alerts: Alerts;
  /** The same state, for those who go on while it cannot be written. */
  enduring: Catalog;
  /** Times as people read them. */
  tell(at: Date): string;
}

/** Work that was begun by others in this process, such as over HTTP; it ends together with the daemon's own. */
export interface Attended {
  /** Nothing more is begun. */
  close(): void;
  running(): number;
  idle(): Promise<void>;
  cancel(reason: HoldfastError): void;
  /** Calls this whenever something of it has begun or ended. */
  onChange(listener: () => void): void;
}

export interface Daemon extends AsyncDisposable {
  readonly view: DaemonView;
  /** Nothing is being done at all, not even what is no run, and what was done is written down. */
  atRest(): boolean;
  /** Gives it the same time to end. */
  attend(others: Attended): void;
  /** Its HTTP server's address, for whoever looks at the catalog. */
  listensAt(address: string): void;
  /**
   * Works until `stop` fires. Then nothing new is started, and what runs has a time to end by itself, unless `urgent` fires;
   * what is left is cancelled and cleans up after itself.
   */
  work(signals: { stop: AbortSignal; urgent: AbortSignal }): Promise<void>;
}

const tidyEveryMs = 600_000;
const firstTidyMs = 10_000;
/** Timers overflow beyond 24.8 days and would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Resolves once this is the only daemon on the state folder; until then it stands by. */
export async function openDaemon(parts: DaemonParts, signal: AbortSignal): Promise<Daemon> {
  const { clock, plans } = parts;
  await using doors = new AsyncDisposableStack();
  const lease = doors.use(await holdDaemonLock(parts, signal));
  parts.enduring.audit.abandon();
  const active = plans.enabled ? plans.all : [];
  takeOver(active, { catalog: parts.enduring, clock });
  const { scheduler, noticed } = makeScheduler(parts, active);
  const view: DaemonView = {
    id: randomUUID(),
    startedAt: clock.now(),
    tickAt: () => scheduler.tickAt(),
    scheduling: plans.enabled,
    nextRuns: () => scheduler.nextRuns(),
    running: () => scheduler.running(),
  };
  scheduler.replan();
  const heartbeat = doors.use(startHeartbeat(parts, view, parts.version, watchState(parts, signal)));
  doors.defer(() => heartbeat.stopped());
  const kept = doors.move();
  const attended: Attended[] = [];
  return {
    view,
    atRest: () => scheduler.atRest() && isWritten(parts),
    attend: (others) => {
      attended.push(others);
      others.onChange(noticed);
    },
    listensAt: (address) => heartbeat.listensAt(address),
    work: async ({ stop, urgent }) => {
      const end = AbortSignal.any([stop, lease.signal]);
      const over = AbortSignal.any([urgent, lease.signal]);
      const cleared = tidy(parts, AbortSignal.any([end, over])).catch((error: unknown) => untidy(parts, error));
      // What was left behind goes first, unless a storage that is away would hold up everything.
      await endsWithin(cleared, firstTidyMs, end);
      await scheduler.work(end);
      for (const others of attended) others.close();
      await drain([scheduler, ...attended], parts, over);
      await cleared;
      if (lease.signal.aborted && !stop.aborted) throw takenOver(lease.signal.reason);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/**
 * What cannot be written is lost with this daemon: its lock would keep the next one waiting, and runs would go on for ever. Into a catalog that
 * was moved or replaced nothing will ever be written.
 */
function isWritten({ catalog, enduring }: Pick<DaemonParts, 'catalog' | 'enduring'>): boolean {
  try {
    catalog.briefly(() => catalog.probe());
    return !owesEnds(catalog) && !owesEnds(enduring);
  } catch (error) {
    return toHoldfastError(error).code === 'CATALOG_MOVED';
  }
}

function takenOver(cause: unknown): HoldfastError {
  return new HoldfastError('LOCK_LOST', 'another serve has taken this state folder over', {
    cause,
    hint: 'This one gave no sign of life for too long, as when a machine sleeps. Start it again: it stands by until the other ends.',
  });
}

function makeScheduler(parts: DaemonParts, plans: Plans['all']) {
  const { catalog, clock, logger, sources } = parts;
  const memory = planMemory(parts);
  let changedAt: Date | null = clock.now();
  let scheduler: Scheduler | null = null;
  let owed = new Map<string, Date>();
  let writes = catalog.foreignWrites();
  const changed = () => {
    changedAt = clock.now();
    scheduler?.replanJob('alerts');
  };
  const refresh = () => {
    memory.refresh();
    owed = owedCopies(parts);
    // Another process may have begun or ended a run.
    const now = catalog.foreignWrites();
    if (now !== writes) changed();
    writes = now;
  };
  const jobParts: JobParts = { ...parts, memory, changed };
  const post = parts.alerts.postmen.map((postman) => postJob(postman, parts));
  const queued = () => {
    for (const { name } of post) scheduler?.replanJob(name);
  };
  const jobs = [
    regularJob('tidy', tidyEveryMs, clock.now(), (signal) => tidy(parts, signal)),
    ...plans.map((plan) => planJob(plan, jobParts)),
    ...(parts.plans.enabled ? sources.map((source) => copiesJob(source, () => owed, jobParts)) : []),
    alertsJob(parts.alerts, () => changedAt, { ...parts, queued }),
    ...post,
  ];
  const { concurrency } = parts.plans;
  const foreignWrites = () => catalog.foreignWrites();
  const made = createScheduler({ jobs, clock, logger, concurrency, refresh, foreignWrites });
  scheduler = made;
  /** A run that others began or ended is news, and may owe copies. */
  const noticed = () => {
    changedAt = clock.now();
    made.notice();
  };
  return { scheduler: made, noticed };
}

/** By source, when the first of its copies is to be tried again. Oldest backup first in the list, not soonest. */
function owedCopies({ catalog }: DaemonParts): Map<string, Date> {
  const owed = new Map<string, Date>();
  for (const { source, nextAt } of catalog.copies.list({})) {
    const at = new Date(nextAt);
    const known = owed.get(source);
    if (!known || at < known) owed.set(source, at);
  }
  return owed;
}

async function tidy(parts: DaemonParts, signal: AbortSignal): Promise<void> {
  await sweepInterrupted(parts, signal);
  await patiently(parts.catalog, () => forgetHistory(parts, parts.plans.history), { signal });
  const silent = await endSilentRuns({ ...parts, signal });
  for (const { id, operation, source } of silent)
    parts.logger.log('warn', `${operation} of ${source ?? 'all sources'} gives no sign of life any more: ${id}`);
  if (silent.length > 0) await sweepInterrupted(parts, signal);
}

function untidy({ logger }: DaemonParts, error: unknown): void {
  logger.log('debug', `tidying up: ${toHoldfastError(error).message}`);
}

async function drain(
  workers: readonly Pick<Attended, 'running' | 'idle' | 'cancel'>[],
  parts: DaemonParts,
  urgent: AbortSignal,
): Promise<void> {
  const { logger, plans } = parts;
  const idle = Promise.all(workers.map((worker) => worker.idle())).then(() => undefined);
  const running = () => workers.reduce((sum, worker) => sum + worker.running(), 0);
  const runs = running();
  if (runs > 0 && !urgent.aborted) {
    const what = `${runs} ${runs === 1 ? 'run' : 'runs'}`;
    logger.log('info', `stopping: ${what} may go on for ${formatSetting(plans.stopWithinMs)}, then it is cancelled`);
  }
  if (!(await endsWithin(idle, plans.stopWithinMs, urgent))) {
    if (running() > 0) logger.log('info', 'cancelling what still runs, and removing what is unfinished');
    const reason = new HoldfastError('INTERRUPTED', 'stopped together with the daemon', { kind: 'interrupted' });
    for (const worker of workers) worker.cancel(reason);
    await idle;
  }
  logger.log('info', 'stopped');
}

async function endsWithin(work: Promise<void>, ms: number, urgent: AbortSignal): Promise<boolean> {
  const late = AbortSignal.any([AbortSignal.timeout(Math.min(ms, longestTimerMs)), urgent]);
  return Promise.race([
    work.then(() => true),
    new Promise<boolean>((resolve) => {
      if (late.aborted) resolve(false);
      late.addEventListener('abort', () => resolve(false), { once: true });
    }),
  ]);
}
