import type { Connection } from '../connect/connection.ts';
import { changed, fromOf, released } from '../look/counts.ts';
import { listed, quoteIdent } from '../connect/names.ts';
import type { Relation } from '../look/tables.ts';

/**
 * The dump tools write all texts in utf8mb4. Most of the old character sets have bytes that stand for no character there, or for one that leads to other
 * bytes on its way back: whoever writes and reads in the same set never notices, and what comes back is another text. Null where no value has any.
 */
export async function changedTexts(
  connection: Connection,
  database: string,
  tables: readonly Pick<Relation, 'name' | 'versioned'>[],
): Promise<string | null> {
  const columns = await connection.rows<{ place: string; name: string; encoding: string }>(
    `SELECT TABLE_NAME AS place, COLUMN_NAME AS name, CHARACTER_SET_NAME AS encoding FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND (DATA_TYPE LIKE '%char' OR DATA_TYPE LIKE '%text') AND COALESCE(GENERATION_EXPRESSION, '') = ''`,
    [database],
  );
  const lossy = columns.filter(({ encoding }) => !whole.test(encoding));
  const tests = lossy.map(({ place, name, encoding }) => {
    const column = quoteIdent(name);
    const back = `CONVERT(CONVERT(${column} USING utf8mb4) USING ${encoding})`;
    return { place, test: `CAST(${back} AS BINARY) <> CAST(${column} AS BINARY)` };
  });
  const found = await tablesWhere(tests, { connection, database, tables });
  if (found.length === 0) return null;
  return `the dump tool writes texts in utf8mb4, and these tables have some in an older character set that do not come back from there as they are: ${listed(found)}; ALTER TABLE ... MODIFY ... VARBINARY or BLOB keeps their bytes`;
}

/** Every one of their bytes has a character of its own in Unicode, or they are Unicode. */
const whole = /^(?:utf|ucs2|latin[1257]|binary|koi8|cp85[02]|cp866|mac|keybcs2)/;

/**
 * MariaDB keeps what a column may be in three bytes a letter, and shows a question mark for all that need four. Such a value comes back
 * as an empty one. Null where no row has any.
 */
export async function lostChoices(
  connection: Connection,
  database: string,
  tables: readonly Pick<Relation, 'name' | 'versioned'>[],
): Promise<string | null> {
  const columns = await connection.rows<{ place: string; name: string }>(
    `SELECT TABLE_NAME AS place, COLUMN_NAME AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND DATA_TYPE IN ('enum', 'set') AND COLUMN_TYPE LIKE '%?%'`,
    [database],
  );
  const tests = columns.map(({ place, name }) => {
    return { place, test: `HEX(CONVERT(${quoteIdent(name)} USING utf8mb4)) REGEXP '^(..)*F[0-4]'` };
  });
  const found = await tablesWhere(tests, { connection, database, tables });
  if (found.length === 0) return null;
  return `of the values that a column of type ENUM or SET may have, the server shows nobody the letters beyond U+FFFF (emoji and others), and rows with such come back empty: ${listed(found)}; VARCHAR keeps them`;
}

interface Looked {
  connection: Connection;
  database: string;
  tables: readonly Pick<Relation, 'name' | 'versioned'>[];
}

/** Tables with a row for which one of their tests holds. */
async function tablesWhere(
  tests: readonly { place: string; test: string }[],
  { connection, database, tables }: Looked,
): Promise<string[]> {
  const byTable = Map.groupBy(tests, ({ place }) => place);
  const found: string[] = [];
  for (const table of tables) {
    const own = byTable.get(table.name) ?? [];
    if (own.length === 0) continue;
    const query = `SELECT 1 FROM ${fromOf(database, table)} WHERE ${own.map(({ test }) => test).join(' OR ')} LIMIT 1`;
    const rows = await released(connection, () => connection.rows(query)).catch(changed);
    if (rows.length > 0) found.push(table.name);
  }
  return found;
}
