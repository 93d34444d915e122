import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompletedPart, PutObjectCommandInput, S3 } from '@aws-sdk/client-s3';
import { abortReason, throwIfAborted } from '../../base/abort.ts';
import { systemErrno } from '../../base/errors.ts';
import { doneWith } from '../../base/reuse.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { nameOf, statusOf } from './errors.ts';
import { insist, type Patience } from './insist.ts';
import { mebibyte } from './options.ts';
import { assertOwn, given, type OwnAnswer } from './own-answers.ts';
import { nextPartSize, type PartPlan } from './part-size.ts';

export interface UploadTask {
  s3: S3;
  bucket: string;
  key: string;
  content: Readable;
  plan: PartPlan;
  concurrency: number;
  /** Storage class, encryption. */
  headers: Pick<PutObjectCommandInput, 'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId'>;
  /** Stored with the object: the only certain answer to whether what lies there is what we sent, after a reply was lost. */
  token: string;
  ifAbsent: boolean;
  /** Each part with a digest of its own for the service to check. */
  digests: boolean;
  /** With a service that is away for a while. */
  patience: Patience;
  /** It is small, and comes again when it could not be stored. */
  isGivenAgain: boolean;
  signal: AbortSignal;
}

export type Uploaded = { bytes: number; versionId: string | undefined; taken: false } | { taken: true };

export const tokenName = 'holdfast-put';
const mostInFlight = 128 * mebibyte;
const abortMs = 60_000;
/** Within this time a service says that it will not take a part. */
const answerMs = 3000;

/**
 * Stores a stream of any length: small content with one request, anything else in parts, several of them in flight. All or
 * nothing; what a failure or the signal ends is aborted at the service too.
 */
export async function upload(task: UploadTask): Promise<Uploaded> {
  const { content, plan, signal } = task;
  destroyOnAbort(content, signal);
  // It may fail while nobody reads it; whoever reads next is told.
  content.on('error', () => undefined);
  try {
    throwIfAborted(signal);
    await using parts = partsOf(content, (sent) => nextPartSize(plan, sent));
    const first = await parts.next();
    throwIfAborted(signal);
    if (first.done) return await putOne(task, Buffer.alloc(0));
    return await (first.value.last ? putOne(task, first.value.body) : putParts(task, first.value, parts));
  } catch (error) {
    content.destroy();
    throw signal.aborted ? abortReason(signal) : error;
  }
}

interface Part {
  body: Buffer;
  last: boolean;
  /** Nobody reads the body any more: the next part may take its place. */
  release(): void;
}

/** Memory is used again: as garbage, parts would pile up faster than it is collected. */
async function* partsOf(content: Readable, nextSize: (sent: number) => number): AsyncGenerator<Part, undefined> {
  const free: Buffer[] = [];
  const take = (size: number) => {
    const used = free.pop();
    return used?.length === size ? used : Buffer.allocUnsafeSlow(size);
  };
  let room = take(nextSize(0));
  let held = 0;
  let sent = 0;
  const part = (last: boolean): Part => {
    const filled = room;
    return { body: filled.subarray(0, held), last, release: () => free.push(filled) };
  };
  for await (const chunk of content as AsyncIterable<Buffer>) {
    for (let rest = chunk; rest.length > 0;) {
      if (held === room.length) {
        yield part(false);
        sent += held;
        held = 0;
        room = take(nextSize(sent));
      }
      const taken = rest.copy(room, held);
      held += taken;
      rest = rest.subarray(taken);
    }
    doneWith(chunk);
  }
  yield part(true);
}

async function putOne(task: UploadTask, body: Buffer): Promise<Uploaded> {
  const { s3, bucket, key, headers, token, signal } = task;
  const put = (content: Buffer | Readable, ifAbsent: boolean) =>
    s3.putObject(
      {
        Bucket: bucket,
        Key: key,
        Body: content,
        ContentLength: body.length,
        ContentMD5: md5(body),
        Metadata: { [tokenName]: token },
        ...headers,
        ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
      },
      { abortSignal: signal },
    );
  const insistent = (ifAbsent: boolean) =>
    put(body, ifAbsent).catch((error: unknown) => orReasonOf(error, body, (late) => put(late, ifAbsent), signal));
  const store = () => finish(task, body.length, insistent);
  return task.isGivenAgain ? store() : insist(store, task.patience, task);
}

async function putParts(task: UploadTask, first: Part, more: AsyncGenerator<Part, undefined>): Promise<Uploaded> {
  const { s3, bucket, key, headers, token, signal } = task;
  // Not ended by the signal while it is asked for: an upload whose name we never learn could not be aborted.
  const begin = async () => {
    const wanted = { Bucket: bucket, Key: key, Metadata: { [tokenName]: token }, ...headers };
    return given((await s3.createMultipartUpload(wanted)).UploadId);
  };
  const begun = { Bucket: bucket, Key: key, UploadId: await insist(begin, task.patience, task) };
  try {
    throwIfAborted(signal);
    const { parts, bytes } = await sendParts(task, begun, first, more);
    const complete = (ifAbsent: boolean) =>
      s3.completeMultipartUpload(
        { ...begun, MultipartUpload: { Parts: parts }, ...(ifAbsent ? { IfNoneMatch: '*' } : {}) },
        { abortSignal: signal },
      );
    const result = await insist(() => finish(task, bytes, complete), task.patience, task);
    if (result.taken) await abort(s3, begun);
    return result;
  } catch (error) {
    await abort(s3, begun);
    // The completion may have gone through after all, while its reply was lost.
    const ours = signal.aborted ? null : await findOurs(task);
    if (ours) return ours;
    throw error;
  }
}

