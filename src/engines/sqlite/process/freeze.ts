import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import {
  begin,
  close,
  connect,
  isSame,
  opened,
  patiently,
  primaryCode,
  scalar,
  wait,
  type State,
} from './connection.ts';

/**
 * How the file stands still. `still`: its bytes are one consistent state and stay so as long as this process keeps its transaction,
 * while others write. `locked`: the same, but nobody can write meanwhile. `moving`: it has to be copied by SQLite.
 */
export type Frozen = 'still' | 'locked' | 'moving';

/** How often to look for a moment in which the whole log can be moved into the file, and how long writers wait at most each time. */
const attempts = 4;
const holdMs = 250;
/** How long to wait for our turn among writers. */
const turnMs = 1000;

/**
 * With a write-ahead log: whoever starts to read when all of the log has been moved into the file, reads the file alone, and the log is
 * not moved into it again before he ends (SQLite's read mark 0). That moment is made by keeping writers out for as long as a
 * checkpoint of the few last pages takes. Writers go on afterwards, into the log.
 */
export function freeze(state: State): Frozen {
  const db = opened(state);
  const mode = scalar(db, 'pragma journal_mode');
  if (mode === 'wal') return freezeWithLog(db, state);
  begin(db, state.busyMs);
  return 'locked';
}

/** Joins somebody who keeps the file still already, and sees what he sees. */
export function hold(state: State): null {
  begin(opened(state), state.busyMs);
  return null;
}

/**
 * Takes the copy and lets the original go. From here on everything is read from the copy, unless that is only what comes after the first
 * `from` bytes, which nobody needs any more. False: by then another file was in the place of the original, which nobody kept still.
 */
export async function copy(
  state: State,
  { to, how, from }: { to: string; how: Frozen; from: number },
): Promise<boolean> {
  const db = opened(state);
  if (how === 'locked') {
    // Closing any handle of a file ends all of the process's locks on it: here at the end of the copy, when nobody needs them.
    if (from === 0) copyFileSync(state.path, to, constants.COPYFILE_FICLONE);
    else copyRest(state.path, to, from);
  } else {
    writeFileSync(to, '', { mode: 0o600, flag: 'wx' });
    begin(db, state.busyMs);
    // Inside a transaction it reads that one state, however often others write; without one it would begin again each time.
    await backup(db, to, { rate: 4096 });
  }
  chmodSync(to, 0o600);
  const same = isSame(state);
  close(state);
  if (from === 0) state.db = connect(to, 'immutable', 0);
  return same;
}

/** Every byte lies where it lies in the original, behind a hole. */
function copyRest(path: string, to: string, from: number): void {
  const target = openSync(to, 'wx', 0o600);
  const source = openSync(path, 'r');
  try {
    const memory = Buffer.allocUnsafe(1024 * 1024);
    let at = from;
    for (;;) {
      const bytes = readSync(source, memory, 0, memory.length, at);
      if (bytes === 0) break;
      for (let done = 0; done < bytes;) done += writeSync(target, memory, done, bytes - done, at + done);
      at += bytes;
    }
    // Also where nothing was left: it is told by its length whether all was read.
    ftruncateSync(target, at);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** Whether the transaction that keeps the file still is there, and the file as well. */
export function isFrozen(state: State): boolean {
  return (state.db?.isTransaction ?? false) && isSame(state);
}

function freezeWithLog(db: DatabaseSync, { path }: State): Frozen {
  let locker: DatabaseSync | undefined;
  try {
    checkpoint(db);
    const writer = connect(path, 'write', 0);
    locker = writer;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      patiently(turnMs, () => writer.exec('begin immediate'));
      const whole = checkpointWithin(db, holdMs);
      if (whole) begin(db, 0);
      writer.exec('rollback');
      if (whole) return 'still';
      wait(attempt * 100);
    }
    return 'moving';
  } catch (error) {
    // Without the right to write, or a turn at it, reading goes on all the same.
    if (![5, 8, 14].includes(primaryCode(error))) throw error;
    return 'moving';
  } finally {
    locker?.close();
  }
}

/** What stands in the way is another checkpoint, which ends, or a reader of an older state, which may not. */
function checkpointWithin(db: DatabaseSync, ms: number): boolean {
  const deadline = performance.now() + ms;
  while (!checkpoint(db)) {
    if (performance.now() > deadline) return false;
    wait(5);
  }
  return true;
}

/** Moves what it can of the log into the file, without making anybody wait; true when that was all. */
function checkpoint(db: DatabaseSync): boolean {
  const row = db.prepare('pragma wal_checkpoint(passive)').get();
  return row !== undefined && row['busy'] === 0 && row['log'] === row['checkpointed'];
}
