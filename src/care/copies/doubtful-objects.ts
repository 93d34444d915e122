import { readManifest } from '../../archive/format/read-manifest.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { Catalog, ProofRecord } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import type { VerifyResult } from '../proof/verify.ts';

interface Place {
  source: { name: string };
  to: Storage;
  catalog: Pick<Catalog, 'backups' | 'proofs'>;
  signal: AbortSignal;
}

/**
 * The shared objects of a storage in which the last look at a backup there found damage. Who relies on one because it is as long as it
 * should be would call the next backup whole, and damaged it would be.
 */
export async function doubtfulObjects({ source: { name }, to, catalog, signal }: Place): Promise<ReadonlySet<string>> {
  const doubtful = new Set<string>();
  if (!to.capabilities.sharedObjects) return doubtful;
  const known = catalog.proofs.list({ source: name, kind: 'verify' }).filter(({ storage }) => storage === to.name);
  // Newest first.
  const newest = new Map(known.toReversed().map((proof) => [proof.backup, proof]));
  for (const { id } of catalog.backups.list(to.name, name)) {
    const proof = newest.get(id);
    if (!proof || proof.ok) continue;
    const damaged = damagedIn(proof);
    const manifest = await readManifest(to, name, id, signal).catch(() => null);
    throwIfAborted(signal);
    for (const { path, object } of manifest?.artifacts ?? [])
      if (object !== null && damaged.has(path)) doubtful.add(object);
  }
  return doubtful;
}

function damagedIn({ result }: ProofRecord): ReadonlySet<string> {
  const { checks = [] } = (result ?? {}) as Partial<VerifyResult>;
  return new Set(checks.filter(({ ok }) => !ok).map(({ artifact }) => artifact));
}
