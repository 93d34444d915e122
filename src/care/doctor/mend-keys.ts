import { areKeysWhole, copyKeys, mendKeyFiles } from '../../archive/keys/key-files.ts';
import { sourcePrefix } from '../../archive/format/layout.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Report } from '../../base/progress.ts';
import type { BackupRow, Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Source } from '../source.ts';

interface MendKeysTask {
  source: Source;
  catalog: Catalog;
  signal: AbortSignal;
  report: Report;
}

/**
 * Puts key files that backups of a storage name, and that are gone from it or damaged, back from another storage of the source. In the
 * primary, the current key is remembered by this machine and put back before each backup; all else is only in the storages. Nobody would
 * see it as long as one of them is whole, and that one may be the next to be lost.
 */
export async function mendKeys(task: MendKeysTask): Promise<void> {
  const { source, catalog, signal, report } = task;
  for (const storage of source.storages) {
    const files = namedKeys(catalog.backups.list(storage.name, source.name));
    if (files.length === 0) continue;
    try {
      const stored = await storage.statMany(files.map(keyOf(source)), signal);
      for (const file of files.filter((_, at) => !stored[at])) await putBack(task, storage, file);
      for (const file of files.filter((_, at) => stored[at])) await mendDamaged(task, storage, file);
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

async function mendDamaged({ source, signal, report }: MendKeysTask, to: Storage, file: string): Promise<void> {
  // Looked at twice: somebody may just be changing the passphrase.
  for (let look = 1; look <= 2; look += 1) if ((await areKeysWhole(to, source.name, file, signal)) !== false) return;
  for (const from of source.storages) {
    if (from.name === to.name) continue;
    const mended = await mendKeyFiles(from, to, source.name, file, signal).catch(() => false);
    throwIfAborted(signal);
    if (!mended) continue;
    report({ kind: 'warning', message: `${file} was damaged in ${to.name} and was put right from ${from.name}` });
    return;
  }
  report({
    kind: 'warning',
    message: `${file} is damaged in ${to.name}, and no other storage of ${source.name} can put it right now`,
  });
}

function keyOf({ name }: Source): (file: string) => string {
  return (file) => sourcePrefix(name) + file;
}
