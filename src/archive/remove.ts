import { HoldfastError } from '../base/errors.ts';
import { inParallel } from '../base/parallel.ts';
import type { Storage } from '../storage/storage.ts';
import { backupPrefix, isBackupFile, manifestKey } from './layout.ts';
import { readManifest } from './read-manifest.ts';

const statsAtOnce = 8;

/**
 * Removes a backup. Its manifest goes first, so that no half of it is ever taken for a whole. Files in its folder that were not
 * written by us stay, and the folder with them.
 */
export async function removeBackup(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<void> {
  const prefix = backupPrefix(source, id);
  const named = await namedPaths(storage, source, id, signal);
  const ours = async () => {
    const keys: string[] = [];
    for await (const { key } of storage.list(prefix, signal)) {
      const path = key.slice(prefix.length);
      if (isBackupFile(path) || named.has(path)) keys.push(key);
    }
    return keys;
  };
  await assertNotLocked(storage, manifestKey(source, id), ours, signal);
  await storage.delete([manifestKey(source, id)], signal);
  await storage.delete(await ours(), signal);
  await storage.removeFolder(prefix, signal);
}

/** Whatever is locked would stay, without the manifest that makes sense of it. */
async function assertNotLocked(
  storage: Storage,
  manifest: string,
  files: () => Promise<string[]>,
  signal: AbortSignal,
): Promise<void> {
  const first = await storage.stat(manifest, signal);
  if (storage.capabilities.lock === null && first?.lockedUntil === undefined) return;
  // A listing does not tell of locks.
  const until = [first?.lockedUntil];
  await inParallel(await files(), statsAtOnce, async (key) => {
    until.push((await storage.stat(key, signal))?.lockedUntil);
  });
  const latest = Math.max(...until.map((each) => each?.getTime() ?? 0));
  if (latest <= Date.now()) return;
  const words = new Date(latest).toISOString();
  throw new HoldfastError('STORAGE_LOCKED', `locked until ${words}`, {
    kind: 'refused',
    hint: 'Object lock keeps it from being removed; prune removes it after that.',
    details: { until: words, storage: storage.name },
  });
}

/** What the manifest says, as far as it can be read: a later version may use names this one does not know. */
async function namedPaths(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<Set<string>> {
  const manifest = await readManifest(storage, source, id, signal).catch(() => null);
  return new Set(manifest?.artifacts.filter(({ object }) => object === null).map(({ path }) => path));
}
