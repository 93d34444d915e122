import { HoldfastError } from '../../../base/errors.ts';
import type { Connection } from '../connect/connection.ts';
import { hasPublic } from './public-schema.ts';
import type { Replacement } from './replacement.ts';
import { dropSchemas, emptyExtensionTables, emptySchemas } from './statements.ts';
import { entriesInScope, extensionData } from '../read/select-entries.ts';
import { endedFeeds } from '../look/subscriptions.ts';
import { subjectOf, type TocEntry } from '../read/toc.ts';

/** Whole schemas are dropped and made again; what lies elsewhere and needs them would go with them, so it is named and refused. */
export async function planSchemas(
  session: Connection,
  all: readonly TocEntry[],
  schemas: readonly string[],
): Promise<Replacement & { anew: string[] }> {
  const entries = entriesInScope(all, { tables: [], schemas: [...schemas] });
  // The server made `public`; it stays, with its owner and privileges and with extensions that live there.
  const isThere = schemas.includes('public') && (await hasPublic(session));
  const kept: readonly string[] = isThere ? ['public'] : [];
  const anew = schemas.filter((schema) => schema !== 'public');
  const obstacles = await session.rows<{ what: string }>(obstaclesQuery, [schemas, kept]);
  if (obstacles.length > 0) {
    const list = obstacles.slice(0, 5).map((row) => row.what);
    const more = obstacles.length > 5 ? ` and ${obstacles.length - 5} more` : '';
    throw new HoldfastError('DEPENDENTS_OUTSIDE', `${list.join(', ')}${more} would be lost with the schema`, {
      kind: 'refused',
      hint: 'Restore the whole database, or name single tables, which keep everything around them.',
    });
  }
  return {
    entries: entries.filter((entry) => !isOfSchema(entry, kept)),
    before: [
      ...dropSchemas(anew),
      ...(kept.length > 0 ? [emptySchemas(kept)] : []),
      ...emptyExtensionTables(extensionData(all).filter(({ schema }) => kept.includes(schema ?? ''))),
    ],
    after: [],
    warnings: await endedFeeds(session, (table) => schemas.includes(table.schema)),
    anew,
  };
}

/** The schema itself, its comment and its privileges; not what is in it. */
export function isOfSchema(entry: TocEntry, schemas: readonly string[]): boolean {
  const name = entry.kind === 'SCHEMA' ? entry.name : subjectOf(entry, 'SCHEMA');
  return name !== null && schemas.includes(name);
}

/** Everything inside (members of the schemas and what lives and dies with them), then who outside needs it. */
const obstaclesQuery = `
  with recursive members as (
    select d.classid, d.objid from pg_catalog.pg_depend d join pg_catalog.pg_namespace n on n.oid = d.refobjid
    where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and n.nspname = any ($1::text[])
      and not (n.nspname = any ($2::text[]) and (d.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        or exists (select from pg_catalog.pg_depend e where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e')))),
  inside(classid, objid) as (
    select classid, objid from members where classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass
    union
    select d.classid, d.objid from pg_catalog.pg_depend d join inside i on d.refclassid = i.classid and d.refobjid = i.objid
    where d.deptype in ('a', 'i', 'P', 'S'))
  select 'the ' || pg_catalog.pg_describe_object(m.classid, m.objid, 0) as what from members m
  where m.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass
  union
  -- Whoever drops what belongs to an extension drops the extension, and all that needs it anywhere.
  select 'the ' || pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
  from pg_catalog.pg_depend d join inside i on d.classid = i.classid and d.objid = i.objid where d.deptype = 'e'
  union
  -- What goes without being asked, as a partition does with its table, and lies in a schema that nobody named.
  select 'the ' || pg_catalog.pg_describe_object(i.classid, i.objid, 0)
  from inside i join pg_catalog.pg_class c on i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = i.objid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and n.nspname !~ '^pg_toast' and n.nspname <> all ($1::text[])
  union
  select 'the ' || pg_catalog.pg_describe_object(i.classid, i.objid, 0)
  from inside i join pg_catalog.pg_statistic_ext s on i.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass and s.oid = i.objid
  join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where n.nspname <> all ($1::text[])
  union
  select 'the ' || pg_catalog.pg_describe_object(d.classid, d.objid, 0)
  from pg_catalog.pg_depend d join inside i on d.refclassid = i.classid and d.refobjid = i.objid
  where d.deptype in ('n', 'x') and not exists (select from inside o where o.classid = d.classid and o.objid = d.objid)
  order by 1`;
