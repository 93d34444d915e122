import { pause } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';

/** A server that starts again after a crash needs its time. */
const patienceMs = 60_000;

/** What an answer that was lost had said, asked anew until the server answers; null: it does not. */
export async function askPatiently<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  const signal = AbortSignal.timeout(patienceMs);
  for (;;) {
    try {
      return await ask(signal);
    } catch {
      if (signal.aborted) return null;
      await pause(500, signal).catch(() => undefined);
    }
  }
}

/** Whatever was to happen together with it must neither be finished nor taken back by guessing. */
export function uncertain(what: string, cause: unknown, hint: string): HoldfastError {
  return new HoldfastError('RESTORE_UNCERTAIN', `the connection was lost, and nobody can say whether ${what}`, {
    cause,
    hint: `${hint} Nothing was removed: folders of the backup are live, and what lived before is kept beside them.`,
  });
}
