import { createHash } from 'node:crypto';
import type { ContractBase, ContractColumn, ContractTable } from './nocodb-contract-server.ts';

let made = 0;

/** Ids are unique over a test run, as NocoDB's are everywhere. */
function nextId(prefix: string): string {
  made += 1;
  return `${prefix}${String(made).padStart(5, '0')}`;
}

export function column(title: string, uidt: string, more: Partial<ContractColumn> = {}): ContractColumn {
  return { id: nextId('c'), title, uidt, ...more };
}

/** As NocoDB makes it: the system columns, what people added, one grid. */
export function table(title: string, columns: ContractColumn[], records: ContractTable['records'] = []): ContractTable {
  const system = [
    column('Id', 'ID', { pk: true, system: true }),
    column('CreatedAt', 'CreatedTime', { system: true }),
    column('UpdatedAt', 'LastModifiedTime', { system: true }),
    column('nc_created_by', 'CreatedBy', { system: true }),
    column('nc_order', 'Order', { system: true }),
  ];
  const view = { id: nextId('vw'), title, type: 3, columns: [], sorts: [], filters: [] };
  return {
    id: nextId('m'),
    title,
    columns: [...system, ...columns],
    views: [view],
    hooks: [],
    comments: [],
    records,
  };
}

/** Two tables joined by a junction table, as a link of version 2 is kept. */
export function junction(
  left: { table: ContractTable; title: string },
  right: { table: ContractTable; title: string },
  pairs: [number, number][],
): ContractTable {
  const leftKey = column(`${left.table.title}_id`, 'ForeignKey', { pk: true });
  const rightKey = column(`${right.table.title}_id`, 'ForeignKey', { pk: true });
  const links: ContractTable = {
    id: nextId('m'),
    title: `nc_m2m_${left.table.title}_${right.table.title}`,
    mm: true,
    columns: [leftKey, rightKey],
    views: [],
    hooks: [],
    comments: [],
    records: pairs.map(([one, two]) => ({ [leftKey.title]: one, [rightKey.title]: two })),
  };
  const options = (related: ContractTable, own: ContractColumn, other: ContractColumn) => ({
    type: 'mm',
    version: 2,
    fk_related_model_id: related.id,
    fk_mm_model_id: links.id,
    fk_mm_child_column_id: own.id,
    fk_mm_parent_column_id: other.id,
  });
  left.table.columns.push(column(left.title, 'Links', { colOptions: options(right.table, leftKey, rightKey) }));
  right.table.columns.push(column(right.title, 'Links', { colOptions: options(left.table, rightKey, leftKey) }));
  return links;
}

/** A link of version 1: the records of the child keep the key of their parent. Gives the title of that key. */
export function keyLink(
  parent: { table: ContractTable; title: string },
  child: { table: ContractTable; title: string },
): string {
  const key = column(`${parent.table.title}_id`, 'ForeignKey');
  const id = parent.table.columns.find(({ uidt }) => uidt === 'ID')?.id;
  const options = { version: 1, fk_child_column_id: key.id, fk_parent_column_id: id };
  parent.table.columns.push(
    column(parent.title, 'Links', { colOptions: { ...options, type: 'hm', fk_related_model_id: child.table.id } }),
  );
  child.table.columns.push(
    key,
    column(child.title, 'LinkToAnotherRecord', {
      colOptions: { ...options, type: 'bt', fk_related_model_id: parent.table.id },
    }),
  );
  return key.title;
}

export function base(title: string, tables: ContractTable[]): ContractBase {
  return { id: nextId('p'), title, tables };
}

/** Records as people would have typed them, with ids from 1. */
export function people(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, at) => ({
    Id: at + 1,
    CreatedAt: '2026-11-20 10:00:00+00:00',
    UpdatedAt: null,
    Name: `Person ${at + 1}`,
  }));
}

/** The same, made when they are asked for; what they say cannot be compressed to nothing. */
export function manyPeople(count: number): { length: number; at(index: number): Record<string, unknown> } {
  const at = (index: number) => ({
    Id: index + 1,
    CreatedAt: '2026-11-20 10:00:00+00:00',
    UpdatedAt: null,
    Name: createHash('sha512').update(String(index)).digest('hex'),
  });
  return { length: count, at };
}
