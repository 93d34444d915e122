import type { Draft } from './preset.ts';

interface Names {
  bucket: string;
  accessKey: string;
  secretKey: string;
  others: readonly string[];
}

/** The older systems use a bucket only when it and both keys are given. Whether it is used. */
export function s3Settings(draft: Draft, { bucket, accessKey, secretKey, others }: Names): boolean {
  const needed = [bucket, accessKey, secretKey];
  const missing = needed.filter((name) => !draft.said(name));
  if (draft.said(bucket) && missing.length > 0)
    draft.warn(`the bucket of ${draft.said(bucket)?.origin} is not used; not given: ${missing.join(', ')}`);
  if (missing.length > 0) return false;
  draft.copy(...needed, ...others);
  return true;
}
