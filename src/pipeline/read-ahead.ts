import { Worker } from 'node:worker_threads';
import { abortReason, throwIfAborted } from '../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { digestProblem, type Digest } from './digest.ts';
import { free, type FromReader, type ReadJob } from './read-ahead-job.ts';

const pieceBytes = 1024 * 1024;
const ahead = 4;

/** In a checkout the thread's code lies beside this file; in a package it is a file of its own beside the bundle. */
const code = new URL(import.meta.url.endsWith('.ts') ? './read-ahead-worker.ts' : './read-ahead.js', import.meta.url);

/**
 * A local file, read and held against its digest in a thread of its own. The pieces lie in memory that is used again: each is good until the
 * next is asked for. With memory taken anew for every piece, clearing up after a large file costs more than sending it.
 * Fails in the place of the last piece when the bytes were not the expected ones.
 */
export async function* readAhead(
  path: string,
  { expected, what, signal }: { expected: Digest; what: string; signal: AbortSignal },
): AsyncGenerator<Buffer, void, void> {
  throwIfAborted(signal);
  const places = new SharedArrayBuffer(ahead * pieceBytes);
  const state = new Int32Array(new SharedArrayBuffer(ahead * Int32Array.BYTES_PER_ELEMENT));
  const job: ReadJob = { path, places, state, pieceBytes };
  const worker = new Worker(code, {
    workerData: job,
    name: 'read-ahead',
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16 },
  });
  const said = listen(worker, what);
  const stop = () => said.fail(abortReason(signal));
  signal.addEventListener('abort', stop, { once: true });
  try {
    let next = await said.next();
    while (!('digest' in next)) {
      const { place, length } = next;
      // The last piece is given only when the digest is right: who has been given all bytes looks for no error.
      next = await said.next();
      if ('digest' in next) assertSame(expected, next.digest, what);
      yield Buffer.from(places, place * pieceBytes, length);
      Atomics.store(state, place, free);
      Atomics.notify(state, place);
    }
    assertSame(expected, next.digest, what);
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function assertSame(expected: Digest, actual: Digest, what: string): void {
  const problem = digestProblem(expected, actual, what);
  if (problem) throw problem;
}

/** What the thread says, one after the other; its end, or an abort, comes in between. */
function listen(worker: Worker, what: string): { next(): Promise<FromReader>; fail(error: unknown): void } {
  const said: FromReader[] = [];
  let failure: { error: unknown } | null = null;
  let wake = () => {};
  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };
  worker.on('message', (message: FromReader) => {
    said.push(message);
    wake();
  });
  worker.on('error', (error: unknown) => fail(unreadable(what, error)));
  worker.on('exit', () => fail(unreadable(what, new Error('the reading thread has ended'))));
  return {
    fail,
    next: async () => {
      for (;;) {
        const message = said.shift();
        if (message) return message;
        if (failure) throw failure.error;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

function unreadable(what: string, cause: unknown): HoldfastError {
  return new HoldfastError('ARTIFACT_UNREADABLE', `${what} cannot be read: ${toHoldfastError(cause).message}`, {
    cause,
    hint: 'Look at the disk and at the rights of its files, or use another copy.',
  });
}
