import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Digest } from './digest.ts';
import { digested, filled, type DigestJob, type FromDigestThread } from './digest-thread-job.ts';

const pieceBytes = 1024 * 1024;

/** In a checkout the thread's code lies beside this file; in a package it is a file of its own beside the bundle. */
const code = new URL(
  import.meta.url.endsWith('.ts') ? './digest-thread-worker.ts' : './digest-thread.js',
  import.meta.url,
);

/** How many may be at work at once; each takes some megabytes. */
export interface Threads {
  left: number;
}

/**
 * Some pieces of memory that are used again and again, and the digest of what goes through them. With memory taken anew for every piece,
 * clearing up after a large file costs more than sending it.
 */
export interface DigestPlaces extends AsyncDisposable {
  readonly count: number;
  /** The next one, once the digest has come past what was in it before. */
  place(): Promise<Buffer>;
  /** So many bytes are in it, and their digest is taken. */
  fill(length: number): void;
  /** Of all that was filled in; nothing more comes. */
  end(): Promise<Digest>;
  /** What waits here, now and from now on, rejects with it. */
  fail(error: unknown): void;
}

/** In a thread of its own while one is left, so that files are read or written at the same time; otherwise here. */
export function openDigestPlaces(threads: Threads): DigestPlaces {
  if (threads.left <= 0) return digestHere();
  threads.left -= 1;
  const { [Symbol.asyncDispose]: dispose, ...opened } = digestInThread();
  return {
    ...opened,
    [Symbol.asyncDispose]: async () => {
      await dispose();
      threads.left += 1;
    },
  };
}

const fewPlaces = 2;

function digestHere(): DigestPlaces {
  const memory = Buffer.allocUnsafeSlow(fewPlaces * pieceBytes);
  const hash = createHash('sha256');
  let bytes = 0;
  let written = 0;
  let failure: { error: unknown } | null = null;
  const at = () => (written % fewPlaces) * pieceBytes;
  return {
    count: fewPlaces,
    place: async () => {
      if (failure) throw failure.error;
      return memory.subarray(at(), at() + pieceBytes);
    },
    fill: (length) => {
      hash.update(memory.subarray(at(), at() + length));
      bytes += length;
      written += 1;
    },
    end: async () => {
      if (failure) throw failure.error;
      return { bytes, sha256: hash.digest('hex') };
    },
    fail: (error) => void (failure ??= { error }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const manyPlaces = 4;

function digestInThread(): DigestPlaces {
  const shared = new SharedArrayBuffer(manyPlaces * pieceBytes);
  const lengths = new Int32Array(new SharedArrayBuffer(manyPlaces * Int32Array.BYTES_PER_ELEMENT));
  const counts = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  const job: DigestJob = { places: shared, pieceBytes, lengths, counts };
  const worker = new Worker(code, {
    workerData: job,
    name: 'digest',
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
  });
  const over = Promise.withResolvers<FromDigestThread>();
  over.promise.catch(() => undefined);
  let failure: { error: unknown } | null = null;
  const fail = (error: unknown) => {
    failure ??= { error };
    over.reject(failure.error);
    Atomics.notify(counts, digested);
  };
  worker.on('message', (digest: FromDigestThread) => over.resolve(digest));
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the digesting thread has ended')));
  let written = 0;
  const fill = (length: number) => {
    lengths[written % manyPlaces] = length;
    written += 1;
    Atomics.store(counts, filled, written);
    Atomics.notify(counts, filled);
  };
  const place = async (piece: number) => {
    for (;;) {
      if (failure) throw failure.error;
      const done = Atomics.load(counts, digested);
      if (piece - manyPlaces < done) return Buffer.from(shared, (piece % manyPlaces) * pieceBytes, pieceBytes);
      await Atomics.waitAsync(counts, digested, done).value;
    }
  };
  return {
    count: manyPlaces,
    place: () => place(written),
    fill,
    end: async () => {
      await place(written);
      fill(0);
      return over.promise;
    },
    fail,
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
