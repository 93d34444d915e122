import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { noKeys } from '../../src/archive/keys/keys.ts';
import { renderManifest, sealManifest, type Manifest, type ManifestDraft } from '../../src/archive/format/manifest.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { backupId, parseBackupId } from '../../src/base/ids.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';

const never = new AbortController().signal;

export function localAt(path: string, name = 'local'): Storage {
  return localStorage(name, { type: 'local', path });
}

type Facts = Partial<Pick<ManifestDraft, 'trigger' | 'description' | 'safetyFor'>>;

/** A sealed backup whose dump is a few bytes, for tests of what is done with backups rather than of what is in them. */
export async function storeBackup(
  storage: Storage,
  source: string,
  at: string | Date,
  facts: Facts = {},
): Promise<Manifest> {
  const startedAt = new Date(at);
  await using writer = await openBackup({ storage, source, startedAt, keys: noKeys, scratch: tmpdir(), signal: never });
  const artifacts = await writer.add(
    {
      kind: 'stream',
      role: 'database',
      name: 'database.dump',
      format: 'custom',
      compression: { codec: 'none', level: null },
      compressedByTool: null,
      open: () => Readable.from([Buffer.from('0123456789')], { objectMode: false }),
    },
    { signal: never, report: () => undefined },
  );
  return await writer.seal({ ...draft(source, writer.id, startedAt), artifacts, ...facts }, never);
}

/** What the manifest of a backup that a test writes by itself says. */
export function draftOf(id: string, source = 'shop'): Omit<ManifestDraft, 'artifacts'> {
  return draft(source, id, parseBackupId(id)?.at ?? new Date(0));
}

/** As many as wanted, an hour apart, as plain files, which is quicker. */
export function writeManifests(folder: string, source: string, count: number): void {
  for (let n = 0; n < count; n += 1) {
    const startedAt = new Date(Date.UTC(2025, 0, 1) + n * 3_600_000);
    const id = backupId(startedAt);
    const manifest = sealManifest({ ...draft(source, id, startedAt), artifacts: oneArtifact });
    mkdirSync(join(folder, source, id), { recursive: true });
    writeFileSync(join(folder, source, id, 'manifest.json'), renderManifest(manifest));
  }
}

const tables = Array.from({ length: 20 }, (_, n) => ({
  schema: 'public',
  name: `table_${n}`,
  rows: n * 100,
  fingerprint: null,
}));

const oneArtifact: Manifest['artifacts'] = [
  {
    path: 'database.dump',
    role: 'database',
    format: 'custom',
    compression: 'zstd:3',
    compressedBy: 'tool',
    encryption: null,
    object: null,
    rawBytes: null,
    bytes: 1000,
    sha256: 'a'.repeat(64),
  },
];

function draft(source: string, id: string, startedAt: Date): Omit<ManifestDraft, 'artifacts'> {
  return {
    id,
    source,
    description: null,
    trigger: 'schedule',
    safetyFor: null,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date(startedAt.getTime() + 1500).toISOString(),
    durationMs: 1500,
    holdfast: '0.0.0',
    instance: 'test',
    database: {
      engine: 'postgres',
      name: 'shop',
      serverVersion: '15.18',
      toolVersion: '15.18',
      via: 'host',
      encoding: 'UTF8',
      collation: 'C',
      collationVersion: null,
      sizeBytes: 10_000,
      owner: 'shop',
      extensions: [],
      settings: [],
      roles: [],
      owners: [],
      policyRoles: [],
      properties: {},
      snapshot: { isolation: 'serializable-deferrable', lsn: null },
      tables,
      sequences: [],
    },
    app: null,
    files: null,
    encryption: null,
    warnings: [],
  };
}
