import { ownMode, type Connection } from './connection.ts';
import { quoteIdent } from './names.ts';

export interface Surroundings {
  /** The database the session enters for it. */
  database: string | null;
  /** What the session must be set to meanwhile. */
  settings: string | null;
}

/** A step, or what takes it back. */
export async function runStatement(
  session: Connection,
  { database, settings }: Surroundings,
  statement: string,
): Promise<void> {
  if (database !== null) await session.rows(`USE ${quoteIdent(database)}`);
  if (settings === null) {
    await session.rows(statement);
    return;
  }
  await session.rows(settings);
  try {
    await session.rows(statement);
  } finally {
    await session
      .rows(
        `SET SESSION ${ownMode}, time_zone = '+00:00', character_set_client = utf8mb4, collation_connection = utf8mb4_general_ci`,
      )
      .catch(() => undefined);
  }
}
