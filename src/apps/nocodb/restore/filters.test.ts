import { expect, it } from 'vitest';
import { filterSchema } from '../tree-format.ts';
import { filterTree } from './filters.ts';

it('puts filters into their groups, in order, and tells what looks at a field that is gone', () => {
  const filters = [
    { id: 'f3', fk_parent_id: 'f2', fk_column_id: 'c1', comparison_op: 'eq', value: 'b', order: 2 },
    {
      id: 'f1',
      fk_column_id: 'c1',
      comparison_op: 'isWithin',
      comparison_sub_op: 'pastWeek',
      logical_op: 'and',
      order: 1,
    },
    { id: 'f2', is_group: 1, logical_op: 'or', order: 2 },
    { id: 'f4', fk_parent_id: 'f2', fk_column_id: 'c1', comparison_op: 'eq', value: 'a', order: 1 },
    { id: 'f5', fk_column_id: 'gone', comparison_op: 'eq', order: 3 },
  ].map((each) => filterSchema.parse(each));
  const { bodies, lost } = filterTree(filters, new Map([['c1', 'c9']]));
  expect(bodies).toEqual([
    { fk_column_id: 'c9', logical_op: 'and', comparison_op: 'isWithin', comparison_sub_op: 'pastWeek' },
    {
      is_group: true,
      logical_op: 'or',
      children: [
        { fk_column_id: 'c9', comparison_op: 'eq', value: 'a' },
        { fk_column_id: 'c9', comparison_op: 'eq', value: 'b' },
      ],
    },
  ]);
  expect(lost.map(({ id }) => id)).toEqual(['f5']);
});

it('keeps a filter that is switched off so, and says whose condition it is and with what field it compares', () => {
  const filters = [
    { id: 'f1', fk_column_id: 'c1', comparison_op: 'eq', value: 'a', order: 1, enabled: 0, meta: { note: 'x' } },
    { id: 'f2', fk_column_id: 'c1', fk_value_col_id: 'c2', comparison_op: 'gt', order: 2, enabled: 1, meta: {} },
    { id: 'f3', is_group: true, fk_parent_column_id: 'c2', logical_op: 'and', order: 3, enabled: false },
    { id: 'f4', fk_parent_id: 'f3', fk_parent_column_id: 'c2', fk_column_id: 'c1', comparison_op: 'eq', order: 1 },
    { id: 'f5', fk_column_id: 'c1', fk_value_col_id: 'gone', comparison_op: 'gt', order: 4 },
    { id: 'f6', fk_column_id: 'c1', fk_parent_column_id: 'gone', comparison_op: 'eq', value: 'x', order: 5 },
  ].map((each) => filterSchema.parse(each));
  const { bodies, lost } = filterTree(
    filters,
    new Map([
      ['c1', 'c9'],
      ['c2', 'c8'],
    ]),
  );
  expect(bodies).toEqual([
    { fk_column_id: 'c9', comparison_op: 'eq', value: 'a', enabled: false, meta: { note: 'x' } },
    { fk_column_id: 'c9', fk_value_col_id: 'c8', comparison_op: 'gt' },
    {
      is_group: true,
      fk_parent_column_id: 'c8',
      logical_op: 'and',
      enabled: false,
      children: [{ fk_column_id: 'c9', fk_parent_column_id: 'c8', comparison_op: 'eq' }],
    },
  ]);
  expect(lost.map(({ id }) => id)).toEqual(['f5', 'f6']);
});
