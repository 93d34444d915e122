import type { Clock } from '../base/clock.ts';
import type { DaemonRecord } from './catalog.ts';
import { processState } from './process-identity.ts';

/**
 * `alive`: its process runs and its scheduler ticks. `stuck`: it runs, but the scheduler has stopped ticking. `silent`: it
 * cannot be seen from here (another container or machine) and gives no sign of life. `dead`: it ended without saying so.
 */
export type DaemonState = 'alive' | 'stuck' | 'silent' | 'dead' | 'stopped';

/** A daemon ticks every 15 seconds. */
const tickLimitMs = 60_000;

export function daemonState(record: DaemonRecord, clock: Clock): DaemonState {
  if (record.stoppedAt !== null) return 'stopped';
  const seen = processState(record);
  if (seen === 'gone') return 'dead';
  if (tickIsYoung(record, clock)) return 'alive';
  return seen === 'alive' ? 'stuck' : 'silent';
}

/** A tick from the future is no better than an old one: one of the clocks is wrong, until the next tick puts it right. */
export function tickIsYoung({ tickAt }: Pick<DaemonRecord, 'tickAt'>, clock: Clock): boolean {
  return Math.abs(clock.now().getTime() - new Date(tickAt).getTime()) <= tickLimitMs;
}
