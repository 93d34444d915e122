import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { displayTable, quoteLiteral, quoteTable } from '../connect/names.ts';
import type { Relation } from '../look/tables.ts';

export interface ExportedSnapshot {
  /** What `SET TRANSACTION SNAPSHOT` and `pg_dump --snapshot` take; good as long as its connection lives. */
  id: string;
  isolation: 'serializable-deferrable' | 'repeatable-read';
  lsn: string | null;
  standby: boolean;
  warnings: string[];
}

export interface SnapshotWish {
  /** Locked against being changed, dropped or truncated, as pg_dump does itself a moment later. */
  tables: readonly Relation[];
  lockTimeoutMs: number;
  /** How long to wait for a moment without serialization anomalies before taking an ordinary snapshot. */
  waitMs: number;
}

/** Takes the one snapshot that everything of a dump reads, and keeps it in this connection's open transaction. */
export async function exportSnapshot(connection: Connection, wish: SnapshotWish): Promise<ExportedSnapshot> {
  const standby = await connection.value<boolean>('select pg_catalog.pg_is_in_recovery()');
  const lsn = await currentLsn(connection, standby);
  // A standby has no serializable transactions.
  if (standby)
    return {
      id: await take(connection, 'repeatable-read', wish),
      isolation: 'repeatable-read',
      lsn,
      standby,
      warnings: [],
    };
  try {
    return {
      id: await take(connection, 'serializable-deferrable', wish),
      isolation: 'serializable-deferrable',
      lsn,
      standby,
      warnings: [],
    };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_TIMEOUT') throw error;
    const warning = `no moment free of unfinished serializable transactions within ${wish.waitMs / 1000} s: an ordinary snapshot was taken`;
    return {
      id: await take(connection, 'repeatable-read', wish),
      isolation: 'repeatable-read',
      lsn,
      standby,
      warnings: [warning],
    };
  }
}

/** Makes this connection read what the holder of the snapshot sees. */
export async function enterSnapshot(connection: Connection, id: string, lockTimeoutMs: number): Promise<void> {
  await connection.rows(`set lock_timeout = ${lockTimeoutMs}`);
  await connection.rows('begin isolation level repeatable read read only');
  await connection.rows(`set transaction snapshot ${quoteLiteral(id)}`);
}

const begin = {
  'serializable-deferrable': 'begin isolation level serializable read only deferrable',
  'repeatable-read': 'begin isolation level repeatable read read only',
};

/**
 * The server's table of locks has room for some thousands, shared by all sessions. Beyond this many tables ours are left out: they
 * only close the moment between the snapshot and pg_dump's own locks.
 */
const lockedTables = 1500;

async function take(
  connection: Connection,
  isolation: ExportedSnapshot['isolation'],
  wish: SnapshotWish,
): Promise<string> {
  await connection.rows(begin[isolation]);
  try {
    // Before the snapshot exists (locking takes none), so that no change can slip in between the two.
    if (wish.tables.length > 0 && wish.tables.length <= lockedTables) {
      const names = wish.tables.map((table) => `only ${quoteTable(table)}`).join(', ');
      await connection.rows(`set local lock_timeout = ${wish.lockTimeoutMs}`);
      await connection.rows(`lock table ${names} in access share mode`);
    }
    await connection.rows(`set local statement_timeout = ${wish.waitMs}`);
    const id = await connection.value('select pg_catalog.pg_export_snapshot()');
    await connection.rows('set local statement_timeout = 0');
    return id;
  } catch (error) {
    await connection.rows('rollback').catch(() => undefined);
    throw error instanceof HoldfastError && error.code === 'DATABASE_LOCKED'
      ? await lockedError(connection, wish, error)
      : error;
  }
}

/** Who holds what, so that the operator need not look for it. Queries are not shown: they may hold secrets. */
async function lockedError(connection: Connection, wish: SnapshotWish, error: HoldfastError): Promise<HoldfastError> {
  const holders = await connection.rows<{ oid: number; pid: number; application: string; role: string | null }>(
    `select l.relation as oid, l.pid, coalesce(a.application_name, '') as application, a.usename as role
     from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.granted and l.mode = 'AccessExclusiveLock' and l.relation = any ($1::oid[])
       and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`,
    [wish.tables.map((table) => table.oid)],
  );
  const [first] = holders;
  const table = wish.tables.find((each) => each.oid === first?.oid);
  if (!first || !table) return error;
  const by = [`process ${first.pid}`, first.role, first.application].filter(Boolean).join(', ');
  return new HoldfastError(
    'DATABASE_LOCKED',
    `the table ${displayTable(table)} stayed locked for ${wish.lockTimeoutMs / 1000} s by another session (${by})`,
    {
      cause: error,
      retryable: true,
      hint: 'Another session changes the table; wait until it is done, or raise dump.lockTimeout.',
      details: { ...error.details, object: displayTable(table), pid: first.pid },
    },
  );
}

async function currentLsn(connection: Connection, standby: boolean): Promise<string | null> {
  const position = standby ? 'pg_catalog.pg_last_wal_replay_lsn()' : 'pg_catalog.pg_current_wal_lsn()';
  // Some managed servers do not tell.
  return await connection.value<string | null>(`select ${position}::text`).catch((error: unknown) => {
    if (error instanceof HoldfastError && error.kind === 'failed' && error.code !== 'DATABASE_CONNECTION_LOST')
      return null;
    throw error;
  });
}
