import { pause } from '../../../base/abort.ts';
import type { Access } from '../connect/access.ts';

const endMs = 20_000;

/**
 * Ends the sessions of a tool that was killed: a server notices the loss of its client only when it next writes to it, so a killed
 * psql leaves `create index` running for as long as that takes.
 */
export async function endSessions(access: Access, application: string): Promise<void> {
  const signal = AbortSignal.timeout(endMs);
  try {
    await using session = await access.connect(signal);
    while ((await session.rows(terminate, [application])).length > 0) await pause(50, signal);
  } catch {
    // The server is gone, and its sessions with it; or the database is, and nobody can be in it.
  }
}

const terminate = `
  select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
  where application_name = $1 and pid <> pg_catalog.pg_backend_pid()`;
