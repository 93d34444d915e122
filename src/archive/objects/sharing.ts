import { createHmac } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { compareBackupIds, parseBackupId } from '../../base/ids.ts';
import type { Storage } from '../../storage/storage.ts';
import type { WriteKey } from '../keys/keys.ts';
import { unsharable } from './condemned.ts';
import { objectKey, sourcePrefix } from '../format/layout.ts';
import type { Artifact, Manifest } from '../format/manifest.ts';
import { readManifest } from '../format/read-manifest.ts';
import { isOfOneFile } from '../format/unreadable.ts';

/** What a backup that is being written knows of the objects that others hold already. */
export interface Sharing {
  /** What the newest backup said of its trees. */
  readonly previous: Record<string, unknown> | null;
  /** False: nothing of this size is there, and taking the digest of it first would be in vain. Null: the size is not known. */
  mayHave(rawBytes: number | null): boolean;
  /** By the SHA-256 of what is packed. */
  find(sha256: string): Artifact | null;
  /** What a manifest says of a content: nothing that could be compared with a known one where backups are encrypted. */
  contentOf(sha256: string): string;
}

/** Of so many backups that hold objects, all are known; what only others hold is stored anew. */
const enough = 3;
/** Between them may lie many of the database alone. */
const looksAt = 50;

/** Null: everything goes into the backup's own folder. */
export async function openSharing(
  storage: Storage,
  source: string,
  options: { id: string; key: WriteKey | null; anew: boolean; signal: AbortSignal },
): Promise<Sharing | null> {
  const { id: own, key, anew, signal } = options;
  if (key !== null && key.naming === null) return null;
  // Before any manifest is read: what goes later is seen to be needed, or was written down already.
  const condemned = await unsharable(storage, source, own, signal);
  if (condemned === null) return null;
  const folders = (await storage.folders(sourcePrefix(source), signal)).filter((name) => parseBackupId(name) !== null);
  const manifests: Manifest[] = [];
  for (const id of folders.toSorted(compareBackupIds).toReversed().slice(0, looksAt)) {
    const manifest = await readWhole(storage, source, id, signal);
    if (!manifest) continue;
    manifests.push(manifest);
    if (manifests.filter(({ artifacts }) => artifacts.some(({ object }) => object !== null)).length === enough) break;
  }
  const previous = manifests.find(({ files }) => files !== null)?.files ?? null;
  const known = anew ? [] : await stillThere(storage, source, knownIn(manifests, { key, condemned }), signal);
  const contentOf = (sha256: string) =>
    key?.naming ? createHmac('sha256', key.naming).update(sha256).digest('hex') : sha256;
  const byContent = new Map(known.map((artifact) => [artifact.content ?? '', artifact]));
  const sizes = new Set(known.map(({ rawBytes }) => rawBytes));
  return {
    previous,
    mayHave: (rawBytes) => sizes.size > 0 && (rawBytes === null || sizes.has(rawBytes)),
    find: (sha256) => byContent.get(contentOf(sha256)) ?? null,
    contentOf,
  };
}

async function readWhole(storage: Storage, source: string, id: string, signal: AbortSignal): Promise<Manifest | null> {
  try {
    return await readManifest(storage, source, id, signal);
  } catch (error) {
    // Removed meanwhile or never finished; one that is damaged, or cannot be read here, is told by others.
    if (error instanceof HoldfastError && (error.code === 'BACKUP_NOT_FOUND' || error.kind === 'integrity'))
      return null;
    if (isOfOneFile(error)) return null;
    throw error;
  }
}

/** Objects that open with the key of this backup: a manifest names one key for all that it holds. The newest come last. */
function knownIn(
  manifests: readonly Manifest[],
  { key, condemned }: { key: WriteKey | null; condemned: ReadonlySet<string> },
): Artifact[] {
  return manifests
    .filter(({ encryption }) =>
      key === null
        ? encryption === null
        : encryption?.['key'] === key.file && encryption['recipient'] === key.recipient,
    )
    .toReversed()
    .flatMap(({ artifacts }) => artifacts)
    .filter(
      ({ object, content, encryption }) =>
        object !== null &&
        !condemned.has(object) &&
        typeof content === 'string' &&
        (encryption === null) === (key === null),
    );
}

async function stillThere(
  storage: Storage,
  source: string,
  artifacts: readonly Artifact[],
  signal: AbortSignal,
): Promise<Artifact[]> {
  const keys = artifacts.map(({ object }) => objectKey(source, object ?? ''));
  const found = keys.length === 0 ? [] : await storage.statMany(keys, signal);
  return artifacts.filter(({ bytes }, at) => found[at]?.bytes === bytes && found[at]?.lockedUntil === undefined);
}

/** Right before a manifest is written: everything it names that it did not store itself. */
export async function assertObjects(
  storage: Storage,
  source: string,
  artifacts: readonly Artifact[],
  signal: AbortSignal,
): Promise<void> {
  const keys = artifacts.map(({ object }) => objectKey(source, object ?? ''));
  if (keys.length === 0) return;
  const found = await storage.statMany(keys, signal);
  const lost = artifacts.find(({ bytes }, at) => found[at]?.bytes !== bytes);
  if (lost) {
    throw new HoldfastError('OBJECT_GONE', `${lost.object} was removed from ${storage.name} while it was being used`, {
      hint: 'Take the backup again: what is missing is stored anew.',
      retryable: true,
    });
  }
}
