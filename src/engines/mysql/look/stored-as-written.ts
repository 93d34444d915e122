import type { Connection } from '../connect/connection.ts';
import type { Relation } from './tables.ts';

/**
 * Of these tables the names of those whose rows lie in the server as they stand in a script: all texts are UTF-8, and nothing is written in hex.
 */
export async function storedAsWritten(
  connection: Connection,
  database: string,
  tables: readonly Relation[],
): Promise<ReadonlySet<string>> {
  const rows = await connection.rows<{ name: string }>(
    `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?
     AND NOT (DATA_TYPE IN (${sameInEverySet})
       OR (DATA_TYPE IN (${texts}) AND COALESCE(CHARACTER_SET_NAME, '') IN (${unicode})))`,
    [database],
  );
  const others = new Set(rows.map(({ name }) => name));
  return new Set(tables.map(({ name }) => name)).difference(others);
}

const sameInEverySet = quoted(
  'tinyint smallint mediumint int bigint decimal float double date time datetime timestamp year uuid inet4 inet6',
);
const texts = quoted('char varchar tinytext text mediumtext longtext enum set');
const unicode = quoted('utf8mb4 utf8mb3 utf8');

function quoted(words: string): string {
  return words
    .split(' ')
    .map((word) => `'${word}'`)
    .join(', ');
}
