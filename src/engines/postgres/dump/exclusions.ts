import type { TableName } from '../../engine.ts';
import { filledOf } from '../../shared/filled-tables.ts';
import type { Partition } from '../../upkeep.ts';
import type { Access } from '../connect/access.ts';
import { quoteTable } from '../connect/names.ts';
import { hasRows, listRelations, selectRelations, type Relation } from '../look/tables.ts';

/** Views and the like hold nothing of their own. */
export async function findExcluded(
  access: Access,
  signal: AbortSignal,
): Promise<{ tables: TableName[]; rows: TableName[]; partitions: Partition[] }> {
  await using session = await access.connect(signal);
  const { excluded, relations, withoutRows } = await selectRelations(session, access.settings.dump.exclude);
  const rows = relations.filter((each) => hasRows(each) && withoutRows.has(each.oid));
  const tables = excluded.filter(hasRows).map(nameOf);
  return { tables, rows: rows.map(nameOf), partitions: partitionsAmong([...excluded, ...relations]) };
}

function partitionsAmong(relations: readonly Relation[]): Partition[] {
  const byOid = new Map(relations.map((each) => [each.oid, each]));
  return relations.flatMap((each) => {
    const of: TableName[] = [];
    for (let at = byOid.get(each.partitionOf ?? -1); at; at = byOid.get(at.partitionOf ?? -1)) of.push(nameOf(at));
    return of.length === 0 ? [] : [{ ...nameOf(each), of }];
  });
}

export async function filledAmong(
  access: Access,
  wanted: (table: TableName) => boolean,
  signal: AbortSignal,
): Promise<TableName[]> {
  await using session = await access.connect(signal);
  const there = (await listRelations(session)).filter((each) => hasRows(each) && wanted(each));
  const some = (table: TableName) => session.value<boolean>(`select exists (select from only ${quoteTable(table)})`);
  return (await filledOf(there, some, signal)).map(nameOf);
}

function nameOf({ schema, name }: TableName): TableName {
  return { schema, name };
}
