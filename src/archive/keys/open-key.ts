import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import {
  digestOfKey,
  keyIdOf,
  nextFile,
  publicFile,
  readKeyFile,
  readPublic,
  recipientsFile,
  type PublicKey,
} from './key-files.ts';
import { keyDamaged, readIdentity, unwrap, type KeyOpeners, type SourceIdentity } from './key-wrap.ts';

export interface KeyPlace {
  storage: Storage;
  source: string;
  file: string;
  openers: KeyOpeners;
  signal: AbortSignal;
}

/** The identity behind a key of a storage, by whichever of its files opens. */
export async function openKey({ storage, source, file, openers, signal }: KeyPlace): Promise<SourceIdentity> {
  const id = keyIdOf(file);
  const stored = await readKeyFile(storage, source, publicFile(id), signal);
  const known = stored && readPublic(stored);
  const itself = await identityItself(known, openers);
  if (itself) return itself;

  let first: HoldfastError | undefined;
  let missing = true;
  for (const name of [file, recipientsFile(id), nextFile(id)]) {
    const content = await readKeyFile(storage, source, name, signal);
    if (!content) continue;
    missing = false;
    const what = `${name} of ${source} in ${storage.name}`;
    try {
      return await unwrap(content, openers, what);
    } catch (error) {
      // What the manifest names counts; the others may be for somebody else.
      const told = tellDamage(toHoldfastError(error), content, known, what);
      if (first === undefined || (first.code === 'KEY_WRONG' && told.code !== 'KEY_WRONG')) first = told;
    }
  }
  if (!missing && first) throw first;
  throw keyMissing(source, storage, file);
}

export function keyMissing(source: string, storage: Storage, file: string): HoldfastError {
  return new HoldfastError('KEY_MISSING', `${file} of ${source} is missing in ${storage.name}`, {
    kind: 'integrity',
    hint: 'The backup itself is not damaged: keep it. Put the file back from another storage of this source, or give what is on the recovery sheet (`holdfast key export`) with `--identity`.',
  });
}

/**
 * The same, and where the storage has lost the file, or it is damaged there: from another storage of the source. What the storage itself
 * still says of the key has to fit.
 */
export async function openKeyAnywhere(place: KeyPlace, others: readonly Storage[]): Promise<SourceIdentity> {
  const { storage, source, file, signal } = place;
  try {
    return await openKey(place);
  } catch (error) {
    if (!isLost(error)) throw error;
    const stored = await readKeyFile(storage, source, publicFile(keyIdOf(file)), signal);
    const wanted = stored && readPublic(stored).recipient;
    for (const other of others) {
      if (other.name === storage.name) continue;
      const found = await openThere({ ...place, storage: other });
      if (found && (wanted === null || wanted === found.recipient)) return found;
    }
    throw error;
  }
}

/** Null where it is not there either, or the storage cannot say. */
async function openThere(place: KeyPlace): Promise<SourceIdentity | null> {
  try {
    return await openKey(place);
  } catch (error) {
    const { code } = toHoldfastError(error);
    throwIfAborted(place.signal);
    if (code === 'PASSPHRASE_WRONG' || code === 'KEY_WRONG') throw error;
    return null;
  }
}

/** About the file of the key and not about who asks; and about no backup. */
export function isLost(error: unknown): boolean {
  const { code } = toHoldfastError(error);
  return code === 'KEY_MISSING' || code === 'KEY_DAMAGED';
}

/** A wrong passphrase and a changed byte of the file look the same to age; the file's digest knows. */
function tellDamage(error: HoldfastError, content: Buffer, known: PublicKey | null, what: string): HoldfastError {
  const isOther = known !== null && known.digests.length > 0 && !known.digests.includes(digestOfKey(content));
  return isOther && (error.code === 'PASSPHRASE_WRONG' || error.code === 'KEY_WRONG') ? keyDamaged(what, error) : error;
}

/** Somebody gave the source's own identity, as on a recovery sheet. */
async function identityItself(known: PublicKey | null, { identities }: KeyOpeners): Promise<SourceIdentity | null> {
  for (const identity of identities) {
    const own = await readIdentity(identity.reveal());
    if (own.recipient === known?.recipient) return own;
  }
  return null;
}
