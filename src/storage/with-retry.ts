import { pipeline, Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pause, throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { withoutSecrets } from '../base/secret.ts';
import { forward, forwardStage } from './forward.ts';
import { relay } from './relay.ts';
import type { PutOptions, Stage, Storage, StoredObject } from './storage.ts';

export interface RetryOptions {
  /** How often the same is tried again before its error is given up to. */
  retries: number;
  logger?: Logger;
  /** From 0 up to 1. */
  random?: () => number;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** Whoever asks must not wait five times as long as a storage may be silent. */
const retriesOfSilence = 1;
/** What is known to be this small is kept in memory until it is stored. */
export const replayedBytes = 1024 * 1024;
/** A transfer that came this far since it was cut has its tries anew. */
const progressBytes = 1024 * 1024;

/** Exponential with full jitter: writers that failed together must not come back together. `attempt` counts from 1. */
export function retryDelay(attempt: number, random: number): number {
  return Math.round(Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs) * random);
}

/**
 * Tries again what failed for a passing reason. Streams whose size is not known or not small cannot be given twice: adapters repeat
 * their parts themselves. A download goes on where it was cut.
 */
export function withRetry(storage: Storage, options: RetryOptions): Storage {
  const again = retrier(storage.name, options);
  return {
    ...forward(storage),
    put: (key, content, put) =>
      putAgain(content, put, again, {
        put: (copy) => storage.put(key, copy, put),
        get: () => storage.get(key, { signal: put.signal }),
      }),
    get: (key, { signal, start = 0, end }) => {
      const open = (passed: number) =>
        storage.get(key, { signal, start: start + passed, ...(end === undefined ? {} : { end }) });
      const isLeft = async (passed: number) => {
        const object = await storage.stat(key, signal);
        return object !== null && start + passed < Math.min(object.bytes, (end ?? Infinity) + 1);
      };
      return getResuming({ open, isLeft, again, signal });
    },
    list: (prefix, signal) => listAgain(storage, { prefix, signal }, again),
    folders: (prefix, signal) => again(signal, () => storage.folders(prefix, signal)),
    stat: (key, signal) => again(signal, () => storage.stat(key, signal)),
    statMany: (keys, signal) => again(signal, () => storage.statMany(keys, signal)),
    delete: (keys, signal) => again(signal, () => storage.delete(keys, signal)),
    removeFolder: (prefix, signal) => again(signal, () => storage.removeFolder(prefix, signal)),
    unfinished: (prefix, signal) => again(signal, () => storage.unfinished(prefix, signal)),
    removeUnfinished: (prefix, signal) => again(signal, () => storage.removeUnfinished(prefix, signal)),
    clearUploads: (prefix, before, signal) => again(signal, () => storage.clearUploads(prefix, before, signal)),
    free: (signal) => again(signal, () => storage.free(signal)),
    stage: async (prefix, signal) => {
      const stage = await again(signal, () => storage.stage(prefix, signal), isOwnTraceInStage);
      return stageAgain(stage, again);
    },
  };
}

interface Again {
  <T>(signal: AbortSignal, work: (attempt: number) => Promise<T>, isTrace?: (error: unknown) => boolean): Promise<T>;
  readonly retries: number;
  /** Waits as long as it should before the same is tried for this further time. */
  pause(attempt: number, error: unknown, signal: AbortSignal): Promise<void>;
}

function retrier(storage: string, { retries, logger, random = Math.random, wait = pause }: RetryOptions): Again {
  const rest = async (attempt: number, error: unknown, signal: AbortSignal) => {
    const ms = retryDelay(attempt, random());
    const reason = withoutSecrets(error instanceof Error ? error.message : String(error));
    logger?.log('debug', `storage ${storage}: ${reason}; trying again in ${ms} ms`, { attempt });
    await wait(ms, signal);
  };
  const again = async <T>(
    signal: AbortSignal,
    work: (attempt: number) => Promise<T>,
    isTrace: (error: unknown) => boolean = () => false,
  ): Promise<T> => {
    let before: { error: unknown } | undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work(attempt);
      } catch (error) {
        throwIfAborted(signal);
        // What a lost answer left behind says nothing; the error that lost it does.
        if (before && isTrace(error)) throw before.error;
        if (attempt > (wasSilent(error) ? Math.min(retries, retriesOfSilence) : retries) || !mayPass(error))
          throw error;
        before = { error };
        await rest(attempt, error, signal);
      }
    }
  };
  return Object.assign(again, { retries, pause: rest });
}

