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
  const found: string[] = [];
  for (const table of tables) {
    const own = lossy.filter(({ place }) => place === table.name);
    if (own.length === 0) continue;
    const tests = own.map(({ name, encoding }) => {
      const column = quoteIdent(name);
      return `CAST(CONVERT(CONVERT(${column} USING utf8mb4) USING ${encoding}) AS BINARY) <> CAST(${column} AS BINARY)`;
    });
    const query = `SELECT 1 FROM ${fromOf(database, table)} WHERE ${tests.join(' OR ')} LIMIT 1`;
    const rows = await released(connection, () => connection.rows(query)).catch(changed);
    if (rows.length > 0) found.push(table.name);
  }
  if (found.length === 0) return null;
  return `the dump tool writes texts in utf8mb4, and these tables have some in an older character set that do not come back from there as they are: ${listed(found)}; ALTER TABLE ... MODIFY ... VARBINARY or BLOB keeps their bytes`;
}

/** Every one of their bytes has a character of its own in Unicode, or they are Unicode. */
const whole = /^(?:utf|ucs2|latin[1257]|binary|koi8|cp85[02]|cp866|mac|keybcs2)/;

/**
 * MariaDB keeps what a column may be in three bytes a letter, and shows a question mark for all that need four. Of rows with such a value
 * nothing but an empty one comes back. Null where no row has any.
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
  const found: string[] = [];
  for (const table of tables) {
    const tests = columns
      .filter(({ place }) => place === table.name)
      .map(({ name }) => `HEX(CONVERT(${quoteIdent(name)} USING utf8mb4)) REGEXP '^(..)*F[0-4]'`);
    if (tests.length === 0) continue;
    const query = `SELECT 1 FROM ${fromOf(database, table)} WHERE ${tests.join(' OR ')} LIMIT 1`;
    const rows = await released(connection, () => connection.rows(query)).catch(changed);
    if (rows.length > 0) found.push(table.name);
  }
  if (found.length === 0) return null;
  return `of the values that a column of type ENUM or SET may have, the server shows nobody the letters beyond U+FFFF (emoji and others), and rows with such come back empty: ${listed(found)}; VARCHAR keeps them`;
}
