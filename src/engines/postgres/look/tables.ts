import type { Connection } from '../connect/connection.ts';
import type { DumpSettings } from '../../engine.ts';
import { matchTables } from './table-patterns.ts';
import { namesToldOf } from './unreadable-names.ts';

/** A relation that a dump contains, with what is needed to judge, lock and count it. */
export interface Relation {
  oid: number;
  schema: string;
  name: string;
  /** As in `pg_class.relkind`: r table, p partitioned table, S sequence, v view, m materialised view, f foreign table. */
  kind: 'r' | 'p' | 'S' | 'v' | 'm' | 'f';
  unlogged: boolean;
  /** The partitioned table it is a part of. */
  partitionOf: number | null;
  /** For the sequence of an identity column: its table. */
  identityOf: number | null;
  readable: boolean;
  usable: boolean;
  /** Row security would hide rows from this role. */
  filtered: boolean;
  owner: string;
  toast: number | null;
}

/** Everything pg_dump would take: no system schemas, nothing temporary, no members of extensions. */
export async function listRelations(connection: Connection): Promise<Relation[]> {
  try {
    return await connection.rows<Relation>(relationsQuery);
  } catch (error) {
    throw await namesToldOf(connection, error);
  }
}

/** What of it is dumped, and what without its rows. */
export interface Selection {
  /** Dumped, with or without rows. */
  relations: Relation[];
  excluded: Relation[];
  withoutRows: ReadonlySet<number>;
  /** Patterns of the configuration that match nothing. */
  unused: string[];
}

export async function selectRelations(connection: Connection, exclude: DumpSettings['exclude']): Promise<Selection> {
  const all = await listRelations(connection);
  const any = exclude.tables.length + exclude.tableData.length > 0;
  return select(all, exclude, any ? await databaseSearchPath(connection) : []);
}

/** Tables and views by pattern; with a partitioned table also its partitions, with a table the sequences of its identity columns. */
export function select(
  all: readonly Relation[],
  exclude: DumpSettings['exclude'],
  searchPath: readonly string[],
): Selection {
  const tables = matchTables(exclude.tables, searchPath, all);
  const data = matchTables(exclude.tableData, searchPath, all);
  const gone = withBelongings(
    all,
    all.filter((each) => tables.matches(each)),
  );
  const empty = withBelongings(
    all,
    all.filter((each) => data.matches(each)),
  );
  return {
    relations: all.filter((each) => !gone.has(each.oid)),
    excluded: all.filter((each) => gone.has(each.oid)),
    withoutRows: empty,
    unused: [...tables.unused(), ...data.unused()],
  };
}

/** Tables with rows of their own: ordinary ones and the leaves of partitioned ones. */
export function hasRows(relation: Relation): boolean {
  return relation.kind === 'r';
}

function withBelongings(all: readonly Relation[], matched: readonly Relation[]): ReadonlySet<number> {
  const found = new Set(matched.map((each) => each.oid));
  for (let before = -1; before < found.size;) {
    before = found.size;
    for (const each of all) {
      if (found.has(each.partitionOf ?? -1) || found.has(each.identityOf ?? -1)) found.add(each.oid);
    }
  }
  return found;
}

async function databaseSearchPath(connection: Connection): Promise<string[]> {
  const path = await connection.value<string[]>(
    `with asked as (select pg_catalog.set_config('search_path', reset_val, false) from pg_catalog.pg_settings where name = 'search_path')
     select pg_catalog.current_schemas(false) from asked where set_config is not null`,
  );
  await connection.rows(`select pg_catalog.set_config('search_path', '', false)`);
  return path;
}

const relationsQuery = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind, c.relpersistence = 'u' as unlogged,
    case when c.relispartition then (select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.oid limit 1) end as "partitionOf",
    (select d.refobjid from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
      and c.relkind = 'S' and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype = 'i' limit 1) as "identityOf",
    case when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select')
      else pg_catalog.has_table_privilege(c.oid, 'select') end as readable,
    pg_catalog.has_schema_privilege(n.oid, 'usage') as usable,
    c.relrowsecurity and pg_catalog.row_security_active(c.oid) as filtered,
    pg_catalog.pg_get_userbyid(c.relowner) as owner, nullif(c.reltoastrelid, 0) as toast
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'S', 'v', 'm', 'f') and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend e
      where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid and e.objsubid = 0 and e.deptype = 'e')
  order by n.nspname, c.relname`;
