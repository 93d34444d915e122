import { HoldfastError } from '../../base/errors.ts';

/**
 * Whether a failed read says something of that one file only: its rights, a bad sector, an archive class. Of trouble that passes, and of a
 * storage that cannot be asked at all, every other file would tell as well.
 */
export function isOfOneFile(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.kind === 'failed' && !error.retryable;
}
