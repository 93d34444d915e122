import { HoldfastError } from '../../../base/errors.ts';
import type { Counts, SequencePosition, TableCount, TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { fingerprintOf } from './fingerprint.ts';
import { lettingGo } from '../connect/letting-go.ts';
import { quoteTable } from '../connect/names.ts';
import { hasRows, listRelations } from './tables.ts';

export interface CountWish {
  /** Null: all. */
  tables: readonly TableName[] | null;
  sequences: boolean;
  fingerprints: boolean;
}

/** Counts a database as it is now, all of it at one moment. */
export async function countDatabase(connection: Connection, wish: CountWish): Promise<Counts> {
  await connection.rows('begin isolation level repeatable read read only');
  const counts = await countEverything(connection, wish);
  await connection.rows('commit');
  return counts;
}

async function countEverything(connection: Connection, wish: CountWish): Promise<Counts> {
  const relations = await listRelations(connection);
  const there = relations.filter(hasRows);
  const wanted = wish.tables && new Set(wish.tables.map(keyOf));
  const tables = wanted ? there.filter((table) => wanted.has(keyOf(table))) : there;
  const sequences = wish.sequences ? relations.filter((each) => each.kind === 'S') : [];
  return {
    tables: await countTables(connection, tables, wish.fingerprints),
    sequences: await readSequences(connection, sequences),
  };
}

/** In an open transaction: exact numbers of rows, many tables in one question. Names are looked up when it runs: a table dropped meanwhile is an error. */
export async function countTables(
  connection: Connection,
  tables: readonly TableName[],
  fingerprints: boolean,
): Promise<TableCount[]> {
  const counted: TableCount[] = [];
  for (const some of batches(tables)) {
    // ONLY: a parent of inheriting tables has rows of its own, and they have theirs.
    const parts = some.map(
      (table, index) =>
        `select ${index}::int as place, pg_catalog.count(*)::text as rows from only ${quoteTable(table)}`,
    );
    const rows = await lettingGo(connection, () =>
      connection.rows<{ place: number; rows: string }>(parts.join(' union all ')),
    ).catch(changed);
    const byPlace = new Map(rows.map((row) => [row.place, Number(row.rows)]));
    for (const [index, { schema, name }] of some.entries()) {
      counted.push({ schema, name, rows: byPlace.get(index) ?? 0, fingerprint: null });
    }
  }
  if (fingerprints) for (const table of counted) table.fingerprint = await fingerprintOf(connection, table);
  return counted;
}

/** In an open transaction, positions as they are at this moment: sequences know no snapshots. */
export async function readSequences(
  connection: Connection,
  sequences: readonly TableName[],
): Promise<SequencePosition[]> {
  const read: SequencePosition[] = [];
  for (const some of batches(sequences)) {
    const parts = some.map(
      (each, index) =>
        `select ${index}::int as place, last_value::text as value, is_called as called from ${quoteTable(each)}`,
    );
    const rows = await lettingGo(connection, () =>
      connection.rows<{ place: number; value: string; called: boolean }>(parts.join(' union all ')),
    ).catch(changed);
    const byPlace = new Map(rows.map((row) => [row.place, row]));
    for (const [index, { schema, name }] of some.entries()) {
      const row = byPlace.get(index);
      if (row) read.push({ schema, name, value: row.value, called: row.called });
    }
  }
  return read;
}

/** Whoever moved between two readings was dumped somewhere in between. */
export function settle(before: Counts, after: readonly SequencePosition[]): Counts {
  const later = new Map(after.map((each) => [keyOf(each), each]));
  return {
    ...before,
    sequences: before.sequences.map((sequence) => {
      const now = later.get(keyOf(sequence));
      const moved = now && (now.value !== sequence.value || now.called !== sequence.called);
      return moved ? { ...sequence, until: now.value } : sequence;
    }),
  };
}

function keyOf(table: TableName): string {
  return JSON.stringify([table.schema, table.name]);
}

/** Long enough to save round trips with thousands of tables, short enough for the parser and for cancelling. */
const batchSize = 200;

function batches<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / batchSize) }, (_, index) =>
    all.slice(index * batchSize, (index + 1) * batchSize),
  );
}

function changed(error: unknown): never {
  const gone =
    error instanceof HoldfastError && ['42P01', '3F000', '42809'].includes(String(error.details['sqlstate']));
  if (!gone) throw error;
  throw new HoldfastError(
    'DATABASE_CHANGED',
    `a table or sequence disappeared while it was counted: ${error.message}`,
    {
      cause: error,
      retryable: true,
      hint: 'Try again when no migration is running.',
    },
  );
}