interface Begun {
  Bucket: string;
  Key: string;
  UploadId: string;
}

async function sendParts(
  { s3, content, concurrency, digests, patience, signal }: UploadTask,
  begun: Begun,
  first: Part,
  more: AsyncGenerator<Part, undefined>,
): Promise<{ parts: CompletedPart[]; bytes: number }> {
  const parts: CompletedPart[] = [];
  const flying = new Set<Promise<void>>();
  let flyingBytes = 0;
  let bytes = 0;
  let failure: { error: unknown } | undefined;
  const send = async (PartNumber: number, body: Buffer) => {
    const put = (part: Buffer | Readable) =>
      s3.uploadPart(
        {
          ...begun,
          PartNumber,
          Body: part,
          ContentLength: body.length,
          ...(digests ? { ContentMD5: md5(body) } : {}),
        },
        { abortSignal: signal },
      );
    try {
      const store = async () =>
        given((await put(body).catch((error: unknown) => orReasonOf(error, body, put, signal))).ETag);
      const ETag = await insist(store, patience, { signal, isOver: () => failure !== undefined });
      parts.push({ PartNumber, ETag });
    } catch (error) {
      failure ??= { error };
      // Whoever waits for a slow producer need not wait any longer.
      content.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const begin = (number: number, { body, release }: Part) => {
    bytes += body.length;
    flyingBytes += body.length;
    const job = send(number, body).finally(() => {
      flying.delete(job);
      flyingBytes -= body.length;
      release();
    });
    flying.add(job);
  };
  try {
    begin(1, first);
    let number = 2;
    for await (const part of more) {
      while (flying.size >= concurrency || (flying.size > 0 && flyingBytes + part.body.length > mostInFlight)) {
        await Promise.race(flying);
      }
      if (failure) break;
      begin(number, part);
      number += 1;
    }
  } catch (error) {
    failure ??= { error };
  }
  // A part that arrives after the abort would stay behind for ever.
  await Promise.all(flying);
  if (failure) throw failure.error;
  return { parts: parts.toSorted((left, right) => (left.PartNumber ?? 0) - (right.PartNumber ?? 0)), bytes };
}

/**
 * A service that refuses a part while it still comes (a quota, a right) hangs up, and its answer can be lost with the connection. Asked
 * again so that it can answer before the part comes.
 */
async function orReasonOf<T>(
  error: unknown,
  body: Buffer,
  put: (content: Readable) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (signal.aborted || !['EPIPE', 'ECONNRESET'].includes(systemErrno(error) ?? '')) throw error;
  const late = Readable.from(afterAWhile(body, signal), { objectMode: false });
  late.on('error', () => undefined);
  try {
    return await put(late);
  } finally {
    late.destroy();
  }
}

async function* afterAWhile(body: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield body.subarray(0, 1);
  await sleep(answerMs, undefined, { signal });
  yield body.subarray(1);
}

/** The last request of a put, whose reply may be lost after it took effect: then what lies there tells. */
async function finish(
  task: UploadTask,
  bytes: number,
  request: (ifAbsent: boolean) => Promise<OwnAnswer & { VersionId?: string | undefined }>,
): Promise<Uploaded> {
  const { ifAbsent, signal } = task;
  try {
    const answer = await request(ifAbsent).catch((error: unknown) => {
      if (!ifAbsent || (statusOf(error) !== 501 && nameOf(error) !== 'NotImplemented')) throw error;
      return request(false);
    });
    assertOwn(answer);
    return { bytes, versionId: answer.VersionId, taken: false };
  } catch (error) {
    if (signal.aborted) throw error;
    // Also when our own first attempt won and the second one was told that the key exists.
    const ours = await findOurs(task);
    if (ours) return ours;
    if (ifAbsent && [409, 412].includes(statusOf(error) ?? 0)) return { taken: true };
    throw error;
  }
}

async function findOurs({ s3, bucket, key, token, signal }: UploadTask): Promise<Uploaded | null> {
  return s3.headObject({ Bucket: bucket, Key: key }, { abortSignal: signal }).then(
    ({ Metadata, ContentLength = 0, VersionId }) =>
      Metadata?.[tokenName] === token ? { bytes: ContentLength, versionId: VersionId, taken: false } : null,
    () => null,
  );
}

/** Not with the caller's signal, which may be what ended the upload. One that fails is swept later. */
async function abort(s3: S3, begun: Begun): Promise<void> {
  await s3.abortMultipartUpload(begun, { abortSignal: AbortSignal.timeout(abortMs) }).catch(() => undefined);
}

function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}
