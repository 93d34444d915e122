import { HoldfastError } from '../../../base/errors.ts';
import type { CollationFix, CollationReport, Collations, SortedIndex, TableName } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { collationName, readCollations } from '../look/collations.ts';
import type { Connection } from '../connect/connection.ts';
import { quoteIdent, quoteTable } from '../connect/names.ts';

type Options = Parameters<Collations['fix']>[0];

/** How long it may take to remove what an interrupted rebuild left behind. */
const tidyMs = 10_000;

/** Looks for what differs, rebuilds what follows it, looks at what cannot be rebuilt, and notes the versions down last. */
export async function fixCollations(access: Access, options: Options, signal: AbortSignal): Promise<CollationFix> {
  await using session = await access.connect(signal, { application: 'holdfast reindex' });
  const found = await readCollations(session, options);
  const differing = found.collations.filter(({ state }) => state === 'differs');
  const fix: CollationFix = {
    database: found.database,
    rebuilt: [],
    duplicates: [],
    misplaced: [],
    refreshed: [],
    left: [],
    removed: [],
  };
  if (differing.length === 0 && !options.everything) return fix;
  await assertMayFix(session, found);
  fix.removed = await removeLeftovers(session, found.leftovers);
  const broken = new Set<string>();
  for (const index of found.indexes) {
    options.onIndex(index);
    const conflict = await rebuild(access, session, index);
    if (conflict === null) fix.rebuilt.push(index);
    else {
      fix.duplicates.push({ index: { schema: index.schema, name: index.name }, table: index.table, detail: conflict });
      for (const name of index.collations) broken.add(name);
    }
  }
  fix.misplaced = await misplacedRows(session, found.partitioned, options.onTable);
  for (const collation of differing) {
    const name = collationName(collation);
    // Which of them bounds the partitions is not asked: rows in a wrong place must not be hidden by any.
    if (broken.has(name) || fix.misplaced.length > 0) fix.left.push(name);
    else {
      await session.rows(refreshStatement(collation, found.database));
      fix.refreshed.push(name);
    }
  }
  return fix;
}

function refreshStatement({ schema, name }: CollationReport['collations'][number], database: string): string {
  return schema === null
    ? `ALTER DATABASE ${quoteIdent(database)} REFRESH COLLATION VERSION`
    : `ALTER COLLATION ${quoteTable({ schema, name })} REFRESH VERSION`;
}

/** All of it is asked before anything is rebuilt: hours later is too late to hear of a missing right. */
async function assertMayFix(session: Connection, { indexes, collations }: CollationReport): Promise<void> {
  const differing = collations.filter(({ state }) => state === 'differs');
  const lacking = await session.rows<{ what: string }>(missingRights, [
    [...new Set(indexes.map(({ table }) => JSON.stringify([table.schema, table.name])))],
    differing.flatMap(({ schema, name }) => (schema === null ? [] : [JSON.stringify([schema, name])])),
    differing.some(({ schema }) => schema === null),
  ]);
  if (lacking.length === 0) return;
  const [first, ...rest] = lacking.map(({ what }) => what);
  const more = rest.length === 0 ? '' : ` and ${rest.length} more`;
  throw new HoldfastError(
    'DATABASE_NO_PRIVILEGE',
    `${session.address.user} does not own ${first}${more}, so it may not rebuild or refresh it`,
    {
      hint: 'Use the owner or a superuser for this, such as postgres. Nothing was changed.',
      details: { lacking: lacking.map(({ what }) => what) },
    },
  );
}

