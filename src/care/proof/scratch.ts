import { pause, withTimeout } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Database } from '../../engines/engine.ts';

/** Whatever fails or interrupts the work, the half-made database goes; if even that fails, the error names it. */
export async function orDrop<T>(
  scratch: Database,
  work: () => Promise<T>,
  { unmarked = false, isOurs = () => true }: { unmarked?: boolean; isOurs?: () => boolean } = {},
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOurs()) throw error;
    try {
      await dropPatiently(scratch, { unmarked });
    } catch (left) {
      throw leftover(scratch, left, error);
    }
    throw error;
  }
}

/** The same, and it goes when all is well, too. */
export async function thenDrop<T>(scratch: Database, work: () => Promise<T>): Promise<T> {
  const result = await orDrop(scratch, work);
  try {
    await dropPatiently(scratch, { unmarked: false });
  } catch (left) {
    throw leftover(scratch, left, null);
  }
  return result;
}

/** The run's own signal may have fired already, so removing has a time of its own, in which a server that was restarted answers again. */
export async function dropPatiently(database: Database, options: { unmarked: boolean }): Promise<void> {
  using limit = withTimeout(new AbortController().signal, dropMs, tooSlow);
  const { signal } = limit;
  const began = performance.now();
  for (;;) {
    try {
      return await database.drop(options, signal);
    } catch (error) {
      if (signal.aborted || !toHoldfastError(error).retryable || performance.now() - began > patienceMs) throw error;
      await pause(500, signal);
    }
  }
}

/** Tens of thousands of files go one by one, after all that the server has not yet written: interrupted, it would leave half of them. */
const dropMs = 15 * 60_000;
const patienceMs = 30_000;

function tooSlow(): HoldfastError {
  return new HoldfastError('DATABASE_TIMEOUT', 'the server did not come to its end within 15 minutes');
}

function leftover(scratch: Database, left: unknown, error: unknown): HoldfastError {
  const what = `the unfinished database ${scratch.name} could not be removed: ${(left as Error).message}`;
  return new HoldfastError('LEFTOVER_DATABASE', error === null ? what : `${(error as Error).message}; ${what}`, {
    cause: error ?? left,
    kind: error instanceof HoldfastError ? error.kind : 'failed',
    hint: `The live database was not touched. Drop ${scratch.name} when the server answers again.`,
  });
}
