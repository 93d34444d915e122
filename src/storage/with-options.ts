import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Storage } from './storage.ts';
import { withLimit } from './with-limit.ts';
import { withRetry } from './with-retry.ts';
import { withTimeout } from './with-timeout.ts';

export interface WrapperOptions {
  limit?: { upload?: number | undefined; download?: number | undefined } | undefined;
  /** Milliseconds of silence, or null for no end. */
  timeout?: number | null | undefined;
  retries?: number | undefined;
}

const usualSilenceMs = 60_000;
const usualRetries = 4;

/**
 * Puts around a storage what its options ask for. Innermost the timeout, so that each try has its own; outermost the limit, which
 * would look like silence to the timeout. A local folder neither hangs nor recovers by itself: it gets only what was asked for.
 */
export function withOptions(
  storage: Storage,
  { limit, timeout, retries }: WrapperOptions,
  { clock, logger }: { clock: Clock; logger: Logger },
): Storage {
  const remote = !storage.capabilities.localFolders;
  const silenceMs = timeout === undefined && remote ? usualSilenceMs : (timeout ?? null);
  const tries = retries ?? (remote ? usualRetries : 0);
  const timed = silenceMs === null ? storage : withTimeout(storage, silenceMs);
  const retried = tries === 0 ? timed : withRetry(timed, { retries: tries, logger });
  if (limit?.upload === undefined && limit?.download === undefined) return retried;
  return withLimit(retried, { upload: limit.upload ?? null, download: limit.download ?? null }, clock);
}
