import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
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
  throw new HoldfastError('KEY_MISSING', `${file} of ${source} is missing in ${storage.name}`, {
    kind: 'integrity',
    hint: 'Take it from another storage of this source, or from the recovery sheet (`holdfast key export`).',
  });
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
