import { HoldfastError } from '../../../base/errors.ts';
import type { Counts, SequencePosition, TableCount, TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { fingerprintOf } from './fingerprint.ts';
import { quoteIn } from '../connect/names.ts';
import { listRelations, type DumpedTable, type Relation } from './tables.ts';

export interface CountWish {
  /** Null: all. */
  tables: readonly TableName[] | null;
  sequences: boolean;
  fingerprints: boolean;
}

/** Counts a database as it is now, all of it at one moment. */
export async function countDatabase(connection: Connection, wish: CountWish): Promise<Counts> {
  const database = connection.address.database;
  await connection.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY').catch(async (error: unknown) => {
    if (!(error instanceof HoldfastError) || error.details['errno'] !== 1064) throw error;
    await connection.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  });
  const relations = await listRelations(connection, database);
  const wanted = wish.tables && new Set(wish.tables.map(({ name }) => name));
  const tables = relations.filter(({ kind, name }) => kind === 'table' && (wanted?.has(name) ?? true));
  const sequences = wish.sequences ? relations.filter(({ kind }) => kind === 'sequence') : [];
  const counts = {
    tables: await countTables(connection, database, tables, wish.fingerprints),
    sequences: await readSequences(connection, database, sequences),
  };
  await connection.rows('COMMIT');
  return counts;
}

/** Exact numbers of rows, of tables that keep history with all of it. */
export async function countTables(
  connection: Connection,
  database: string,
  tables: readonly DumpedTable[],
  fingerprints: boolean,
): Promise<TableCount[]> {
  const counted: TableCount[] = [];
  for (const some of batches(tables)) {
    const parts = some.map(
      (table, index) =>
        `SELECT ${index} AS place, CAST(COUNT(*) AS CHAR) AS rows_there FROM ${fromOf(database, table)}`,
    );
    const rows = await released(connection, () =>
      connection.rows<{ place: number | string; rows_there: string }>(parts.join(' UNION ALL ')),
    ).catch(changed);
    const byPlace = new Map(rows.map((row) => [Number(row.place), Number(row.rows_there)]));
    for (const [index, { name }] of some.entries()) {
      counted.push({ schema: '', name, rows: byPlace.get(index) ?? 0, fingerprint: null });
    }
  }
  if (!fingerprints) return counted;
  for (const [index, table] of tables.entries()) {
    const entry = counted[index];
    const digest = () => fingerprintOf(connection, database, table, fromOf(database, table));
    if (entry) entry.fingerprint = await released(connection, digest).catch(changed);
  }
  return counted;
}

export function fromOf(database: string, table: Pick<Relation, 'name' | 'versioned'>): string {
  return `${quoteIn(database, table.name)}${table.versioned ? ' FOR SYSTEM_TIME ALL' : ''}`;
}

/** Tables stay locked against changes until a transaction ends, or goes back to before it read them; nobody shall wait for a backup. */
export async function released<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.rows('SAVEPOINT holdfast');
  const result = await work();
  await connection.rows('ROLLBACK TO SAVEPOINT holdfast');
  return result;
}

/** Positions as they are at this moment: sequences know no snapshots. */
export async function readSequences(
  connection: Connection,
  database: string,
  sequences: readonly Pick<Relation, 'name'>[],
): Promise<SequencePosition[]> {
  const read: SequencePosition[] = [];
  for (const { name } of sequences) {
    const row = await connection
      .row<{ value: string }>(`SELECT CAST(next_not_cached_value AS CHAR) AS value FROM ${quoteIn(database, name)}`)
      .catch(changed);
    // What a dump sets: the first value nobody can have been given, whatever caches of the server hold.
    read.push({ schema: '', name, value: row.value, called: false });
  }
  return read;
}

/** Whoever moved between two readings was dumped somewhere in between. */
export function settle(before: Counts, after: readonly SequencePosition[]): Counts {
  const later = new Map(after.map((each) => [each.name, each.value]));
  return {
    ...before,
    sequences: before.sequences.map((sequence) => {
      const now = later.get(sequence.name);
      return now === undefined || now === sequence.value ? sequence : { ...sequence, until: now };
    }),
  };
}

function* batches<T>(items: readonly T[]): Iterable<T[]> {
  // Every table of one statement is opened at once; the server's cache of open tables has room for some hundreds.
  for (let at = 0; at < items.length; at += 50) yield items.slice(at, at + 50);
}

export function changed(error: unknown): never {
  if (error instanceof HoldfastError && [1146, 1412].includes(Number(error.details['errno']))) {
    throw new HoldfastError('DATABASE_CHANGED', `the tables changed while they were counted: ${error.message}`, {
      cause: error,
      retryable: true,
      hint: 'Try again when no migration is running.',
    });
  }
  throw error;
}
