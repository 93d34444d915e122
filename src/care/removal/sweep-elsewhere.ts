import { sweepUnfinished, type SweepOptions } from '../../archive/sweep.ts';
import type { Clock } from '../../base/clock.ts';
import type { Storage } from '../../storage/storage.ts';
import { assertClocksAgree } from './clocks.ts';
import type { Source } from '../source.ts';

interface Elsewhere {
  source: Pick<Source, 'name'>;
  storage: Storage;
  clock: Clock;
}

/**
 * Where others may write as well, only their signs of life tell of them, in the time of the storage: by a clock of ours that is ahead,
 * all of them would have been silent for long.
 */
export async function sweepElsewhere(
  { source, storage, clock }: Elsewhere,
  options: Pick<SweepOptions, 'olderThanMs' | 'alive' | 'signal'>,
): Promise<string[]> {
  const { signal } = options;
  const sure = () => assertClocksAgree({ source, storage, clock, signal });
  return sweepUnfinished(storage, source.name, { ...options, now: clock.now(), sure });
}
