import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { fileStart } from '../recognise.ts';

/** What one process holds: at most one database, and the path it was opened by. */
export interface State {
  db: DatabaseSync | null;
  path: string;
  /** Which file had this path when it was opened. */
  seen: string;
  busyMs: number;
}

/**
 * `read` opens for writing where it may and then forbids it: a reader that cannot write leaves the files of a write-ahead log behind.
 * `immutable` is for files nobody changes, and makes no file beside them.
 */
export type OpenMode = 'read' | 'write' | 'immutable';

export function open(state: State, { path, mode, busyMs }: { path: string; mode: OpenMode; busyMs: number }): null {
  close(state);
  expectStart(path);
  state.path = path;
  state.busyMs = busyMs;
  // Before it is opened: where another one comes in between, it differs from this one.
  state.seen = fileAt(path);
  try {
    touch(state, connect(path, mode, 0));
  } catch (error) {
    // A file with a log wants to be written even by readers; where nobody can write, nobody does.
    if (mode !== 'read' || primaryCode(error) !== 14 || !standsStill(path)) throw error;
    close(state);
    state.seen = fileAsItIs(path);
    touch(state, connect(path, 'immutable', 0));
  }
  opened(state).exec(`pragma busy_timeout = ${Math.floor(busyMs)}`);
  return null;
}

/** Whether the path still leads to the file that is open; of one that nobody can lock, also whether nobody has written to it. */
export function isSame({ path, seen }: State): boolean {
  return seen === fileAt(path) || seen === fileAsItIs(path);
}

/** All that is read inside is of one moment: in the transaction that is open already, or in one of its own. */
export function reading<T>(state: State, work: () => T): T {
  const db = opened(state);
  if (db.isTransaction) return work();
  begin(db, state.busyMs);
  try {
    return work();
  } finally {
    db.exec('rollback');
  }
}

export function begin(db: DatabaseSync, ms: number): void {
  db.exec('begin');
  // Only reading takes the lock.
  patiently(ms, () => db.prepare('select count(*) from sqlite_schema').get());
}

/** Nobody else writes from here to the end of the transaction; others read. */
export function lock(state: State): null {
  const db = opened(state);
  if (!db.isTransaction) patiently(state.busyMs, () => db.exec('begin immediate'));
  return null;
}

/** Nothing of the file is read before it is asked for. */
function touch(state: State, db: DatabaseSync): void {
  state.db = db;
  patiently(state.busyMs, () => db.prepare('select count(*) from sqlite_schema').get());
}

/** On a disk mounted for reading, with nothing in a log. */
function standsStill(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS' && sizeOf(`${path}-wal`) === 0;
  }
}

/** SQLite's own waiting sleeps longer and longer, and among busy writers never gets its turn. */
export function patiently<T>(ms: number, work: () => T): T {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (primaryCode(error) !== 5 || performance.now() > deadline) throw error;
      wait(2);
    }
  }
}

export function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The lower byte of SQLite's code is the kind of a fault, the rest says more about it. */
export function primaryCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) % 256;
}

/** An unknown function, collation, tokenizer or module; damage has codes of its own. */
export function lacksSomething(error: unknown): boolean {
  return primaryCode(error) === 1;
}

/**
 * SQLite itself must not look first: it takes a log beside a damaged or emptied file for a finished one, and removes it. Only while this
 * process has the file not yet open: closing the handle would end its locks.
 */
export function expectStart(path: string): void {
  const head = Buffer.alloc(fileStart.length);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head, 0, head.length, 0);
    if (length === 0 && sizeOf(`${path}-wal`) === 0) return;
    if (head.toString('latin1') === fileStart) return;
  } finally {
    closeSync(file);
  }
  throw Object.assign(new Error('file is not a database'), { errcode: 26 });
}

export function connect(path: string, mode: OpenMode, busyMs: number): DatabaseSync {
  const url = pathToFileURL(path);
  // Never made where it is missing: an empty database would look like a whole one.
  url.search = mode === 'immutable' ? '?mode=ro&immutable=1' : '?mode=rw';
  const options = { timeout: busyMs, enableForeignKeyConstraints: false, defensive: true };
  const db = openWith(url, options, mode);
  if (mode !== 'write') db.exec('pragma query_only = 1');
  // A hostile schema runs no function that does something.
  db.exec('pragma trusted_schema = 0; pragma cell_size_check = 1');
  return db;
}

export function close(state: State): null {
  const { db } = state;
  state.db = null;
  if (db?.isOpen) db.close();
  return null;
}

export function opened({ db }: State): DatabaseSync {
  if (!db) throw new Error('no database is open');
  return db;
}

/** The first column of the only row. */
export function scalar(db: DatabaseSync, sql: string): string | number | bigint | null {
  const row = db.prepare(sql).get();
  const value = row === undefined ? null : (Object.values(row)[0] ?? null);
  return value instanceof Uint8Array ? null : value;
}

function fileAt(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats ? `${stats.dev}:${stats.ino}` : '';
}

function fileAsItIs(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stats ? `${fileAt(path)}:${stats.size}:${stats.mtimeNs}` : '';
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function openWith(url: URL, options: object, mode: OpenMode): DatabaseSync {
  try {
    return new DatabaseSync(url, options);
  } catch (error) {
    if (mode !== 'read') throw error;
    url.search = '?mode=ro';
    return new DatabaseSync(url, { ...options, readOnly: true });
  }
}
