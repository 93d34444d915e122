import { quoteIdent } from '../names.ts';
import { opened, type State } from './connection.ts';

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
  const some = (name: string) =>
    opened(state)
      .prepare(`select 1 from ${quoteIdent(name)} limit 1`)
      .get() !== undefined;
  return tablesWithRows(state).filter(some);
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
