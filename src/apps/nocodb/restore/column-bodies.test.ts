import { describe, expect, it } from 'vitest';
import { columnSchema } from '../tree-format.ts';
import { plainBody, virtualBody } from './column-bodies.ts';

const column = (more: object) => columnSchema.parse({ id: 'c1', title: 'F', uidt: 'SingleSelect', ...more });

describe('plainBody', () => {
  it.each([
    ["'to do'::text", 'to do'],
    ["'it''s'", "it's"],
    ['to do', 'to do'],
  ])('a default of %s is %s', (cdf, expected) => {
    expect(plainBody(column({ cdf }))['cdf']).toBe(expected);
  });

  it('keeps what people chose and leaves out what NocoDB gives: ids, the name in the database, the place in the first view', () => {
    const body = plainBody(
      column({
        column_name: 'x',
        pv: 1,
        description: 'd',
        meta: { defaultViewColOrder: 3, max: 5 },
        colOptions: {
          options: [
            { id: 's2', title: 'b', order: 2 },
            { id: 's1', title: 'a', order: 1, color: '#fff' },
          ],
        },
      }),
    );
    expect(body).toEqual({
      title: 'F',
      uidt: 'SingleSelect',
      description: 'd',
      meta: { max: 5 },
      pv: true,
      colOptions: {
        options: [
          { title: 'a', order: 1, color: '#fff' },
          { title: 'b', order: 2 },
        ],
      },
    });
  });
});

describe('virtualBody', () => {
  const ids = new Map([
    ['r', 'R'],
    ['l', 'L'],
  ]);
  it.each([
    [
      'Lookup',
      { fk_relation_column_id: 'r', fk_lookup_column_id: 'l' },
      { fk_relation_column_id: 'R', fk_lookup_column_id: 'L' },
    ],
    [
      'Rollup',
      { fk_relation_column_id: 'r', fk_rollup_column_id: 'l', rollup_function: 'sum' },
      { fk_relation_column_id: 'R', fk_rollup_column_id: 'L', rollup_function: 'sum' },
    ],
    ['QrCode', { fk_qr_value_column_id: 'l' }, { fk_qr_value_column_id: 'L' }],
    ['Button', { type: 'url', label: 'Go', formula_raw: '"x"' }, { type: 'url', label: 'Go', formula_raw: '"x"' }],
  ])('%s', (uidt, colOptions, expected) => {
    expect(virtualBody(column({ uidt, colOptions }), ids, new Map()).body).toEqual({ title: 'F', uidt, ...expected });
  });

  it.each([
    ['Lookup', { fk_relation_column_id: 'gone', fk_lookup_column_id: 'l' }, 'what it is computed from does not exist'],
    ['Formula', { error: 'field deleted' }, 'it is broken in the original as well'],
    ['Button', { type: 'script' }, 'NocoDB makes no buttons of type script through its API'],
    ['Miracle', {}, 'this program does not know fields of type Miracle'],
  ])('%s cannot be made: %o', (uidt, colOptions, reason) => {
    expect(virtualBody(column({ uidt, colOptions }), ids, new Map())).toEqual({ body: null, reason });
  });
});
