import { opened, reading, scalar, type State } from './connection.ts';
import { fingerprintOf } from './fingerprint.ts';
import { rowsOf, tablesWithRows } from './tables.ts';

export interface CountWish {
  /** Null: all. */
  tables: string[] | null;
  /** False: the tables are only named. */
  rows: boolean;
  sequences: boolean;
  fingerprints: boolean;
}

export interface FileCounts {
  tables: { name: string; rows: number | null; fingerprint: string | null }[];
  sequences: { name: string; value: string }[];
}

export function count(state: State, wish: CountWish): FileCounts {
  return reading(state, () => countAll(state, wish));
}

function countAll(state: State, wish: CountWish): FileCounts {
  const db = opened(state);
  const wanted = wish.tables && new Set(wish.tables);
  const names = tablesWithRows(state).filter((name) => wanted === null || wanted.has(name));
  return {
    tables: names.map((name) => ({
      name,
      rows: wish.rows ? rowsOf(db, name) : null,
      fingerprint: wish.fingerprints ? fingerprintOf(db, name) : null,
    })),
    sequences: wish.sequences ? sequencesOf(state) : [],
  };
}

/** Where AUTOINCREMENT stands. The table exists only when some table uses it, and holds rows of tables that were used. */
function sequencesOf(state: State): FileCounts['sequences'] {
  const db = opened(state);
  if (scalar(db, `select count(*) from sqlite_schema where name = 'sqlite_sequence'`) === 0) return [];
  return db
    .prepare(
      'select name, cast(max(seq) as text) as value from sqlite_sequence where name is not null group by name order by name',
    )
    .all()
    .map(({ name, value }) => ({ name: String(name), value: String(value ?? 0) }));
}
