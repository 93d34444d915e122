import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import type { ToolFlavour } from '../connect/tool-version.ts';

/** By the name of each table or partition of InnoDB, as the server writes it for a file: the number that goes with the table when it is renamed. */
export type TablePlaces = ReadonlyMap<string, string>;

/** The account may not see it; there is no such list, as in a server without InnoDB. */
const notTold = [1227, 1109];

/** Of all databases, since a table may come from another one; null where the server does not tell, which takes the right PROCESS. */
export async function tablePlaces(connection: Connection, flavour: ToolFlavour): Promise<TablePlaces | null> {
  const list = flavour === 'mariadb' ? 'information_schema.INNODB_SYS_TABLES' : 'information_schema.INNODB_TABLES';
  try {
    const rows = await connection.rows<{ name: string; number: number | string }>(
      `SELECT NAME AS name, TABLE_ID AS \`number\` FROM ${list}`,
    );
    return new Map(rows.map(({ name, number }) => [name, String(number)]));
  } catch (error) {
    if (error instanceof HoldfastError && notTold.includes(Number(error.details['errno']))) return null;
    throw error;
  }
}

/**
 * Of these tables those in whose place another one stands that was there before under another name: the dump tools read by name, and may have
 * read one of them twice and the other not at all. A table that was made anew meanwhile is none of them; its old rows were dumped, or the tool fails.
 */
export function changedPlaces(
  before: TablePlaces,
  now: TablePlaces,
  database: string,
  tables: readonly string[],
): string[] {
  const known = new Set(before.values());
  const others = [...now].flatMap(([name, number]) => {
    const former = before.get(name);
    return former !== undefined && former !== number && known.has(number) ? [name] : [];
  });
  const stands = new Set(others.map((name) => name.replace(/#p#.*$/i, '')));
  return tables.filter((name) => stands.has(`${inFileName(database)}/${inFileName(name)}`));
}

/** As the server does it for most characters; letters of some scripts have shorter signs there, and such a name is not found. */
function inFileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, (sign) => `@${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
