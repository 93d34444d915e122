import { HoldfastError } from '../../../base/errors.ts';
import type { Account } from './account.ts';
import { mayLockAll } from './account.ts';
import type { Connection } from '../connect/connection.ts';
import { mayGlobally, mayInAll } from './grants.ts';
import { exactly } from '../connect/kept-names.ts';
import { accountSql, displayName, listed, quoteIdent } from '../connect/names.ts';
import { livesElsewhere, outsideSnapshot, type Relation, type Selection } from './tables.ts';
import type { ToolFlavour } from '../connect/tool-version.ts';

export interface Problem {
  code: 'DATABASE_NO_PRIVILEGE' | 'TOOL_LACKS_FEATURE';
  message: string;
  hint: string;
}

export interface Preflight {
  /** Everything that would make the dump fail or leave something out unseen. */
  problems: Problem[];
  /** What it cannot promise. */
  warnings: string[];
}

interface Products {
  /** The server's. */
  flavour: ToolFlavour;
  /** The dump tool's. */
  tool: ToolFlavour;
}

export async function lookAhead(
  connection: Connection,
  account: Account,
  selection: Selection,
  { flavour, tool }: Products,
): Promise<Preflight> {
  const { database } = connection.address;
  const problems = rightsProblems(account, database);
  if (flavour === 'mysql' && tool === 'mariadb') problems.push(...(await foreignToolProblems(connection, selection)));
  problems.push(...(await eventProblems(connection, tool)));
  problems.push(...(await limitProblems(connection)));
  const routines = await routineFacts(connection, account, flavour);
  if (routines.hidden.length > 0) {
    problems.push({
      code: 'DATABASE_NO_PRIVILEGE',
      message: `${account.name} may not read the text of ${listed(routines.hidden)}`,
      hint: routinesHint(account.name, flavour),
    });
  }
  const warnings: string[] = [];
  if (!routines.visible) {
    warnings.push(
      `${account.name} may not see routines: if ${displayName(database)} has some, they are not in this backup (${routinesHint(account.name, flavour)})`,
    );
  }
  const dumped = selection.relations.filter(({ name }) => !selection.withoutRows.has(name));
  const elsewhere = dumped.filter(livesElsewhere);
  if (elsewhere.length > 0)
    warnings.push(
      `not in this backup are rows that tables only show, of other tables, servers or files: ${withEngines(elsewhere)}; back up the place where they lie`,
    );
  const outside = dumped.filter((each) => outsideSnapshot(each) && !livesElsewhere(each));
  if (outside.length > 0)
    warnings.push(
      `not covered by the snapshot, and as they are when the dump comes to them: ${withEngines(outside)}; ALTER TABLE ... ENGINE=InnoDB makes them safe`,
    );
  if (!mayLockAll(account, flavour)) {
    warnings.push(
      `${account.name} may not lock the server for the moment in which the snapshot is taken (RELOAD): rows are counted before and after that moment, and a table that changes in between stays uncounted`,
    );
  }
  return { problems, warnings };
}

function withEngines(relations: readonly Relation[]): string {
  const engines = [...new Set(relations.map(({ engine }) => engine ?? 'unknown'))].join(', ');
  return `${listed(relations.map(({ name }) => name))} (${engines})`;
}

/** MariaDB's tool writes these in a way only MariaDB reads: found at a restore, it would be too late. */
async function foreignToolProblems(connection: Connection, { relations, withoutRows }: Selection): Promise<Problem[]> {
  const rows = await connection.rows<{ name: string }>(
    `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND (GENERATION_EXPRESSION <> '' OR DATA_TYPE = 'vector') ORDER BY 1`,
    [connection.address.database],
  );
  const dumped = new Set(relations.flatMap(({ kind, name }) => (kind === 'table' ? [name] : [])));
  const tables = rows.map(({ name }) => name).filter((name) => dumped.has(name) && !withoutRows.has(name));
  if (tables.length === 0) return [];
  return [
    {
      code: 'TOOL_LACKS_FEATURE',
      message: `MariaDB's dump tool writes generated columns and vectors as no MySQL reads them (${listed(tables)})`,
      hint: "Install MySQL's own client tools, or name their folder under database.tools.",
    },
  ];
}

