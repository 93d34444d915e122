import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { sourcePrefix } from '../format/layout.ts';
import { keyDamaged } from './key-wrap.ts';
import { readSmall } from '../format/small-files.ts';

/** One stored file of a key: relative to the source, as in manifests (`keys/2026-11-20.age`). */
export interface KeyFile {
  name: string;
  content: Buffer;
}

const idPattern = String.raw`\d{4}-\d{2}-\d{2}(?:-\d{1,3})?`;
const filePattern = new RegExp(`^keys/(${idPattern})\\.age$`);

/** The id in `keys/<id>.age`; refuses what a manifest of ours would not say. */
export function keyIdOf(file: string): string {
  const id = filePattern.exec(file)?.[1];
  if (id !== undefined) return id;
  throw new HoldfastError(
    'MANIFEST_HOSTILE',
    `the manifest names a key outside of its source: ${JSON.stringify(file.slice(0, 200))}`,
    { kind: 'integrity', hint: 'This manifest was not written by Holdfast. Do not restore from it.' },
  );
}

/** What a manifest names: for the passphrase, or for the recipients where there is none. */
export function mainFile(id: string): string {
  return `keys/${id}.age`;
}

/** age allows nobody beside a passphrase in one file, so that the recipients have their own. */
export function recipientsFile(id: string): string {
  return `keys/${id}.recipients.age`;
}

/** There only while a passphrase is changed, and after that was interrupted. */
export function nextFile(id: string): string {
  return `keys/${id}.next.age`;
}

export function publicFile(id: string): string {
  return `keys/${id}.pub`;
}

/** Oldest first. */
export async function listKeyIds(storage: Storage, source: string, signal: AbortSignal): Promise<string[]> {
  const prefix = sourcePrefix(source);
  const ids = new Set<string>();
  for await (const { key } of storage.list(`${prefix}keys/`, signal)) {
    const id = new RegExp(`^keys/(${idPattern})\\.`).exec(key.slice(prefix.length))?.[1];
    if (id !== undefined) ids.add(id);
  }
  return [...ids].toSorted(compareKeyIds);
}

/** The day's first key, or the next of that day. */
export function newKeyId(at: Date, taken: readonly string[]): string {
  const day = at.toISOString().slice(0, 10);
  for (let ordinal = 1; ; ordinal += 1) {
    const id = ordinal === 1 ? day : `${day}-${ordinal}`;
    if (!taken.includes(id)) return id;
  }
}

export function readKeyFile(
  storage: Storage,
  source: string,
  name: string,
  signal: AbortSignal,
): Promise<Buffer | null> {
  return readSmall(storage, sourcePrefix(source) + name, signal);
}

/** Writes what is missing, reads it back, and refuses when something else lies there. */
export async function storeKeyFiles(
  storage: Storage,
  source: string,
  files: readonly KeyFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const { name, content } of files) {
    const present = await readKeyFile(storage, source, name, signal);
    if (present?.equals(content)) continue;
    if (present) throw keyTaken(storage, source, name);
    await putKeyFile(storage, source, { name, content }, { ifAbsent: true, signal });
  }
}

export async function putKeyFile(
  storage: Storage,
  source: string,
  { name, content }: KeyFile,
  { ifAbsent, signal }: { ifAbsent: boolean; signal: AbortSignal },
): Promise<void> {
  const key = sourcePrefix(source) + name;
  await storage.put(key, Readable.from([content], { objectMode: false }), { signal, size: content.length, ifAbsent });
  const stored = await readSmall(storage, key, signal);
  if (!stored?.equals(content)) throw keyDamaged(`${name} of ${source} in ${storage.name}`);
}

/** The files of the key that a manifest names, as they lie there. */
export async function readKeySet(
  storage: Storage,
  source: string,
  file: string,
  signal: AbortSignal,
): Promise<KeyFile[]> {
  const id = keyIdOf(file);
  const found: KeyFile[] = [];
  for (const name of [mainFile(id), recipientsFile(id), publicFile(id)]) {
    const content = await readKeyFile(storage, source, name, signal);
    if (content) found.push({ name, content });
  }
  return found;
}

