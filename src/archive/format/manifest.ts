import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { checkArtifactPath, checkObjectPath } from './layout.ts';
import {
  manifestFormat,
  manifestSchema,
  type Artifact,
  type Manifest,
  type ManifestDatabase,
} from './manifest-schema.ts';

export { manifestJsonSchema, type Artifact, type Manifest } from './manifest-schema.ts';

interface Place {
  source: string;
  id: string;
}

export type ManifestDraft = Omit<Manifest, 'format' | 'digest'>;

/** Adds format and digest, and refuses what could not be read back. */
export function sealManifest(draft: ManifestDraft): Manifest {
  const { id, source } = draft;
  // Through JSON and back: what JSON cannot keep must not be part of the digest.
  const plain = JSON.parse(JSON.stringify({ format: manifestFormat, ...draft })) as Manifest;
  const sealed = { ...plain, digest: digestOf(plain) };
  return parseManifest(Buffer.from(renderManifest(sealed)), { source, id });
}

/** For people to read; the digest does not depend on how it is laid out. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Checks everything a manifest can be checked for by itself: digest, fields, that it belongs here, and that its paths are harmless. */
export function parseManifest(bytes: Uint8Array, place: Place): Manifest {
  const raw = parseObject(bytes, place);
  // First of all: a later format may compute its digest in another way.
  if (typeof raw['format'] === 'number' && raw['format'] > manifestFormat) throw newer(raw['format'], place);
  const { digest: stated, ...rest } = raw;
  if (stated !== digestOf(rest)) throw damaged(place, 'its digest does not match its content');
  const checked = manifestSchema.safeParse(raw);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw damaged(place, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is not a manifest'}`);
  }
  // The value itself and not what zod made of it: unknown fields are kept.
  const manifest = complete(raw);
  if (manifest.id !== place.id || manifest.source !== place.source) {
    throw damaged(place, `it belongs to ${manifest.source}/${manifest.id}`);
  }
  const paths = new Set<string>();
  for (const { path, object } of manifest.artifacts) {
    checkArtifactPath(path);
    if (object !== null) checkObjectPath(object);
    if (paths.has(path)) throw damaged(place, `it names ${path} twice`);
    paths.add(path);
  }
  return manifest;
}

function parseObject(bytes: Uint8Array, place: Place): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (isObject(value)) return value;
  } catch (error) {
    throw damaged(place, 'it is not valid JSON', error);
  }
  throw damaged(place, 'it is not an object');
}

/** Fields that the format lets others leave out. */
function complete(raw: object): Manifest {
  const manifest = raw as Manifest;
  const { database } = manifest;
  // Who of the roles owns something was not told at first.
  const optional: Partial<ManifestDatabase> = {
    roles: [],
    owners: database?.roles ?? [],
    policyRoles: [],
    properties: {},
  };
  return {
    ...manifest,
    files: manifest.files ?? null,
    database: database && { ...optional, ...database },
    artifacts: manifest.artifacts.map((artifact) => ({
      ...artifact,
      compressedBy: artifact.compressedBy ?? guessCompressedBy(artifact),
    })),
  };
}

function guessCompressedBy({ path, compression }: Artifact): Artifact['compressedBy'] {
  if (compression === null) return null;
  return /\.(gz|bz2|xz|lz4|zst)(\.age)?$/.test(path) ? 'archive' : 'tool';
}

function digestOf(manifest: object): string {
  return createHash('sha256').update(canonicalJson(manifest)).digest('hex');
}

/** Keys sorted by their UTF-16 code units, no white space; numbers and strings as JSON.stringify writes them (RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const fields = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${fields.join(',')}}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged({ source, id }: Place, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('MANIFEST_DAMAGED', `the manifest of ${source}/${id} is damaged: ${why}`, {
    kind: 'integrity',
    cause,
    hint: 'Use another copy of this backup, or another backup.',
  });
}

/** Nothing is wrong with it: only this program cannot read it. */
export function isNewer(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'MANIFEST_NEWER';
}

function newer(format: number, { source, id }: Place): HoldfastError {
  return new HoldfastError(
    'MANIFEST_NEWER',
    `the backup ${source}/${id} has format ${format}; this program reads up to ${manifestFormat}`,
    {
      kind: 'integrity',
      hint: 'Upgrade Holdfast to a version that knows this format. Delete nothing because of it: the backup is not damaged.',
    },
  );
}
