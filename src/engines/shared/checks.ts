import { toHoldfastError } from '../../base/errors.ts';
import type { Check } from '../engine.ts';

/** One group of checks: what fails in it is its result, and does not hide the others. */
export async function guarded(name: string, signal: AbortSignal, look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted) throw error;
    return [failed(name, error)];
  }
}

export function failed(name: string, thrown: unknown): Check {
  const error = toHoldfastError(thrown);
  return {
    name,
    result: 'failed',
    detail: `${error.message} (${error.code})`,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
