import type { Connection } from '../connect/connection.ts';
import { exactly } from '../connect/kept-names.ts';
import { quotedIdent, quoteIdent, quoteIn } from '../connect/names.ts';

/**
 * A foreign key to a table of its own database that is not there: dropped, or not yet made, while nobody checked; or to one that the
 * server takes for no other end. When tables change their database, it corrects the others; this one would go on naming the former.
 */
export interface LooseKey {
  table: string;
  name: string;
  columns: string[];
  parent: string;
  parentColumns: string[];
  /** ` ON DELETE CASCADE`, and the like. */
  actions: string;
}

export async function looseKeys(
  session: Connection,
  database: string,
  there: ReadonlySet<string>,
): Promise<LooseKey[]> {
  const referenced = await exactly(session, 'referenced_table_schema');
  const columns = await session.rows<Column>(
    `SELECT TABLE_NAME AS \`table\`, CONSTRAINT_NAME AS name, COLUMN_NAME AS \`column\`, REFERENCED_TABLE_NAME AS parent,
       REFERENCED_COLUMN_NAME AS parentColumn FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = ? AND ${referenced} = ? ORDER BY 1, 2, ORDINAL_POSITION`,
    [database, database],
  );
  const loose = Map.groupBy(
    columns.filter(({ parent }) => !there.has(parent)),
    ({ table, name }) => JSON.stringify([table, name]),
  );
  const keys: LooseKey[] = [];
  for (const [first, ...more] of loose.values()) {
    if (!first) continue;
    const parts = [first, ...more];
    const { table, name, parent } = first;
    const row = await session.row<Record<string, string>>(`SHOW CREATE TABLE ${quoteIn(database, table)}`);
    const key = { table, name, columns: parts.map(({ column }) => column), parent };
    const parentColumns = parts.map((each) => each.parentColumn);
    keys.push({ ...key, parentColumns, actions: actionsOf(Object.values(row)[1] ?? '', key) });
  }
  return keys;
}

const actions = '((?: ON (?:DELETE|UPDATE) (?:RESTRICT|CASCADE|SET NULL|SET DEFAULT|NO ACTION))*)';

/** As the server shows them: its catalog does not tell those that were said from those that are usual. */
function actionsOf(create: string, { name, parent }: Pick<LooseKey, 'name' | 'parent'>): string {
  const key = create.slice(Math.max(0, create.indexOf(`CONSTRAINT ${quoteIdent(name)} FOREIGN KEY (`)));
  const referred = RegExp.escape(`REFERENCES ${quoteIdent(parent)} (`) + String.raw`(?:${quotedIdent}[, ]*)+\)`;
  return new RegExp(referred + actions).exec(key)?.[1] ?? '';
}

interface Column {
  table: string;
  name: string;
  column: string;
  parent: string;
  parentColumn: string;
}

/** Nothing is checked while a swap makes it. */
export function tie(database: string, key: LooseKey): string {
  const list = (names: readonly string[]) => names.map(quoteIdent).join(', ');
  return (
    `ALTER TABLE ${quoteIn(database, key.table)} ADD CONSTRAINT ${quoteIdent(key.name)} FOREIGN KEY (${list(key.columns)}) ` +
    `REFERENCES ${quoteIn(database, key.parent)} (${list(key.parentColumns)})${key.actions}`
  );
}

export function untie(database: string, { table, name }: LooseKey): string {
  return `ALTER TABLE ${quoteIn(database, table)} DROP FOREIGN KEY ${quoteIdent(name)}`;
}