/** Not of this session, which has none: of what the tool's will be. The tool writes as many rows of a table, and says nothing. */
async function limitProblems(connection: Connection): Promise<Problem[]> {
  const limit = await connection.value('SELECT CAST(@holdfast_select_limit AS CHAR)');
  // Nobody has more rows than that.
  if (limit.length > 15) return [];
  return [
    {
      code: 'TOOL_LACKS_FEATURE',
      message: `sql_select_limit is ${limit} there, and the dump tool would write no more rows than that of any table`,
      hint: "SET GLOBAL sql_select_limit = DEFAULT; and take it out of the server's configuration and of init_connect.",
    },
  ];
}

async function eventProblems(connection: Connection, tool: ToolFlavour): Promise<Problem[]> {
  const { database } = connection.address;
  const rows = await connection.rows<{ name: string; endless: number | string }>(
    `SELECT EVENT_NAME AS name, CONCAT_WS(' ', EVENT_NAME, DEFINER, EVENT_DEFINITION, EVENT_COMMENT) LIKE '%;;%' AS endless
     FROM information_schema.EVENTS WHERE ${await exactly(connection, 'event_schema')} = ? ORDER BY 1`,
    [database],
  );
  const problems: Problem[] = [];
  // Before it saves events, it enters the database once more, by its name as it would stand in a text: with a backslash before these.
  if (rows.length > 0 && tool === 'mariadb' && /['"\\\n\r\u001A]/.test(database))
    problems.push({
      code: 'TOOL_LACKS_FEATURE',
      message: `MariaDB's dump tool cannot save events (${listed(rows.map(({ name }) => name))}) of a database whose name has a quote, a backslash or a line break`,
      hint: 'Move the tables into a database with another name, or drop its events and let something else do their work.',
    });
  // Both tools look for an end mark that the text does not have, and count up the wrong number while they do.
  const endless = rows.filter((row) => Number(row.endless) === 1);
  if (endless.length > 0)
    problems.push({
      code: 'TOOL_LACKS_FEATURE',
      message: `the dump tools never come to the end of an event with ;; in its text (${listed(endless.map(({ name }) => name))})`,
      hint: 'Put a space between the two, with ALTER EVENT.',
    });
  return problems;
}

export function rightsProblems({ name, grants }: Account, database: string): Problem[] {
  const needed = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'];
  const lacking = needed.filter((privilege) => !mayInAll(grants, privilege, database));
  if (lacking.length === 0) return [];
  // Without the right to the whole database nobody knows what there is: what cannot be seen would be missing in silence.
  return [
    {
      code: 'DATABASE_NO_PRIVILEGE',
      message: `${name} lacks ${lacking.join(', ')} on the database ${displayName(database)}`,
      hint: `GRANT ${lacking.join(', ')} ON ${quoteIdent(database)}.* TO ${accountSql(name)};`,
    },
  ];
}

export function preflightError(problems: readonly Problem[], database: string): HoldfastError | null {
  const [first] = problems;
  if (!first) return null;
  return new HoldfastError(
    first.code,
    `${database} cannot be dumped whole: ${problems.map(({ message }) => message).join('; ')}`,
    {
      hint: [...new Set(problems.map(({ hint }) => hint))].join(' '),
      details: { problems: problems.map(({ code, message }) => ({ code, message })) },
    },
  );
}

async function routineFacts(
  connection: Connection,
  { grants }: Account,
  flavour: ToolFlavour,
): Promise<{ hidden: string[]; visible: boolean }> {
  const { database } = connection.address;
  const rows = await connection.rows<{ name: string; hidden: number | string }>(
    `SELECT ROUTINE_NAME AS name, ROUTINE_DEFINITION IS NULL AS hidden FROM information_schema.ROUTINES
     WHERE ${await exactly(connection, 'routine_schema')} = ?`,
    [database],
  );
  const readsAll =
    mayGlobally(grants, 'SELECT') ||
    mayGlobally(grants, 'SHOW_ROUTINE') ||
    mayInAll(grants, 'SHOW CREATE ROUTINE', database) ||
    (flavour === 'mariadb' &&
      grants.some(({ database: at, object, privileges }) => {
        return at === 'mysql' && (object === 'proc' || object === '*') && privileges.has('SELECT');
      }));
  const seesAll = ['EXECUTE', 'CREATE ROUTINE', 'ALTER ROUTINE'].some((each) => mayInAll(grants, each, database));
  return {
    hidden: rows.filter((row) => Number(row.hidden) === 1).map((row) => row.name),
    visible: readsAll || seesAll,
  };
}

function routinesHint(account: string, flavour: ToolFlavour): string {
  return flavour === 'mariadb'
    ? `GRANT SELECT ON mysql.proc TO ${accountSql(account)};`
    : `GRANT SHOW_ROUTINE ON *.* TO ${accountSql(account)};`;
}
