import { HoldfastError } from '../base/errors.ts';
import {
  tableTitle,
  type Counts,
  type Database,
  type DumpEntry,
  type StoredDump,
  type TableName,
} from '../engines/engine.ts';

/** A part of a database. */
export interface Scope {
  tables: TableName[];
  schemas: string[];
}

/**
 * What comes back with the scope: partitions with their table. A misspelt name is told before anything else is looked at. A plain dump
 * has no contents to look into; loading a part of it is refused later.
 */
export async function findInDump(
  database: Database,
  dump: StoredDump,
  { tables, schemas }: Scope,
  signal: AbortSignal,
): Promise<Scope> {
  if (dump.format === 'plain') return { tables, schemas };
  const entries = await database.contents(dump, signal);
  const there = new Set(entries.filter(({ kind }) => kind === 'TABLE').map(keyOf));
  const known = new Set(entries.flatMap((entry) => (entry.kind === 'SCHEMA' ? entry.name : (entry.schema ?? []))));
  const missing = [
    ...tables.filter((table) => !there.has(keyOf(table))).map((table) => `table ${tableTitle(table)}`),
    ...schemas.filter((schema) => !known.has(schema)).map((schema) => `schema ${schema}`),
  ];
  if (missing.length === 0) return { tables: withPartitions(entries, { tables, schemas }), schemas };
  throw new HoldfastError('NOT_IN_BACKUP', `the backup has no ${missing.join(', no ')}`, {
    kind: 'usage',
    hint: hintFor(
      entries,
      tables.filter((table) => !there.has(keyOf(table))),
    ),
  });
}

/** A table of that name with another schema, or none, or in other letters is most likely what was meant. */
function hintFor(entries: readonly DumpEntry[], missing: readonly TableName[]): string {
  const names = new Set(missing.map(({ name }) => name.toLowerCase()));
  const similar = entries.filter(({ kind, name }) => kind === 'TABLE' && names.has(name.toLowerCase()));
  const shown = similar.slice(0, 3).map(({ schema, name }) => tableTitle({ schema: schema ?? '', name }));
  if (shown.length > 0) return `It has ${shown.join(' and ')}: write it like that.`;
  return '`holdfast inspect` shows what is in it. Write a table as it stands there: where tables have schemas, as schema.table.';
}

/** A partition comes with its table, wherever it lies. */
function withPartitions(entries: readonly DumpEntry[], { tables, schemas }: Scope): TableName[] {
  const parts = Map.groupBy(entries, ({ partitionOf }) => partitionOf && keyOf(partitionOf));
  const inSchemas = entries.filter(({ kind, schema }) => kind === 'TABLE' && schemas.includes(schema ?? ''));
  const wanted = [...tables, ...inSchemas.map(({ schema, name }) => ({ schema: schema ?? '', name }))];
  const found = new Map(wanted.map((table) => [keyOf(table), table]));
  for (const key of found.keys()) {
    for (const { schema, name } of parts.get(key) ?? [])
      found.set(keyOf({ schema, name }), { schema: schema ?? '', name });
  }
  return [...found.values()];
}

/** What a restore of the scope has to bring back. */
export function expectedIn(counts: Counts, scope: Scope | null): Counts {
  if (scope === null) return { tables: counts.tables, sequences: counts.sequences };
  const wanted = new Set(scope.tables.map(keyOf));
  const inSchema = ({ schema }: TableName) => scope.schemas.includes(schema);
  return {
    tables: counts.tables.filter((table) => inSchema(table) || wanted.has(keyOf(table))),
    sequences: counts.sequences.filter(inSchema),
  };
}

/** Where there are no schemas, some say so with none, and some with an empty one. */
function keyOf({ schema, name }: { schema: string | null; name: string }): string {
  return JSON.stringify([schema ?? '', name]);
}
