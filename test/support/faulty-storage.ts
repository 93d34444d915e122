import { Readable } from 'node:stream';
import { HoldfastError } from '../../src/base/errors.ts';
import { forward } from '../../src/storage/forward.ts';
import type { Storage } from '../../src/storage/storage.ts';

export type Call = 'put' | 'get' | 'list' | 'stat' | 'statMany' | 'delete' | 'folders' | 'stage';

/**
 * What goes wrong, call by call, in the order they are made: `refuse` before anything happens, `lost` after it happened, a number
 * after so many bytes or objects, `hang` never answers, and null works.
 */
export type Fault = 'refuse' | 'denied' | 'lost' | 'hang' | number | null;

export interface FaultyStorage extends Storage {
  /** Every call that arrived, with the first byte asked for where there is one. */
  readonly calls: { call: Call; key: string; start?: number | undefined }[];
}

/** A storage behind a bad network. */
export function faultyStorage(storage: Storage, faults: Partial<Record<Call, Fault[]>>): FaultyStorage {
  const calls: FaultyStorage['calls'] = [];
  const meet = async <T>(
    call: Call,
    at: { key: string; start?: number | undefined; signal: AbortSignal },
    work: () => Promise<T>,
  ) => {
    calls.push({ call, key: at.key, ...(at.start === undefined ? {} : { start: at.start }) });
    const fault = faults[call]?.shift() ?? null;
    if (fault === 'refuse') throw unreachable();
    if (fault === 'denied') throw new HoldfastError('STORAGE_DENIED', 'not allowed');
    if (fault === 'hang') await hang(at.signal);
    const result = await work();
    if (fault === 'lost') throw unreachable();
    return { result, cutAfter: typeof fault === 'number' ? fault : null };
  };
  const first = async <T>(met: Promise<{ result: T }>) => (await met).result;
  return {
    ...forward(storage),
    capabilities: { ...storage.capabilities, localFolders: false },
    calls,
    put: (key, content, options) =>
      first(meet('put', { key, signal: options.signal }, () => storage.put(key, content, options))),
    get: async (key, options) => {
      const met = await meet('get', { key, ...options }, () => storage.get(key, options));
      return met.cutAfter === null ? met.result : cut(met.result, met.cutAfter);
    },
    async *list(prefix, signal) {
      const { cutAfter } = await meet('list', { key: prefix, signal }, async () => undefined);
      let left = cutAfter ?? Infinity;
      for await (const object of storage.list(prefix, signal)) {
        if (left === 0) throw unreachable();
        left -= 1;
        yield object;
      }
    },
    stat: (key, signal) => first(meet('stat', { key, signal }, () => storage.stat(key, signal))),
    statMany: (keys, signal) =>
      first(meet('statMany', { key: keys.join(' '), signal }, () => storage.statMany(keys, signal))),
    delete: (keys, signal) =>
      first(meet('delete', { key: keys.join(' '), signal }, () => storage.delete(keys, signal))),
    folders: (prefix, signal) => first(meet('folders', { key: prefix, signal }, () => storage.folders(prefix, signal))),
    stage: (prefix, signal) => first(meet('stage', { key: prefix, signal }, () => storage.stage(prefix, signal))),
  };
}

function unreachable(): HoldfastError {
  return new HoldfastError('STORAGE_UNREACHABLE', 'the connection was reset', { retryable: true });
}

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }),
  );
}

function cut(content: Readable, bytes: number): Readable {
  return Readable.from(
    (async function* () {
      let left = bytes;
      for await (const chunk of content as AsyncIterable<Buffer>) {
        if (left > 0) yield chunk.subarray(0, left);
        left -= chunk.length;
        if (left <= 0) throw unreachable();
      }
    })(),
    { objectMode: false },
  );
}
