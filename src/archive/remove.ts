import type { Storage } from '../storage/storage.ts';
import { backupPrefix, isBackupFile, manifestKey } from './layout.ts';
import { readManifest } from './read-manifest.ts';

/**
 * Removes a backup. Its manifest goes first, so that no half of it is ever taken for a whole. Files in its folder that were not
 * written by us stay, and the folder with them.
 */
export async function removeBackup(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<void> {
  const prefix = backupPrefix(source, id);
  const named = await namedPaths(storage, source, id, signal);
  await storage.delete([manifestKey(source, id)], signal);
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix, signal)) {
    const path = key.slice(prefix.length);
    if (isBackupFile(path) || named.has(path)) keys.push(key);
  }
  await storage.delete(keys, signal);
  await storage.removeFolder(prefix, signal);
}

/** What the manifest says, as far as it can be read: a later version may use names this one does not know. */
async function namedPaths(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<Set<string>> {
  const manifest = await readManifest(storage, source, id, signal).catch(() => null);
  return new Set(manifest?.artifacts.filter(({ object }) => object === null).map(({ path }) => path));
}
