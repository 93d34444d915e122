import type { Column, RecordColumn } from '../tree-format.ts';

/** What NocoDB works out, or keeps in another table. */
const virtual = new Set(['Links', 'LinkToAnotherRecord', 'Lookup', 'Rollup', 'Formula', 'Button', 'QrCode', 'Barcode']);
/** System columns that cannot be read, not even by naming them. */
const hidden = new Set(['Order', 'CreatedBy', 'LastModifiedBy', 'Meta', 'Deleted']);

/** The columns whose values are read with the records: what is stored, foreign keys too. */
export function recordColumns(columns: readonly Column[]): RecordColumn[] {
  return columns
    .filter(({ uidt, system }) => !virtual.has(uidt) && !(system && hidden.has(uidt)))
    .map(({ id, title, uidt, system }) => ({ id, title, uidt, optional: system }));
}

export function keyColumns(columns: readonly Column[]): Column[] {
  return columns.filter(({ pk }) => pk);
}

/** The system column in which NocoDB notes the last change of a record. */
export function updatedAtColumn(columns: readonly Column[]): Column | null {
  return columns.find(({ uidt, system }) => uidt === 'LastModifiedTime' && system) ?? null;
}

export interface JunctionSide {
  table: string;
  column: string | null;
  key: { id: string; title: string };
}

/** The two sides of a junction table, as the link columns that use it name them; null where none does. */
export function junctionSides(
  junction: { id: string; columns: readonly Column[] },
  tables: readonly { id: string; columns: readonly Column[] }[],
): { left: JunctionSide; right: JunctionSide } | null {
  const uses = tables.flatMap(({ id, columns }) =>
    columns.flatMap((column) => {
      const { colOptions } = column;
      if (colOptions?.['fk_mm_model_id'] !== junction.id) return [];
      const own = colOptions['fk_mm_child_column_id'];
      const other = colOptions['fk_mm_parent_column_id'];
      const related = colOptions['fk_related_model_id'];
      if (typeof own !== 'string' || typeof other !== 'string' || typeof related !== 'string') return [];
      return [{ table: id, column: column.id, own, other, related, system: column.system }];
    }),
  );
  // The column people made comes first; its reverse may be a system column.
  const [first] = uses.toSorted((one, two) => Number(one.system) - Number(two.system));
  if (first === undefined) return null;
  const back = uses.find(({ own, other }) => own === first.other && other === first.own);
  const key = (id: string) => junction.columns.find((column) => column.id === id);
  const left = key(first.own);
  const right = key(first.other);
  if (left === undefined || right === undefined) return null;
  return {
    left: { table: first.table, column: first.column, key: left },
    right: { table: first.related, column: back?.column ?? null, key: right },
  };
}
