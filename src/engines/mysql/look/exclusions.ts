import type { TableName } from '../../engine.ts';
import { filledOf } from '../../shared/filled-tables.ts';
import type { Access } from '../connect/access.ts';
import { quoteIdent } from '../connect/names.ts';
import { listRelations, select, type Relation } from './tables.ts';

/** Views hold nothing of their own. */
export async function findExcluded(
  access: Access,
  signal: AbortSignal,
): Promise<{ tables: TableName[]; rows: TableName[] }> {
  await using session = await access.connect(signal);
  const all = await listRelations(session, access.address.database);
  const { excluded, relations, withoutRows } = select(all, access.settings.dump.exclude);
  const rows = relations.filter((each) => hasRows(each) && withoutRows.has(each.name));
  return { tables: excluded.filter(hasRows).map(nameOf), rows: rows.map(nameOf) };
}

export async function filledAmong(
  access: Access,
  wanted: (table: TableName) => boolean,
  signal: AbortSignal,
): Promise<TableName[]> {
  await using session = await access.connect(signal);
  const all = await listRelations(session, access.address.database);
  const there = all.filter((each) => hasRows(each) && wanted(each));
  const some = async ({ name }: Relation) =>
    (await session.rows(`SELECT 1 FROM ${quoteIdent(name)} LIMIT 1`)).length > 0;
  return (await filledOf(there, some, signal)).map(nameOf);
}

function hasRows({ kind }: Relation): boolean {
  return kind === 'table';
}

function nameOf({ name }: TableName): TableName {
  return { schema: '', name };
}
