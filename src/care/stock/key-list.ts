import {
  keyIdOf,
  listKeyIds,
  mainFile,
  publicFile,
  readKeyFile,
  readPublic,
  recipientsFile,
} from '../../archive/keys/key-files.ts';
import { isForPassphrase } from '../../archive/keys/key-wrap.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Source } from '../source.ts';

/** A key of a source in one storage. */
export interface ListedKey {
  source: string;
  storage: string;
  /** As manifests name it. */
  file: string;
  /** Null when nothing there says it. */
  recipient: string | null;
  /** What backups of this installation are encrypted to now. */
  current: boolean;
  passphrase: boolean;
  recipients: boolean;
}

/** Newest first. Nothing is opened for it. */
export async function listKeys(source: Source, catalog: Catalog, signal: AbortSignal): Promise<ListedKey[]> {
  const now = catalog.keys.get(source.name);
  const found: ListedKey[] = [];
  for (const storage of source.storages) {
    const ids = await listKeyIds(storage, source.name, signal);
    for (const id of ids.toReversed()) {
      const read = (name: string) => readKeyFile(storage, source.name, name, signal);
      const [main, forRecipients, stated] = [
        await read(mainFile(id)),
        await read(recipientsFile(id)),
        await read(publicFile(id)),
      ];
      const passphrase = main !== null && isForPassphrase(main);
      found.push({
        source: source.name,
        storage: storage.name,
        file: mainFile(id),
        recipient: stated && readPublic(stated).recipient,
        current: now !== null && keyIdOf(now.file) === id,
        passphrase,
        recipients: forRecipients !== null || (main !== null && !passphrase),
      });
    }
  }
  return found;
}
