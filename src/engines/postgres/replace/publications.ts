import type { Connection } from '../connect/connection.ts';
import { serverNumber } from '../look/facts.ts';
import { displayName, displayTable, quoteIdent, quoteTable } from '../connect/names.ts';
import { block, json } from '../connect/do-block.ts';
import type { TocEntry } from '../read/toc.ts';

interface Member {
  publication: string;
  schema: string;
  /** Null: whatever is in the schema. */
  name: string | null;
  columns: string[] | null;
  rows: string | null;
}

/**
 * A publication lies outside of every schema, and what is in it is its own: tables that are made anew are members again as they were, whatever the dump
 * says. Only of what was gone the dump is all that tells.
 */
export async function keepPublications(
  session: Connection,
  all: readonly TocEntry[],
  chosen: readonly TocEntry[],
  schemas: readonly string[],
): Promise<{ entries: TocEntry[]; after: string[]; warnings: string[] }> {
  const after = putBack(await membersIn(session, schemas));
  const memberships = chosen.filter(isMembership);
  if (memberships.length === 0) return { entries: [...chosen], after, warnings: [] };
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const there = await whatIsThere(session, memberships);
  const publications = await livePublications(session);
  const left = new Set<TocEntry>();
  const warnings: string[] = [];
  for (const entry of memberships) {
    const needed = entry.needs.flatMap((id) => byId.get(id) ?? []);
    const publication = needed.find(({ kind }) => kind === 'PUBLICATION')?.name;
    const table = needed.find(({ kind }) => kind === 'TABLE');
    const schema = entry.schema ?? '';
    const live = publications.find(({ name }) => name === publication);
    const wasThere = table ? there.tables.has(keyOf(table)) : there.schemas.has(schema);
    if (wasThere || live?.everything) left.add(entry);
    else if (publication !== undefined && !live) {
      left.add(entry);
      const what = table
        ? `the table ${displayTable({ schema, name: table.name })}`
        : `the schema ${displayName(schema)}`;
      warnings.push(`${what} was in the publication ${displayName(publication)}, which is not there any more`);
    }
  }
  return { entries: chosen.filter((entry) => !left.has(entry)), after, warnings };
}

/** Replaced as a whole, a database has the publications of the backup. */
export async function lostPublications(session: Connection, all: readonly TocEntry[]): Promise<string[]> {
  const saved = new Set(all.filter(({ kind }) => kind === 'PUBLICATION').map(({ name }) => name));
  const lost = (await livePublications(session)).filter(({ name }) => !saved.has(name));
  return lost.map(
    ({ name }) =>
      `the publication ${displayName(name)} is not in the backup, and gone: whoever subscribes to it gets nothing any more`,
  );
}

function isMembership({ kind }: TocEntry): boolean {
  return kind === 'PUBLICATION TABLE' || kind === 'PUBLICATION TABLES IN SCHEMA';
}

function keyOf({ schema, name }: { schema: string | null; name: string }): string {
  return JSON.stringify([schema, name]);
}

async function livePublications(session: Connection): Promise<{ name: string; everything: boolean }[]> {
  return session.rows(`select pubname as name, puballtables as everything from pg_catalog.pg_publication order by 1`);
}

async function whatIsThere(
  session: Connection,
  memberships: readonly TocEntry[],
): Promise<{ tables: ReadonlySet<string>; schemas: ReadonlySet<string> }> {
  const rows = await session.rows<{ schema: string; name: string | null }>(
    `select n.nspname as schema, c.relname as name from pg_catalog.pg_namespace n
     left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p') where n.nspname = any ($1::text[])`,
    [memberships.map(({ schema }) => schema ?? '')],
  );
  return {
    tables: new Set(rows.map(({ schema, name }) => keyOf({ schema, name: name ?? '' }))),
    schemas: new Set(rows.map(({ schema }) => schema)),
  };
}

async function membersIn(session: Connection, schemas: readonly string[]): Promise<Member[]> {
  if (schemas.length === 0) return [];
  // Lists of columns, conditions and whole schemas there are since 15.
  const isNew = (await serverNumber(session)) >= 150_000;
  const details = isNew
    ? `(select pg_catalog.jsonb_agg(a.attname order by k.place) from pg_catalog.unnest(r.prattrs) with ordinality k(number, place)
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number) as columns,
       pg_catalog.pg_get_expr(r.prqual, c.oid) as rows`
    : 'null::jsonb as columns, null::text as rows';
  const ofSchemas = `
     union all select p.pubname, n.nspname, null, null, null from pg_catalog.pg_publication_namespace r
     join pg_catalog.pg_publication p on p.oid = r.pnpubid join pg_catalog.pg_namespace n on n.oid = r.pnnspid
     where n.nspname = any ($1::text[])`;
  return session.rows<Member>(
    `select p.pubname as publication, n.nspname as schema, c.relname as name, ${details}
     from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid
     join pg_catalog.pg_class c on c.oid = r.prrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any ($1::text[])${isNew ? ofSchemas : ''} order by 1, 2, 3`,
    [schemas],
  );
}

/** One that cannot be put back is no reason to restore nothing: the publication may be another role's, or its column gone. */
function putBack(members: readonly Member[]): string[] {
  if (members.length === 0) return [];
  const items = members.map(({ publication, schema, name, columns, rows }) => {
    const table = name === null ? null : { schema, name };
    const list = columns === null ? '' : ` (${columns.map(quoteIdent).join(', ')})`;
    const what = table
      ? `TABLE ONLY ${quoteTable(table)}${list}${rows === null ? '' : ` WHERE (${rows})`}`
      : `TABLES IN SCHEMA ${quoteIdent(schema)}`;
    return {
      relation: table && quoteTable(table),
      statement: `ALTER PUBLICATION ${quoteIdent(publication)} ADD ${what}`,
      lost: `the ${table ? `table ${displayTable(table)}` : `schema ${displayName(schema)}`} is not in the publication ${displayName(publication)} any more`,
    };
  });
  return [
    block(`
declare
  item record;
begin
  for item in select * from pg_catalog.jsonb_to_recordset(${json(items)}) as m(relation text, statement text, lost text) loop
    begin
      if item.relation is null or pg_catalog.to_regclass(item.relation) is not null then
        execute item.statement;
      end if;
    exception
      when duplicate_object then
        null;
      when others then
        raise warning '%: %', item.lost, sqlerrm;
    end;
  end loop;
end`),
  ];
}
