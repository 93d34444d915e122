import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Catalog, LockRow, RunRecord } from './catalog.ts';
import { endInterrupted } from './interrupted.ts';
import { hasFallenSilent, isGone, lettingGo, sameSign } from './lock-holder.ts';
import { patiently } from './patiently.ts';
import { ownProcess, processState } from './process-identity.ts';

export interface LockRequest {
  catalog: Catalog;
  clock: Clock;
  name: string;
  run: string | null;
  signal: AbortSignal;
  /** `shared`: any number may hold it at once, but nobody alone. */
  mode?: 'alone' | 'shared';
  leaseMs?: number;
  renewMs?: number;
  /**
   * Kept for as long as nobody else has taken it, also when it cannot be renewed because the catalog cannot be written. For
   * what must outlive a full disk and changes nothing under this lock alone.
   */
  patient?: boolean;
  /** Where it is renewed and given back, when that is not where it is taken: where somebody else may take it. */
  keptIn?: Catalog;
  /** Another error than `SOURCE_BUSY`, for locks on other things. */
  onBusy?: (holder: LockRow) => HoldfastError;
}

export interface Lease extends AsyncDisposable {
  /** Fires with the outer signal, and with `LOCK_LOST` when the lock could not be renewed in time. */
  readonly signal: AbortSignal;
  /** Called right before the point of no return: renews at once and throws `LOCK_LOST` when somebody else holds it now. */
  assertHeld(): void;
}

const defaultLeaseMs = 60_000;
/** Four chances to renew before anybody may think we are gone. */
const renewalsPerLease = 4;
/** After one that failed. */
const renewAgainMs = 1000;

/**
 * Takes a lock and keeps it renewed until disposed of. Whether a holder on this machine still lives is asked from the system,
 * at once; a holder that cannot be seen from here loses the lock only after it stopped renewing.
 */
export async function holdLock(request: LockRequest): Promise<Lease> {
  throwIfAborted(request.signal);
  const row = newRow(request);
  await acquire(request, row);
  try {
    await standAgainstOthers(request, row);
  } catch (error) {
    await patiently(request.catalog, () => request.catalog.locks.release(row.name, row.token));
    throw error;
  }
  return keepRenewed(request, row);
}

export function sourceBusy(holder: LockRow): HoldfastError {
  const name = holder.name.split('#')[0] ?? holder.name;
  const run = holder.run === null ? 'another process' : `run ${holder.run}`;
  return new HoldfastError(
    'SOURCE_BUSY',
    `${name.replace(':', ' ')} is in use by ${run} (process ${holder.pid} on ${holder.host}) since ${holder.acquiredAt}`,
    {
      kind: 'busy',
      hint:
        holder.run === null
          ? 'Wait until it has ended, then try again.'
          : `Wait until it has ended, then try again; \`holdfast logs ${holder.run}\` shows what it does.`,
      retryable: true,
      details: { lock: name, run: holder.run, host: holder.host, pid: holder.pid, since: holder.acquiredAt },
    },
  );
}

function newRow({ name, run, clock, mode = 'alone', leaseMs = defaultLeaseMs }: LockRequest): LockRow {
  const token = randomUUID();
  const at = clock.now().toISOString();
  // Each shared holder has a row of its own: `name#token`.
  const rowName = mode === 'shared' ? `${name}#${token}` : name;
  return { name: rowName, token, run, ...ownProcess(), acquiredAt: at, renewedAt: at, leaseMs };
}

async function acquire(request: LockRequest, row: LockRow): Promise<void> {
  const { catalog, signal } = request;
  let silent: LockRow | null = null;
  const mayTake = (holder: LockRow) => isGone(holder) || (silent !== null && sameSign(holder, silent));
  for (;;) {
    const attempt = await patiently(catalog, () => catalog.locks.acquire(row, mayTake), { signal });
    if (attempt.ok) {
      if (silent !== null) endRunOf(silent.run, request);
      return;
    }
    if (!(await hasFallenSilent(attempt.holder, request))) throw busy(request, attempt.holder);
    silent = attempt.holder;
  }
}

/**
 * Shared holders and one that is alone look for each other *after* writing their own row. Writes have one order for every
 * process, so of two that come at the same moment at least one sees the other.
 */
async function standAgainstOthers(request: LockRequest, row: LockRow): Promise<void> {
  const { catalog, signal } = request;
  const { locks } = catalog;
  const others = (request.mode ?? 'alone') === 'shared' ? request.name : `${request.name}#`;
  const inTheWay = ({ name }: LockRow) => (others.endsWith('#') ? name.startsWith(others) : name === others);
  for (const holder of locks.list().filter(inTheWay)) {
    if (!isGone(holder) && !(await hasFallenSilent(holder, request))) throw busy(request, holder);
    locks.release(holder.name, holder.token);
    endRunOf(holder.run, request);
  }
  if (!(await patiently(catalog, () => locks.renew(row.name, row.token, row.renewedAt), { signal }))) throw lost(row);
}

