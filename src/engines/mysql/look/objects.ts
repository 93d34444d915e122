import { toHoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { exactly } from '../connect/kept-names.ts';
import { looseKeys, type LooseKey } from './loose-keys.ts';
import { asleepTable, isOurs } from './mark.ts';
import { definerPattern, otherDatabase, quoteIdent, quoteIn, unquoteIdent } from '../connect/names.ts';
import { listRelations, type Relation } from './tables.ts';
import { withoutDatabase } from './trigger-text.ts';
import { inOrderOfReading } from './view-order.ts';

/** Something that renaming tables does not bring along: it has to be made again. */
export interface CodeObject {
  /** Libraries are of MySQL from 9.2 on, packages of MariaDB. */
  kind: 'VIEW' | 'TRIGGER' | 'FUNCTION' | 'PROCEDURE' | 'LIBRARY' | 'PACKAGE' | 'PACKAGE BODY' | 'EVENT';
  name: string;
  definer: string;
  /** The statement that makes it in the database the session has entered. */
  create: string;
  /** What the session must be set to while it is made. */
  settings: string | null;
  /** What its database must have while it is made, and need not have any more; null of a view. */
  collation: string | null;
}

export interface DatabaseObjects {
  database: string;
  characters: Characters;
  /** Tables and sequences. */
  tables: string[];
  code: CodeObject[];
  /** Columns that take their numbers from a sequence of this database: the server keeps its name when the tables move. */
  defaults: ColumnDefault[];
  loose: LooseKey[];
  /** Events that stay switched off wherever the database goes. */
  asleep: ReadonlySet<string>;
}

/** What tables and routines get that say nothing of it themselves. */
export interface Characters {
  encoding: string;
  collation: string;
}

export interface ColumnDefault {
  table: string;
  column: string;
  expression: string;
}

/** Everything in a database. The session enters it: own names then stand without it. */
export async function readObjects(session: Connection, database: string): Promise<DatabaseObjects> {
  await session.rows(`USE ${quoteIdent(database)}`);
  const characters = await session.row<Characters>(
    'SELECT @@character_set_database AS encoding, @@collation_database AS collation',
  );
  const relations = await listRelations(session, database);
  const views = relations.filter(({ kind }) => kind === 'view').map(({ name }) => name);
  const code: CodeObject[] = [];
  for (const name of await namesOf(session, 'ROUTINES', 'ROUTINE', database, ['PACKAGE']))
    code.push(await read(session, 'PACKAGE', name));
  for (const name of await namesOf(session, 'ROUTINES', 'ROUTINE', database, ['PACKAGE BODY']))
    code.push(await read(session, 'PACKAGE BODY', name));
  for (const name of await namesOf(session, 'LIBRARIES', 'LIBRARY', database, null).catch(unlessUnknown))
    code.push(await read(session, 'LIBRARY', name));
  for (const name of await namesOf(session, 'ROUTINES', 'ROUTINE', database, ['FUNCTION']))
    code.push(await read(session, 'FUNCTION', name));
  for (const name of await namesOf(session, 'ROUTINES', 'ROUTINE', database, ['PROCEDURE']))
    code.push(await read(session, 'PROCEDURE', name));
  const viewObjects: CodeObject[] = [];
  for (const name of views) viewObjects.push(await read(session, 'VIEW', name));
  code.push(
    ...inOrderOfReading(
      viewObjects.map((view) => ({ ...view, text: view.create })),
      [database],
    ),
  );
  for (const name of await namesOf(session, 'TRIGGERS', 'TRIGGER', database, null)) {
    const trigger = await read(session, 'TRIGGER', name);
    code.push({ ...trigger, create: withoutDatabase(trigger.create, database) });
  }
  for (const name of await namesOf(session, 'EVENTS', 'EVENT', database, null))
    code.push(await read(session, 'EVENT', name));
  const tables = relations.filter(({ kind }) => kind !== 'view').map(({ name }) => name);
  const counting = relations.some(({ kind }) => kind === 'sequence');
  const defaults = counting ? await defaultsNaming(session, database, tables) : [];
  const loose = await looseKeys(session, database, new Set(relations.filter(mayBeReferred).map(({ name }) => name)));
  return { database, characters, tables, code, defaults, loose, asleep: await namedAsleep(session, database) };
}

/** To a view, a table of another storage engine, or (MariaDB) one in partitions a foreign key leads only while nobody checks it. */
function mayBeReferred({ engine, partitioned }: Relation): boolean {
  return engine === 'InnoDB' && !partitioned;
}

async function namedAsleep(session: Connection, database: string): Promise<Set<string>> {
  const tables = await session.rows<{ name: string; comment: string }>(
    `SELECT TABLE_NAME AS name, TABLE_COMMENT AS comment FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
    [database, asleepTable],
  );
  if (!tables.some(isOurs)) return new Set();
  const rows = await session.rows<{ name: string }>(`SELECT name FROM ${quoteIn(database, asleepTable)}`);
  return new Set(rows.map(({ name }) => name));
}

async function defaultsNaming(
  session: Connection,
  database: string,
  tables: readonly string[],
): Promise<ColumnDefault[]> {
  const rows = await session.rows<ColumnDefault>(
    `SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`, COLUMN_DEFAULT AS expression
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND COLUMN_DEFAULT LIKE '%val(%' ORDER BY 1, ORDINAL_POSITION`,
    [database],
  );
  // A view shows the defaults of the tables it reads.
  const own = new Set(tables);
  return rows.filter(
    ({ table, expression }) => own.has(table) && otherDatabase(expression, database, '') !== expression,
  );
}

export function dropStatement(object: Pick<CodeObject, 'kind' | 'name'>, database: string): string {
  return `DROP ${object.kind} IF EXISTS ${quoteIn(database, object.name)}`;
}

async function namesOf(
  session: Connection,
  catalog: string,
  prefix: string,
  database: string,
  types: readonly string[] | null,
): Promise<string[]> {
  const filter = types ? `AND ${prefix}_TYPE IN (${types.map(() => '?').join(', ')})` : '';
  // Triggers of one table and moment run in the order they were made.
  const order =
    catalog === 'TRIGGERS' ? 'EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER' : `${prefix}_NAME`;
  const schema = await exactly(session, `${prefix}_SCHEMA`);
  const rows = await session.rows<{ name: string }>(
    `SELECT ${prefix}_NAME AS name FROM information_schema.${catalog} WHERE ${schema} = ? ${filter} ORDER BY ${order}`,
    [database, ...(types ?? [])],
  );
  return rows.map(({ name }) => name);
}

/** An older server has no such list. */
function unlessUnknown(error: unknown): string[] {
  if (toHoldfastError(error).details['errno'] === 1109) return [];
  throw error;
}

async function read(session: Connection, kind: CodeObject['kind'], name: string): Promise<CodeObject> {
  const row = await session.row<Record<string, string | null>>(`SHOW CREATE ${kind} ${quoteIdent(name)}`);
  const statement = Object.entries(row).find(([key]) => /^(Create |SQL Original Statement)/i.test(key))?.[1] ?? '';
  const collation = row['Database Collation'] ?? null;
  return { kind, name, definer: definerOf(statement), create: statement, settings: settingsOf(row), collation };
}

function definerOf(statement: string): string {
  const [, user, host] = definerPattern.exec(statement) ?? [];
  return user === undefined ? '' : `${unquoteIdent(user)}@${host === undefined ? '' : unquoteIdent(host)}`;
}

/** The statement travels as UTF-8: another character set of the client's can only be said where that is a part of it. */
function settingsOf(row: Readonly<Record<string, string | null>>): string | null {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const client = row['character_set_client'];
  const parts = [
    ...(typeof row['sql_mode'] === 'string' ? [`sql_mode = ${quoted(row['sql_mode'])}`] : []),
    ...(client && /^utf8(mb[34])?$/.test(client) ? [`character_set_client = ${client}`] : []),
    ...(row['collation_connection'] ? [`collation_connection = ${quoted(row['collation_connection'])}`] : []),
    ...(row['time_zone'] ? [`time_zone = ${quoted(row['time_zone'])}`] : []),
  ];
  return parts.length > 0 ? `SET SESSION ${parts.join(', ')}` : null;
}
