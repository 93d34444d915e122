import { pause } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Catalog, LockRow } from './catalog.ts';
import { processState } from './process-identity.ts';

/** Locks that this process let go of while the catalog could not be written: their rows are still there, and nobody holds them. */
export const lettingGo = new Set<string>();

/** The holder's process has ended, seen from this machine, or it is this one and has let go; no clock is asked. */
export function isGone(holder: LockRow): boolean {
  return lettingGo.has(holder.token) || processState(holder) === 'gone';
}

/** The same holder, not having renewed since. */
export function sameSign(now: LockRow, before: LockRow): boolean {
  return now.token === before.token && now.renewedAt === before.renewedAt;
}

/**
 * For holders that cannot be seen from here. A lease that looks run out may only mean that somebody set a clock, ours or
 * theirs, so it is watched for half a lease by a clock that only goes forward: a living holder renews twice in that time.
 */
export async function hasFallenSilent(
  holder: LockRow,
  { catalog, clock, signal }: { catalog: Catalog; clock: Clock; signal: AbortSignal },
): Promise<boolean> {
  if (processState(holder) !== 'unknown' || !looksRunOut(holder, clock)) return false;
  const until = clock.monotonic() + holder.leaseMs / 2;
  while (clock.monotonic() < until) {
    await pause(Math.min(1000, Math.ceil(holder.leaseMs / 20)), signal);
    const now = catalog.locks.list().find(({ name }) => name === holder.name);
    if (now && !sameSign(now, holder)) return false;
    if (!now) return true;
  }
  return true;
}

/** Also when it was renewed in what we think is the future: then one of the clocks is wrong. */
function looksRunOut({ renewedAt, leaseMs }: LockRow, clock: Clock): boolean {
  return Math.abs(clock.now().getTime() - new Date(renewedAt).getTime()) >= leaseMs;
}
