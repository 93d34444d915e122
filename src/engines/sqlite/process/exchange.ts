import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { endings, noteOf, restName } from '../rest.ts';
import { connect, expectStart, primaryCode, scalar, type State } from './connection.ts';

export interface ExchangeNames {
  live: string;
  replacement: string;
  /** Null: there is no live file. */
  previous: string | null;
}

/** `in-use`: another process has the file open or locked. `unlockable`: it is damaged, so that nobody can hold a lock on it through SQLite. */
export type Exchanged = 'done' | 'in-use' | 'unlockable';

/**
 * Puts the replacement in the place of the live file under an exclusive lock. Whoever has the live file open in the mode of a write-ahead
 * log holds a lock on it all the time, so the change to a rollback journal, which needs the file alone, finds him; and
 * afterwards everything committed is in the file itself, and no log of its is left to be mistaken for one of the replacement.
 */
export function exchange(_state: State, names: ExchangeNames & { unlocked: boolean; busyMs: number }): Exchanged {
  const { live, replacement, previous, unlocked, busyMs } = names;
  if (previous === null) {
    giveName(live, replacement);
    return 'done';
  }
  if (unlocked) {
    rename({ live, replacement, previous });
    return 'done';
  }
  let db: DatabaseSync;
  try {
    expectStart(live);
    db = connect(live, 'write', busyMs);
    scalar(db, 'select count(*) from sqlite_schema');
  } catch (error) {
    return failedToLock(error);
  }
  let mode: string | null = null;
  let done = false;
  try {
    mode = String(scalar(db, 'pragma journal_mode'));
    // Refused with an error where somebody else has it open.
    if (mode === 'wal') scalar(db, 'pragma journal_mode = delete');
    db.exec('begin exclusive');
  } catch (error) {
    if (mode === 'wal') backToLog(db);
    db.close();
    return failedToLock(error);
  }
  try {
    if (!settle(replacement, mode, busyMs)) return 'in-use';
    likeness(live, replacement);
    rename({ live, replacement, previous });
    done = true;
    db.exec('rollback');
    return 'done';
  } finally {
    if (!done && mode === 'wal') backToLog(db);
    db.close();
  }
}

/**
 * Where no live file is. What lies there of one that is gone, a log or a journal, SQLite would take for a part of the new one and write it
 * in there: it goes aside.
 */
function giveName(live: string, replacement: string): void {
  const aside = restName(replacement);
  const there = existsSync(live) ? [] : endings.filter((ending) => existsSync(live + ending));
  for (const ending of there) renameSync(live + ending, aside + ending);
  try {
    linkSync(replacement, live); // fails where a file of this name is there after all
  } catch (error) {
    for (const ending of there) if (!existsSync(live + ending)) renameSync(aside + ending, live + ending);
    throw error;
  }
  rmSync(replacement);
  syncFolder(live);
}

/** The replacement becomes complete in itself, in the journal mode of what it replaces, and durable; false when somebody uses it. */
function settle(replacement: string, mode: string, busyMs: number): boolean {
  const db = connect(replacement, 'write', busyMs);
  try {
    if (scalar(db, 'pragma journal_mode') === 'wal') scalar(db, 'pragma journal_mode = delete');
    // What `persist` leaves of a finished journal goes, under a lock, when that mode is left: one that is still there then is in use.
    for (const next of ['persist', 'delete']) scalar(db, `pragma journal_mode = ${next}`);
    if (mode === 'wal') scalar(db, 'pragma journal_mode = wal');
  } catch (error) {
    if (failedToLock(error) === 'in-use') return false;
    throw error;
  } finally {
    db.close();
  }
  for (const ending of ['-wal', '-journal']) {
    if (existsSync(replacement + ending) && statSync(replacement + ending).size > 0) return false;
    rmSync(replacement + ending, { force: true });
  }
  rmSync(`${replacement}-shm`, { force: true });
  syncFile(replacement);
  return true;
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Rights and owner stay those of the live file: its application must still get in, and nobody else. */
function likeness(live: string, replacement: string): void {
  const wanted = statSync(live);
  const is = statSync(replacement);
  if (is.uid !== wanted.uid || is.gid !== wanted.gid) chownSync(replacement, wanted.uid, wanted.gid);
  chmodSync(replacement, wanted.mode & 0o7777);
}

/**
 * At every moment there is a file under the live name: the old one gets its second name first. Until the replacement has taken its place a
 * note says that this is all that has happened.
 */
function rename({ live, replacement, previous }: { live: string; replacement: string; previous: string }): void {
  writeFileSync(noteOf(live), JSON.stringify({ replacement, previous }), { mode: 0o600, flush: true });
  try {
    giveSecondName(live, previous);
  } catch (error) {
    rmSync(noteOf(live), { force: true });
    throw error;
  }
  try {
    // What is left of a finished journal, and the log of a file too damaged to be locked: it goes with its database.
    for (const ending of endings) {
      if (existsSync(live + ending)) renameSync(live + ending, previous + ending);
    }
    renameSync(replacement, live);
  } catch (error) {
    for (const ending of endings) {
      if (existsSync(previous + ending)) renameSync(previous + ending, live + ending);
    }
    rmSync(previous, { force: true });
    rmSync(noteOf(live), { force: true });
    throw error;
  }
  syncFolder(live);
  rmSync(noteOf(live), { force: true });
}

function giveSecondName(live: string, previous: string): void {
  try {
    linkSync(live, previous);
  } catch (error) {
    // File systems without links, such as those of memory cards.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(String((error as NodeJS.ErrnoException).code)))
      throw error;
    try {
      copyFileSync(live, previous, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      syncFile(previous);
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(previous, { force: true });
      throw failure;
    }
  }
  syncFolder(live);
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } catch {
    // Not every file system can, and then has no need to.
  } finally {
    closeSync(folder);
  }
}

function backToLog(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec('rollback');
    db.exec('pragma journal_mode = wal');
  } catch {
    // Somebody else has it now; applications set the mode themselves when they open a file.
  }
}

function failedToLock(error: unknown): Exchanged {
  const primary = primaryCode(error);
  if (primary === 5 || primary === 6) return 'in-use';
  if (primary === 11 || primary === 26) return 'unlockable';
  throw error;
}
