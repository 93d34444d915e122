import type { Access } from './access.ts';
import type { Connection } from './connection.ts';

/** Milliseconds the server's clock is ahead of ours; within the time the question takes, both agree. */
export async function clockAhead({ context: { clock } }: Access, connection: Connection): Promise<number> {
  const before = clock.now().getTime();
  const there = Number(
    await connection.value(`select (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint`),
  );
  const after = clock.now().getTime();
  return there < before ? there - before : Math.max(0, there - after);
}
