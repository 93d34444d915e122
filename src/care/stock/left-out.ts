import { formatCount } from '../../base/units.ts';
import {
  tableTitle,
  type Counts,
  type Database,
  type LoadOptions,
  type StoredDump,
  type TableName,
} from '../../engines/engine.ts';
import type { Source } from '../source.ts';

/** What lives in the database that is to be replaced, and is not in the one that is restored. */
export interface LeftOut {
  /** Tables that the restored database would not have. */
  tables: string[];
  /** Tables that would be there without their rows. */
  rows: string[];
  /** Whether `dump.exclude` left it out of a backup, or nobody knows why a dump from elsewhere lacks it. */
  by: 'exclude' | 'elsewhere';
}

type Scope = LoadOptions['scope'];

export const nothingLeftOut: LeftOut = { tables: [], rows: [], by: 'exclude' };

export async function findExcluded(
  live: Database,
  { backup, scope }: { backup: Counts; scope: Scope },
  signal: AbortSignal,
): Promise<LeftOut> {
  if (!live.exclusions) return nothingLeftOut;
  const now = await live.exclusions.find(signal);
  const saved = new Set(backup.tables.map(keyOf));
  const parents = new Map((now.partitions ?? []).map((each) => [keyOf(each), each.of]));
  const inScope = within(scope);
  /** With everything, with its schema, or as a part of a table that is emptied. */
  const goes = (table: TableName) => [table, ...(parents.get(keyOf(table)) ?? [])].some(inScope);
  const missing = [...now.tables, ...now.rows].filter((table) => !saved.has(keyOf(table)) && goes(table));
  // Where nothing was counted, only the configuration tells whose rows are missing on purpose.
  const counted = backup.tables.some(({ rows }) => rows !== null);
  const without = new Set(now.rows.map(keyOf));
  const rowless = new Set(
    backup.tables
      .filter(({ rows }) => rows === null)
      .filter((each) => counted || without.has(keyOf(each)))
      .map(keyOf),
  );
  const empty =
    rowless.size === 0 ? [] : await live.filled((table) => rowless.has(keyOf(table)) && goes(table), signal);
  return { tables: missing.map(tableTitle), rows: empty.map(tableTitle), by: 'exclude' };
}

/**
 * A dump that was not made here may be a part of a database, or only its definitions, and nothing in it says so. One that has a table,
 * with its rows, has what was in it.
 */
export async function findLacking(
  live: Database,
  { dump, scope }: { dump: StoredDump; scope: Scope },
  signal: AbortSignal,
): Promise<LeftOut> {
  // Without schemas, a server or a file may take upper and lower case for the same.
  const key = (table: TableName) =>
    live.capabilities.defaultSchema === null ? table.name.toLowerCase() : keyOf(table);
  const brought = await live.brings(dump, signal);
  const [tables, rows] = [new Set(brought.tables.map(key)), new Set(brought.rows.map(key))];
  const { partitions = [] } = (await live.exclusions?.find(signal)) ?? {};
  const parents = new Map(partitions.map((each) => [keyOf(each), each.of]));
  /** It, and what it is a part of: rows of a partition may be written as rows of its table. */
  const around = (table: TableName) => [table, ...(parents.get(keyOf(table)) ?? [])];
  const inScope = within(scope);
  const isWhole = (table: TableName) => tables.has(key(table)) && around(table).some((each) => rows.has(key(each)));
  const lacking = await live.filled((table) => around(table).some(inScope) && !isWhole(table), signal);
  return {
    tables: lacking.filter((table) => !tables.has(key(table))).map(tableTitle),
    rows: lacking.filter((table) => tables.has(key(table))).map(tableTitle),
    by: 'elsewhere',
  };
}

/** In words: what of it would be gone, and what empty; null when there is nothing. */
export function describeLeftOut({ tables, rows }: LeftOut): string | null {
  const what = [
    ...(tables.length > 0 ? [`${listed(tables)} would be gone`] : []),
    ...(rows.length > 0 ? [`${listed(rows)} would be empty`] : []),
  ];
  return what.length === 0 ? null : what.join(', and ');
}

/** A source whose backups leave no table and no row out. */
export function withEverything(source: Source): Source {
  return { ...source, database: source.database?.exclusions?.without() ?? source.database };
}

function within(scope: Scope): (table: TableName) => boolean {
  if (scope === null) return () => true;
  const wanted = new Set(scope.tables.map(keyOf));
  return (table) => scope.schemas.includes(table.schema) || wanted.has(keyOf(table));
}

function listed(names: readonly string[]): string {
  const more = names.length - 5;
  return names.slice(0, 5).join(', ') + (more > 0 ? ` and ${formatCount(more, 'more table')}` : '');
}

function keyOf({ schema, name }: TableName): string {
  return JSON.stringify([schema, name]);
}
