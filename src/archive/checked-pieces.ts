import type { Threads } from '../pipeline/digest-places.ts';
import { expectDigest } from '../pipeline/digest.ts';
import { through } from '../pipeline/pipeline.ts';
import { readAhead } from '../pipeline/read-ahead.ts';
import type { Storage } from '../storage/storage.ts';
import { openArtifact } from './copy.ts';
import { artifactKey } from './format/layout.ts';
import type { Artifact } from './format/manifest.ts';
import { artifactMissing } from './open-stored.ts';

/** Below, getting ready takes longer than reading. */
const readAheadFromBytes = 8 * 1024 * 1024;

export interface StoredArtifact {
  storage: Storage;
  source: string;
  id: string;
  artifact: Artifact;
}

/**
 * The bytes of an artifact, to be given away at once: each piece is good until the next is asked for. What does not fit its digest ends
 * in an error before its last piece.
 */
export async function* checkedPieces(
  { storage, source, id, artifact }: StoredArtifact,
  { threads, signal }: { threads: Threads; signal: AbortSignal },
): AsyncGenerator<Buffer, void, void> {
  const key = artifactKey(source, id, artifact.path);
  const path = artifact.object === null ? storage.localPath(key) : null;
  if (path === null || artifact.bytes < readAheadFromBytes) {
    const stored = await openArtifact(storage, source, id, artifact, signal);
    yield* lastWithheld(through(stored, [expectDigest(artifact, artifact.path)], signal));
    return;
  }
  if ((await storage.stat(key, signal)) === null) throw artifactMissing(artifact.path, storage);
  yield* readAhead(path, { expected: artifact, what: artifact.path, threads, signal });
}

/** Who has been given as many bytes as were announced looks for no error. */
async function* lastWithheld(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let held: Buffer | null = null;
  for await (const piece of content) {
    if (held !== null) yield held;
    held = piece;
  }
  if (held !== null) yield held;
}
