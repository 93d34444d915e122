import type { TableName } from '../engine.ts';
import { filledOf } from '../shared/filled-tables.ts';
import type { Access } from './access.ts';
import { quoteTable } from './names.ts';
import { hasRows, listRelations, selectRelations } from './tables.ts';

/** Views and the like hold nothing of their own. */
export async function findExcluded(
  access: Access,
  signal: AbortSignal,
): Promise<{ tables: TableName[]; rows: TableName[] }> {
  await using session = await access.connect(signal);
  const { excluded, relations, withoutRows } = await selectRelations(session, access.settings.dump.exclude);
  const rows = relations.filter((each) => hasRows(each) && withoutRows.has(each.oid));
  return { tables: excluded.filter(hasRows).map(nameOf), rows: rows.map(nameOf) };
}

export async function filledAmong(
  access: Access,
  tables: readonly TableName[],
  signal: AbortSignal,
): Promise<TableName[]> {
  if (tables.length === 0) return [];
  await using session = await access.connect(signal);
  const wanted = new Set(tables.map(keyOf));
  const there = (await listRelations(session)).filter((each) => hasRows(each) && wanted.has(keyOf(each)));
  const some = (table: TableName) => session.value<boolean>(`select exists (select from only ${quoteTable(table)})`);
  return (await filledOf(there, some, signal)).map(nameOf);
}

function nameOf({ schema, name }: TableName): TableName {
  return { schema, name };
}

function keyOf({ schema, name }: TableName): string {
  return JSON.stringify([schema, name]);
}
