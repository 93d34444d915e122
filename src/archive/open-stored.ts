import type { Readable } from 'node:stream';
import { HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { artifactKey, objectKey } from './format/layout.ts';
import type { Artifact } from './format/manifest.ts';

/** Where an artifact may lie, the usual place first. */
export function placesOf(source: string, id: string, { path, object }: Pick<Artifact, 'path' | 'object'>): string[] {
  const own = artifactKey(source, id, path);
  return object === null ? [own] : [objectKey(source, object), own];
}

/**
 * The stored bytes of an artifact, unchecked. A shared object lies in the backup's own folder where nothing is shared: in a download,
 * in a storage with locks.
 */
export async function openStored(
  storage: Storage,
  { source, id }: { source: string; id: string },
  artifact: Pick<Artifact, 'path' | 'object'>,
  options: { signal: AbortSignal; start?: number; end?: number },
): Promise<Readable> {
  let missing: HoldfastError | undefined;
  for (const key of placesOf(source, id, artifact)) {
    try {
      return await storage.get(key, options);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORAGE_NOT_FOUND') throw error;
      missing ??= error;
    }
  }
  throw artifactMissing(artifact.path, storage, missing);
}

export function artifactMissing(path: string, storage: Storage, cause?: unknown): HoldfastError {
  return new HoldfastError('ARTIFACT_MISSING', `${path} is missing in ${storage.name}`, {
    kind: 'integrity',
    cause,
    hint: 'Use another copy or another backup.',
  });
}
