import { tableTitle, type Counts, type Database, type LoadOptions, type TableName } from '../engines/engine.ts';
import type { Source } from '../care/source.ts';

/** What lives in the database that is to be replaced, is in no backup, and is not in the one that is restored either. */
export interface LeftOut {
  /** Tables that the restored database would not have. */
  tables: string[];
  /** Tables that would be there without their rows. */
  rows: string[];
}

/** `backup`: null for a dump that was not made here, of which nobody knows what was left out. */
export async function findLeftOut(
  live: Database,
  { backup, scope }: { backup: Counts | null; scope: LoadOptions['scope'] },
  signal: AbortSignal,
): Promise<LeftOut> {
  const { exclusions } = live;
  if (!exclusions || !backup) return { tables: [], rows: [] };
  const now = await exclusions.find(signal);
  const saved = new Set(backup.tables.map(keyOf));
  const parents = new Map((now.partitions ?? []).map((each) => [keyOf(each), each.of]));
  /** With everything, with its schema, or as a part of a table that is emptied. */
  const goes = (table: TableName) => [table, ...(parents.get(keyOf(table)) ?? [])].some((each) => isIn(each, scope));
  const missing = [...now.tables, ...now.rows].filter((table) => !saved.has(keyOf(table)) && goes(table));
  // Where nothing was counted, only the configuration tells whose rows are missing on purpose.
  const counted = backup.tables.some(({ rows }) => rows !== null);
  const without = new Set(now.rows.map(keyOf));
  const rowless = backup.tables.filter(
    (table) => table.rows === null && (counted || without.has(keyOf(table))) && goes(table),
  );
  return { tables: missing.map(tableTitle), rows: (await exclusions.filled(rowless, signal)).map(tableTitle) };
}

/** A source whose backups leave no table and no row out. */
export function withEverything(source: Source): Source {
  return { ...source, database: source.database?.exclusions?.without() ?? source.database };
}

function isIn(table: TableName, scope: LoadOptions['scope']): boolean {
  if (scope === null || scope.schemas.includes(table.schema)) return true;
  return scope.tables.some((wanted) => keyOf(wanted) === keyOf(table));
}

function keyOf({ schema, name }: TableName): string {
  return JSON.stringify([schema, name]);
}
