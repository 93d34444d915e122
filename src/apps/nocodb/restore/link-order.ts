import { z } from 'zod';
import { seenKeys } from '../seen.ts';
import { names, tablePath } from '../tree-format.ts';
import { option } from './column-kinds.ts';
import { linkPairs, type LinkPair } from './link-pairs.ts';
import { savedLines } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import type { Work } from './work.ts';

const recordSchema = z.record(z.string(), z.unknown());

/** What linking the records of one parent costs, in records that are written into a table with one link more. */
const recordsPerParent = 5;

/**
 * Which links are made before records are written; the rest come after them. With each link that a table has, NocoDB takes ten times as
 * long for a record of it, so links come late, where it is cheap to make them then: in a table of pairs it always is; of the older kind
 * all records of one parent are linked in one request, which pays where parents have many.
 */
export async function earlyLinks(scope: Scope, made: ReadonlySet<string>, work: Work): Promise<Set<string>> {
  const { tables } = scope.base;
  const early = new Set<string>();
  const all = [...tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  for (const pair of linkPairs(all)) {
    if (pair.version !== 1 || (!made.has(pair.from.table) && !made.has(pair.to))) continue;
    const parents = await parentsOf(pair, scope, work);
    const records = tables.get(pair.to)?.saved.records ?? 0;
    if (parents * recordsPerParent > records) early.add(pair.from.column.id);
  }
  return early;
}

/** How many records have others linked to them. */
async function parentsOf({ from, to }: LinkPair, { base }: Scope, { saved, task }: Work): Promise<number> {
  const child = base.tables.get(to);
  const key = child?.schema.columns.find(({ id }) => id === option(from.column, 'fk_child_column_id'));
  // The key lies on the side that the link is made from: nothing is known to be cheaper then.
  if (child === undefined || key === undefined) return Number.POSITIVE_INFINITY;
  const parents = seenKeys();
  const name = tablePath(base.folder, child.saved.folder, names.records);
  for await (const { [key.title]: parent } of savedLines(saved, name, recordSchema, task.signal))
    if (parent !== null && parent !== undefined) parents.add(Number(parent));
  return parents.size;
}
