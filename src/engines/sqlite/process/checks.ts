import { quoteIdent } from '../names.ts';
import { lacksSomething, opened, type State } from './connection.ts';

/** Complaints shown to somebody; a damaged file can have millions. */
const shown = 20;

export interface Integrity {
  /** Empty: whole. */
  problems: string[];
  /** Full-text indexes that do not fit the text they are of. Every row is there, and every page as it was written. */
  stale: string[];
}

type Check = 'quick_check' | 'integrity_check';

/**
 * `quick` reads every page, and leaves out comparing indexes with their tables. Where something is needed that the application brings (a
 * collation, a function, a tokenizer), all that does not need it is looked at all the same.
 */
export function integrity(state: State, { quick }: { quick: boolean }): Integrity {
  const complaints = checkAll(state, quick ? 'quick_check' : 'integrity_check');
  return {
    problems: complaints.filter((text) => !ofFullText.test(text)).slice(0, shown),
    stale: complaints.filter((text) => ofFullText.test(text)),
  };
}

/** What FTS4 and FTS5 say of themselves; FTS4 also where its table was changed without it, which many applications do. */
const ofFullText = /^(malformed|unable to validate the) inverted index for FTS\d table /;

function checkAll(state: State, how: Check): string[] {
  try {
    return check(state, how);
  } catch (error) {
    if (!lacksSomething(error)) throw error;
    const rest = how === 'integrity_check' ? checkAll(state, 'quick_check') : [];
    return [...new Set([...rest, ...everyTable(state).flatMap((table) => checkTable(state, table, how))])];
  }
}

function everyTable(state: State): string[] {
  return opened(state)
    .prepare(`select name from sqlite_schema where type = 'table' union all select 'sqlite_schema'`)
    .all()
    .map(({ name }) => String(name));
}

function checkTable(state: State, table: string, how: Check): string[] {
  try {
    return check(state, how, quoteIdent(table));
  } catch (error) {
    if (!lacksSomething(error)) throw error;
    if (how === 'integrity_check') return checkTable(state, table, 'quick_check');
    readRows(state, table);
    return [];
  }
}

/** What is damaged ends it. Nothing is sorted or computed, so that little else is needed. */
function readRows(state: State, table: string): void {
  const db = opened(state);
  try {
    const columns = db.prepare('select name from pragma_table_xinfo(?) where hidden = 0').all(table);
    const lengths = columns.map(({ name }) => `total(length(cast(${quoteIdent(String(name))} as blob)))`);
    db.prepare(`select ${lengths.join(', ')} from ${quoteIdent(table)} not indexed`).get();
  } catch (error) {
    if (!lacksSomething(error)) throw error;
  }
}

export interface BrokenReference {
  table: string;
  parent: string;
  rows: number;
}

/** Rows whose foreign key leads nowhere, by table; SQLite lets them be wherever enforcing is off, which is its default. */
export function brokenReferences(state: State): BrokenReference[] {
  const found = new Map<string, BrokenReference>();
  for (const { table, parent } of eachBrokenReference(state)) {
    const key = JSON.stringify([table, parent]);
    const known = found.get(key) ?? { table, parent, rows: 0 };
    known.rows += 1;
    found.set(key, known);
  }
  return [...found.values()];
}

/** `row`: its number, or null in a table that has none; `key`: which of the foreign keys of its table. */
export function* eachBrokenReference(
  state: State,
): Generator<{ table: string; parent: string; row: bigint | null; key: number }> {
  const db = opened(state);
  const tables = db
    .prepare(
      `select distinct m.name as name from sqlite_schema m, pragma_foreign_key_list(m.name) where m.type = 'table' order by 1`,
    )
    .all()
    .map(({ name }) => String(name));
  for (const table of tables) {
    try {
      const rows = db.prepare(`pragma foreign_key_check(${quoteIdent(table)})`, { readBigInts: true }).iterate();
      for (const { rowid, parent, fkid } of rows)
        yield { table, parent: String(parent), row: typeof rowid === 'bigint' ? rowid : null, key: Number(fkid) };
    } catch (error) {
      // A key onto columns that are not unique, or a collation of the application: nothing can be said.
      if (!lacksSomething(error)) throw error;
    }
  }
}

function check(state: State, how: Check, table?: string): string[] {
  return opened(state)
    .prepare(`pragma ${how}(${table ?? shown})`)
    .all()
    .map((row) => String(Object.values(row)[0]))
    .filter((text) => text !== 'ok');
}
