import { throwIfAborted } from '../../base/abort.ts';
import type { TableName } from '../engine.ts';
import type { Access } from './access.ts';
import { quoteIdent } from './names.ts';
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
  tables: readonly TableName[],
  signal: AbortSignal,
): Promise<TableName[]> {
  if (tables.length === 0) return [];
  await using session = await access.connect(signal);
  const wanted = new Set(tables.map(({ name }) => name));
  const all = await listRelations(session, access.address.database);
  const filled: TableName[] = [];
  for (const table of all.filter((each) => hasRows(each) && wanted.has(each.name))) {
    // What may not be read may have rows.
    const some = await session.rows(`SELECT 1 FROM ${quoteIdent(table.name)} LIMIT 1`).catch(() => {
      throwIfAborted(signal);
      return [{}];
    });
    if (some.length > 0) filled.push(nameOf(table));
  }
  return filled;
}

function hasRows({ kind }: Relation): boolean {
  return kind === 'table';
}

function nameOf({ name }: TableName): TableName {
  return { schema: '', name };
}
