import type { RunRecord } from '../catalog/catalog.ts';
import { z } from 'zod';

/** Somebody else is at work on the same thing: that run will say how it went. */
export const busyCodes: ReadonlySet<string> = new Set(['SOURCE_BUSY', 'BACKUP_BUSY']);

/** Of a result noted down by whatever version: another one is no sign of it. */
const placeSchema = z.object({ failed: z.array(z.unknown()), error: z.object({ code: z.string() }).nullable() });

/** Ended as failed only because another was at work. That says nothing about how things stand: what fails for good is overdue one day. */
export function wasTurnedAway({ state, operation, error, result }: RunRecord): boolean {
  if (state !== 'failed') return false;
  if (error !== null) return busyCodes.has(error.code);
  if (operation !== 'prune') return false;
  const { data: places = [] } = z.array(placeSchema).safeParse(result);
  if (places.every(({ error: trouble }) => trouble === null)) return false;
  return places.every(({ failed, error: trouble }) => failed.length === 0 && wasBusy(trouble));
}

function wasBusy(trouble: { code: string } | null): boolean {
  return trouble === null || busyCodes.has(trouble.code);
}
