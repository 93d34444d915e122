import type { DatabaseSync } from 'node:sqlite';
import { quoteIdent } from '../names.ts';
import { lacksSomething, opened, scalar, type State } from './connection.ts';

/**
 * Every table with rows of its own. A virtual table has none: what it shows lies in its shadow tables, or outside of the database,
 * and asking it needs its module.
 */
export function tablesWithRows(state: State): string[] {
  return opened(state)
    .prepare(`select name from pragma_table_list where schema = 'main' and type in ('table', 'shadow') order by name`)
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !/^sqlite_/i.test(name));
}

export function filledTables(state: State): string[] {
  const some = `(select 1 from TABLE limit 1)`;
  // What cannot be read may hold something.
  return tablesWithRows(state).filter((name) => ask(opened(state), name, `select count(*) from ${some}`) !== 0);
}

/** Null: its key is sorted in a way that only the application knows. */
export function rowsOf(db: DatabaseSync, table: string): number | null {
  return ask(db, table, 'select count(*) from TABLE');
}

/** Past the indexes where one of them needs something that the application brings: the smallest is taken, being the quickest. */
function ask(db: DatabaseSync, table: string, sql: string): number | null {
  for (const from of [quoteIdent(table), `${quoteIdent(table)} not indexed`]) {
    try {
      return Number(
        scalar(
          db,
          sql.replace('TABLE', () => from),
        ),
      );
    } catch (error) {
      if (!lacksSomething(error)) throw error;
    }
  }
  return null;
}

export interface SchemaEntry {
  id: number;
  kind: string;
  name: string;
}

export function schemaEntries(state: State): SchemaEntry[] {
  return opened(state)
    .prepare('select rowid as id, type, name from sqlite_schema order by rowid')
    .all()
    .map(({ id, type, name }) => ({ id: Number(id), kind: String(type).toUpperCase(), name: String(name) }));
}
