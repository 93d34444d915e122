import { statSync } from 'node:fs';
import { constants, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { catalogError, moved } from './catalog-error.ts';

export type Row = Record<string, unknown>;
export type Values = Record<string, SQLInputValue>;

/**
 * One SQLite file with prepared statements kept, and every error of SQLite turned into ours. Nothing is written once it is not the file at its
 * path any more: SQLite would go on writing where nobody else sees it, neither runs nor locks.
 */
export interface Connection extends Disposable {
  all(sql: string, values?: Values): Row[];
  get(sql: string, values?: Values): Row | undefined;
  /** Returns how many rows changed. */
  run(sql: string, values?: Values): number;
  /** Several statements without values. */
  script(sql: string): void;
  /** The write lock is taken at the start, so that what was read inside still holds when it is written. */
  transaction<T>(work: () => T): T;
  /** Waits for another process only for a moment. */
  briefly<T>(work: () => T): T;
  /** What is changed from now on, in tables with a primary key, whenever it is asked for. */
  recordChanges(): () => Uint8Array;
  /** Changes that were recorded in a copy, of these tables. What was changed here as well meanwhile stays as it is here. */
  applyChanges(changes: Uint8Array, tables: ReadonlySet<string>): void;
}

/** Another process writes for milliseconds at a time; waiting longer than this means something is wrong. */
const busyTimeoutMs = 10_000;
/** While SQLite waits, the whole process stands still. */
const briefMs = 100;

export function connect(path: string): Connection {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw catalogError(error, path);
    }
  };
  const database = guarded(() => new DatabaseSync(path, { timeout: busyTimeoutMs }));
  const own = fileAt(path);
  const assertInPlace = () => {
    if (fileAt(path) !== own) throw moved(path);
  };
  const waitFor = (ms: number) => guarded(() => database.exec(`pragma busy_timeout = ${ms}`));
  let isBrief = false;
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };

  const connection: Connection = {
    all: (sql, values = {}) => guarded(() => prepare(sql).all(values)),
    get: (sql, values = {}) => guarded(() => prepare(sql).get(values)),
    run: (sql, values = {}) => {
      if (!database.isTransaction) assertInPlace();
      return guarded(() => Number(prepare(sql).run(values).changes));
    },
    script: (sql) => guarded(() => database.exec(sql)),
    transaction: (work) => {
      // Part of a larger one, which ends it.
      if (database.isTransaction) return work();
      assertInPlace();
      connection.script('begin immediate');
      try {
        const result = work();
        connection.script('commit');
        return result;
      } catch (error) {
        // A full disk rolls back by itself; a second rollback would hide the cause.
        if (database.isTransaction) connection.script('rollback');
        throw error;
      }
    },
    briefly: (work) => {
      if (isBrief) return work();
      waitFor(briefMs);
      isBrief = true;
      try {
        return work();
      } finally {
        isBrief = false;
        if (database.isOpen) waitFor(busyTimeoutMs);
      }
    },
    recordChanges: () => {
      const session = guarded(() => database.createSession());
      return () => guarded(() => session.changeset());
    },
    applyChanges: (changes, tables) => {
      guarded(() =>
        database.applyChangeset(changes, {
          filter: (table) => tables.has(table),
          onConflict: () => constants.SQLITE_CHANGESET_OMIT,
        }),
      );
    },
    [Symbol.dispose]: () => {
      if (database.isOpen) database.close();
    },
  };
  return connection;
}

/** Which file lies there, or null. SQLite itself tells files apart so. */
function fileAt(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}/${ino}`;
  } catch {
    return null;
  }
}
