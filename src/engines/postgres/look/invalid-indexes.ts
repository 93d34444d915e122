import type { Connection } from '../connect/connection.ts';
import { displayTable } from '../connect/names.ts';
import type { Selection } from './tables.ts';

/** Where `CREATE INDEX CONCURRENTLY` failed or is under way, pg_dump leaves its index out, and says nothing of it. On a partitioned table it does not. */
export async function invalidIndexes(session: Connection, { relations }: Selection): Promise<string[]> {
  const rows = await session.rows<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name
     from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_class t on t.oid = i.indrelid
     where i.indrelid = any ($1::oid[]) and not (i.indisready and (i.indisvalid or t.relkind = 'p')) order by 1, 2`,
    [relations.map(({ oid }) => oid)],
  );
  return rows.map(
    (index) =>
      `the index ${displayTable(index)} is not stored: it is being made, or what made it has failed (REINDEX it, or DROP it)`,
  );
}
