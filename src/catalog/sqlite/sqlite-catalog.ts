import { accessSync, chmodSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, systemErrno, toHoldfastError } from '../../base/errors.ts';
import { makeFolders } from '../../base/folders.ts';
import type { Catalog } from '../catalog.ts';
import { repeatRecords, sessionRecords, tokenRecords, userRecords } from './access.ts';
import { auditRecords } from './audit.ts';
import { backupRecords } from './backups.ts';
import { connect, type Connection } from './connection.ts';
import { copyRecords } from './copies.ts';
import { daemonRecords, markRecords } from './daemons.ts';
import { deliveryRecords } from './deliveries.ts';
import { figures } from './figures.ts';
import { incidentRecords } from './incidents.ts';
import { keyRecords } from './keys.ts';
import { lockRecords } from './locks.ts';
import { migrate } from './migrate.ts';
import { proofRecords } from './proofs.ts';
import { runRecords } from './runs.ts';

export const catalogFile = 'catalog.sqlite';

/** Opens the catalog in a state folder, creating both when they do not exist. Several processes may have it open at once. */
export function openCatalog(folder: string, clock: Clock): Catalog {
  return catalogOver(openConnection(folder), clock);
}

export function openConnection(folder: string): Connection {
  const path = join(folder, catalogFile);
  createPrivately(folder, path);
  const connection = connect(path);
  try {
    useWriteAheadLog(connection);
    connection.script('pragma synchronous = normal; pragma foreign_keys = on');
    migrate(connection, path);
    return connection;
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

export function catalogOver(connection: Connection, clock: Clock): Catalog {
  return {
    runs: runRecords(connection),
    locks: lockRecords(connection),
    backups: backupRecords(connection),
    proofs: proofRecords(connection),
    copies: copyRecords(connection),
    keys: keyRecords(connection),
    incidents: incidentRecords(connection),
    deliveries: deliveryRecords(connection),
    daemons: daemonRecords(connection),
    marks: markRecords(connection),
    users: userRecords(connection),
    tokens: tokenRecords(connection),
    sessions: sessionRecords(connection),
    audit: auditRecords(connection),
    repeats: repeatRecords(connection),
    figures: figures(connection),
    atomically: (work) => connection.transaction(work),
    briefly: (work) => connection.briefly(work),
    foreignWrites: () => Number(connection.get('pragma data_version')?.['data_version'] ?? 0),
    probe: () => probe(connection, clock),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

/** For those who only look: where nothing has been written yet, nothing is made. */
export function openExistingCatalog(folder: string, clock: Clock): Catalog {
  const path = join(folder, catalogFile);
  if (existsSync(path)) return openCatalog(folder, clock);
  throw new HoldfastError('STATE_MISSING', `there is no catalog in the state folder ${folder}`, {
    hint: 'Nothing has run there yet; check `state` in the configuration, or HOLDFAST_STATE.',
  });
}

/** SQLite would create the file for everyone to read; `-wal` and `-shm` get the mode of the main file. */
function createPrivately(folder: string, path: string): void {
  try {
    makeFolders(folder, 0o700);
    makeFile(path);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (error) {
    const known = toHoldfastError(error);
    throw new HoldfastError(
      known.code === 'UNEXPECTED' ? 'STATE_UNUSABLE' : known.code,
      `the state folder ${folder} cannot be used: ${known.message}`,
      {
        cause: error,
        hint: known.hint ?? 'Point `state` to a folder that the user that runs holdfast may write.',
      },
    );
  }
}

/**
 * One that is there is not opened: by the rules of POSIX, to close it would take away every lock that this process holds on it through another
 * connection, and the next process to end would remove the log that is being written.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600));
  } catch (error) {
    if (systemErrno(error) !== 'EEXIST') throw error;
    accessSync(path, constants.R_OK | constants.W_OK);
  }
}

/**
 * The mode stays with the file, so only the very first start changes it. That needs the file alone and SQLite does not wait
 * for it by itself, so two first starts at once would fail each other.
 */
function useWriteAheadLog(connection: Connection): void {
  for (let attempt = 1; ; attempt += 1) {
    if (journalMode(connection, 'pragma journal_mode') === 'wal') return;
    try {
      // Some network file systems cannot share memory; the old journal works there, only slower.
      journalMode(connection, 'pragma journal_mode = wal');
      return;
    } catch (error) {
      if (toHoldfastError(error).code !== 'CATALOG_BUSY' || attempt === 100) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function journalMode(connection: Connection, sql: string): unknown {
  return connection.get(sql)?.['journal_mode'];
}

/** Writes a lock nobody asks for and takes it back. */
function probe(connection: Connection, clock: Clock): void {
  const locks = lockRecords(connection);
  const at = clock.now().toISOString();
  const token = `probe-${process.pid}`;
  locks.acquire(
    {
      name: token,
      token,
      run: null,
      host: '',
      pid: process.pid,
      process: null,
      acquiredAt: at,
      renewedAt: at,
      leaseMs: 0,
    },
    () => true,
  );
  locks.release(token, token);
}
