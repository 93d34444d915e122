import type { Connection } from '../connect/connection.ts';
import { quoteIdent } from '../connect/names.ts';
import type { DumpedTable } from './tables.ts';

/**
 * A digest of a table's rows whatever order they lie in: the sums of two parts of each row's SHA-256, as MySQL from 9.6 on has no MD5 of its own. A value is taken as the bytes of its
 * text, with its length before it. Null where a row is too long for the server to put together, and where the times of its history are
 * columns that do not come back.
 */
export async function fingerprintOf(
  connection: Connection,
  database: string,
  table: Pick<DumpedTable, 'name' | 'undated'>,
  from: string,
): Promise<string | null> {
  const columns = await connection.rows<{ name: string; type: string; expression: string | null }>(
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, GENERATION_EXPRESSION AS expression FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [database, table.name],
  );
  if (table.undated && columns.some(({ expression }) => expression === 'ROW START')) return null;
  const row = await connection.row<{ high: string; low: string; missing: string }>(digestQuery(columns, from));
  return row.missing === '0' ? `sha256sum:${row.high}:${row.low}` : null;
}

function digestQuery(columns: readonly { name: string; type: string }[], from: string): string {
  const parts = columns.map(({ name, type }) => {
    const column = `holdfast_t.${quoteIdent(name)}`;
    // A bit is its number, geometry its own bytes.
    const bytes = type === 'bit' ? `CAST(${column} + 0 AS BINARY)` : `CAST(${column} AS BINARY)`;
    return `IFNULL(CONCAT(OCTET_LENGTH(${bytes}), ':', ${bytes}), '-')`;
  });
  const half = (at: number) =>
    `CAST(COALESCE(SUM(CAST(CONV(SUBSTR(digest, ${at}, 16), 16, 10) AS UNSIGNED)), 0) AS CHAR)`;
  return `SELECT ${half(1)} AS high, ${half(17)} AS low, CAST(COALESCE(SUM(digest IS NULL), 0) AS CHAR) AS missing
    FROM (SELECT SHA2(CONCAT(${parts.join(', ')}), 256) AS digest FROM ${from} AS holdfast_t) AS digests`;
}
