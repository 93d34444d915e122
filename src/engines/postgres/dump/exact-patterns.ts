import type { Connection } from '../connect/connection.ts';
import type { DumpCall } from './arguments.ts';
import { quoteTable } from '../connect/names.ts';
import type { Relation, Selection } from '../look/tables.ts';

/** What pg_dump is told to leave out: patterns that match these tables and nothing else. */
export async function leftOutOf(
  session: Connection,
  encoding: string,
  { excluded, relations, withoutRows }: Selection,
): Promise<Pick<DumpCall, 'withoutTables' | 'withoutRows'>> {
  const empty = relations.filter((each) => withoutRows.has(each.oid));
  const pattern = await patternsFor(session, encoding, [...excluded, ...empty]);
  return { withoutTables: excluded.map(pattern), withoutRows: empty.map(pattern) };
}

type Pattern = (relation: Relation) => string;

/**
 * Arguments of a program are UTF-8 here, and the tool takes them for text in the encoding of the database. So a name that
 * is not ASCII is written in escapes of a regular expression, which pg_dump passes on outside of quotes: each character's number there.
 */
async function patternsFor(session: Connection, encoding: string, relations: readonly Relation[]): Promise<Pattern> {
  const odd = encoding === 'UTF8' ? [] : relations.filter((each) => !isAscii(each.schema + each.name));
  if (odd.length === 0) return quoteTable;
  const rows = await session.rows<{ oid: number; schema: string[]; name: string[] }>(characters, [
    odd.map((each) => each.oid),
  ]);
  const known = new Map(rows.map(({ oid, schema, name }) => [oid, `${patternOf(schema)}.${patternOf(name)}`]));
  return (relation) => known.get(relation.oid) ?? quoteTable(relation);
}

function patternOf(codes: readonly string[]): string {
  return codes.map((code) => `(\\x${code})`).join('');
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

const characters = `
  select c.oid, array(${codesOf('n.nspname')}) as schema, array(${codesOf('c.relname')}) as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any ($1::oid[])`;

/** Every character's bytes, as the database holds them. */
function codesOf(column: string): string {
  return `select pg_catalog.encode(pg_catalog.convert_to(each, pg_catalog.getdatabaseencoding()), 'hex')
    from pg_catalog.unnest(pg_catalog.string_to_array(${column}::text, null)) with ordinality as chars(each, place) order by place`;
}
