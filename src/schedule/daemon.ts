import type { Clock } from '../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Catalog, DaemonRecord, LockRow } from '../catalog/catalog.ts';
import { holdLock, type Lease } from '../catalog/lease.ts';
import { ownProcess } from '../catalog/process-identity.ts';
import { pause } from '../base/abort.ts';
import type { StateWatch } from './state-watch.ts';

/** A running daemon, as health and metrics see it. */
export interface DaemonView {
  readonly id: string;
  readonly startedAt: Date;
  /** Last time its scheduler went through its plans. */
  tickAt(): Date;
  /** Whether it begins what is due; where not, something else does. */
  readonly scheduling: boolean;
  /** Soonest first. */
  nextRuns(): readonly NextRun[];
  /** How many runs go on now. */
  running(): number;
}

export interface NextRun {
  /** `backup/shop` */
  readonly plan: string;
  readonly at: Date;
}

interface Books {
  catalog: Catalog;
  clock: Clock;
  logger: Logger;
}

const standByMs = 2000;
/** Of a container that was killed nothing tells that it is gone but its silence: half a minute more or less is a backup missed. */
const leaseMs = 30_000;

/**
 * One daemon works on a state folder. Another one stands by and takes over when that one has ended, so that a new container
 * may start before the old one is gone.
 */
export async function holdDaemonLock(
  { catalog, enduring, clock, logger }: Books & { enduring: Catalog },
  signal: AbortSignal,
): Promise<Lease> {
  let told = '';
  // The lock is kept beyond the signal to stop, for as long as work is being brought to its end.
  const waiting = new AbortController();
  const giveUp = () => waiting.abort(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  for (;;) {
    try {
      const lease = await holdLock({
        // On a full disk it is taken in the copy; once there is room, who came first keeps it.
        catalog: enduring,
        keptIn: catalog,
        clock,
        name: 'daemon',
        run: null,
        leaseMs,
        patient: true,
        signal: waiting.signal,
        onBusy: taken,
      });
      signal.removeEventListener('abort', giveUp);
      return lease;
    } catch (error) {
      const known = toHoldfastError(error);
      if (known.code !== 'DAEMON_RUNNING') throw error;
      if (told !== known.message) logger.log('info', `standing by: ${known.message}; this one takes over when it ends`);
      told = known.message;
      await pause(standByMs, signal);
    }
  }
}

/** The sign of life that other processes look at; keeps writing the scheduler's last tick until disposed of. */
export interface Heartbeat extends Disposable {
  listensAt(address: string): void;
  stopped(): void;
}

/** Often enough that three lost ones are no reason to worry anybody. */
const beatMs = 10_000;
const keptRecords = 20;

export function startHeartbeat(
  { catalog, clock, logger }: Books,
  view: Pick<DaemonView, 'id' | 'startedAt' | 'tickAt'>,
  version: string,
  watch: StateWatch,
): Heartbeat {
  let record: DaemonRecord = {
    id: view.id,
    ...ownProcess(),
    version,
    startedAt: view.startedAt.toISOString(),
    tickAt: view.tickAt().toISOString(),
    stoppedAt: null,
    listen: null,
  };
  let failed = false;
  const put = (change: Partial<DaemonRecord>) => {
    record = { ...record, ...change };
    catalog.daemons.put(record);
  };
  const attempt = (write: () => void) => {
    try {
      write();
      if (failed) logger.log('info', "the daemon's sign of life is written again");
      failed = false;
      watch.worked();
    } catch (error) {
      const known = toHoldfastError(error);
      const facts = known.hint === undefined ? {} : { hint: known.hint };
      if (!failed) logger.log('error', `the daemon's sign of life was not written: ${known.message}`, facts);
      failed = true;
      watch.failed(known);
    }
  };
  attempt(() => {
    for (const { id } of catalog.daemons.list().slice(keptRecords)) catalog.daemons.remove(id);
    put({});
  });
  const beat = () => attempt(() => catalog.briefly(() => put({ tickAt: view.tickAt().toISOString() })));
  const timer = setInterval(beat, beatMs);
  timer.unref();
  return {
    listensAt: (address) => attempt(() => put({ listen: address })),
    stopped: () => {
      clearInterval(timer);
      try {
        put({ stoppedAt: clock.now().toISOString() });
      } catch (error) {
        logger.log('warn', `the daemon's end was not written: ${toHoldfastError(error).message}`);
      }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function taken({ pid, host, acquiredAt }: LockRow): HoldfastError {
  return new HoldfastError(
    'DAEMON_RUNNING',
    `process ${pid} on ${host} works on this state folder since ${acquiredAt}`,
    {
      kind: 'busy',
      hint: 'Stop that one, or give this one a state folder of its own.',
    },
  );
}
