import { HoldfastError } from '../../base/errors.ts';

/**
 * Whether a listing has another page, by the markers of the next one and of this one. What breaks off or begins anew would be taken for all
 * there is, and what it does not name for what is not there.
 */
export function goesOn(
  isTruncated: boolean | undefined,
  next: readonly (string | undefined)[],
  before: readonly (string | undefined)[],
  bucket: string,
): boolean {
  if (isTruncated !== true) return false;
  if (next[0] && next.some((marker, at) => marker !== before[at])) return true;
  throw new HoldfastError('STORAGE_FAULT', `a listing of s3://${bucket} says that there is more, and not where`, {
    hint: 'The service, or something on the way to it, does not speak S3 well enough to keep backups in.',
  });
}
