import type { Column } from '../tree-format.ts';
import { isLink, option } from './column-kinds.ts';

export interface LinkEnd {
  table: string;
  column: Column;
}

/** A link between two tables: a field on the one it is made from, and its counterpart on the other. */
export interface LinkPair {
  /** From here NocoDB makes both. */
  from: LinkEnd;
  /** Null where only NocoDB itself sees the counterpart, and it is not among the columns. */
  back: LinkEnd | null;
  /** Id of the other table. */
  to: string;
  /** What NocoDB wants to hear. */
  type: string;
  version: 1 | 2;
  /** The base of the other table, when it is another one. */
  elsewhere: boolean;
}

/**
 * All links of some tables, each pair once. Two generations: the older one keeps the other record's key in a column of the table (`hm`
 * and its counterpart `bt`, `oo`), the newer one keeps pairs in a table of their own (`mm`, `om` and `mo`, `oo`).
 */
export function linkPairs(tables: readonly { id: string; columns: readonly Column[] }[]): LinkPair[] {
  const known = new Set(tables.map(({ id }) => id));
  const ends = tables.flatMap(({ id, columns }) =>
    columns
      .filter((column) => isLink(column) && !madeForJunction(column, known))
      .map((column) => ({ table: id, column })),
  );
  const paired = new Set<string>();
  const pairs: LinkPair[] = [];
  for (const end of ends.toSorted((left, right) => rank(left) - rank(right))) {
    if (paired.has(end.column.id)) continue;
    const back = ends.find((other) => !paired.has(other.column.id) && belongTogether(end, other)) ?? null;
    paired.add(end.column.id);
    if (back !== null) paired.add(back.column.id);
    pairs.push(pairOf(end, back));
  }
  // As people see them: in the order of the fields of the first table, and so on.
  return pairs.toSorted((left, right) => placeOf(left, tables) - placeOf(right, tables));
}

function pairOf(from: LinkEnd, back: LinkEnd | null): LinkPair {
  const { column } = from;
  const newer = isNewer(column);
  return {
    from,
    back,
    to: option(column, 'fk_related_model_id') ?? '',
    type: option(column, 'type') ?? 'hm',
    version: newer ? 2 : 1,
    elsewhere: (option(column, 'fk_related_base_id') ?? column['base_id']) !== column['base_id'],
  };
}

/** The counterpart shares the junction table, or the two columns of the older kind; and it is another column. */
function belongTogether(end: LinkEnd, other: LinkEnd): boolean {
  if (end.column.id === other.column.id) return false;
  const junction = option(end.column, 'fk_mm_model_id');
  if (junction !== option(other.column, 'fk_mm_model_id')) return false;
  if (junction !== null) return true;
  return (
    option(end.column, 'fk_child_column_id') === option(other.column, 'fk_child_column_id') &&
    option(end.column, 'fk_parent_column_id') === option(other.column, 'fk_parent_column_id')
  );
}

/** NocoDB makes links from a table to each of its junction tables, and shows them to nobody. */
export function madeForJunction(column: Column, known: ReadonlySet<string>): boolean {
  const to = option(column, 'fk_related_model_id');
  return column.system && option(column, 'fk_mm_model_id') === null && (to === null || !known.has(to));
}

export function isNewer(column: Column): boolean {
  return option(column, 'fk_mm_model_id') !== null || Number(column.colOptions?.['version'] ?? 1) === 2;
}

/** Lower: made from here. NocoDB answers 500, and leaves columns behind, when it is asked from the other end (`bt`, `mo`). */
function rank({ column }: LinkEnd): number {
  const type = option(column, 'type');
  const wrongEnd = type === 'bt' || type === 'mo' || (type === 'oo' && isTrue(column.meta['bt']));
  return (wrongEnd ? 2 : 0) + (column.system ? 1 : 0);
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1';
}

function placeOf({ from, back }: LinkPair, tables: readonly { id: string }[]): number {
  const place = (end: LinkEnd) => tables.findIndex(({ id }) => id === end.table) * 10_000 + (end.column.order ?? 0);
  return Math.min(place(from), back === null ? Number.POSITIVE_INFINITY : place(back));
}

/**
 * Tables, each after those that its records are linked to by a key: NocoDB counts the records below each record that it takes, which costs
 * nothing while there are none.
 */
export function parentsFirst<T extends { id: string; columns: readonly Column[] }>(tables: readonly T[]): T[] {
  const pairs = linkPairs(tables).filter(({ version }) => version === 1);
  const done = new Set<T>();
  const begun = new Set<T>();
  const visit = (table: T) => {
    if (begun.has(table)) return;
    begun.add(table);
    for (const { from, to } of pairs) {
      const parent = to === table.id ? tables.find(({ id }) => id === from.table) : undefined;
      if (parent !== undefined) visit(parent);
    }
    done.add(table);
  };
  for (const table of tables) visit(table);
  return [...done];
}