const missingRights = `
  select pg_catalog.format('the table %I.%I', ns.nspname, c.relname) as what
  from pg_catalog.pg_class c join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
  where pg_catalog.jsonb_build_array(ns.nspname, c.relname) = any ($1::jsonb[]) and not pg_catalog.pg_has_role(c.relowner, 'usage')
  union all
  select pg_catalog.format('the collation %I.%I', ns.nspname, c.collname)
  from pg_catalog.pg_collation c join pg_catalog.pg_namespace ns on ns.oid = c.collnamespace
  where pg_catalog.jsonb_build_array(ns.nspname, c.collname) = any ($2::jsonb[]) and not pg_catalog.pg_has_role(c.collowner, 'usage')
  union all
  select pg_catalog.format('the database %I', d.datname) from pg_catalog.pg_database d
  where $3::boolean and d.datname = pg_catalog.current_database() and not pg_catalog.pg_has_role(d.datdba, 'usage')`;

/** Null when it is in order again; otherwise which rows contradict each other. */
async function rebuild(access: Access, session: Connection, index: SortedIndex): Promise<string | null> {
  try {
    await session.rows(await rebuildStatement(session, index));
    return null;
  } catch (error) {
    // The new index, half built, is kept up to date by every write until somebody removes it.
    await tidyAfter(access, index);
    const conflict = conflictOf(error);
    if (conflict === null) throw error;
    return conflict;
  }
}

async function rebuildStatement(session: Connection, index: SortedIndex): Promise<string> {
  // The server cannot rebuild these beside the old one.
  const exclusive = await session.value<boolean>(
    `select i.indisexclusion from pg_catalog.pg_index i where i.indexrelid = $1::regclass`,
    [quoteTable(index)],
  );
  return `REINDEX INDEX ${exclusive ? '' : 'CONCURRENTLY '}${quoteTable(index)}`;
}

function conflictOf(error: unknown): string | null {
  if (!(error instanceof HoldfastError)) return null;
  const { sqlstate } = error.details;
  if (sqlstate !== '23505' && sqlstate !== '23P01') return null;
  const { detail } = (error.cause ?? {}) as { detail?: unknown };
  return typeof detail === 'string' ? detail : error.message;
}

/** By a session of its own: the run's own may have been stopped. */
async function tidyAfter(access: Access, { schema, table }: SortedIndex): Promise<void> {
  try {
    await using session = await access.connect(AbortSignal.timeout(tidyMs), { application: 'holdfast reindex end' });
    const rows = await session.rows<TableName>(leftoversOf, [schema, quoteTable(table)]);
    await removeLeftovers(session, rows);
  } catch {
    // It is found and removed by the next call.
  }
}

const leftoversOf = `
  select $1::text as schema, c.relname::text as name
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
  where i.indrelid = $2::regclass and not i.indisvalid and c.relname ~ '_cc(new|old)\\d*$'
    and not exists (select from pg_catalog.pg_stat_progress_create_index p where p.relid = i.indrelid)`;

async function removeLeftovers(session: Connection, leftovers: readonly TableName[]): Promise<TableName[]> {
  for (const index of leftovers) await session.rows(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteTable(index)}`);
  return [...leftovers];
}

/** Rebuilding mends indexes; rows that another order puts into another partition are not found by anybody any more. */
async function misplacedRows(
  session: Connection,
  partitioned: readonly TableName[],
  onTable: Options['onTable'],
): Promise<CollationFix['misplaced']> {
  const found: CollationFix['misplaced'] = [];
  for (const root of partitioned) {
    const leaves = await session.rows<TableName & { condition: string | null }>(leafPartitions, [quoteTable(root)]);
    for (const { condition, ...leaf } of leaves) {
      if (condition === null) continue;
      onTable(leaf);
      const rows = Number(
        await session.value(`select count(*)::text from only ${quoteTable(leaf)} where (${condition}) is not true`),
      );
      if (rows > 0) found.push({ table: leaf, rows });
    }
  }
  return found;
}

const leafPartitions = `
  select ns.nspname::text as schema, c.relname::text as name, pg_catalog.pg_get_partition_constraintdef(c.oid) as condition
  from pg_catalog.pg_partition_tree($1::regclass) tree join pg_catalog.pg_class c on c.oid = tree.relid
  join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
  where tree.isleaf and c.relkind = 'r' order by 1, 2`;
