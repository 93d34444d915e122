import type { Storage } from '../storage/storage.ts';
import { placesOf } from './open-stored.ts';
import { readManifest } from './format/read-manifest.ts';

export interface MissingFile {
  path: string;
  /** What is wrong with it, for people. */
  problem: string;
}

/**
 * The first file of a backup that is not there, or not as big as it was: what a transfer that was cut off, a rule that expires objects or a hand
 * leaves. Bytes are not read. Rejects where the manifest cannot be read.
 */
export async function findMissingFile(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
): Promise<MissingFile | null> {
  const { artifacts } = await readManifest(storage, source, id, signal);
  const places = artifacts.map((artifact) => placesOf(source, id, artifact));
  const usual = await storage.statMany(
    places.map(([key = '']) => key),
    signal,
  );
  for (const [at, { path, object, bytes }] of artifacts.entries()) {
    const [, own] = places[at] ?? [];
    const found = usual[at] ?? (own === undefined ? null : await storage.stat(own, signal));
    const name = object === null ? path : `${path}, the shared object ${object},`;
    if (!found) return { path, problem: `${name} is missing` };
    if (found.bytes !== bytes) return { path, problem: `${name} has ${found.bytes} bytes instead of ${bytes}` };
  }
  return null;
}
