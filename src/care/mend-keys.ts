import { copyKeys } from '../archive/key-files.ts';
import { sourcePrefix } from '../archive/layout.ts';
import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Report } from '../base/progress.ts';
import type { BackupRow, Catalog } from '../catalog/catalog.ts';
import type { Storage } from '../storage/storage.ts';
import type { Source } from './source.ts';

interface MendKeysTask {
  source: Source;
  catalog: Catalog;
  signal: AbortSignal;
  report: Report;
}

/**
 * Puts key files that backups of a storage name, and that are gone from it, back from another storage of the source. The current key is
 * remembered by this machine and put back before each backup; older ones are only in the storages.
 */
export async function mendKeys(task: MendKeysTask): Promise<void> {
  const { source, catalog, signal, report } = task;
  for (const storage of source.storages) {
    const files = namedKeys(catalog.backups.list(storage.name, source.name));
    if (files.length === 0) continue;
    try {
      const stored = await storage.statMany(files.map(keyOf(source)), signal);
      for (const file of files.filter((_, at) => !stored[at])) await putBack(task, storage, file);
    } catch (error) {
      throwIfAborted(signal);
      report({
        kind: 'warning',
        message: `keys in ${storage.name} were not put back: ${toHoldfastError(error).message}`,
      });
    }
  }
}

/** The key files that the manifests of these backups name. */
export function namedKeys(rows: readonly BackupRow[]): string[] {
  return [...new Set(rows.flatMap(({ facts }) => facts?.key ?? []))].toSorted();
}

async function putBack({ source, signal, report }: MendKeysTask, to: Storage, file: string): Promise<void> {
  for (const from of source.storages) {
    if (from.name === to.name) continue;
    // One that does not answer, or has none, leaves it to the next.
    const there = await from.stat(keyOf(source)(file), signal).catch(() => null);
    throwIfAborted(signal);
    if (!there) continue;
    await copyKeys(from, to, source.name, file, signal);
    report({ kind: 'warning', message: `${file} was missing in ${to.name} and was put back from ${from.name}` });
    return;
  }
  report({
    kind: 'warning',
    message: `${file} is missing in ${to.name}, and no other storage of ${source.name} has it`,
  });
}

function keyOf({ name }: Source): (file: string) => string {
  return (file) => sourcePrefix(name) + file;
}
