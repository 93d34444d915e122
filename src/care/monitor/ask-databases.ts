import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import type { Source } from '../source.ts';
import type { DatabaseFacts } from './facts.ts';
import { inTime } from './in-time.ts';
import { troubleOf } from './trouble.ts';

const askedAtOnce = 16;
/** Of those nobody came to in time, nothing is said. */
const longestMs = 10_000;

/** Whether databases answer, and what time it is there. By source; only of those that could be asked in time. */
export async function askDatabases(
  sources: readonly Source[],
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<Map<string, DatabaseFacts>> {
  const known = new Map<string, DatabaseFacts>();
  const until = performance.now() + timeoutMs;
  await inParallel(sources, askedAtOnce, async ({ name, database }) => {
    const left = Math.min(longestMs, until - performance.now());
    if (left <= 0 || !database) return;
    const { title } = database;
    try {
      const clockAheadMs = await inTime((inner) => database.clockAhead(inner), { signal, timeoutMs: left });
      known.set(name, { title, unreachable: null, clockAheadMs });
    } catch (error) {
      throwIfAborted(signal);
      // A source that only its backups tell of has no database here.
      if (toHoldfastError(error).code === 'SOURCE_NOT_CONFIGURED') return;
      known.set(name, { title, unreachable: troubleOf(error), clockAheadMs: null });
    }
  });
  return known;
}
