import type { Clock } from '../../base/clock.ts';
import { toHoldfastError, type HoldfastError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Catalog, CopyRecord } from '../../catalog/catalog.ts';
import { retryDelayMs } from './retry-delay.ts';

/** Which copy of which backup. */
export interface WantedCopy {
  source: string;
  backup: string;
  storage: string;
}

type Books = { catalog: Catalog; clock: Clock };

/**
 * Written down before anything is begun: should this process die, the next one knows what is missing, and that what it finds half
 * written is its own. Not due at once, because it is being worked on.
 */
export function noteBegun({ catalog, clock }: Books, wanted: WantedCopy): void {
  const known = catalog.copies.get(wanted.source, wanted.backup, wanted.storage);
  if (known) return;
  const now = clock.now().toISOString();
  catalog.copies.put({ ...wanted, attempts: 0, nextAt: now, lastError: null, since: now });
}

export function noteDone({ catalog }: Books, { source, backup, storage }: WantedCopy): void {
  catalog.copies.remove(source, backup, storage);
}

/** Returns when it is tried again. */
export function noteFailed({ catalog, clock }: Books, wanted: WantedCopy, error: unknown): CopyRecord {
  const known = catalog.copies.get(wanted.source, wanted.backup, wanted.storage);
  const now = clock.now();
  const attempts = (known?.attempts ?? 0) + 1;
  const record = {
    ...wanted,
    attempts,
    nextAt: new Date(now.getTime() + retryDelayMs(attempts, Math.random())).toISOString(),
    lastError: describe(toHoldfastError(error)),
    since: known?.since ?? now.toISOString(),
  };
  catalog.copies.put(record);
  return record;
}

function describe({ code, message, hint }: HoldfastError): NonNullable<CopyRecord['lastError']> {
  return { code, message: withoutSecrets(message), hint: hint === undefined ? null : withoutSecrets(hint) };
}