/** Takes the key that a manifest names along to another storage. Its public half is told by `.pub`, which must be the same in both. */
export async function copyKeys(
  from: Storage,
  to: Storage,
  source: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const id = keyIdOf(file);
  const theirs = await readKeyFile(to, source, publicFile(id), signal);
  const ours = await readKeyFile(from, source, publicFile(id), signal);
  if (theirs && ours && readPublic(theirs).recipient !== readPublic(ours).recipient) {
    throw keyTaken(to, source, publicFile(id));
  }
  const names = [mainFile(id), recipientsFile(id), publicFile(id)];
  for (const name of names) {
    const content = await readKeyFile(from, source, name, signal);
    // One that was wrapped anew since is another file for the same key.
    if (!content || (await readKeyFile(to, source, name, signal))) continue;
    await putKeyFile(to, source, { name, content }, { ifAbsent: true, signal }).catch((error: unknown) => {
      if (toHoldfastError(error).code !== 'STORAGE_TAKEN') throw error;
    });
  }
}

/** Whether the files of a key are those that its public half tells; null where it tells nothing, or nothing is there. */
export async function areKeysWhole(
  storage: Storage,
  source: string,
  file: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  const files = await readKeySet(storage, source, file, signal);
  const name = publicFile(keyIdOf(file));
  const stated = files.find((each) => each.name === name);
  const { digests, recipient } = stated ? readPublic(stated.content) : { digests: [], recipient: null };
  const wrapped = files.filter((each) => each !== stated);
  if (recipient === null || digests.length === 0 || wrapped.length === 0) return null;
  return wrapped.every(({ content }) => digests.includes(digestOfKey(content)));
}

/**
 * Puts files of a key that are damaged in `to` right from another storage, where they are whole and of the same key. Returns whether it did.
 * The public half goes last: until then, it shows that this was cut off.
 */
export async function mendKeyFiles(
  from: Storage,
  to: Storage,
  source: string,
  file: string,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await areKeysWhole(from, source, file, signal)) !== true) return false;
  const theirs = await readKeySet(to, source, file, signal);
  const ours = await readKeySet(from, source, file, signal);
  const stated = publicFile(keyIdOf(file));
  const [there, here] = [theirs, ours].map((files) => files.find(({ name }) => name === stated));
  if (!there || !here || readPublic(there.content).recipient !== readPublic(here.content).recipient) return false;
  for (const { name, content } of ours) {
    const same = theirs.some((each) => each.name === name && each.content.equals(content));
    if (!same) await putKeyFile(to, source, { name, content }, { ifAbsent: false, signal });
  }
  return true;
}

export interface PublicKey {
  recipient: string | null;
  /** Digests of the key files, to tell damage from a wrong passphrase; nothing is trusted because of them. */
  digests: string[];
}

/** A recipients file for `age -R`; lines with `#` are comments there. */
export function renderPublic(recipient: string, files: readonly Buffer[]): Buffer {
  const digests = files.map((content) => `# sha256 ${digestOfKey(content)}\n`);
  return Buffer.from(`${digests.join('')}${recipient}\n`);
}

export function readPublic(content: Buffer): PublicKey {
  const text = content.toString('latin1');
  return {
    recipient: /^age1[0-9a-z]+$/m.exec(text)?.[0] ?? null,
    digests: [...text.matchAll(/^# sha256 ([0-9a-f]{64})$/gm)].map(([, digest = '']) => digest),
  };
}

export function digestOfKey(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function compareKeyIds(left: string, right: string): number {
  const order = left.slice(0, 10).localeCompare(right.slice(0, 10));
  return order === 0 ? Number(left.slice(11) || 1) - Number(right.slice(11) || 1) : order;
}

function keyTaken(storage: Storage, source: string, name: string): HoldfastError {
  return new HoldfastError('KEY_TAKEN', `${name} of ${source} in ${storage.name} is another key of the same name`, {
    kind: 'refused',
    hint: 'Two installations write to this place with keys of their own. Give one of them another source name, or run `holdfast key rotate`.',
  });
}
