import type { RunRecord } from '../catalog/catalog.ts';
import type { PrunedStorage } from './prune-each.ts';

/** Somebody else is at work on the same thing: that run will say how it went. */
export const busyCodes: ReadonlySet<string> = new Set(['SOURCE_BUSY', 'BACKUP_BUSY']);

/** Ended as failed only because another was at work. That says nothing about how things stand: what fails for good is overdue one day. */
export function wasTurnedAway({ state, operation, error, result }: RunRecord): boolean {
  if (state !== 'failed') return false;
  if (error !== null) return busyCodes.has(error.code);
  if (operation !== 'prune' || !Array.isArray(result)) return false;
  const places = result as Pick<PrunedStorage, 'failed' | 'error'>[];
  return places.every(
    ({ failed, error: trouble }) => failed.length === 0 && (trouble === null || busyCodes.has(trouble.code)),
  );
}
