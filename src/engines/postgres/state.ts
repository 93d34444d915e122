import type { Access } from './access.ts';

/**
 * The server counts the rows that were written, and tells of them when a session ends or a second later. A server that has crashed has
 * forgotten its counts: that is another state as well.
 */
export async function stateOf(access: Access, signal: AbortSignal): Promise<string> {
  await using session = await access.connect(signal);
  return await session.value(`
    select pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.max(relid::int8), pg_catalog.sum(n_tup_ins),
      pg_catalog.sum(n_tup_upd), pg_catalog.sum(n_tup_del))
    from pg_catalog.pg_stat_all_tables
    where (schemaname !~ '^pg_' and schemaname <> 'information_schema') or relname = 'pg_largeobject'`);
}
