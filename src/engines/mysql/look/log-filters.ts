import { toHoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';

/**
 * A swap renames tables from one database into another. Where the binary log has the live one and no other, replicas are told of tables
 * that they do not have. Null: it is not so, or this account may not know.
 */
export async function tornFromReplicas(session: Connection, live: string): Promise<string | null> {
  const only = (await loggedOnly(session)).split(',');
  if (!only.includes(live)) return null;
  return `the server's binary log has only some databases (binlog_do_db: ${only.join(', ')}), and not the one that a restore is loaded into: its replicas cannot follow, and stop or stay behind; build them anew from this server`;
}

/** Newer servers of MySQL know the one statement, all others the other. */
async function loggedOnly(session: Connection): Promise<string> {
  for (const statement of ['SHOW MASTER STATUS', 'SHOW BINARY LOG STATUS']) {
    try {
      return (await session.rows<{ Binlog_Do_DB: string }>(statement))[0]?.Binlog_Do_DB ?? '';
    } catch (error) {
      const errno = Number(toHoldfastError(error).details['errno']);
      if (errno === 1227) return '';
      if (errno !== 1064) throw error;
    }
  }
  return '';
}
