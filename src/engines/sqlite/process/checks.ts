import { quoteIdent } from '../names.ts';
import { opened, primaryCode, type State } from './connection.ts';

/** Complaints shown to somebody; a damaged file can have millions. */
const shown = 20;

export interface Integrity {
  /** Empty: whole. */
  problems: string[];
  /** Null, or why not everything could be looked at: an index or a check that needs something the application brings. */
  incomplete: string | null;
}

/** `quick` reads every page, and leaves out comparing indexes with their tables. */
export function integrity(state: State, { quick }: { quick: boolean }): Integrity {
  try {
    return { problems: check(state, quick ? 'quick_check' : 'integrity_check'), incomplete: null };
  } catch (error) {
    if (!lacksSomething(error)) throw error;
    const why = (error as Error).message;
    if (quick) return { problems: [], incomplete: why };
    return { ...integrity(state, { quick: true }), incomplete: why };
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

function check(state: State, pragma: 'quick_check' | 'integrity_check'): string[] {
  return opened(state)
    .prepare(`pragma ${pragma}(${shown})`)
    .all()
    .map((row) => String(Object.values(row)[0]))
    .filter((text) => text !== 'ok');
}

/** SQLITE_ERROR: an unknown function, collation or module. Damage has codes of its own. */
function lacksSomething(error: unknown): boolean {
  return primaryCode(error) === 1;
}
