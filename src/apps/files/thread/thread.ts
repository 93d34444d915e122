import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { abortReason, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { letGo } from '../../../base/reuse.ts';
import { chunkBytes, type Undigested } from './chunks.ts';
import type { FromThread, Job, JobResults, ThreadFailure, ToThread } from './thread-job.ts';

/** In a checkout the thread's code lies beside this file; in a package it is a file of its own beside the bundle. */
const code = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './files-worker.js', import.meta.url);

/** Starts a thread; the program's environment, which may hold secrets, is not its business. */
export function startThread(job: Job): Worker {
  return new Worker(code, {
    workerData: job,
    name: `files-${job.kind}`,
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
}

/** What was sent in a piece is not needed any more: the thread fills it again. */
export function returnMemory(worker: Worker, memory: ArrayBuffer): void {
  if (memory.byteLength !== chunkBytes) return void memory.transfer(0);
  const message: ToThread = { kind: 'memory', memory };
  worker.postMessage(message, [memory]);
}

/** Runs a job that only has a result. */
export async function runJob<K extends 'measure' | 'look' | 'remove'>(
  job: Extract<Job, { kind: K }>,
  signal: AbortSignal,
): Promise<JobResults[K]> {
  throwIfAborted(signal);
  const worker = startThread(job);
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return (await resultOf(worker)) as JobResults[K];
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

/** Hands a stream to a thread that unpacks it, a few pieces ahead. */
export async function feedJob(
  job: Extract<Job, { kind: 'unpack' }>,
  content: AsyncIterable<Uint8Array>,
  { signal, tell }: { signal: AbortSignal; tell: (bytes: number) => void },
): Promise<JobResults['unpack']> {
  throwIfAborted(signal);
  const worker = startThread(job);
  const flow = flowOf(worker);
  const stop = () => flow.fail(abortReason(signal));
  signal.addEventListener('abort', stop, { once: true });
  try {
    let bytes = 0;
    const pieces = content[Symbol.asyncIterator]();
    // The thread may fail while the next piece is still on its way, or never comes.
    for (let next = await flow.first(pieces.next()); !next.done; next = await flow.first(pieces.next())) {
      await flow.room();
      // A copy: what is handed over is gone here, and pieces of a stream often share their memory.
      const copy = new Uint8Array(flow.memory(next.value.length), 0, next.value.length);
      copy.set(next.value);
      letGo(next.value);
      bytes += copy.length;
      const message: ToThread = { kind: 'chunk', bytes: copy };
      worker.postMessage(message, [copy.buffer]);
      flow.sent();
      tell(bytes);
    }
    const end: ToThread = { kind: 'end' };
    worker.postMessage(end, []);
    return (await flow.result) as JobResults['unpack'];
  } finally {
    signal.removeEventListener('abort', stop);
    if (content instanceof Readable) content.destroy();
    await worker.terminate();
  }
}

/** What a thread says, as a promise of its result and of room for the next piece. */
function flowOf(worker: Worker) {
  const ahead = 4;
  const spare: ArrayBuffer[] = [];
  let open = 0;
  let wake: (() => void) | undefined;
  const { promise: result, resolve, reject } = Promise.withResolvers<unknown>();
  let failure: { error: unknown } | undefined;
  let alarm: ((error: unknown) => void) | undefined;
  result.catch((error: unknown) => {
    failure = { error };
    alarm?.(error);
  });
  // Not `Promise.race` with `result`: that would remember every piece for as long as the thread works.
  const first = async <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => undefined);
    if (failure) throw failure.error;
    const either = Promise.withResolvers<T>();
    alarm = either.reject;
    work.then(either.resolve, either.reject);
    return either.promise;
  };
  listen(worker, {
    done: resolve,
    failed: reject,
    taken: (memory) => {
      open -= 1;
      spare.push(memory);
      wake?.();
    },
  });
  return {
    /** Of so many bytes or more, with whatever it held before. */
    memory: (bytes: number) => {
      const some = spare.pop();
      return some !== undefined && some.byteLength >= bytes ? some : new ArrayBuffer(Math.max(bytes, chunkBytes));
    },
    result,
    fail: reject,
    first,
    sent: () => {
      open += 1;
    },
    room: async () => {
      while (open >= ahead) {
        const { promise, resolve: go } = Promise.withResolvers<void>();
        wake = go;
        await first(promise);
      }
    },
  };
}

function resultOf(worker: Worker): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  listen(worker, { done: resolve, failed: reject });
  return promise;
}

interface Listener {
  done: (result: unknown) => void;
  failed: (error: Error) => void;
  taken?: (memory: ArrayBuffer) => void;
  chunk?: (bytes: Uint8Array<ArrayBuffer>, members: Undigested[]) => void;
  /** What only one kind of job says. */
  other?: (message: Exclude<FromThread, { kind: 'done' | 'failed' | 'taken' | 'chunk' }>) => void;
}

export function listen(worker: Worker, { done, failed, taken, chunk, other }: Listener): void {
  worker.on('message', (message: FromThread) => {
    switch (message.kind) {
      case 'chunk':
        return chunk?.(message.bytes, message.members);
      case 'taken':
        return taken?.(message.memory);
      case 'done':
        return done(message.result);
      case 'failed':
        return failed(thrown(message.failure));
      default:
        return other?.(message);
    }
  });
  worker.on('error', failed);
  worker.on('exit', () =>
    failed(new HoldfastError('UNEXPECTED', 'the thread that reads files ended without a result')),
  );
}

function thrown({ code: name, message, kind, hint, errno }: ThreadFailure): HoldfastError {
  const cause = errno === undefined ? undefined : Object.assign(new Error(message), { code: errno });
  return new HoldfastError(name, message, { kind, ...(hint === undefined ? {} : { hint }), cause });
}
