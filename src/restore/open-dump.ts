import { openForeignDump } from '../archive/foreign/foreign.ts';
import { openArchive, type StoredBackup } from '../archive/reader.ts';
import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { NewerBackup } from '../care/stock/select.ts';
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

export interface Opening<Seen> {
  scratch: string;
  signal: AbortSignal;
  /** What has to be known of it before anything else; a copy in which it cannot be seen is passed over. */
  look: (archive: StoredBackup | null, dump: StoredDump) => Promise<Seen>;
  /** Of each copy that is passed over: where it lies, and why. */
  onFailure?: ((storage: Storage, error: unknown) => Promise<void>) | undefined;
}

export interface OpenedDump<Seen> {
  archive: StoredBackup | null;
  dump: StoredDump;
  seen: Seen;
}

/** What is to be restored: a backup, or a file that is none. */
export async function openDump<Seen>(
  { source, from }: { source: Source; from: BackupPlace | { file: string } },
  opening: Opening<Seen>,
): Promise<OpenedDump<Seen>> {
  if (!('file' in from)) return openFirst(source, from, opening);
  const { scratch, signal, look } = opening;
  const recognise = (head: Buffer) => databaseOf(source).recognise(head);
  const dump = await openForeignDump({ path: from.file, scratch, recognise, signal });
  return { archive: null, dump, seen: await look(null, dump) };
}

/** The first copy that can be opened and looked into; whether its bytes are whole is looked at before anything is touched. */
async function openFirst<Seen>(
  source: Source,
  { storage, id, others = [] }: BackupPlace,
  { scratch, signal, look, onFailure }: Opening<Seen>,
): Promise<OpenedDump<Seen>> {
  let failure: { error: unknown } | undefined;
  for (const place of [storage, ...others]) {
    let dump: StoredDump | undefined;
    try {
      const archive = await openArchive({
        storage: place,
        source: source.name,
        id,
        keys: source.keys,
        scratch,
        signal,
      });
      dump = archive.dump();
      return { archive, dump, seen: await look(archive, dump) };
    } catch (error) {
      throwIfAborted(signal);
      // What was asked for in a wrong way is so in every copy.
      if (dump && ['usage', 'refused'].includes(toHoldfastError(error).kind)) throw error;
      await onFailure?.(place, error);
      failure ??= { error };
    }
  }
  throw failure?.error;
}
