import type { Storage } from '../../storage/storage.ts';

/** Those on this machine first, otherwise as they are configured. */
export function nearestFirst(source: string, storages: readonly Storage[]): Storage[] {
  const isNear = (storage: Storage) => storage.localPath(source) !== null;
  return [...storages.filter(isNear), ...storages.filter((storage) => !isNear(storage))];
}