/** Somebody holds the name, and it may be our own first try, whose answer was lost. */
function isOwnTraceInStage(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'STORAGE_TAKEN';
}

function wasSilent(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'STORAGE_TIMEOUT';
}

function mayPass(error: unknown): boolean {
  return error instanceof HoldfastError && error.retryable;
}

function stageAgain(stage: Stage, again: Again): Stage {
  return {
    ...forwardStage(stage),
    put: (name, content, put) =>
      putAgain(content, put, again, {
        put: (copy) => stage.put(name, copy, put),
        get: () => stage.get(name, { signal: put.signal }),
      }),
    get: (name, { signal }) =>
      getResuming({
        open: async (passed) => skip(await stage.get(name, { signal }), passed),
        isLeft: async () => true,
        again,
        signal,
      }),
  };
}

async function putAgain(
  content: Readable,
  options: PutOptions,
  again: Again,
  place: { put: (content: Readable) => Promise<{ bytes: number }>; get: () => Promise<Readable> },
): Promise<{ bytes: number }> {
  const { size, signal, ifAbsent } = options;
  if (size === undefined || size > replayedBytes) return place.put(content);
  const kept = await readAtMost(content, size, signal);
  return again(signal, async (attempt) => {
    try {
      return await place.put(Readable.from(kept.length === 0 ? [] : [kept], { objectMode: false }));
    } catch (error) {
      // The answer of the first try may have been lost after it was stored: then what is there is ours.
      const lost = ifAbsent && attempt > 1 && error instanceof HoldfastError && error.code === 'STORAGE_TAKEN';
      if (lost && kept.equals(await buffer(await place.get()))) return { bytes: kept.length };
      throw error;
    }
  });
}

async function readAtMost(content: Readable, size: number, signal: AbortSignal): Promise<Buffer> {
  const stop = () => content.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    throwIfAborted(signal);
    for await (const piece of content as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > size)
        throw new HoldfastError('UNEXPECTED', `there is more to store than the ${size} bytes announced`);
      pieces.push(Buffer.from(piece));
    }
    throwIfAborted(signal);
    return Buffer.concat(pieces);
  } catch (error) {
    content.destroy();
    throwIfAborted(signal);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

interface Download {
  /** From so many bytes after the beginning on. */
  open: (passed: number) => Promise<Readable>;
  /** Whether the object goes on behind so many bytes; one that became shorter would otherwise seem to end well. */
  isLeft: (passed: number) => Promise<boolean>;
  again: Again;
  signal: AbortSignal;
}

async function getResuming({ open, isLeft, again, signal }: Download): Promise<Readable> {
  let tries = 0;
  let lastCut = 0;
  const resume = async (error: unknown, passed: number): Promise<Readable> => {
    throwIfAborted(signal);
    tries = passed - lastCut >= progressBytes ? 1 : tries + 1;
    lastCut = passed;
    if (tries > again.retries || !(mayPass(error) || isCut(error))) throw error;
    await again.pause(tries, error, signal);
    return again(signal, async () => {
      if (await isLeft(passed)) return open(passed);
      throw error;
    });
  };
  return relay(await again(signal, () => open(0)), { failed: resume });
}

/** An adapter says itself whether a transfer was cut or the object is shorter now: reading on in one that shrank would find its end, and call it whole. */
function isCut(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Where a stream can only be read from its beginning. */
function skip(content: Readable, bytes: number): Readable {
  if (bytes === 0) return content;
  let left = bytes;
  const rest = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      const dropped = Math.min(left, chunk.length);
      left -= dropped;
      if (dropped < chunk.length) this.push(chunk.subarray(dropped));
      next();
    },
    flush(next) {
      next(left > 0 ? new HoldfastError('STORAGE_CUT', 'what is read again is shorter than it was') : null);
    },
  });
  return pipeline(content, rest, () => undefined);
}

async function* listAgain(
  storage: Storage,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
  again: Again,
): AsyncIterable<StoredObject> {
  const seen = new Set<string>();
  let objects: AsyncIterator<StoredObject> | undefined;
  const next = () =>
    again(signal, async () => {
      try {
        objects ??= storage.list(prefix, signal)[Symbol.asyncIterator]();
        return await objects.next();
      } catch (error) {
        objects = undefined;
        throw error;
      }
    });
  try {
    for (let at = await next(); !at.done; at = await next()) {
      if (seen.has(at.value.key)) continue;
      seen.add(at.value.key);
      yield at.value;
    }
  } finally {
    await objects?.return?.();
  }
}
