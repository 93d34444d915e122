import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { removingKey } from '../archive/format/layout.ts';
import { readSmall } from '../archive/format/small-files.ts';
import { throwIfAborted, withTimeout } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Source } from './source.ts';

const answerMs = 10_000;
const askedAgainMs = 3_600_000;
const askedAt = new WeakMap<Storage, number>();

/**
 * Refuses where another storage of the source is the same place by another way, which the configuration alone does not show: what is
 * removed from one would be gone from both, and a copy would be no copy.
 */
export async function assertOwnPlace(
  { storages }: Pick<Source, 'storages'>,
  storage: Storage,
  signal: AbortSignal,
): Promise<void> {
  const twin = await findTwin(storage, storages, signal);
  if (twin) throw samePlace(storage, twin);
}

/** Another storage that is the same place; one that cannot tell is none. */
export async function findTwin(
  storage: Storage,
  others: readonly Storage[],
  signal: AbortSignal,
): Promise<Storage | null> {
  const own = await storage.identity?.();
  throwIfAborted(signal);
  if (!own) return null;
  for (const other of others) {
    if (other.name === storage.name) continue;
    const identity = await other.identity?.().catch(() => null);
    throwIfAborted(signal);
    if (identity === own) return other;
  }
  return null;
}

/**
 * Right after a file was written into a storage: another one in which it lies too is the same place, by whatever way it is reached. One that does
 * not answer soon is none.
 */
export async function findWhereElse(
  { storage, key, content }: { storage: Storage; key: string; content: Buffer },
  others: readonly Storage[],
  signal: AbortSignal,
): Promise<Storage | null> {
  using limited = withTimeout(signal, answerMs, () => new HoldfastError('TIMEOUT', 'no answer'));
  const shows = others.map(async (other) => {
    if (other.name === storage.name) return false;
    return (await readSmall(other, key, limited.signal).catch(() => null))?.equals(content) ?? false;
  });
  const at = (await Promise.all(shows)).indexOf(true);
  throwIfAborted(signal);
  return others[at] ?? null;
}

/**
 * Refuses where the mark of a removal shows in another storage of the source. Asked once in an hour: what is away must not hold up a thousand
 * removals, and no place becomes another so quickly.
 */
export async function assertMarkedHereOnly(
  { name, storages }: Pick<Source, 'name' | 'storages'>,
  storage: Storage,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const now = performance.now();
  if (storages.length === 1 || now - (askedAt.get(storage) ?? -Infinity) < askedAgainMs) return;
  const key = removingKey(name, id);
  // On a full disk there is none.
  const content = await readSmall(storage, key, signal);
  const twin = content && (await findWhereElse({ storage, key, content }, storages, signal));
  if (twin) throw samePlace(storage, twin, 'place');
  askedAt.set(storage, now);
}

/** Refuses to call a copy one that lay there already because its receiver is where another one lies. */
export async function assertNotItself(
  to: Storage,
  storages: readonly Storage[],
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const timeIn = async (storage: Storage) => (await storage.stat(key, signal))?.modifiedAt.getTime() ?? -Infinity;
  const own = await timeIn(to);
  // A copy is written later than what it is made of, and not every kind of storage tells parts of seconds.
  const isAsOld = async (other: Storage) => Math.abs((await timeIn(other).catch(() => -Infinity)) - own) <= 1000;
  const asOld = await Promise.all(storages.map(isAsOld));
  throwIfAborted(signal);
  const suspects = storages.filter((other, at) => other.name !== to.name && asOld[at]);
  // What is locked would stay.
  if (suspects.length === 0 || to.capabilities.lock !== null) return;
  const folder = `holdfast-probe-${randomBytes(4).toString('hex')}/`;
  const probe = { storage: to, key: `${folder}probe`, content: randomBytes(16) };
  try {
    const body = Readable.from([probe.content], { objectMode: false });
    await to.put(probe.key, body, { signal, size: probe.content.length });
    const twin = await findWhereElse(probe, suspects, signal);
    if (twin) throw samePlace(to, twin, 'place');
  } finally {
    const soon = AbortSignal.timeout(answerMs);
    await to.delete([probe.key], soon).catch(() => undefined);
    await to.removeFolder(folder, soon).catch(() => undefined);
  }
}

export function samePlace(storage: Storage, twin: Storage, what: 'folder' | 'place' = 'folder'): HoldfastError {
  return new HoldfastError(
    'STORAGES_SAME_PLACE',
    `the storages ${storage.name} (${storage.title}) and ${twin.name} (${twin.title}) are the same ${what}`,
    {
      kind: 'usage',
      hint: 'Give one of them a folder of its own on another disk, or take it out of the configuration; what is removed from one would be gone from both.',
    },
  );
}
