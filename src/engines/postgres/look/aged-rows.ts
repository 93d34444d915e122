import type { AgedRows, AgedTable, TableName } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { quoteIdent, quoteTable } from '../connect/names.ts';

const rowsPerBatch = 5000;

export async function findAged(
  access: Access,
  { tables, beside, column, before }: Parameters<AgedRows['find']>[0],
  signal: AbortSignal,
): Promise<AgedTable[] | null> {
  await using session = await access.connect(signal, { application: 'holdfast cleanup' });
  const schemas = await session.rows<{ schema: string }>(schemasWith, [beside]);
  const [only] = schemas;
  if (!only || schemas.length > 1) return null;
  const found: AgedTable[] = [];
  for (const table of await session.rows<TableName & { bytes: string }>(tablesWith, [only.schema, tables, column])) {
    const counts = await session.row<{ rows: string; older: string }>(
      `select count(*)::text as rows, (count(*) filter (where ${quoteIdent(column)} < $1::timestamptz))::text as older
       from ${quoteTable(table)}`,
      [before.toISOString()],
    );
    found.push({
      schema: table.schema,
      name: table.name,
      rows: Number(counts.rows),
      older: Number(counts.older),
      bytes: Number(table.bytes),
    });
  }
  return found;
}

export async function removeAged(
  access: Access,
  table: TableName,
  { column, before, onRows }: Parameters<AgedRows['remove']>[1],
  signal: AbortSignal,
): Promise<number> {
  await using session = await access.connect(signal, { application: 'holdfast cleanup' });
  const name = quoteTable(table);
  const batch = `with gone as (
      delete from ${name} where ctid = any (array(
        select ctid from ${name} where ${quoteIdent(column)} < $1::timestamptz limit ${rowsPerBatch}))
      returning 1
    ) select count(*)::text from gone`;
  let removed = 0;
  for (;;) {
    const rows = Number(await session.value(batch, [before.toISOString()]));
    if (rows === 0) break;
    removed += rows;
    onRows(removed);
  }
  if (removed > 0) await session.rows(`VACUUM (ANALYZE) ${name}`);
  return removed;
}

const schemasWith = `
  select ns.nspname::text as schema from pg_catalog.pg_namespace ns
  where (select count(*) from pg_catalog.pg_class c
    where c.relnamespace = ns.oid and c.relkind = 'r' and c.relname = any ($1::text[])) = pg_catalog.cardinality($1::text[])
  order by 1`;

const tablesWith = `
  select ns.nspname::text as schema, c.relname::text as name, pg_catalog.pg_total_relation_size(c.oid)::text as bytes
  from pg_catalog.pg_class c join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3 and not a.attisdropped
    and a.atttypid in ('timestamp'::regtype, 'timestamptz'::regtype)
  where ns.nspname = $1 and c.relname = any ($2::text[]) and c.relkind = 'r'
  order by 2`;
