import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { HoldfastError, systemErrno, systemLimit, toHoldfastError } from '../../base/errors.ts';

/** What SQLite says, in our words. The primary result code is the low byte of the extended one. */
export function catalogError(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  switch (code & 0xff) {
    case 11: // CORRUPT
    case 26: // NOTADB
      return damaged(path, error);
    case 13: // FULL
      return full(path, error);
    case 5: // BUSY
    case 6: // LOCKED
      return new HoldfastError('CATALOG_BUSY', `another process keeps the catalog ${path} locked`, {
        kind: 'busy',
        cause: error,
        hint: 'Try again; when it stays like this, look for a holdfast process that hangs.',
        retryable: true,
      });
    case 3: // PERM
    case 8: // READONLY
    case 14: // CANTOPEN
      return noFileLeft(path) ?? readOnly(path, refusalAt(path)) ?? notAllowed(path, error);
    case 10: {
      // IOERR
      const refusal = refusalAt(path);
      if (toHoldfastError(refusal).code === 'DISK_FULL') return full(path, error);
      return readOnly(path, refusal) ?? failed(path, error);
    }
    default:
      return failed(path, error);
  }
}

function full(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('DISK_FULL', `no space left for the catalog ${path}`, {
    cause,
    hint: 'Free some space on the disk that holds the state folder, then try again; restores go on without, in the console and on the command line.',
    retryable: true,
  });
}

function failed(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('CATALOG_FAILED', `the catalog ${path} failed: ${(cause as Error).message}`, {
    cause,
    hint: 'Check the disk that holds the state folder; `holdfast doctor` tries to write there. HOLDFAST_STATE takes another folder for the time being.',
  });
}

/** Null unless that is why. Whoever goes on without the state knows it by the cause. */
function readOnly(path: string, refusal: unknown): HoldfastError | null {
  if (systemErrno(refusal) !== 'EROFS') return null;
  return new HoldfastError('NO_PERMISSION', `the disk of the catalog ${path} can only be read`, {
    cause: refusal,
    hint: "Mount the disk for writing, or see in the system's log why it no longer is; restores go on without, in the console and on the command line.",
  });
}

function notAllowed(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('NO_PERMISSION', `the catalog ${path} cannot be opened for writing`, {
    cause,
    hint: 'Give the user that runs holdfast the right to write the state folder and the files in it.',
  });
}

/**
 * Why nothing can be written there, or null where it can. Where SQLite needs room for more than a row, as for the index of its log when it is
 * opened, it tells of a full disk as of one that is broken; and of one that can only be read any more, too.
 */
function refusalAt(path: string): unknown {
  const room = `${path}-room-${process.pid}`;
  try {
    writeFileSync(room, Buffer.alloc(logIndexBytes), { mode: 0o600 });
    return null;
  } catch (error) {
    return error;
  } finally {
    removeIfThere(room);
  }
}

const logIndexBytes = 32_768;

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where nothing can be removed, nothing could be made.
  }
}

/** SQLite tells that it could not open a file, and not why. */
function noFileLeft(path: string): HoldfastError | null {
  try {
    closeSync(openSync(path, 'r'));
    return null;
  } catch (error) {
    return systemLimit(error) ? toHoldfastError(error) : null;
  }
}

export function damaged(path: string, cause?: unknown): HoldfastError {
  return new HoldfastError('CATALOG_DAMAGED', `the catalog ${path} is damaged`, {
    kind: 'integrity',
    cause,
    hint: `End what uses it, such as \`holdfast serve\`, move it away (mv '${path}' '${path}.damaged'), then run \`holdfast rebuild\`: everything about backups comes back from the storages.`,
  });
}

export function moved(path: string): HoldfastError {
  return new HoldfastError('CATALOG_MOVED', `the catalog ${path} was moved, replaced or removed while it was in use`, {
    hint: 'Put it back, or start this process again, which then takes what lies there; `holdfast rebuild` brings back what the storages know.',
    retryable: true,
  });
}

function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode : null;
}
