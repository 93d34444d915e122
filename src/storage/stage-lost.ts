import { HoldfastError } from '../base/errors.ts';

/** What is being written was removed by somebody else: it must not be finished as if it were whole. */
export function stageLost(prefix: string, title: string, cause?: unknown): HoldfastError {
  return new HoldfastError('STAGE_LOST', `what was written of ${prefix} is gone from ${title}`, {
    cause,
    hint: 'Somebody removed it while it was being written: another installation that works under the same name there, or a person. Try again.',
  });
}
