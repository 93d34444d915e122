import type { Access } from '../connect/access.ts';

/** What ends a session of a tool that waits for its input, or for another worker. pg_restore lifts some of them, and not these. */
const limits = ['idle_session_timeout', 'transaction_timeout'];

/**
 * For `PGOPTIONS`: what lifts those that the server, database or role has set; undefined where there are none. What stands between here and
 * the server may not take such options, so that they are only given where they are needed.
 */
export async function liftedLimits(access: Access, signal: AbortSignal): Promise<string | undefined> {
  await using session = await access.connect(signal);
  const rows = await session.rows<{ name: string }>(
    `select name from pg_catalog.pg_settings where name = any ($1::text[]) and reset_val <> '0' order by 1`,
    [limits],
  );
  return rows.length === 0 ? undefined : rows.map(({ name }) => `-c ${name}=0`).join(' ');
}

/** The same for psql, which is told so before anything else. */
export const liftLimits = `SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings
  WHERE name IN (${[...limits, 'idle_in_transaction_session_timeout'].map((name) => `'${name}'`).join(', ')});\n`;
