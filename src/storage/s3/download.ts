import { PassThrough, Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { isRangeAskedFor, otherRange } from '../content-range.ts';
import { statusOf } from './errors.ts';
import { assertOwn } from './own-answers.ts';

export interface DownloadTask {
  s3: S3;
  bucket: string;
  key: string;
  title: string;
  start: number | undefined;
  end: number | undefined;
  signal: AbortSignal;
  /** Turns what the service or the network said into our error. */
  explain: (error: unknown) => HoldfastError;
}

/** How often a transfer that was cut goes on where it stopped, without a byte in between. */
const resumptions = 4;

/** The bytes of a range, exactly as many as the service promised, or a failure; a connection that is cut is taken up again. */
export async function download(task: DownloadTask): Promise<Readable> {
  const first = await begin(task, task.start ?? 0, task.start !== undefined || task.end !== undefined, undefined);
  if (first === null) return Readable.from([], { objectMode: false });
  const out = new PassThrough({ highWaterMark: 1024 * 1024 });
  // Whoever reads may come later than the failure.
  out.on('error', () => undefined);
  destroyOnAbort(out, task.signal);
  pump(task, first, out).then(
    () => out.end(),
    (error: unknown) => out.destroy(task.explain(error)),
  );
  return out;
}

interface Body {
  stream: Readable;
  length: number | undefined;
  etag: string | undefined;
}

/** Null when the range begins behind the end. */
async function begin(
  { s3, bucket, key, title, end, signal }: DownloadTask,
  from: number,
  ranged: boolean,
  etag: string | undefined,
): Promise<Body | null> {
  try {
    const answer = await s3.getObject(
      {
        Bucket: bucket,
        Key: key,
        ...(ranged ? { Range: `bytes=${from}-${end ?? ''}` } : {}),
        // Bytes of another object must not be sewn to these.
        ...(etag === undefined ? {} : { IfMatch: etag }),
      },
      { abortSignal: signal },
    );
    const { Body, ContentLength, ContentRange, ETag } = answer;
    if (!(Body instanceof Readable)) throw new TypeError('the answer has no body');
    Body.on('error', () => undefined);
    try {
      assertOwn(answer);
    } catch (error) {
      Body.destroy();
      throw error;
    }
    // All of it from the beginning on needs no word.
    const isAll = from === 0 && end === undefined && ContentRange === undefined;
    if (ranged && !isAll && !isRangeAskedFor(ContentRange, { start: from, end })) {
      Body.destroy();
      throw otherRange(key, title, ContentRange);
    }
    return { stream: destroyOnAbort(Body, signal), length: ContentLength, etag: ETag };
  } catch (error) {
    if (statusOf(error) === 416) return null;
    throw error;
  }
}

async function pump(task: DownloadTask, first: Body, out: PassThrough): Promise<void> {
  const from = task.start ?? 0;
  const promised = first.length;
  let got = 0;
  let idle = 0;
  for (let body: Body | null = first; ;) {
    const before = got;
    const trouble = await drain(body.stream, out, (bytes) => (got += bytes));
    throwIfAborted(task.signal);
    if (out.destroyed) return;
    if (trouble === null && (promised === undefined || got === promised)) return;
    idle = got > before ? 0 : idle + 1;
    if (promised === undefined || got > promised || idle > resumptions) throw trouble ?? cut(task.key, got, promised);
    if (got === promised) return;
    body = await begin(task, from + got, true, first.etag);
    if (body === null) throw cut(task.key, got, promised);
  }
}

/** What ended it too early, or null at its end. */
async function drain(stream: Readable, out: PassThrough, count: (bytes: number) => void): Promise<Error | null> {
  const stop = () => stream.destroy();
  out.once('close', stop);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      count(chunk.length);
      if (!out.write(chunk)) await room(out);
      if (out.destroyed) return null;
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    out.off('close', stop);
    stream.destroy();
  }
}

function room(out: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done).off('close', done);
      resolve();
    };
    out.once('drain', done).once('close', done);
  });
}

function cut(key: string, got: number, promised: number | undefined): HoldfastError {
  const all = promised === undefined ? '' : ` of ${promised}`;
  return new HoldfastError('STORAGE_CUT', `${key} ended after ${got}${all} bytes`, {
    retryable: true,
    hint: 'The connection was cut again and again; check the network between here and the service.',
  });
}
