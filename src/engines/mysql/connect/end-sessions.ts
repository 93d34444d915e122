import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from './connection.ts';
import { exactly } from './kept-names.ts';

/** Ends the sessions that have entered one of the databases, as far as this user sees and may end them. */
export async function endSessions(
  connection: Connection,
  databases: readonly string[],
  spared: number = connection.id,
): Promise<void> {
  const rows = await connection.rows<{ id: number | string }>(
    `SELECT ID AS id FROM information_schema.PROCESSLIST
     WHERE ${await exactly(connection, 'DB')} IN (${databases.map(() => '?').join(', ')}) AND ID NOT IN (CONNECTION_ID(), ?)`,
    [...databases, spared],
  );
  for (const { id } of rows) {
    await connection.rows(`KILL ${Number(id)}`).catch((error: unknown) => {
      // Gone meanwhile (1094), or another user's (1095): what waits for it will tell.
      if (!(error instanceof HoldfastError) || ![1094, 1095].includes(Number(error.details['errno']))) throw error;
    });
  }
}