/**
 * Runs that cannot be seen from here and have stopped renewing what they hold have ended, also when nobody needs it. Should one of them only
 * have slept, it has lost its locks, and stops before it changes anything for good. Takes half a lease where there are any.
 */
export async function endSilentRuns(parts: Pick<LockRequest, 'catalog' | 'clock' | 'signal'>): Promise<RunRecord[]> {
  const { catalog } = parts;
  const all = catalog.locks.list();
  const runs = catalog.runs.list({ state: 'running' }).filter((run) => processState(run) === 'unknown');
  const ended = await Promise.all(
    runs.map(async (run) => {
      const held = all.filter((row) => row.run === run.id);
      const silent = await Promise.all(held.map((row) => hasFallenSilent(row, parts)));
      if (held.length === 0 || silent.includes(false)) return null;
      // What it has let go of is no silence.
      const left = catalog.locks.list();
      if (!held.every((row) => left.some((now) => sameSign(now, row)))) return null;
      await patiently(catalog, () => {
        for (const { name, token } of held) catalog.locks.release(name, token);
        endRunOf(run.id, parts);
      });
      return run;
    }),
  );
  return ended.filter((run) => run !== null);
}

/** Of a container that was killed nobody can tell that it is gone; that its place was taken is the moment to say so. */
function endRunOf(run: string | null, { catalog, clock }: Pick<LockRequest, 'catalog' | 'clock'>): void {
  const record = run === null ? null : catalog.runs.get(run);
  if (record?.state === 'running') endInterrupted(catalog, clock, record);
}

function busy(request: LockRequest, holder: LockRow): HoldfastError {
  return (request.onBusy ?? sourceBusy)(holder);
}

function lost(row: LockRow, cause?: unknown): HoldfastError {
  const name = (row.name.split('#')[0] ?? row.name).replace(':', ' ');
  return new HoldfastError('LOCK_LOST', `the lock on ${name} was lost while the run was going on`, {
    cause,
    hint: 'This run stopped before changing anything for good. Check that the state folder can be written, then start it again.',
    retryable: true,
  });
}

function keepRenewed(request: LockRequest, row: LockRow): Lease {
  const { catalog, clock } = { ...request, catalog: request.keptIn ?? request.catalog };
  const loss = new AbortController();
  let renewed = clock.monotonic();
  let beats = 0;

  const renew = (): void => {
    if (loss.signal.aborted) throw loss.signal.reason;
    // Others watch this time as our sign of life, so it must change even while the clock stands still or was set back: the
    // clock gives its seconds, the count of renewals its milliseconds.
    beats += 1;
    const sign = Math.floor(clock.now().getTime() / 1000) * 1000 + (beats % 1000);
    if (!catalog.locks.renew(row.name, row.token, new Date(sign).toISOString())) loss.abort(lost(row));
    if (loss.signal.aborted) throw loss.signal.reason;
    renewed = clock.monotonic();
  };
  const everyMs = Math.min(request.renewMs ?? row.leaseMs, row.leaseMs / renewalsPerLease);
  let timer: NodeJS.Timeout;
  const renewIn = (ms: number): void => {
    timer = setTimeout(tick, ms).unref();
  };
  const tick = (): void => {
    let nextMs = everyMs;
    try {
      catalog.briefly(renew);
    } catch (error) {
      // The catalog may be busy or its disk full for a moment; the lease is what we have time for.
      if (!request.patient && clock.monotonic() - renewed >= row.leaseMs) loss.abort(lost(row, error));
      nextMs = Math.min(everyMs, renewAgainMs);
    }
    if (!loss.signal.aborted) renewIn(nextMs);
  };
  renewIn(everyMs);
  const release = async (): Promise<void> => {
    try {
      // Only ever our own token: whoever took the lock over meanwhile keeps it.
      await patiently(catalog, () => catalog.locks.release(row.name, row.token));
      lettingGo.delete(row.token);
    } catch {
      lettingGo.add(row.token);
      // The work is done and must not fail for this. While we live nobody takes the lock over, so it is tried until it works.
      setTimeout(() => void release(), row.leaseMs / renewalsPerLease).unref();
    }
  };

  return {
    signal: AbortSignal.any([request.signal, loss.signal]),
    assertHeld: renew,
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await release();
    },
  };
}
