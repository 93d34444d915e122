import type { RunRecord } from './catalog.ts';

/** Somebody else is at work on the same thing: that run will say how it went. `migrations/011-cancelled.ts` has them, too. */
export const busyCodes: ReadonlySet<string> = new Set(['SOURCE_BUSY', 'BACKUP_BUSY']);

/** Ended as failed only because another was at work. That says nothing about how things stand: what fails for good is overdue one day. */
export function wasTurnedAway({ state, error }: Pick<RunRecord, 'state' | 'error'>): boolean {
  return state === 'failed' && error !== null && busyCodes.has(error.code);
}

/** One that somebody stopped, or that another kept from beginning, does not tell how it would have ended: the one before it counts. */
export function saysNothing(run: Pick<RunRecord, 'state' | 'error'>): boolean {
  return run.state === 'cancelled' || wasTurnedAway(run);
}
