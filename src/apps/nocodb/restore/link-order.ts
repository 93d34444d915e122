import { z } from 'zod';
import { seenKeys } from '../seen.ts';
import { names, tablePath } from '../tree-format.ts';
import { option } from './column-kinds.ts';
import { linkPairs, type LinkPair } from './link-pairs.ts';
import { savedLines } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isPostgres, type Target } from './target.ts';
import type { Work } from './work.ts';

const recordSchema = z.record(z.string(), z.unknown());

/**
 * What linking the records of one parent costs, in records that are written with the key of their parent: on PostgreSQL, where NocoDB
 * reads the parent of each of them, and elsewhere, where it reads those of one in ten.
 */
const recordsPerParent = { postgres: 3, others: 60 };

/**
 * Which links are made before records are written; the rest come after them. NocoDB reads records back that it has written, with all that
 * they are linked to, which takes many times as long as to write them. So links come late, where it is cheap to make them then: in a table
 * of pairs it always is; of the older kind all records of one parent are linked in one request, which pays where parents have many.
 */
export async function earlyLinks(
  scope: Scope,
  target: Target,
  made: ReadonlySet<string>,
  work: Work,
): Promise<Set<string>> {
  const { tables } = scope.base;
  const early = new Set<string>();
  const all = [...tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  for (const pair of linkPairs(all)) {
    if (pair.version !== 1 || (!made.has(pair.from.table) && !made.has(pair.to))) continue;
    const parents = await parentsOf(pair, scope, work);
    const records = tables.get(pair.to)?.saved.records ?? 0;
    const child = target.tables.get(pair.to);
    const perParent = child !== undefined && isPostgres(target, child) ? 'postgres' : 'others';
    if (parents * recordsPerParent[perParent] > records) early.add(pair.from.column.id);
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
