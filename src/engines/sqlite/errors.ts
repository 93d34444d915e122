import { HoldfastError } from '../../base/errors.ts';
import type { Fault } from './process/operations.ts';

/** A fault of the process that works on the file, as our error. */
export function sqliteError({ message, sqlite, system }: Fault, path: string): HoldfastError {
  const cause = Object.assign(new Error(message), system === null ? {} : { code: system });
  const facts = { cause, details: { path, ...(sqlite === null ? {} : { sqlite }) } };
  if (system === 'ENOSPC' || system === 'EDQUOT') return diskFull(path, facts);
  if (system === 'EACCES' || system === 'EPERM') {
    return new HoldfastError('NO_PERMISSION', `this user may not do that with ${path}: ${message}`, {
      ...facts,
      hint: 'Run holdfast as the user the database belongs to, or as root.',
    });
  }
  // The lower byte is the kind, the rest says more about it.
  switch (sqlite === null ? 0 : sqlite % 256) {
    case 1:
      return new HoldfastError('DATABASE_FAILED', `${path}: ${message}`, {
        ...facts,
        ...(broughtByApplication.test(message) ? { hint: onlyApplication } : {}),
      });
    case 5:
    case 6:
      return new HoldfastError('DATABASE_LOCKED', `${path} stayed locked by another process`, {
        ...facts,
        retryable: true,
        hint: 'Another program writes for a long time, or keeps a transaction open; wait for it, or raise database.busyTimeout.',
      });
    case 8:
      return new HoldfastError('DATABASE_READ_ONLY', `${path} cannot be written: ${message}`, {
        ...facts,
        hint: 'Mount its disk for writing, or give the user that runs holdfast the right to write the file and its folder.',
      });
    case 10:
      return new HoldfastError('DATABASE_FAILED', `${path} could not be read or written: ${message}`, {
        ...facts,
        hint: "The disk or network share reported a fault; see the system's log.",
      });
    case 11:
      return damaged(path, message, facts);
    case 13:
      return diskFull(path, facts);
    case 14:
      return new HoldfastError('DATABASE_NO_PRIVILEGE', `${path} cannot be opened: ${message}`, {
        ...facts,
        hint: 'Give the user that runs holdfast the right to read and write the file and its folder: SQLite keeps its log beside it.',
      });
    case 26:
      return notSqlite(path, 'it is something else, or encrypted', facts);
    default:
      return new HoldfastError('DATABASE_FAILED', `${path}: ${message}`, facts);
  }
}

const broughtByApplication = /^(no such (collation sequence|function|module)|unknown (function|tokenizer)): /;
const onlyApplication =
  'Only its application has that. All of a database is saved and restored without it; of a single table, restore all beside the live one with `--into`, and let the application copy it.';

export function notSqlite(path: string, why: string, facts: object = {}): HoldfastError {
  return new HoldfastError('DATABASE_NOT_SQLITE', `${path} is not an SQLite database: ${why}`, {
    ...facts,
    hint: 'Check database.path. Encrypted databases (SQLCipher) cannot be opened without their key; save such a file as a file tree while its application is stopped.',
  });
}

export function damaged(path: string, detail: string, facts: object = {}): HoldfastError {
  return new HoldfastError('DATABASE_DAMAGED', `the database ${path} is damaged: ${detail}`, {
    ...facts,
    kind: 'integrity',
    hint: 'Restore a backup (with `--no-safety-backup`, because this state cannot be saved), or rescue what is readable with `sqlite3 FILE .recover`.',
  });
}

function diskFull(path: string, facts: object): HoldfastError {
  return new HoldfastError('DATABASE_DISK_FULL', `the disk that holds ${path} is full`, {
    ...facts,
    hint: 'Free some space there, then try again.',
  });
}
