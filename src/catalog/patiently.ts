import { pause } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Catalog } from './catalog.ts';

const usualMs = 10_000;
const againMs = 200;

interface Patience {
  /** How long another process may keep the catalog locked until it is said to be. */
  forMs?: number;
  signal?: AbortSignal;
}

/** A write of whoever can wait for another process that is writing: everything else that goes on in this one does not stand still meanwhile. */
export async function patiently<T>(
  catalog: Pick<Catalog, 'briefly'>,
  write: () => T,
  { forMs = usualMs, signal = new AbortController().signal }: Patience = {},
): Promise<T> {
  const until = performance.now() + forMs;
  for (;;) {
    try {
      return catalog.briefly(write);
    } catch (error) {
      if (toHoldfastError(error).code !== 'CATALOG_BUSY' || performance.now() >= until) throw error;
    }
    await pause(againMs, signal);
  }
}
