import type { Comparison } from '../../care/proof/compare.ts';
import { formatCount } from '../../base/units.ts';
import { tableTitle } from '../../engines/engine.ts';
import type { Io } from '../command.ts';
import { sign } from './facts.ts';
import { styleFor } from './style.ts';
import { plural, printable } from './text.ts';

/** What a restored database was compared with, and every difference by name. */
export function describeComparison(
  io: Pick<Io, 'color'>,
  { tables, sequences }: Pick<Comparison, 'tables' | 'sequences'>,
): string[] {
  const style = styleFor(io.color);
  if (tables.compared + sequences.compared === 0 && tables.uncounted > 0 && tables.mismatched.length === 0) {
    const rows = tables.rows > 0 ? `, ${formatCount(tables.rows, 'row')}` : '';
    return [`  ${sign(style, 'good')} ${plural(tables.uncounted, 'table')}${rows} there, nothing to compare with`];
  }
  const content = tables.fingerprints > 0 ? `, content of ${formatCount(tables.fingerprints)}` : '';
  const unknown =
    tables.contentUnknown > 0
      ? style.warn(`, content of ${formatCount(tables.contentUnknown)} could not be compared`)
      : '';
  const uncounted = tables.uncounted > 0 ? style.warn(`, ${formatCount(tables.uncounted)} not counted`) : '';
  return [
    `  ${sign(style, tables.mismatched.length === 0 ? 'good' : 'bad')} ${plural(tables.compared, 'table')}, ${formatCount(tables.rows, 'row')} compared${content}${unknown}${uncounted}`,
    ...tables.mismatched.map((each) => `      ${style.bad(printable(tableTitle(each)))}  ${describeTable(each)}`),
    ...(sequences.compared === 0
      ? []
      : [
          `  ${sign(style, sequences.mismatched.length === 0 ? 'good' : 'bad')} ${plural(sequences.compared, 'sequence')} compared`,
        ]),
    ...sequences.mismatched.map((each) => {
      const found = each.actual === null ? 'missing' : `stands at ${each.actual} instead of ${each.expected}`;
      return `      ${style.bad(printable(tableTitle(each)))}  ${found}`;
    }),
  ];
}

function describeTable({ expected, actual, reason }: Comparison['tables']['mismatched'][number]): string {
  if (reason === 'missing') return 'missing';
  if (reason === 'content') return 'the right number of rows, but other content';
  return `${formatCount(actual ?? 0, 'row')} instead of ${formatCount(expected ?? 0)}`;
}
