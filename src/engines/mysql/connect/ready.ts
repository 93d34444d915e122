import type { Access } from './access.ts';
import type { Connection } from './connection.ts';

export async function ready(access: Access, what: 'server' | 'database', signal: AbortSignal): Promise<void> {
  await using session = await access.connect(signal, { database: what === 'server' ? null : access.address.database });
  await session.value('SELECT 1');
}

/** Milliseconds the server's clock is ahead of ours; within the time the question takes, both agree. */
export async function clockAhead({ context: { clock } }: Access, connection: Connection): Promise<number> {
  const before = clock.now().getTime();
  const there = Number(await connection.value('SELECT CAST(ROUND(UNIX_TIMESTAMP(SYSDATE(3)) * 1000) AS CHAR)'));
  const after = clock.now().getTime();
  return there < before ? there - before : Math.max(0, there - after);
}
