import { foreignAnswer } from './errors.ts';

// What answers need not be the service: a proxy whose service is just being restarted, a page to sign in, the console under an `endpoint`
// that is wrong. Taken for the service, it would have stored what is gone, and nothing would be where all backups are.

export interface OwnAnswer {
  ETag?: string | undefined;
  $metadata: { requestId?: string | undefined };
}

/** Of an object that was stored or read: the service gives its tag, or at least puts its own mark on the answer. */
export function assertOwn(answer: OwnAnswer): void {
  if (answer.ETag === undefined && answer.$metadata.requestId === undefined) throw foreignAnswer();
}

interface Page {
  IsTruncated?: boolean | undefined;
  Name?: string | undefined;
  Bucket?: string | undefined;
}

/** A page of a listing says of itself whether there is more, and what is listed. */
export function asListing<P extends Page>(page: P): P {
  if (page.IsTruncated === undefined && page.Name === undefined && page.Bucket === undefined) throw foreignAnswer();
  return page;
}

/** What an answer of the service must give, because nothing can go on without it. */
export function given(said: string | undefined): string {
  if (said === undefined || said === '') throw foreignAnswer();
  return said;
}
