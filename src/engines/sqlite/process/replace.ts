import { pathToFileURL } from 'node:url';
import type { DatabaseSync } from 'node:sqlite';
import { quoteIdent } from '../names.ts';
import { eachBrokenReference } from './checks.ts';
import { connect, lock, opened, primaryCode, scalar, type State } from './connection.ts';
import { fingerprintOf } from './fingerprint.ts';

export interface ExpectedTable {
  name: string;
  rows: number | null;
  fingerprint: string | null;
}

/** Why the database is as it was before. */
export interface Refusal {
  code: 'NOT_IN_DUMP' | 'TABLE_DIFFERS' | 'RESTORE_DIFFERS' | 'RESTORE_ORPHANS' | 'PAGE_SIZE_DIFFERS';
  message: string;
}

class Refused extends Error {
  readonly code: Refusal['code'];
  constructor(code: Refusal['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Single tables, in one transaction that is compared before it commits: in the one that is open already, or in one of its own. */
export function replaceTables(
  state: State,
  { from, tables }: { from: string; tables: ExpectedTable[] },
): Refusal | null {
  const db = opened(state);
  const url = pathToFileURL(from);
  url.search = '?mode=ro&immutable=1';
  try {
    const [is, was] = [String(scalar(db, 'pragma encoding')), encodingOf(from)];
    if (is !== was) {
      const message = `the database keeps its text as ${is}, and the backup as ${was}: single tables cannot be taken over`;
      throw new Refused('TABLE_DIFFERS', message);
    }
    db.prepare('attach ? as stored').run(url.href);
    lock(state);
    noteOrphans(state);
    for (const table of tables) replaceTable(db, table);
    const more = countNewOrphans(state);
    if (more > 0) throw new Refused('RESTORE_ORPHANS', `${more} rows would refer to rows that are not there`);
    db.exec('drop table temp.holdfast_orphans; commit');
    return null;
  } catch (error) {
    if (error instanceof Refused) return { code: error.code, message: error.message };
    throw error;
  } finally {
    if (db.isTransaction) db.exec('rollback');
    if (scalar(db, `select count(*) from pragma_database_list where name = 'stored'`) === 1) db.exec('detach stored');
  }
}

/** SQLite joins no files of different encodings. */
function encodingOf(path: string): string {
  const db = connect(path, 'immutable', 0);
  try {
    return String(scalar(db, 'pragma encoding'));
  } finally {
    db.close();
  }
}

/** Rows without their parent, kept beside the database, for there may be many. Those of tables without row numbers are only counted. */
function noteOrphans(state: State): void {
  const db = opened(state);
  db.exec('create temp table holdfast_orphans (name, row, key, times, unique (name, row, key))');
  const again = db.prepare(
    'update temp.holdfast_orphans set times = times + 1 where name = ? and row is ? and key = ?',
  );
  const first = db.prepare('insert into temp.holdfast_orphans values (?, ?, ?, 1)');
  for (const { table, row, key } of eachBrokenReference(state)) {
    if (again.run(table, row, key).changes === 0) first.run(table, row, key);
  }
}

/** How many of those that are without their parent now were not before. */
function countNewOrphans(state: State): number {
  const db = opened(state);
  const known = db.prepare(
    'update temp.holdfast_orphans set times = times - 1 where name = ? and row is ? and key = ? and times > 0',
  );
  let more = 0;
  for (const { table, row, key } of eachBrokenReference(state)) {
    if (known.run(table, row, key).changes === 0) more += 1;
  }
  return more;
}

function replaceTable(db: DatabaseSync, expected: ExpectedTable): void {
  const { name } = expected;
  const kept = columnsOf(db, 'stored', name);
  if (kept === null) throw new Refused('NOT_IN_DUMP', `the backup has no table ${name}`);
  const there = columnsOf(db, 'main', name);
  const triggers = there === null ? create(db, name) : empty(db, name, kept, there);
  fill(db, name, { kept, there: there ?? kept });
  keepNumbering(db, name);
  for (const sql of triggers) make(db, sql);
  const rows = Number(scalar(db, `select count(*) from main.${quoteIdent(name)}`));
  if (expected.rows !== null && rows !== expected.rows) {
    throw new Refused('RESTORE_DIFFERS', `table ${name} has ${rows} rows instead of ${expected.rows}`);
  }
  if (expected.fingerprint !== null && fingerprintOf(db, name) !== expected.fingerprint) {
    throw new Refused('RESTORE_DIFFERS', `table ${name} has other content`);
  }
}

/** What a table that was made otherwise since would turn into something else must not come back as if it were what was saved. */
function fill(db: DatabaseSync, name: string, { kept, there }: { kept: Column[]; there: Column[] }): void {
  const made = new Set(there.filter((column) => column.made).map((column) => column.name));
  const columns = kept.filter((column) => !made.has(column.name)).map((column) => quoteIdent(column.name));
  const all = [...rowid(db, name, kept), ...columns].join(', ');
  try {
    db.exec(`insert into main.${quoteIdent(name)} (${all}) select ${all} from stored.${quoteIdent(name)}`);
  } catch (error) {
    if (!refusesRow(error)) throw error;
    throw new Refused('TABLE_DIFFERS', `${name} does not take a row of the backup: ${(error as Error).message}`);
  }
  if (definitionOf(db, 'main', name) === definitionOf(db, 'stored', name)) return;
  const wanted = kept.map((column) => quoteIdent(column.name)).join(', ');
  const saved = fingerprintOf(db, name, { schema: 'stored', columns: wanted });
  if (saved !== null && saved === fingerprintOf(db, name, { columns: wanted })) return;
  const changed = kept.flatMap((column) => {
    const now = there.find((other) => other.name === column.name);
    const is = now && describe(now);
    return is === undefined || is === describe(column)
      ? []
      : [`${column.name} is ${is} now, and was ${describe(column)}`];
  });
  const why = changed.length === 0 ? '' : `: ${changed.join(', ')}`;
  throw new Refused(
    'TABLE_DIFFERS',
    `${name} is defined otherwise than in the backup, and its rows would not stay what they are${why}`,
  );
}

/** A constraint, or a type that does not fit. */
function refusesRow(error: unknown): boolean {
  return [19, 20].includes(primaryCode(error));
}

function definitionOf(db: DatabaseSync, schema: 'main' | 'stored', table: string): unknown {
  return db.prepare(`select sql from ${schema}.sqlite_schema where type = 'table' and name = ?`).get(table)?.['sql'];
}

function describe({ type, made }: Column): string {
  return `${type === '' ? 'without a type' : type}${made ? ', computed' : ''}`;
}

interface Column {
  name: string;
  type: string;
  /** Computed: it cannot be written. */
  made: boolean;
}

/** Null when there is no such table; a virtual table or a view is none that could be filled. */
function columnsOf(db: DatabaseSync, schema: 'main' | 'stored', table: string): Column[] | null {
  const kind = db.prepare('select type from pragma_table_list where schema = ? and name = ?').get(schema, table);
  if (kind === undefined) return null;
  if (kind['type'] !== 'table') {
    throw new Refused('TABLE_DIFFERS', `${table} is no ordinary table but a ${String(kind['type'])} one`);
  }
  const columns = db.prepare('select name, type, hidden from pragma_table_xinfo(?, ?)').all(table, schema);
  return columns.map(({ name, type, hidden }) => ({
    name: String(name),
    type: String(type),
    made: hidden === 2 || hidden === 3,
  }));
}

/** Returns its triggers, which must not fire for what we do. */
function empty(db: DatabaseSync, table: string, kept: readonly Column[], there: readonly Column[]): string[] {
  const before = new Set(there.map(({ name }) => name));
  const now = new Set(kept.map(({ name }) => name));
  const lost = kept.filter(({ name }) => !before.has(name)).map(({ name }) => `without ${name}`);
  const added = there.filter(({ name }) => !now.has(name)).map(({ name }) => `with the new ${name}`);
  if (lost.length + added.length > 0) {
    throw new Refused(
      'TABLE_DIFFERS',
      `${table} has other columns than in the backup: ${[...lost, ...added].join(' and ')}`,
    );
  }
  const triggers = db
    .prepare(
      `select name, sql from main.sqlite_schema where type = 'trigger' and tbl_name = ? collate nocase order by rowid`,
    )
    .all(table);
  for (const { name } of triggers) db.exec(`drop trigger main.${quoteIdent(String(name))}`);
  db.exec(`delete from main.${quoteIdent(table)}`);
  return triggers.map(({ sql }) => String(sql));
}

/** A table that is gone comes back with its indexes; returns its triggers. */
function create(db: DatabaseSync, table: string): string[] {
  const parts = db
    .prepare(
      `select type, sql from stored.sqlite_schema where tbl_name = ? collate nocase and sql is not null
       and type in ('table', 'index', 'trigger') order by case type when 'table' then 0 else 1 end, rowid`,
    )
    .all(table)
    .map(({ type, sql }) => ({ type: String(type), sql: String(sql) }));
  // As it was written, without the name of a database: that is the first one, the live one.
  for (const { type, sql } of parts) if (type !== 'trigger') make(db, sql);
  return parts.filter(({ type }) => type === 'trigger').map(({ sql }) => sql);
}

/**
 * One object, by the text that a schema has of it. SQLite itself reads the first statement of such a text only, so that a file can carry others
 * behind it that no check finds: `exec` would run them.
 */
function make(db: DatabaseSync, sql: string): void {
  db.prepare(sql).run();
}

/** The hidden number of each row is kept too, where there is one and a name is left for it: full-text indexes and applications use it. */
function rowid(db: DatabaseSync, table: string, columns: readonly Column[]): string[] {
  const without = db
    .prepare(`select count(*) as tables from pragma_table_list where schema in ('main', 'stored') and name = ? and wr`)
    .get(table);
  if (without?.['tables'] !== 0) return [];
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const free = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  if (free === undefined) return [];
  // A column that is the number itself is among the columns already: a key that needs no index.
  const keys = db.prepare('select name from pragma_table_xinfo(?, ?) where pk > 0').all(table, 'stored');
  const index = db.prepare(`select name from pragma_index_list(?, ?) where origin = 'pk'`).get(table, 'stored');
  return keys.length === 1 && index === undefined ? [] : [free];
}

/** Numbers given since then are not given again. */
function keepNumbering(db: DatabaseSync, table: string): void {
  const has = (schema: string) =>
    scalar(db, `select count(*) from ${schema}.sqlite_schema where name = 'sqlite_sequence'`) === 1;
  if (!has('stored') || !has('main')) return;
  const stored = db.prepare('select max(seq) as seq from stored.sqlite_sequence where name = ?').get(table)?.['seq'];
  if (stored === null || stored === undefined) return;
  const changed = db
    .prepare('update main.sqlite_sequence set seq = max(coalesce(seq, 0), ?) where name = ?')
    .run(stored, table);
  if (changed.changes === 0) db.prepare('insert into main.sqlite_sequence values (?, ?)').run(table, stored);
}
