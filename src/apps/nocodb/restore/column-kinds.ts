import type { Column } from '../tree-format.ts';

export type Kind = 'own' | 'plain' | 'foreign-key' | 'link' | 'virtual';

const virtual = new Set(['Lookup', 'Rollup', 'Formula', 'Button', 'QrCode', 'Barcode']);

/**
 * `own`: NocoDB adds it by itself to each new table. `plain`: holds values. `foreign-key`: holds the other end of a link and comes with
 * that link. `virtual`: computed.
 */
export function kindOf(column: Column, foreignKeys: ReadonlySet<string>): Kind {
  if (isLink(column)) return 'link';
  if (virtual.has(column.uidt)) return 'virtual';
  if (foreignKeys.has(column.id)) return 'foreign-key';
  if (column.system || column.uidt === 'ID' || column.uidt === 'Order') return 'own';
  return 'plain';
}

export function isLink({ uidt }: Column): boolean {
  return uidt === 'Links' || uidt === 'LinkToAnotherRecord';
}

/** Ids of the columns in which links of the older kind keep the key of the other record. */
export function foreignKeysOf(tables: Iterable<{ columns: readonly Column[] }>): Set<string> {
  const keys = new Set<string>();
  for (const { columns } of tables) {
    for (const column of columns) {
      const key =
        isLink(column) && option(column, 'fk_mm_model_id') === null ? option(column, 'fk_child_column_id') : null;
      if (key !== null) keys.add(key);
    }
  }
  return keys;
}

/** A text among the options of a column. */
export function option({ colOptions }: Column, name: string): string | null {
  const value = colOptions?.[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** What a value of it is filled in by NocoDB with, whatever is sent. */
const automatic = new Set(['CreatedTime', 'LastModifiedTime', 'CreatedBy', 'LastModifiedBy']);

export function isAutomatic({ uidt }: { uidt: string }): boolean {
  return automatic.has(uidt);
}
