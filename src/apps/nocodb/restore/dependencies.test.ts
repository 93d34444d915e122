import { describe, expect, it } from 'vitest';
import { columnSchema, type Column } from '../tree-format.ts';
import { inOrderOfUse } from './dependencies.ts';

const computed = (id: string, uses: string[]): { table: string; column: Column } => ({
  table: 't',
  column: columnSchema.parse({
    id,
    title: id,
    uidt: 'Formula',
    colOptions: { formula: uses.map((each) => `{{${each}}}`).join() },
  }),
});

describe('inOrderOfUse', () => {
  it.each([
    [
      'what is used comes first',
      [computed('c3', ['c2']), computed('c2', ['c1']), computed('c1', [])],
      ['c1', 'c2', 'c3'],
    ],
    ['what needs nothing keeps its place', [computed('c1', []), computed('c2', [])], ['c1', 'c2']],
    ['plain fields do not count', [computed('c1', ['plain'])], ['c1']],
    ['a circle comes last', [computed('c1', ['c2']), computed('c2', ['c1']), computed('c3', [])], ['c3', 'c1', 'c2']],
  ])('%s', (_title, columns, expected) => {
    expect(inOrderOfUse(columns).map(({ column }) => column.id)).toEqual(expected);
  });
});
