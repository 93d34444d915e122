import type { Readable } from 'node:stream';
import { abortReason } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import { forward, forwardStage } from './forward.ts';
import { relay } from './relay.ts';
import type { PutOptions, Stage, Storage, StoredObject } from './storage.ts';

/** How long an adapter that was told to stop may take to clean up. */
const graceMs = 5000;
/** Questions about many keys may take so much longer. */
const keysPerSilence = 500;
/**
 * A storage takes parts of an upload into memory long before they have arrived, and is then silent while they do. This much can be
 * on its way, at least so fast.
 */
const onItsWayBytes = 256 * 1024 * 1024;
const slowestBytesPerSecond = 256 * 1024;

/** Ends what has been silent for so long: no answer, no byte given, no byte taken. Time in which nobody asks does not count. */
export function withTimeout(storage: Storage, silenceMs: number): Storage {
  const watched = watcher(storage.title, silenceMs);
  const stageOf = (stage: Stage): Stage => ({
    ...forwardStage(stage),
    put: (name, content, options) => watched.put(content, options, (copy, put) => stage.put(name, copy, put)),
    get: (name, options) => watched.get(options, (inner) => stage.get(name, inner)),
    sizes: (signal) => watched.ask(signal, (inner) => stage.sizes(inner)),
  });
  return {
    ...forward(storage),
    put: (key, content, options) => watched.put(content, options, (copy, put) => storage.put(key, copy, put)),
    get: (key, options) => watched.get(options, (inner) => storage.get(key, inner)),
    list: (prefix, signal) => watched.list(signal, (inner) => storage.list(prefix, inner)),
    folders: (prefix, signal) => watched.ask(signal, (inner) => storage.folders(prefix, inner)),
    stat: (key, signal) => watched.ask(signal, (inner) => storage.stat(key, inner)),
    statMany: (keys, signal) => watched.ask(signal, (inner) => storage.statMany(keys, inner), keys.length),
    delete: (keys, signal) => watched.ask(signal, (inner) => storage.delete(keys, inner), keys.length),
    removeFolder: (prefix, signal) => watched.ask(signal, (inner) => storage.removeFolder(prefix, inner)),
    unfinished: (prefix, signal) => watched.ask(signal, (inner) => storage.unfinished(prefix, inner)),
    removeUnfinished: (prefix, signal) => watched.ask(signal, (inner) => storage.removeUnfinished(prefix, inner)),
    clearUploads: (prefix, before, signal) =>
      watched.ask(signal, (inner) => storage.clearUploads(prefix, before, inner)),
    free: (signal) => watched.ask(signal, (inner) => storage.free(inner)),
    stage: async (prefix, signal) => {
      using watch = startWatch(signal, storage.title);
      watch.expect(silenceMs);
      const late = (stage: Stage) => void Promise.resolve(stage[Symbol.asyncDispose]()).catch(() => undefined);
      return stageOf(await watch.race(storage.stage(prefix, watch.signal), late));
    },
  };
}

interface Watch extends Disposable {
  /** Fires with the outer signal or after the silence. */
  signal: AbortSignal;
  /** From now on something must happen within so long. */
  expect(ms: number): void;
  /** Nothing is expected. */
  rest(): void;
  /** Also ends when what is waited for does not react to the signal; what comes of it then is `late`. */
  race<T>(work: Promise<T>, late?: (result: T) => void): Promise<T>;
}

function startWatch(outer: AbortSignal, title: string): Watch {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const follow = () => controller.abort(abortReason(outer));
  if (outer.aborted) follow();
  else outer.addEventListener('abort', follow, { once: true });
  const rest = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    signal: controller.signal,
    expect: (ms) => {
      rest();
      timer = setTimeout(() => controller.abort(silent(title, ms)), ms);
    },
    rest,
    race: (work, late) => raceWith(work, controller.signal, late),
    [Symbol.dispose]: () => {
      rest();
      outer.removeEventListener('abort', follow);
    },
  };
}

async function raceWith<T>(work: Promise<T>, signal: AbortSignal, late?: (result: T) => void): Promise<T> {
  let over = false;
  work.then(
    (result) => over && late?.(result),
    () => undefined,
  );
  let giveUp: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const deaf = new Promise<never>((_, reject) => {
    stop = () => {
      giveUp = setTimeout(() => reject(abortReason(signal)), graceMs);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, deaf]);
  } catch (error) {
    // Adapters say it in words of their own.
    throw signal.aborted ? abortReason(signal) : error;
  } finally {
    over = true;
    clearTimeout(giveUp);
    if (stop) signal.removeEventListener('abort', stop);
  }
}

function silent(title: string, ms: number): HoldfastError {
  return new HoldfastError('STORAGE_TIMEOUT', `${title} was silent for ${formatDuration(ms)}`, {
    retryable: true,
    hint: 'Check the network and the service. A storage that is only slow gets more time with its `timeout`.',
  });
}

function watcher(title: string, silenceMs: number) {
  const ask = async <T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, keys = 1): Promise<T> => {
    using watch = startWatch(signal, title);
    watch.expect(silenceMs * Math.ceil(Math.max(1, keys) / keysPerSilence));
    return await watch.race(work(watch.signal));
  };
  const get = async <O extends { signal: AbortSignal }>(
    options: O,
    open: (options: O) => Promise<Readable>,
  ): Promise<Readable> => {
    const watch = startWatch(options.signal, title);
    watch.expect(silenceMs);
    try {
      const late = (content: Readable) => void content.once('error', () => undefined).destroy();
      const content = await watch.race(open({ ...options, signal: watch.signal }), late);
      return watchReading(content, watch, silenceMs);
    } catch (error) {
      watch[Symbol.dispose]();
      throw error;
    }
  };
  const put = async <T>(
    content: Readable,
    options: PutOptions,
    store: (content: Readable, options: PutOptions) => Promise<T>,
  ): Promise<T> => {
    using watch = startWatch(options.signal, title);
    let taken = 0;
    const expect = () => watch.expect(silenceMs + (Math.min(taken, onItsWayBytes) / slowestBytesPerSecond) * 1000);
    const copy = relay(content, {
      asked: () => watch.rest(),
      passed: (bytes) => {
        taken += bytes;
        expect();
      },
      ended: expect,
    });
    copy.once('error', () => watch.rest());
    return await watch.race(store(copy, { ...options, signal: watch.signal }));
  };
  async function* list(
    signal: AbortSignal,
    open: (signal: AbortSignal) => AsyncIterable<StoredObject>,
  ): AsyncIterable<StoredObject> {
    using watch = startWatch(signal, title);
    const objects = open(watch.signal)[Symbol.asyncIterator]();
    try {
      for (;;) {
        watch.expect(silenceMs);
        const next = await watch.race(objects.next());
        watch.rest();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      // One that hangs would never let go.
      if (!watch.signal.aborted) await objects.return?.();
    }
  }
  return { ask, get, put, list };
}

function watchReading(content: Readable, watch: Watch, silenceMs: number): Readable {
  watch.rest();
  const copy = relay(content, {
    asked: () => watch.expect(silenceMs),
    passed: () => watch.rest(),
    ended: () => watch.rest(),
    failed: (error) => Promise.reject(watch.signal.aborted ? abortReason(watch.signal) : error),
  });
  const stop = () => copy.destroy(abortReason(watch.signal));
  watch.signal.addEventListener('abort', stop, { once: true });
  copy.once('close', () => {
    watch.signal.removeEventListener('abort', stop);
    watch[Symbol.dispose]();
  });
  return copy;
}
