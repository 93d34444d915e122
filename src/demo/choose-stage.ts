import { toHoldfastError } from '../base/errors.ts';
import { findServer } from '../engines/postgres/temporary/server-binaries.ts';
import { postgresStage } from './postgres-stage.ts';
import { sqliteStage } from './sqlite-stage.ts';
import type { PlannedStage } from './stage.ts';

/** PostgreSQL where a server of it is installed; what needs nothing else where not. */
export async function chooseStage(signal: AbortSignal): Promise<PlannedStage> {
  try {
    await findServer(null, null, signal);
    return postgresStage;
  } catch (error) {
    const { code, hint = '' } = toHoldfastError(error);
    if (code !== 'POSTGRES_SERVER_MISSING') throw error;
    return sqliteStage(`No PostgreSQL server is installed here, so the tour takes an SQLite file. ${hint}`.trim());
  }
}
