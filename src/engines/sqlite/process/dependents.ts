import { opened, type State } from './connection.ts';

/** What lives beside a table and is only right as long as whoever writes to the table keeps it so. */
export interface Dependents {
  table: string;
  triggers: string[];
  /** Full-text indexes that hold no text of their own, and look it up there. */
  indexes: string[];
}

export function dependents(state: State, { tables }: { tables: string[] }): Dependents[] {
  const db = opened(state);
  const triggers = db.prepare(
    `select name from sqlite_schema where type = 'trigger' and tbl_name = ? collate nocase order by rowid`,
  );
  const views = new Set(namesOf(db.prepare(`select name from sqlite_schema where type = 'view'`).all()).map(lower));
  const indexes = db
    .prepare(`select name, sql from sqlite_schema where type = 'table' and sql like 'create virtual table%'`)
    .all()
    .map(({ name, sql }) => ({ name: String(name), content: lower(contentOf(String(sql))) }));
  return tables.map((table) => ({
    table,
    triggers: namesOf(triggers.all(table)),
    // Of a view nobody knows from here what it looks at.
    indexes: namesOf(indexes.filter(({ content }) => content === lower(table) || views.has(content))),
  }));
}

function namesOf(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map(({ name }) => String(name));
}

const contentOption = /\bcontent\s*=\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)"|\[([^\]]*)\]|`([^`]*)`|([^\s,)]+))/i;

/** The table that FTS4 or FTS5 was told to look up the text in; '' where it has its own, or none. */
function contentOf(sql: string): string {
  const [, single, double, brackets, backticks, bare] = contentOption.exec(sql) ?? [];
  return single?.replaceAll("''", "'") ?? double?.replaceAll('""', '"') ?? brackets ?? backticks ?? bare ?? '';
}

/** As SQLite compares names. */
function lower(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
