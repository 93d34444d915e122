import { Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './data-table.module.css';

export interface Column<Row> {
  /** Stands above the column, and before the value where a row is a card. */
  title: string;
  cell: (row: Row) => ReactNode;
  /** Numbers. */
  right?: boolean;
  /** Buttons and menus: at the end, without a title to be seen. */
  actions?: boolean;
}

interface DataTableProps<Row> {
  /** What is listed, for screen readers. */
  label: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}

/** A table where there is room for one; on a narrow screen each row becomes a card. */
export function DataTable<Row>({ label, columns, rows, keyOf }: DataTableProps<Row>) {
  return (
    <Table className={classes['table'] ?? ''} verticalSpacing="xs" highlightOnHover aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          {columns.map(({ title, right, actions }) => (
            <Table.Th key={title} ta={right ? 'right' : 'left'} scope="col">
              {actions ? <span className={classes['unseen']}>{title}</span> : title}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={keyOf(row)}>
            {columns.map(({ title, cell, right, actions }) => (
              <Table.Td
                key={title}
                className={actions ? (classes['actions'] ?? '') : right ? (classes['right'] ?? '') : ''}
              >
                {actions ? null : (
                  <Text span size="xs" c="dimmed" className={classes['title'] ?? ''} aria-hidden>
                    {title}
                  </Text>
                )}
                <div className={classes['value']}>{cell(row)}</div>
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
