import { HoldfastError } from '../../../base/errors.ts';
import type { TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { displayTable } from '../connect/names.ts';
import { baseOfDomain, columnTypes, holds } from '../read/table-columns.ts';
import type { TocEntry } from '../read/toc.ts';

interface UsedType extends TableName {
  by: TableName;
  /** What a domain is made of; null: it is one of several columns. */
  base: string | null;
  names: string[];
  types: string[];
}

/** Values of a composite type are text without names: in a type of another order they would be put in the wrong places. */
export async function refuseOtherTypes(
  session: Connection,
  all: readonly TocEntry[],
  oids: readonly number[],
): Promise<void> {
  refuseOthers(all, await usedTypes(session, ofColumns, oids));
}

/** The same for tables that are made anew, and find there what the dump does not make along with them. */
export async function refuseOtherTypesOfMade(
  session: Connection,
  all: readonly TocEntry[],
  made: readonly TocEntry[],
): Promise<void> {
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const isMade = new Set(made);
  const needed = made
    .filter(({ kind }) => kind === 'TABLE')
    .flatMap((table) =>
      table.needs
        .flatMap((id) => byId.get(id) ?? [])
        .filter((need) => (need.kind === 'TYPE' || need.kind === 'DOMAIN') && !isMade.has(need))
        .map(({ schema, name }) => ({ schema, name, owner: { schema: table.schema, name: table.name } })),
    );
  if (needed.length > 0) refuseOthers(all, await usedTypes(session, ofNames, JSON.stringify(needed)));
}

function refuseOthers(all: readonly TocEntry[], types: readonly UsedType[]): void {
  for (const used of types) {
    const known = all.find(
      ({ kind, schema, name }) =>
        ['TYPE', 'TABLE', 'DOMAIN'].includes(kind) && schema === used.schema && name === used.name,
    );
    if (!known || isSame(used, known)) continue;
    throw new HoldfastError(
      'TABLE_DIFFERS',
      `the type ${displayTable(used)} of ${displayTable(used.by)} is another than in the dump`,
      {
        kind: 'refused',
        hint: 'Values could be put in the wrong place or be changed. Restore beside the live database with `--into` and copy what you need from there.',
      },
    );
  }
}

function isSame({ base, names, types }: UsedType, { kind, definition }: TocEntry): boolean {
  if (kind === 'DOMAIN') return base !== null && holds(base, baseOfDomain(definition) ?? base);
  // A table that inherits does not name all of its columns.
  const listed = columnTypes(definition);
  if (/\nINHERITS \(/.test(definition) || listed.length === 0) return true;
  return (
    base === null &&
    listed.length === names.length &&
    listed.every(({ name, type }, at) => name === names[at] && holds(types[at] ?? '', type))
  );
}

const ofColumns = `
  select pg_catalog.jsonb_build_object('schema', n.nspname, 'name', c.relname), a.atttypid from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''`;
const ofNames = `
  select w.owner, t.oid from pg_catalog.jsonb_to_recordset($1::jsonb) as w(schema text, name text, owner jsonb)
  join pg_catalog.pg_namespace n on n.nspname = w.schema join pg_catalog.pg_type t on t.typnamespace = n.oid and t.typname = w.name`;

/** Domains and composite types among these, and among what they are made of, however deep. */
async function usedTypes(session: Connection, start: string, param: readonly number[] | string): Promise<UsedType[]> {
  return session.rows<UsedType>(
    `with recursive used(owner, type) as (
       ${start}
       union
       select used.owner, part.type from used join pg_catalog.pg_type t on t.oid = used.type, lateral (
         select t.typelem where t.typcategory = 'A'
         union all select t.typbasetype where t.typbasetype <> 0
         union all select r.rngsubtype from pg_catalog.pg_range r where t.oid in (r.rngtypid, r.rngmultitypid)
         union all select a.atttypid from pg_catalog.pg_attribute a
           where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) part(type))
     select n.nspname as schema, t.typname as name, used.owner as by,
       case t.typtype when 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end as base,
       coalesce(pg_catalog.array_agg(a.attname::text order by a.attnum) filter (where a.attnum is not null), '{}') as names,
       coalesce(pg_catalog.array_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by a.attnum)
         filter (where a.attnum is not null), '{}') as types
     from used join pg_catalog.pg_type t on t.oid = used.type join pg_catalog.pg_namespace n on n.oid = t.typnamespace
     left join pg_catalog.pg_attribute a on t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
     where t.typtype in ('c', 'd') and n.nspname not in ('pg_catalog', 'information_schema')
     group by n.nspname, t.typname, used.owner, t.typtype, t.typbasetype, t.typtypmod order by 3, 1, 2`,
    [param],
  );
}
