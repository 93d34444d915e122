import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Source } from './source.ts';

/**
 * Refuses where another storage of the source is the same place by another way, which the configuration alone does not show: what is
 * removed from one would be gone from both, and a copy would be no copy.
 */
export async function assertOwnPlace(
  { storages }: Pick<Source, 'storages'>,
  storage: Storage,
  signal: AbortSignal,
): Promise<void> {
  const twin = await findTwin(storage, storages, signal);
  if (twin) throw samePlace(storage, twin);
}

/** Another storage that is the same place; one that cannot tell is none. */
export async function findTwin(
  storage: Storage,
  others: readonly Storage[],
  signal: AbortSignal,
): Promise<Storage | null> {
  const own = await storage.identity?.();
  throwIfAborted(signal);
  if (!own) return null;
  for (const other of others) {
    if (other.name === storage.name) continue;
    const identity = await other.identity?.().catch(() => null);
    throwIfAborted(signal);
    if (identity === own) return other;
  }
  return null;
}

export function samePlace(storage: Storage, twin: Storage): HoldfastError {
  return new HoldfastError(
    'STORAGES_SAME_PLACE',
    `the storages ${storage.name} (${storage.title}) and ${twin.name} (${twin.title}) are the same folder`,
    {
      kind: 'usage',
      hint: 'Give one of them a folder of its own on another disk, or take it out of the configuration; what is removed from one would be gone from both.',
    },
  );
}
