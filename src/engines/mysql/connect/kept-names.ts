import type { Connection } from './connection.ts';

/**
 * How the server calls a database that somebody names: where it keeps all names in lower case, it takes every other spelling and never
 * shows it.
 */
export async function keptNames(session: Connection): Promise<(name: string) => string> {
  const folds = Number(await session.value<number | string>('SELECT @@lower_case_table_names')) === 1;
  return (name) => (folds ? name.toLowerCase() : name);
}

/**
 * A column with names of databases, to be compared with one: the catalog passes over capitals also where `Shop` and `shop` are two databases.
 */
export async function exactly(session: Connection, column: string): Promise<string> {
  const tells = Number(await session.value<number | string>('SELECT @@lower_case_table_names')) === 0;
  return tells ? `CAST(${column} AS BINARY)` : column;
}
