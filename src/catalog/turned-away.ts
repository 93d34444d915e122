import type { RunRecord } from './catalog.ts';

/** Somebody else is at work on the same thing: that run will say how it went. `migrations/010-turned-away.ts` has them, too. */
export const busyCodes: ReadonlySet<string> = new Set(['SOURCE_BUSY', 'BACKUP_BUSY']);

/** Ended as failed only because another was at work. That says nothing about how things stand: what fails for good is overdue one day. */
export function wasTurnedAway({ state, error }: Pick<RunRecord, 'state' | 'error'>): boolean {
  return state === 'failed' && error !== null && busyCodes.has(error.code);
}
