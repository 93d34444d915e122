import type { Column, RecordColumn } from '../tree-format.ts';
import { isAutomatic, kindOf } from './column-kinds.ts';
import type { LiveTable } from './live.ts';
import type { SavedBase, SavedTable } from './saved-tree.ts';
import { savedForeignKeys, type Target } from './target.ts';

/** A column of the backup's records, and the column that its values go to. */
export interface Field {
  saved: RecordColumn;
  live: Column;
  foreignKey: boolean;
}

export interface Fields {
  fields: Field[];
  /** Those of the backup that the table does not have. */
  missing: RecordColumn[];
  /** Ids of the table's own columns. */
  key: Column;
  order: Column | null;
}

/** Which values of a table can be written, and under which ids; null where the table tells its records apart in a way of its own. */
export function fieldsOf(base: SavedBase, { schema }: SavedTable, live: LiveTable, { ids }: Target): Fields | null {
  const foreignKeys = savedForeignKeys(base);
  const key = live.columns.find(({ uidt, pk }) => uidt === 'ID' && pk);
  if (key === undefined) return null;
  const fields: Field[] = [];
  const missing: RecordColumn[] = [];
  for (const saved of schema.records.columns) {
    const column = schema.columns.find(({ id }) => id === saved.id);
    if (column === undefined || isAutomatic(column)) continue;
    const kind = kindOf(column, foreignKeys);
    if (kind !== 'plain' && kind !== 'foreign-key') continue;
    const now = ids.get(column.id);
    const counterpart = live.columns.find(({ id }) => id === now);
    if (counterpart === undefined) missing.push(saved);
    else fields.push({ saved, live: counterpart, foreignKey: kind === 'foreign-key' });
  }
  return { fields, missing, key, order: live.columns.find(({ uidt }) => uidt === 'Order') ?? null };
}
