import type { LoadOptions } from '../../engine.ts';
import type { Access } from '../connect/access.ts';

/**
 * The server counts the rows that were written, and tells of them when a session ends or a second later. A server that has crashed has
 * forgotten its counts: that is another state as well.
 */
export async function stateOf(access: Access, scope: LoadOptions['scope'], signal: AbortSignal): Promise<string> {
  await using session = await access.connect(signal);
  const wanted = scope && [JSON.stringify(scope.tables.map(({ schema, name }) => [schema, name])), scope.schemas];
  return await session.value(
    `
    select pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.max(relid::int8), pg_catalog.sum(n_tup_ins),
      pg_catalog.sum(n_tup_upd), pg_catalog.sum(n_tup_del))
    from pg_catalog.pg_stat_all_tables
    where ((schemaname !~ '^pg_' and schemaname <> 'information_schema') or relname = 'pg_largeobject')
      and ($1::jsonb is null or schemaname = any ($2::text[])
        or $1::jsonb @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_array(schemaname, relname)))`,
    wanted ?? [null, []],
  );
}
