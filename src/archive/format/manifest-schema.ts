import { z } from 'zod';
import type { AppPart } from '../../apps/app.ts';
import type { Counts, DatabaseFacts, DumpFormat } from '../../engines/engine.ts';

/** The highest format this program reads and the one it writes. */
export const manifestFormat = 1;

/** What seals a backup. Unknown fields are kept beside these. See docs/backup-format.md. */
export interface Manifest {
  format: typeof manifestFormat;
  id: string;
  source: string;
  description: string | null;
  trigger: 'schedule' | 'manual' | 'api' | 'safety' | 'import';
  /** For a safety backup: the backup that was about to be restored. */
  safetyFor: string | null;
  startedAt: string;
  finishedAt: string;
  durationMs: number;
  /** The version that wrote it. */
  holdfast: string;
  instance: string;
  database: ManifestDatabase | null;
  /** What an application said of itself when it was saved; `kind` tells which one. */
  app: Record<string, unknown> | null;
  /** What the file trees were like. */
  files: Record<string, unknown> | null;
  encryption: Record<string, unknown> | null;
  artifacts: Artifact[];
  /** The parts of the source that were asked for, where it had more: `database`, `files`, `app`. */
  only?: string[];
  /** Optional parts that could not be saved, or not all of them. */
  lacks?: string[];
  /** Of an import: what it was before. */
  imported?: ImportedFrom;
  warnings: string[];
  digest: string;
}

export interface ImportedFrom {
  /** The system that made it, where its name told: `nocodb`, `tma-cloud`, ... */
  system: string | null;
  /** As that system called it. */
  name: string;
  /** Of the foreign file as it lay: the same file is not taken in twice. */
  sha256: string;
  /** Where `startedAt` was read, and the time zone it was read in. */
  time: { from: 'name' | 'metadata' | 'file'; zone: string | null };
  /** The operator let it run with rights that reach beyond databases. */
  superuser?: true;
}

export interface ManifestDatabase extends DatabaseFacts, Counts {
  snapshot: { isolation: string; lsn: string | null };
}

export interface Artifact {
  /** Relative to the backup's folder. */
  path: string;
  role: 'database' | 'globals' | AppPart['role'];
  format: DumpFormat | AppPart['format'];
  /** `zstd:3`; null when it is not compressed or nobody knows. */
  compression: string | null;
  /** Who compressed it: the dump tool inside its own format, or the archive around it (then the name has an extension for it). */
  compressedBy: 'tool' | 'archive' | null;
  encryption: string | null;
  /** Where it lies instead of in the backup's folder, relative to the source: other backups may hold the same. */
  object: string | null;
  /** Of a shared object: the SHA-256 of what was packed, before compression; of encrypted backups, under a key that is not in the storage. */
  content?: string | null;
  /** Of a shared object: it lay there already when this backup was made. */
  reused?: boolean;
  /** What the tool produced, where the archive compressed it. */
  rawBytes: number | null;
  /** As stored, like the digest. */
  bytes: number;
  sha256: string;
  /** How many entries the dump's own table of contents has, where somebody counted. */
  entries?: number | null;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const moment = z.iso.datetime();
const size = z.int().nonnegative();
const text = z.string();
const named = { schema: text, name: text };

const artifactSchema = z.object({
  path: text.min(1).describe('relative to the folder of the backup'),
  role: text.describe('database, globals, files, app, ...'),
  format: text.describe('custom, directory, tar, plain, file, json, ...'),
  compression: text.nullable().describe('codec and level, such as zstd:3'),
  compressedBy: z.enum(['tool', 'archive']).nullable().optional(),
  encryption: text.nullable(),
  object: text.nullable().describe('a shared object: where it lies, relative to the source, instead of under its path'),
  content: sha256
    .nullable()
    .optional()
    .describe('of a shared object: SHA-256 of what was packed; encrypted: HMAC of it'),
  reused: z.boolean().optional().describe('of a shared object: it lay there already when this backup was made'),
  rawBytes: size.nullable(),
  bytes: size.describe('as stored'),
  sha256: sha256.describe('of the stored bytes'),
  entries: size.nullable().optional(),
});

const databaseSchema = z.object({
  engine: text,
  name: text,
  serverVersion: text,
  toolVersion: text,
  via: text,
  encoding: text,
  collation: text,
  collationVersion: text.nullable(),
  sizeBytes: size,
  owner: text,
  extensions: z.array(z.object({ name: text, version: text })),
  settings: z.array(text),
  roles: z.array(text).optional(),
  owners: z.array(text).optional(),
  policyRoles: z.array(text).optional(),
  properties: z.record(text, z.unknown()).optional(),
  snapshot: z.object({ isolation: text, lsn: text.nullable() }),
  tables: z.array(z.object({ ...named, rows: size.nullable(), fingerprint: text.nullable() })),
  sequences: z.array(
    z.object({ ...named, value: text.regex(/^-?\d+$/), called: z.boolean(), until: text.regex(/^-?\d+$/).optional() }),
  ),
});

/** Checks the fields of this format and lets others pass. A value that a later program may add (a role, a trigger) is only text here. */
export const manifestSchema = z.object({
  format: z.literal(manifestFormat),
  id: text,
  source: text,
  description: text.nullable(),
  trigger: text.describe('schedule, manual, api, safety or import'),
  safetyFor: text.nullable(),
  startedAt: moment,
  finishedAt: moment,
  durationMs: size,
  holdfast: text,
  instance: text,
  database: databaseSchema.nullable(),
  app: z.record(text, z.unknown()).nullable().describe('what an application said of itself'),
  files: z.record(text, z.unknown()).nullable().optional().describe('what the file trees were like'),
  encryption: z.record(text, z.unknown()).nullable(),
  artifacts: z.array(artifactSchema),
  only: z
    .array(text)
    .optional()
    .describe('the parts that were asked for, where the source had more: database, files, app'),
  lacks: z.array(text).optional().describe('optional parts that could not be saved, or not all of them'),
  imported: z
    .object({
      system: text.nullable().describe('the system that made it, where its name told'),
      name: text.describe('as that system called it'),
      sha256: sha256.describe('of the foreign file as it lay'),
      time: z
        .object({ from: text.describe('name, metadata or file'), zone: text.nullable() })
        .describe('where startedAt was read, and the time zone it was read in'),
      superuser: z.literal(true).optional().describe('it was allowed to run with the rights of a superuser'),
    })
    .optional()
    .describe('of an import: what it was before'),
  warnings: z.array(text),
  digest: sha256.describe(
    'SHA-256 of this manifest as canonical JSON (keys sorted, no white space) without this field',
  ),
});

/** For docs/manifest.schema.json. */
export function manifestJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(manifestSchema, { io: 'input' });
  return { ...schema, title: 'Holdfast backup manifest, format 1' };
}
