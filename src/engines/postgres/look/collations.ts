import type { CollationReport, CollationState, SortedIndex, TableName } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { displayTable } from '../connect/names.ts';

/** The database's own collation, whatever it is, has this number in every catalog. */
const defaultOid = '100';
/** The first that notes down a version for databases, too. */
const versionsOfDatabases = 150_000;

export async function connectableDatabases(access: Access, signal: AbortSignal): Promise<string[]> {
  await using session = await access.connect(signal);
  const rows = await session.rows<{ name: string }>(
    'select datname::text as name from pg_catalog.pg_database where datallowconn order by 1',
  );
  return rows.map(({ name }) => name);
}

export async function checkCollations(access: Access, signal: AbortSignal): Promise<CollationReport> {
  await using session = await access.connect(signal, { application: 'holdfast collations' });
  return await readCollations(session, { everything: false });
}

/** With `everything`, the indexes of all collations that have an order of their own. */
export async function readCollations(
  session: Connection,
  { everything }: { everything: boolean },
): Promise<CollationReport> {
  const all = [await defaultCollation(session), ...(await session.rows<NumberedCollation>(usedCollations))];
  const affected = all.filter(({ state, actual }) => state === 'differs' || (everything && !isFixed(state, actual)));
  const numbers = affected.map(({ oid }) => oid);
  const names = new Map(all.map((each) => [each.oid, collationName(each)]));
  const indexes = await session.rows<IndexRow>(sortedIndexes, [numbers]);
  return {
    database: await session.value('select pg_catalog.current_database()'),
    collations: all.map(({ oid: _, ...state }) => state),
    indexes: indexes.map((row) => describeIndex(row, names)),
    partitioned: await session.rows<TableName>(partitionedTables, [numbers]),
    leftovers: await session.rows<TableName>(leftoverIndexes),
  };
}

export function collationName({ schema, name }: { schema: string | null; name: string }): string {
  return schema === null ? 'default' : displayTable({ schema, name });
}

interface NumberedCollation extends CollationState {
  oid: string;
}

/** `C` and its like never change, so they have no version. */
function isFixed(state: CollationState['state'], actual: string | null): boolean {
  return state === 'ok' && actual === null;
}

async function defaultCollation(session: Connection): Promise<NumberedCollation> {
  const version = Number(await session.value("select pg_catalog.current_setting('server_version_num')"));
  const facts = await session.row<Omit<NumberedCollation, 'oid' | 'schema' | 'state'>>(ownCollation(version));
  const unknown = version < versionsOfDatabases && !/^(C|POSIX)$/.test(facts.name);
  return { ...facts, oid: defaultOid, schema: null, state: unknown ? 'unrecorded' : compare(facts) };
}

function compare({ recorded, actual }: Pick<CollationState, 'recorded' | 'actual'>): CollationState['state'] {
  if (recorded === actual) return 'ok';
  return recorded === null ? 'unrecorded' : 'differs';
}

/** The columns have changed their names with every second version. */
function ownCollation(version: number): string {
  const from = 'from pg_catalog.pg_database where datname = pg_catalog.current_database()';
  if (version < versionsOfDatabases) {
    return `select datcollate::text as name, 'libc' as provider, null as recorded, null as actual ${from}`;
  }
  const locale = version >= 170_000 ? 'datlocale' : 'daticulocale';
  return `select coalesce(case when datlocprovider <> 'c' then ${locale}::text end, datcollate::text) as name,
    ${providerName('datlocprovider')} as provider, datcollversion as recorded,
    pg_catalog.pg_database_collation_actual_version(oid) as actual ${from}`;
}

function providerName(column: string): string {
  return `case ${column} when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' else ${column}::text end`;
}

