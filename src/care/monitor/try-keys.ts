import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { oldestFirst } from '../backup-facts.ts';
import type { Source } from '../source.ts';
import type { Trouble } from './facts.ts';
import { inTime } from './in-time.ts';
import { troubleOf } from './trouble.ts';

const sourcesAtOnce = 2;

/**
 * Whether what is configured opens the key of the newest backup, by source; absent where it does, or where that cannot be known. What this
 * machine remembers of the key makes it cheap; `doctor` opens every key file there is.
 */
export async function tryKeys(
  sources: readonly Source[],
  { catalog, signal, timeoutMs }: { catalog: Catalog; signal: AbortSignal; timeoutMs: number },
): Promise<Map<string, Trouble>> {
  const troubles = new Map<string, Trouble>();
  await inParallel(
    sources.filter(({ keys }) => keys.canRead),
    sourcesAtOnce,
    async ({ name, keys, storages }) => {
      const rows = storages.flatMap((storage) => catalog.backups.list(storage.name, name));
      const newest = oldestFirst(rows).findLast(({ facts }) => typeof facts?.key === 'string');
      const storage = storages.find((each) => each.name === newest?.storage);
      const file = newest?.facts?.key;
      if (!storage || typeof file !== 'string') return;
      try {
        await inTime((inner) => keys.unlock(storage, name, file, inner), { signal, timeoutMs });
      } catch (error) {
        throwIfAborted(signal);
        // Missing files and silent storages have findings of their own; a key for others may be meant so.
        if (['PASSPHRASE_WRONG', 'KEY_DAMAGED'].includes(toHoldfastError(error).code))
          troubles.set(name, troubleOf(error));
      }
    },
  );
  return troubles;
}
