import type { TargetFacts } from '../../engine.ts';
import { readAccount } from './account.ts';
import type { Connection } from '../connect/connection.ts';
import { exactly } from '../connect/kept-names.ts';

type Session = TargetFacts['sessions'][number];

/** Who has entered one of the databases, but ourselves. Without PROCESS an account sees its own sessions only. */
export async function sessionsIn(connection: Connection, databases: readonly string[]): Promise<Session[]> {
  const account = await readAccount(connection);
  const own = await connection.value("SELECT SUBSTRING_INDEX(USER(), '@', 1)");
  const rows = await connection.rows<{ pid: number | string; role: string; address: string }>(
    `SELECT ID AS pid, USER AS role, HOST AS address FROM information_schema.PROCESSLIST
     WHERE ${await exactly(connection, 'DB')} IN (${databases.map(() => '?').join(', ')}) AND ID <> CONNECTION_ID() ORDER BY ID`,
    databases,
  );
  return rows.map(({ pid, role, address }) => ({
    pid: Number(pid),
    role,
    application: '',
    address: address.replace(/:\d+$/, ''),
    mayEnd: account.mayEndSessions || role === own,
  }));
}
