import { displayTable, readIdent } from '../connect/names.ts';
import type { TocEntry } from './toc.ts';

/** What follows a type where a column is defined. */
const afterType = / (?:COLLATE|CONSTRAINT|DEFAULT|GENERATED|NOT NULL|NOT VALID|NULL|STORAGE|COMPRESSION)\b.*$/;

/** Its columns are named for what they have beside the type. */
const ofType = /^CREATE [^\n(]+ OF /;

/**
 * The columns that `CREATE TABLE` and `CREATE TYPE ... AS` of pg_dump name, each on a line of its own, with their types in the words of the server.
 * Those that a table inherits, or has from its type, are not among them.
 */
export function columnTypes(definition: string): { name: string; type: string }[] {
  if (ofType.test(definition)) return [];
  const lines = definition.matchAll(/\n(?: {4}|\t)("(?:[^"]|"")+"|[^\s"(]+) ([^\n]+)/g);
  return [...lines]
    .filter(([, name]) => name !== 'CONSTRAINT')
    .map(([, name = '', rest = '']) => ({
      name: readIdent(name),
      type: bare(rest.replace(/,$/, '')),
    }));
}

/** `CREATE DOMAIN public.price AS numeric(12,2) ...` */
export function baseOfDomain(definition: string): string | null {
  const found = /^CREATE DOMAIN (?:"(?:[^"]|"")+"|[^\s".]+)\.(?:"(?:[^"]|"")+"|[^\s"]+) AS ([^\n]+)/.exec(
    definition,
  )?.[1];
  return found === undefined ? null : bare(found.replace(/;$/, ''));
}

function bare(text: string): string {
  return text.replace(afterType, '');
}

const integers = ['smallint', 'integer', 'bigint', 'numeric'];

/** Whatever a column of one type holds, one of the other holds without a change, when it is put in as text. */
export function holds(to: string, from: string): boolean {
  if (to === from || to === 'text' || to === 'character varying') return true;
  // Until 2018 pg_dump left out the schema of what lay in the table's own.
  if (!from.includes('.') && to.endsWith(`.${from}`)) return true;
  if (integers.includes(from) && integers.includes(to)) return integers.indexOf(from) < integers.indexOf(to);
  if (from === 'real' && to === 'double precision') return true;
  const [long, short] = [to, from].map((type) => Number(/^character varying\((\d+)\)$/.exec(type)?.[1] ?? NaN));
  if (long !== undefined && short !== undefined && long >= short) return true;
  return /^(?:numeric|time|timestamp|interval|bit varying)\(/.test(from) && from.replace(/\([\d,]+\)/, '') === to;
}

/** The chosen tables with columns that may hold numbers of large objects, which the dump has and a part of it does not bring. */
export function largeObjectsLeft(all: readonly TocEntry[], chosen: readonly TocEntry[]): string[] {
  if (!all.some(({ kind }) => kind.startsWith('BLOB'))) return [];
  const filled = new Set(chosen.filter(({ kind }) => kind === 'TABLE DATA').flatMap(({ needs }) => needs));
  const tables = all.filter(
    ({ id, kind, definition }) =>
      kind === 'TABLE' &&
      filled.has(id) &&
      columnTypes(definition).some(({ type }) => /^(?:oid|(?:.+\.)?lo)$/.test(type)),
  );
  if (tables.length === 0) return [];
  const names = tables.slice(0, 3).map(({ schema, name }) => displayTable({ schema: schema ?? '', name }));
  const more = tables.length > 3 ? ` and ${tables.length - 3} more` : '';
  return [
    `large objects are restored only with all of the database: ${names.join(', ')}${more} may name some that are not there or have changed`,
  ];
}
