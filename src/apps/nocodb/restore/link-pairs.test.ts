import { describe, expect, it } from 'vitest';
import { columnSchema, type Column } from '../tree-format.ts';
import { linkPairs, parentsFirst } from './link-pairs.ts';

const link = (id: string, type: string, to: string, more: object = {}, own: object = {}): Column =>
  columnSchema.parse({
    id,
    title: id,
    uidt: 'Links',
    base_id: 'p1',
    colOptions: { type, fk_related_model_id: to, fk_child_column_id: 'fk', fk_parent_column_id: 'pk', ...more },
    ...own,
  });
const junction = { fk_mm_model_id: 'j1', version: 2 };
const tables = (a: Column[], b: Column[]) => [
  { id: 'a', columns: a },
  { id: 'b', columns: b },
];

describe('linkPairs', () => {
  it.each([
    ['hm and bt', [link('many', 'hm', 'b')], [link('one', 'bt', 'a')], 'many', 'one', 1],
    ['bt seen first', [link('one', 'bt', 'b')], [link('many', 'hm', 'a')], 'many', 'one', 1],
    ['om and mo', [link('mo', 'mo', 'b', junction)], [link('om', 'om', 'a', junction)], 'om', 'mo', 2],
    [
      'oo, whose other end says bt',
      [link('far', 'oo', 'b', {}, { meta: { bt: true } })],
      [link('near', 'oo', 'a')],
      'near',
      'far',
      1,
    ],
    ['mm', [link('m1', 'mm', 'b', junction)], [link('m2', 'mm', 'a', junction)], 'm1', 'm2', 2],
    [
      'mm to itself',
      [link('hidden', 'mm', 'a', junction, { system: 1 }), link('seen', 'mm', 'a', junction)],
      [],
      'seen',
      'hidden',
      2,
    ],
  ])('%s', (_title, a, b, from, back, version) => {
    expect(linkPairs(tables(a, b)).map((pair) => [pair.from.column.id, pair.back?.column.id, pair.version])).toEqual([
      [from, back, version],
    ]);
  });

  it('two links between the same tables stay two', () => {
    const pairs = linkPairs(
      tables(
        [link('x1', 'mm', 'b', junction), link('y1', 'mm', 'b', { ...junction, fk_mm_model_id: 'j2' })],
        [link('y2', 'mm', 'a', { ...junction, fk_mm_model_id: 'j2' }), link('x2', 'mm', 'a', junction)],
      ),
    );
    expect(pairs.map(({ from, back }) => [from.column.id, back?.column.id])).toEqual([
      ['x1', 'x2'],
      ['y1', 'y2'],
    ]);
  });

  it('what NocoDB links to its own junction tables is nobody’s link', () => {
    expect(linkPairs(tables([link('own', 'hm', 'j1', {}, { system: 1 })], []))).toEqual([]);
  });

  it('a link to another base is told', () => {
    expect(
      linkPairs(tables([link('far', 'mm', 'z', { ...junction, fk_related_base_id: 'p2' })], []))[0]?.elsewhere,
    ).toBe(true);
  });
});

describe('parentsFirst', () => {
  it('puts a table after those that its records are linked to by a key', () => {
    const order = parentsFirst(tables([link('one', 'bt', 'b')], [link('many', 'hm', 'a')]));
    expect(order.map(({ id }) => id)).toEqual(['b', 'a']);
  });

  it('lives with circles and with links to itself', () => {
    const circle = tables(
      [link('m1', 'hm', 'b'), link('o2', 'bt', 'b', { fk_child_column_id: 'fk2' })],
      [link('o1', 'bt', 'a'), link('m2', 'hm', 'a', { fk_child_column_id: 'fk2' })],
    );
    expect(parentsFirst(circle)).toHaveLength(2);
    expect(parentsFirst([{ id: 'a', columns: [link('self', 'hm', 'a')] }])).toHaveLength(1);
  });
});
