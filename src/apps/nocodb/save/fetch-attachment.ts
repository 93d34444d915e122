import { PassThrough, type Readable } from 'node:stream';
import { abortReason, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { FoundAttachment } from '../attachment-cells.ts';
import type { Client } from '../client.ts';
import { statusOf, unreachable } from '../errors.ts';
import { whyReplaced } from '../replaced.ts';

export interface Fetching {
  client: Client;
  /** The same file with a fresh signature; null when the cell does not hold it any more. */
  again: (signal: AbortSignal) => Promise<FoundAttachment | null>;
  /** `record 12, field Photos of table People of base Shop` */
  place: string;
}

const resumes = 5;

/**
 * A file as a stream that ends only when all of it has come. What broke off is gone on with where it was; a signature that has run out
 * is asked for again. `bytes` is complete when the stream has ended. It ends with an error when something else came in its place.
 */
export function fetchAttachment(
  attachment: FoundAttachment,
  fetching: Fetching,
  signal: AbortSignal,
): { stream: Readable; bytes: () => number } {
  const stream = new PassThrough({ highWaterMark: 256 * 1024 });
  let bytes = 0;
  const work = async () => {
    const opened = opener(attachment, fetching, signal);
    for (let breaks = 0; ; breaks += 1) {
      const before = bytes;
      try {
        const { answer, skipped } = await opened(bytes);
        // Nothing was skipped though something is there: it begins anew, and what is known is passed over.
        let over = bytes - skipped;
        for await (const chunk of answer as AsyncIterable<Buffer>) {
          const fresh = chunk.subarray(Math.min(over, chunk.length));
          over -= chunk.length - fresh.length;
          bytes += fresh.length;
          if (fresh.length > 0 && !stream.write(fresh)) await drained(stream, signal);
        }
        const why = whyReplaced(attachment, { bytes: bytes - over, type: answer.headers['content-type'] });
        if (over > 0 || why !== null)
          throw replaced(why ?? `it ends before byte ${bytes}, to which it had come before`);
        return;
      } catch (error) {
        throwIfAborted(signal);
        const failure = error instanceof HoldfastError ? error : unreachable(error, fetching.client.title);
        if (!failure.retryable || (breaks >= resumes && bytes === before)) throw failure;
        if (breaks >= 4 * resumes) throw failure;
      }
    }
  };
  work().then(
    () => stream.end(),
    (error: unknown) => stream.destroy(signal.aborted ? abortReason(signal) : inPlace(error, fetching.place)),
  );
  return { stream, bytes: () => bytes };
}

/** Asks for the file from some byte on, with whatever signature is good now. */
function opener(attachment: FoundAttachment, { client, again }: Fetching, signal: AbortSignal) {
  let current = attachment;
  return async (from: number) => {
    const open = () =>
      client.again(async () => client.file(current.source ?? current.path ?? '', { signal, from }), 'safe', signal);
    try {
      return await open();
    } catch (error) {
      // 404: of NocoDB, a signature that has run out too; 403: of its object storage.
      if (![401, 403, 404].includes(statusOf(error) ?? 0)) throw error;
      const fresh = await again(signal);
      if (fresh === null) throw gone(error);
      current = fresh;
      return open().catch((second: unknown) => {
        const status = statusOf(second) ?? 0;
        if (status === 404 || (current.elsewhere && [401, 403].includes(status))) throw gone(second);
        // NocoDB itself says neither of a file: who does stands before it, and the file may well be there.
        throw [401, 403].includes(status) ? replaced(`a refusal (status ${status})`, second) : second;
      });
    }
  };
}

function gone(cause: unknown): HoldfastError {
  return new HoldfastError('NOCODB_ATTACHMENT_MISSING', 'the file is not there', {
    cause,
    hint: 'Look whether NocoDB shows it. A file that is lost for good has to be removed from its cell.',
  });
}

function replaced(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('NOCODB_ATTACHMENT_REPLACED', `something else came in the place of the file: ${why}`, {
    cause,
    hint: 'Let what stands before NocoDB (a sign-in, a proxy) pass /download and /dltemp, or set url of the app to the address NocoDB itself answers at.',
  });
}

function inPlace(error: unknown, place: string): HoldfastError {
  const cause = error instanceof HoldfastError ? error : unreachable(error, 'NocoDB');
  return new HoldfastError(cause.code, `an attachment could not be fetched: ${cause.message} (${place})`, {
    kind: cause.kind,
    cause,
    retryable: cause.retryable,
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
  });
}

async function drained(stream: PassThrough, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', closed);
      signal.removeEventListener('abort', closed);
      resolve();
    };
    const closed = () => {
      stream.off('drain', done);
      signal.removeEventListener('abort', closed);
      reject(signal.aborted ? abortReason(signal) : new HoldfastError('INTERRUPTED', 'nobody reads it any more'));
    };
    stream.once('drain', done);
    stream.once('close', closed);
    signal.addEventListener('abort', closed, { once: true });
  });
}
