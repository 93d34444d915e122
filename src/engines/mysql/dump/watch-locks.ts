import { pause } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { formatDuration } from '../../../base/units.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName } from '../connect/names.ts';

/**
 * The dump tools set no time limit: behind a migration they would wait as long as the server lets them, a day by default, and
 * everybody who wants the table waits too. Calls back when one of them has waited for longer than it should.
 */
export async function watchLocks(
  session: Connection,
  limitMs: number,
  onLocked: (error: HoldfastError) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await pause(Math.max(500, limitMs / 4), signal);
      const [waiting] = await session.rows<{ info: string }>(
        `SELECT INFO AS info FROM information_schema.PROCESSLIST
         WHERE DB = ? AND USER = SUBSTRING_INDEX(USER(), '@', 1) AND STATE = 'Waiting for table metadata lock' AND TIME >= ?
           AND (INFO LIKE 'SELECT /*!40001 SQL_NO_CACHE */%' OR INFO LIKE 'show create table %' OR INFO LIKE 'show fields from %')`,
        [session.address.database, Math.ceil(limitMs / 1000)],
      );
      if (!waiting) continue;
      const table = /(?:FROM|TABLE) `((?:[^`]|``)*)`/i.exec(waiting.info)?.[1]?.replaceAll('``', '`') ?? 'a table';
      onLocked(
        new HoldfastError(
          'DATABASE_LOCKED',
          `the table ${displayName(table)} stayed locked for ${formatDuration(limitMs)} by another session`,
          {
            retryable: true,
            hint: 'Another session changes the table; wait until it is done, or raise dump.lockTimeout.',
            details: { object: displayName(table) },
          },
        ),
      );
      return;
    }
  } catch {
    // It ended with the dump, or the server did, which the dump tells.
  }
}
