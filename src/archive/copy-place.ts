import type { Readable } from 'node:stream';
import type { Report } from '../base/progress.ts';
import { digestOf, digestProblem } from '../pipeline/digest.ts';
import type { PutOptions, Stage, Storage } from '../storage/storage.ts';
import { objectKey } from './layout.ts';
import type { Artifact } from './manifest.ts';

export interface StageCopy {
  stage: Stage;
  to: Storage;
  source: string;
  /** Whether shared objects may lie there as such: asked when the stage was visible. */
  shares: boolean;
  /** An object that lies there, as long as it should be, is what it should be: it was compared when it came. */
  trust: boolean;
  open(artifact: Artifact): Promise<Readable>;
  signal: AbortSignal;
  report: Report;
}

interface ArtifactPlace {
  put(content: Readable, options: PutOptions): Promise<unknown>;
  get(): Promise<Readable>;
}

/** A shared object that the receiver has already is not sent again. */
export async function placeOf(artifact: Artifact, copy: StageCopy): Promise<ArtifactPlace | 'there'> {
  const { stage, to, source, shares, trust, signal } = copy;
  const { path, object, bytes } = artifact;
  const own: ArtifactPlace = {
    put: (content, options) => stage.put(path, content, options),
    get: () => stage.get(path, { signal }),
  };
  if (object === null || !shares) return own;
  const key = objectKey(source, object);
  const found = await to.stat(key, signal);
  // Its lock began when it came and would end before that of this backup.
  if (found?.lockedUntil !== undefined) return own;
  if (found?.bytes === bytes && (trust || (await isWhole(to, key, artifact, signal)))) return 'there';
  return { put: (content, options) => to.put(key, content, options), get: () => to.get(key, { signal }) };
}

async function isWhole(to: Storage, key: string, artifact: Artifact, signal: AbortSignal): Promise<boolean> {
  const actual = await digestOf(await to.get(key, { signal }), () => undefined);
  return digestProblem(artifact, actual, key) === null;
}
