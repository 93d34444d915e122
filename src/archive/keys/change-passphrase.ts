import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import type { Storage } from '../../storage/storage.ts';
import {
  keyIdOf,
  listKeyIds,
  mainFile,
  nextFile,
  publicFile,
  putKeyFile,
  readKeyFile,
  recipientsFile,
  renderPublic,
} from './key-files.ts';
import { isForPassphrase, keyDamaged, sealProof, unwrap, wrapForPassphrase, type SourceIdentity } from './key-wrap.ts';
import type { KeyMemory, Rewrapped } from './keys.ts';
import { sourcePrefix } from '../format/layout.ts';
import { openKey } from './open-key.ts';

interface Change {
  storages: readonly Storage[];
  source: string;
  from: Secret;
  to: Secret;
  workFactor: number | undefined;
  memory: KeyMemory;
  signal: AbortSignal;
}

interface Wrapped {
  key: SourceIdentity;
  /** What lay there before. */
  former: Buffer | null;
  content: Buffer;
}

/**
 * Each key gets a new file beside the old one, which is read back and opened before the old one goes. At every moment the key
 * opens with the old passphrase or with the new one, and the same call again finishes what was interrupted.
 */
export async function changePassphrase(change: Change): Promise<Rewrapped[]> {
  const { storages, source, signal } = change;
  const done: Rewrapped[] = [];
  /** By recipient: opening and wrapping cost a second each, and every storage has the same keys. */
  const wrapped = new Map<string, Wrapped>();
  const found: { storage: Storage; id: string }[] = [];
  // All are asked before the first key is changed: whoever sees this fail may well throw the new passphrase away.
  for (const storage of storages)
    for (const id of await listKeyIds(storage, source, signal)) found.push({ storage, id });
  try {
    for (const { storage, id } of found) {
      throwIfAborted(signal);
      const result = await rewrap(change, storage, id, wrapped);
      done.push({ storage: storage.name, file: mainFile(id), result });
    }
    await remember(change, wrapped);
  } catch (error) {
    throwIfAborted(signal);
    throw wrapped.size === 0 ? error : halfChanged(source, error);
  }
  return done;
}

function halfChanged(source: string, cause: unknown): HoldfastError {
  const { code, message, kind, retryable, details, hint = '' } = toHoldfastError(cause);
  const keep = `Some keys of ${source} open with the new passphrase already, the others with the old one: keep both, and run the same command again.`;
  return new HoldfastError(code, message, { cause, kind, retryable, details, hint: `${keep} ${hint}`.trim() });
}

async function rewrap(
  change: Change,
  storage: Storage,
  id: string,
  wrapped: Map<string, Wrapped>,
): Promise<Rewrapped['result']> {
  const { source, from, to, workFactor, signal } = change;
  const main = await readKeyFile(storage, source, mainFile(id), signal);
  const what = `${mainFile(id)} of ${source} in ${storage.name}`;
  if (main && !isForPassphrase(main)) return 'recipients';
  const same = main && [...wrapped.values()].find(({ content }) => content.equals(main));
  const twin = main && [...wrapped.values()].find(({ former }) => former?.equals(main));
  const ready = same ?? (main && !twin && (await opens(main, to, what)));
  if (main && ready) {
    const known = 'content' in ready ? ready : { key: ready, former: null, content: main };
    wrapped.set(known.key.recipient, known);
    await finish(change, storage, id, known);
    return 'present';
  }
  const openers = { passphrase: from, identities: [] };
  const key = twin?.key ?? (await openKey({ storage, source, file: mainFile(id), openers, signal }));
  const next = wrapped.get(key.recipient) ?? {
    key,
    former: main,
    content: await wrapForPassphrase(key, to, workFactor),
  };

  await removeNext(storage, source, id, signal);
  await putKeyFile(storage, source, { name: nextFile(id), content: next.content }, { ifAbsent: true, signal });
  if (!wrapped.has(key.recipient)) {
    // What was read back equals what was made: opening that proves the stored one.
    const proof = await unwrap(next.content, { passphrase: to, identities: [] }, what);
    if (proof.recipient !== key.recipient) throw keyDamaged(what);
    wrapped.set(key.recipient, next);
  }
  const others = await otherFiles(storage, source, id, signal);
  const both = [...(main ? [main] : []), next.content, ...others];
  await replace(storage, source, publicFile(id), renderPublic(key.recipient, both), signal);
  await replace(storage, source, mainFile(id), next.content, signal);
  await finish(change, storage, id, next);
  return 'changed';
}

async function finish(change: Change, storage: Storage, id: string, { key, content }: Wrapped): Promise<void> {
  const { source, signal } = change;
  const others = await otherFiles(storage, source, id, signal);
  await replace(storage, source, publicFile(id), renderPublic(key.recipient, [content, ...others]), signal);
  await removeNext(storage, source, id, signal);
}

/** Under a lock of the storage it stays, where it harms nobody. */
async function removeNext(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<void> {
  await storage.delete([sourcePrefix(source) + nextFile(id)], signal).catch((error: unknown) => {
    if (toHoldfastError(error).code !== 'STORAGE_LOCKED') throw error;
  });
}

async function replace(
  storage: Storage,
  source: string,
  name: string,
  content: Buffer,
  signal: AbortSignal,
): Promise<void> {
  if ((await readKeyFile(storage, source, name, signal))?.equals(content)) return;
  await putKeyFile(storage, source, { name, content }, { ifAbsent: false, signal });
}

async function otherFiles(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<Buffer[]> {
  const content = await readKeyFile(storage, source, recipientsFile(id), signal);
  return content ? [content] : [];
}

async function opens(content: Buffer, passphrase: Secret, what: string): Promise<SourceIdentity | null> {
  try {
    return await unwrap(content, { passphrase, identities: [] }, what);
  } catch {
    return null; // whether it is damaged shows when the old passphrase is tried
  }
}

async function remember(
  { storages, source, to, memory, signal }: Change,
  wrapped: Map<string, Wrapped>,
): Promise<void> {
  const record = memory.get(source);
  const [primary] = storages;
  const known = record && wrapped.get(record.recipient);
  if (!record?.passphrase || !primary || !known) return;
  const id = keyIdOf(record.file);
  const files: { name: string; content: string }[] = [];
  for (const { name } of record.files) {
    const content = await readKeyFile(primary, source, name, signal);
    if (content) files.push({ name, content: content.toString('base64') });
  }
  if (files.some(({ name }) => name === mainFile(id))) {
    memory.put({ ...record, proof: await sealProof(known.key.identity, to), files });
  }
}
