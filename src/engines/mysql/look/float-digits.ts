import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { changed, fromOf, released } from './counts.ts';
import { listed, quoteIdent } from '../connect/names.ts';
import type { Relation } from './tables.ts';

/**
 * A column of type FLOAT has up to nine digits, of which both servers show six, the dump tools among those they show them to. What
 * comes back is then another value. Null where no value has more.
 */
export async function roundedFloats(
  connection: Connection,
  database: string,
  tables: readonly Pick<Relation, 'name' | 'versioned'>[],
): Promise<string | null> {
  const columns = await connection.rows<{ place: string; name: string }>(
    `SELECT TABLE_NAME AS place, COLUMN_NAME AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND DATA_TYPE = 'float' AND COALESCE(GENERATION_EXPRESSION, '') = ''`,
    [database],
  );
  const rounded: string[] = [];
  for (const table of tables) {
    const floats = columns.filter(({ place }) => place === table.name).map(({ name }) => quoteIdent(name));
    if (floats.length === 0) continue;
    const lost = floats.map((column) => `CAST(CAST(${column} AS CHAR) AS FLOAT) <> ${column}`).join(' OR ');
    const query = `SELECT 1 FROM ${fromOf(database, table)} WHERE ${lost} LIMIT 1`;
    const found = await released(connection, () => connection.rows(query).catch(unlessUnknown)).catch(changed);
    if (found.length > 0) rounded.push(table.name);
  }
  if (rounded.length === 0) return null;
  return `of values of type FLOAT the dump tool writes six digits, and these tables have some with more, which come back rounded: ${listed(rounded)}; ALTER TABLE ... MODIFY ... DOUBLE keeps them as they are`;
}

/** MySQL before 8.0.17 does not know the type in a CAST. */
function unlessUnknown(error: unknown): [] {
  if (error instanceof HoldfastError && error.details['errno'] === 1064) return [];
  throw error;
}