/** Of the hundreds that come with the server, only those that something uses. */
const usedCollations = `
  select coll.oid::text as oid, ns.nspname::text as schema, coll.collname::text as name,
    ${providerName('coll.collprovider')} as provider, coll.collversion as recorded,
    pg_catalog.pg_collation_actual_version(coll.oid) as actual,
    case when coll.collversion is not distinct from pg_catalog.pg_collation_actual_version(coll.oid) then 'ok'
      when coll.collversion is null then 'unrecorded' else 'differs' end as state
  from pg_catalog.pg_collation coll join pg_catalog.pg_namespace ns on ns.oid = coll.collnamespace
  where coll.oid <> ${defaultOid} and coll.collprovider <> 'd'
    and coll.collencoding in (-1, (select encoding from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    and (ns.nspname <> 'pg_catalog'
      or exists (select from pg_catalog.pg_depend where refclassid = 'pg_catalog.pg_collation'::regclass and refobjid = coll.oid)
      or exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where a.attcollation = coll.oid and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')))
    and not (coll.collversion is null and pg_catalog.pg_collation_actual_version(coll.oid) is null)
  order by 2, 3`;

/**
 * The collations of an index: those of its columns, those hidden inside of their types (ranges, arrays, rows, domains), and those that
 * its expressions and its condition compare with, which stand in their stored form only.
 */
const sortedIndexes = `
  with recursive types(index, type, coll) as (
    select i.indexrelid, a.atttypid, i.indcollation[a.attnum - 1]
    from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid and a.attnum between 1 and i.indnkeyatts
    union
    select t.index, part.type, part.coll from types t join pg_catalog.pg_type known on known.oid = t.type
    cross join lateral (
      select known.typbasetype as type, known.typcollation as coll where known.typtype = 'd'
      union all select known.typelem, 0::oid where known.typcategory = 'A'
      union all select r.rngsubtype, r.rngcollation from pg_catalog.pg_range r where r.rngtypid = known.oid
      union all select r.rngtypid, 0::oid from pg_catalog.pg_range r where r.rngmultitypid = known.oid
      union all select a.atttypid, a.attcollation from pg_catalog.pg_attribute a
        where known.typtype = 'c' and a.attrelid = known.typrelid and a.attnum > 0 and not a.attisdropped
    ) part
  ), follows(index, coll) as (
    select index, coll from types
    union
    select i.indexrelid, match[1]::oid from pg_catalog.pg_index i
    cross join lateral pg_catalog.regexp_matches(
      coalesce(i.indexprs::text, '') || coalesce(i.indpred::text, ''), ':inputcollid (\\d+)', 'g') match
  )
  select ns.nspname::text as schema, c.relname::text as name, tns.nspname::text as table_schema, t.relname::text as table_name,
    pg_catalog.pg_relation_size(c.oid)::text as bytes,
    (select pg_catalog.array_agg(distinct f.coll::text) from follows f where f.index = c.oid and f.coll::text = any ($1::text[])) as collations
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
  join pg_catalog.pg_class t on t.oid = i.indrelid join pg_catalog.pg_namespace tns on tns.oid = t.relnamespace
  where c.relkind = 'i' and c.relpersistence <> 't' and i.indisvalid
    and exists (select from follows f where f.index = c.oid and f.coll::text = any ($1::text[]))
  order by 5 desc, 1, 2`;

/** By range only: which hash or which value of a list it is does not depend on an order. */
const partitionedTables = `
  select ns.nspname::text as schema, c.relname::text as name
  from pg_catalog.pg_partitioned_table p join pg_catalog.pg_class c on c.oid = p.partrelid
  join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
  where p.partstrat = 'r' and exists (select from pg_catalog.unnest(p.partcollation) coll where coll::text = any ($1::text[]))
  order by 1, 2`;

/** A concurrent rebuild that did not end leaves an index of this name that is kept up to date and never used. */
const leftoverIndexes = `
  select ns.nspname::text as schema, c.relname::text as name
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
  where c.relkind = 'i' and not i.indisvalid and c.relname ~ '_cc(new|old)\\d*$' and ns.nspname <> 'pg_toast'
    and not exists (select from pg_catalog.pg_stat_progress_create_index p where p.relid = i.indrelid)
  order by 1, 2`;

interface IndexRow extends TableName {
  table_schema: string;
  table_name: string;
  bytes: string;
  collations: string[];
}

function describeIndex(row: IndexRow, names: ReadonlyMap<string, string>): SortedIndex {
  return {
    schema: row.schema,
    name: row.name,
    table: { schema: row.table_schema, name: row.table_name },
    bytes: Number(row.bytes),
    collations: row.collations.map((oid) => names.get(oid) ?? oid),
  };
}
