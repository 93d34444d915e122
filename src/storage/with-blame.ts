import { forward } from './forward.ts';
import { relay } from './relay.ts';
import type { Storage } from './storage.ts';

/**
 * A storage to be read, which notes what it fails with itself. Of a copy that failed, it tells whether the place that was read is to blame
 * or the one that was written to: what breaks off on its way in ends what is written with the same error.
 */
export function withBlame(storage: Storage, failures: Set<unknown>): Storage {
  const blame = (error: unknown): never => {
    failures.add(error);
    throw error;
  };
  return {
    ...forward(storage),
    get: async (key, options) =>
      relay(await storage.get(key, options).catch(blame), { failed: async (error) => blame(error) }),
    list: async function* (prefix, signal) {
      try {
        yield* storage.list(prefix, signal);
      } catch (error) {
        blame(error);
      }
    },
    stat: (key, signal) => storage.stat(key, signal).catch(blame),
    statMany: (keys, signal) => storage.statMany(keys, signal).catch(blame),
    folders: (prefix, signal) => storage.folders(prefix, signal).catch(blame),
  };
}
