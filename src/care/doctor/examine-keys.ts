import { readKeyFile } from '../../archive/keys/key-files.ts';
import { isForPassphrase } from '../../archive/keys/key-wrap.ts';
import { keyMissing } from '../../archive/keys/open-key.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Check } from '../../engines/engine.ts';
import type { Storage } from '../../storage/storage.ts';
import { takeInventory } from '../stock/inventory.ts';
import { namedKeys } from './mend-keys.ts';
import type { Source } from '../source.ts';

type Books = Pick<Catalog, 'backups'>;

interface StoredKey {
  storage: Storage;
  file: string;
  content: Buffer | null;
}

/** `elsewhere`: only the owner of an identity opens it; `locked`: a passphrase would, and none is given. */
type Opening = 'opened' | 'elsewhere' | 'locked' | HoldfastError;

/**
 * Whether every key file that backups of the source name is there, and opens with what is configured. Where only somebody else can open them
 * (public-key mode), that they are there is all that can be known.
 */
export async function examineKeys(source: Source, catalog: Books, signal: AbortSignal): Promise<Check[]> {
  const keys = await collectKeys(source, catalog, signal);
  if (keys.length === 0) return [];
  const openings = new Map<string, Opening>();
  for (const key of keys) {
    // Opening costs a second of work, and the same bytes open the same way.
    const place = key.content?.toString('base64') ?? `${key.storage.name} ${key.file}`;
    if (!openings.has(place)) openings.set(place, await tryKey(source, key, signal));
  }
  const found = [...openings.values()];
  const failures = found.filter((opening) => opening instanceof HoldfastError);
  if (failures.length > 0) return failures.map(failedCheck);
  const there = `${describeCount(keys)} in ${[...new Set(keys.map(({ storage }) => storage.name))].join(', ')}`;
  if (found.includes('locked')) {
    return [
      {
        name: 'keys',
        result: 'warning',
        detail: `${there} for a passphrase, and nothing is given here that could open them`,
        hint: 'Set encryption.passphrase or HOLDFAST_PASSPHRASE, so that this machine can verify and restore.',
      },
    ];
  }
  const how = found.includes('elsewhere') ? 'can only be opened elsewhere, by whoever has the identity' : 'opened';
  return [{ name: 'keys', result: 'ok', detail: `${there}: ${how}` }];
}

/** Nothing of a storage that does not answer: its own examination says so. */
async function collectKeys(source: Source, catalog: Books, signal: AbortSignal): Promise<StoredKey[]> {
  const found: StoredKey[] = [];
  for (const storage of source.storages) {
    try {
      const rows = await takeInventory({ storage, source: source.name, catalog, signal });
      for (const file of namedKeys(rows))
        found.push({ storage, file, content: await readKeyFile(storage, source.name, file, signal) });
    } catch {
      throwIfAborted(signal);
    }
  }
  return found;
}

async function tryKey(
  { name, keys }: Source,
  { storage, file, content }: StoredKey,
  signal: AbortSignal,
): Promise<Opening> {
  if (content === null) return keyMissing(name, storage, file);
  if (!keys.canRead) return isForPassphrase(content) ? 'locked' : 'elsewhere';
  try {
    await keys.probe(storage, name, file, signal);
    return 'opened';
  } catch (error) {
    throwIfAborted(signal);
    const known = toHoldfastError(error);
    return known.code === 'KEY_WRONG' ? 'elsewhere' : known;
  }
}

function failedCheck({ message, code, hint }: HoldfastError): Check {
  return { name: 'keys', result: 'failed', detail: `${message} (${code})`, ...(hint === undefined ? {} : { hint }) };
}

function describeCount(keys: readonly StoredKey[]): string {
  const count = new Set(keys.map(({ file }) => file)).size;
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}
