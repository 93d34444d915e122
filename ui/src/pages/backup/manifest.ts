import type { ResponseOf, Routes } from '../../../../src/api/contract.ts';

export type BackupDetail = ResponseOf<Routes['backup']>;

/** What this page shows of a manifest; the whole is described in docs/manifest.schema.json. Only what is looked at here is named. */
export interface ShownManifest {
  id: string;
  source: string;
  trigger: string;
  safetyFor: string | null;
  durationMs: number;
  holdfast: string;
  instance: string;
  database: ShownDatabase | null;
  encryption: { key?: string } | null;
  artifacts: ShownArtifact[];
  warnings: string[];
}

export interface ShownDatabase {
  engine: string;
  name: string;
  serverVersion: string;
  toolVersion: string;
  encoding: string;
  collation: string;
  sizeBytes: number;
  tables: { schema: string; name: string; rows: number | null }[];
  sequences: { schema: string; name: string }[];
}

export interface ShownArtifact {
  path: string;
  role: string;
  format: string;
  compression: string | null;
  encryption: string | null;
  object: string | null;
  rawBytes: number | null;
  bytes: number;
  sha256: string;
}

export interface SchemaContents {
  schema: string;
  rows: number;
  tables: { name: string; rows: number | null }[];
  sequences: number;
}

/** By name; within a schema too, because that is how one looks for a table. */
export function schemasOf({ tables, sequences }: Pick<ShownDatabase, 'tables' | 'sequences'>): SchemaContents[] {
  const names = [...new Set([...tables, ...sequences].map(({ schema }) => schema))].toSorted();
  return names.map((schema) => {
    const inside = tables.filter((table) => table.schema === schema);
    return {
      schema,
      rows: inside.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
      tables: inside.map(({ name, rows }) => ({ name, rows })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      sequences: sequences.filter((sequence) => sequence.schema === schema).length,
    };
  });
}
