import { describe, expect, it } from 'vitest';
import { columnSchema } from '../tree-format.ts';
import { formulaFor } from './formulas.ts';

const titles = new Map([
  ['c1', 'Full'],
  ['c2', 'a {b} c'],
  ['c3', 'A'],
]);
const ids = new Map([['c2', 'cnew']]);

describe('formulaFor', () => {
  it.each([
    ['what people wrote', 'UPPER({Full})', 'UPPER({{c1}})', 'UPPER({Full})'],
    ['without braces too', 'Full * 2', '({{c1}} * 2)', 'Full * 2'],
    ['a field that was renamed since', 'UPPER({Name})', 'UPPER({{c1}})', 'UPPER({Full})'],
    ['a new title that happens to stand in the text', 'ABS({Price})', 'ABS({{c3}})', 'ABS({A})'],
    ['a title with braces', 'UPPER({Name})', 'UPPER({{c2}})', 'UPPER({{cnew}})'],
    ['nothing computed', '1 + 1', null, '1 + 1'],
  ])('%s', (_title, formula_raw, formula, expected) => {
    const column = columnSchema.parse({ id: 'c9', title: 'F', uidt: 'Formula', colOptions: { formula_raw, formula } });
    expect(formulaFor(column, ids, titles)).toBe(expected);
  });
});
