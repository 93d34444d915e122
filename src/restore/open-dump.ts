import { openForeignDump } from '../archive/foreign.ts';
import { openArchive, type StoredBackup } from '../archive/reader.ts';
import { throwIfAborted } from '../base/abort.ts';
import type { NewerBackup } from '../care/select.ts';
import { databaseOf, type Source } from '../care/source.ts';
import type { StoredDump } from '../engines/engine.ts';
import type { Storage } from '../storage/storage.ts';

export interface BackupPlace {
  storage: Storage;
  id: string;
  /** Other storages that have the same backup, for when this one turns out damaged or does not answer. */
  others?: readonly Storage[];
  /** A newer backup than this one, which `latest` did not mean. */
  newer?: NewerBackup | null;
}

/** What is to be restored: a backup, or a file that is none. */
export async function openDump(
  { source, from }: { source: Source; from: BackupPlace | { file: string } },
  scratch: string,
  signal: AbortSignal,
): Promise<{ archive: StoredBackup | null; dump: StoredDump }> {
  if ('file' in from) {
    const recognise = (head: Buffer) => databaseOf(source).recognise(head);
    return { archive: null, dump: await openForeignDump({ path: from.file, scratch, recognise, signal }) };
  }
  const archive = await openFirst(source, from, scratch, signal);
  return { archive, dump: archive.dump() };
}

/** The first copy whose manifest can be read; whose bytes are whole is looked at before anything is touched. */
async function openFirst(
  source: Source,
  { storage, id, others = [] }: BackupPlace,
  scratch: string,
  signal: AbortSignal,
): Promise<StoredBackup> {
  let failure: { error: unknown } | undefined;
  for (const place of [storage, ...others]) {
    try {
      return await openArchive({ storage: place, source: source.name, id, keys: source.keys, scratch, signal });
    } catch (error) {
      throwIfAborted(signal);
      failure ??= { error };
    }
  }
  throw failure?.error;
}
