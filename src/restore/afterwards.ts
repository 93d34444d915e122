import { withGrace } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Report } from '../base/progress.ts';

/** What is left to do once the restored data is live: there is no way back from there, and nothing of it makes the restore one that failed. */
export interface Afterwards extends Disposable {
  /** Fires a while after the caller's: what is under way may end well. */
  readonly signal: AbortSignal;
  /** What it did not come to, in the end. */
  readonly warnings: string[];
  /** Resolves with false, and a warning, in the place of an error. */
  attempt(what: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean>;
}

/** Whoever stopped the run waits for the end of it. */
const graceMs = 30_000;

export function afterwards(signal: AbortSignal, report: Report): Afterwards {
  const late = withGrace(signal, graceMs);
  const warnings: string[] = [];
  return {
    signal: late.signal,
    warnings,
    attempt: async (what, work) => {
      try {
        await work(late.signal);
        return true;
      } catch (error) {
        const { message, code } = toHoldfastError(error);
        const warning = `the restored data is live; ${what}: ${message} (${code})`;
        warnings.push(warning);
        report({ kind: 'warning', message: warning });
        return false;
      }
    },
    [Symbol.dispose]: () => late[Symbol.dispose](),
  };
}
