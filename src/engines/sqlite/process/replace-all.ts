import { closeSync, openSync, readSync } from 'node:fs';
import { backup, type DatabaseSync } from 'node:sqlite';
import { connect, opened, primaryCode, scalar, wait, type State } from './connection.ts';
import type { Refusal } from './replace.ts';

/**
 * Page by page, in one transaction of the live database: who has it open sees all of it at once, or nothing. SQLite begins that transaction
 * itself, so one that keeps others from writing ends right before; `overtaken` means that somebody came in between, and nothing was changed.
 */
export async function replaceAll(state: State, { from }: { from: string }): Promise<Refusal | 'overtaken' | null> {
  const live = opened(state);
  const source = connect(from, 'immutable', 0);
  using commits = live.isTransaction ? countCommits(state) : null;
  try {
    const sizes = [source, live].map((db) => Number(scalar(db, 'pragma page_size')));
    const mode = scalar(live, 'pragma journal_mode');
    // With a log the size of pages cannot change.
    if (mode === 'wal' && sizes[0] !== sizes[1] && Number(scalar(live, 'pragma page_count')) > 0) {
      return {
        code: 'PAGE_SIZE_DIFFERS',
        message: `its pages have ${sizes[1]} bytes, those of the backup ${sizes[0]}`,
      };
    }
    const before = commits?.now();
    if (live.isTransaction) live.exec('rollback');
    if (await backupInto(source, state, () => commits?.now() !== before)) return 'overtaken';
    // The pages bring the mode of their own file along.
    if (mode !== 'wal' && scalar(live, 'pragma journal_mode') === 'wal') scalar(live, 'pragma journal_mode = delete');
    return null;
  } finally {
    if (live.isTransaction) live.exec('rollback');
    source.close();
  }
}

class Overtaken extends Error {}

/** Less than SQLite keeps in memory: nothing has been written into the file when the first step is over. */
const stepBytes = 512 * 1024;

/** Where somebody else writes at that moment, the copying ends at its first step with `not an error`, and nothing was changed. */
async function backupInto(source: DatabaseSync, { path, busyMs }: State, isOvertaken: () => boolean): Promise<boolean> {
  const pages = Number(scalar(source, 'pragma page_count'));
  // There is a second step wherever there is a table, and between the two somebody to ask.
  const rate = Math.max(1, Math.min(pages - 1, Math.floor(stepBytes / Number(scalar(source, 'pragma page_size')))));
  const deadline = performance.now() + busyMs;
  for (;;) {
    let asked = false;
    const progress = () => {
      if (!asked && isOvertaken()) throw new Overtaken();
      asked = true;
    };
    try {
      await backup(source, path, { rate, progress });
      return false;
    } catch (error) {
      if (error instanceof Overtaken) return true;
      if (![0, 5].includes(primaryCode(error))) throw error;
      if (performance.now() > deadline) throw Object.assign(new Error('database is locked'), { errcode: 5 });
      wait(5);
    }
  }
}

/** Something that becomes another with every commit of somebody else, and can be asked for while the copying keeps the file. */
function countCommits(state: State): { now(): number } & Disposable {
  const live = opened(state);
  if (scalar(live, 'pragma journal_mode') === 'wal') {
    return { now: () => Number(scalar(live, 'pragma data_version')), [Symbol.dispose]: () => undefined };
  }
  // Without a log nobody else gets in then, not even to ask, but the number is in the file. Opened before and closed after: closing
  // a handle ends the locks this process has.
  const file = openSync(state.path, 'r');
  const head = Buffer.alloc(4);
  return {
    now: () => (readSync(file, head, 0, head.length, 24) === head.length ? head.readUInt32BE(0) : 0),
    [Symbol.dispose]: () => closeSync(file),
  };
}
