import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { letGo } from '../base/reuse.ts';
import { bufferedBytes } from './pipeline.ts';

/** Size and SHA-256 (hex) of some bytes. */
export interface Digest {
  bytes: number;
  sha256: string;
}

export interface DigestStage {
  stream: Transform;
  /** Only once everything went through. */
  result(): Digest;
}

/** Observes: the digest of whatever flows by. */
export function digest(check: (result: Digest) => Error | null = () => null): DigestStage {
  const hash = createHash('sha256');
  let bytes = 0;
  let result: Digest | undefined;
  const stream = new Transform({
    highWaterMark: bufferedBytes,
    transform: (chunk: Buffer, _encoding, next) => {
      hash.update(chunk);
      bytes += chunk.length;
      next(null, chunk);
    },
    flush: (next) => {
      result = { bytes, sha256: hash.digest('hex') };
      next(check(result));
    },
  });
  return {
    stream,
    result: () => {
      if (!result) throw new HoldfastError('UNEXPECTED', 'a digest was asked for before the stream had ended');
      return result;
    },
  };
}

/** Fails in the place of the end when the bytes were not the expected ones, so that nobody downstream ever sees an end. */
export function expectDigest(expected: Digest, what: string): Transform {
  return digest((actual) => digestProblem(expected, actual, what)).stream;
}

/** Reads a stream to its end for its digest alone; for thousands of small ones, stages would cost more than the bytes. */
export async function digestOf(content: Readable, tell: (bytes: number) => void): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    letGo(chunk);
    tell(bytes);
  }
  return { bytes, sha256: hash.digest('hex') };
}

export function digestProblem(expected: Digest, actual: Digest, what: string): HoldfastError | null {
  const problem =
    actual.bytes === expected.bytes
      ? actual.sha256 === expected.sha256
        ? null
        : 'its bytes are not those that were stored (checksum differs)'
      : `it has ${actual.bytes} bytes instead of ${expected.bytes}`;
  if (problem === null) return null;
  return new HoldfastError('DIGEST_MISMATCH', `${what} is damaged: ${problem}`, {
    kind: 'integrity',
    hint: 'Use another copy or another backup.',
    details: { expected, actual },
  });
}

/** Reads a local file with one buffer of its own: much quicker than a stream where there are thousands of them. */
export async function digestFile(path: string, buffer: Buffer, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  await using file = await open(path);
  for (;;) {
    throwIfAborted(signal);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}
