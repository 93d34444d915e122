import type { Io } from '../command.ts';
import { styleFor } from './style.ts';
import { columnsOf, hanging, printable } from './text.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Gives way when the terminal is narrow, down to this many columns; text beyond that is cut with `…`. */
  shrinksTo?: number;
  /** Goes on in further lines instead of being cut. */
  wraps?: boolean;
  /** Of the last column: where the terminal is too narrow, it stands whole in lines of its own. */
  below?: boolean;
}

/** A cell is a text, or a text with its appearance: `{ text: 'corrupt', paint: style.bad }`. */
export type Cell = string | { text: string; paint: (text: string) => string };

const gap = '  ';
const indent = '    ';
const noBorders = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((name) => [name, '']),
);

/** As wide as the terminal; into a pipe plain columns with everything in them, one line a row. */
export async function renderTable(
  io: Pick<Io, 'terminal' | 'color' | 'columns'>,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): Promise<string[]> {
  const texts = rows.map((row) => row.map((cell) => printable(typeof cell === 'string' ? cell : cell.text)));
  const last = columns.length - 1;
  if (!io.terminal || !columns[last]?.below || widthOf(naturalWidths(columns, texts)) <= io.columns)
    return drawTable(io, columns, rows, texts);
  const withoutLast = <T>(row: readonly T[]) => row.slice(0, last);
  const [head = '', ...lines] = await drawTable(
    io,
    withoutLast(columns),
    rows.map(withoutLast),
    texts.map(withoutLast),
  );
  return [
    head,
    ...lines.flatMap((line, row) => {
      const text = texts[row]?.[last] ?? '';
      return text === '' ? [line] : [line, ...hanging(indent, text, io.columns)];
    }),
  ];
}

async function drawTable(
  io: Pick<Io, 'terminal' | 'color' | 'columns'>,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  texts: readonly (readonly string[])[],
): Promise<string[]> {
  const style = styleFor(io.color);
  // Loaded here: half of the start-up time of the program would go into it.
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    chars: { ...noBorders, middle: gap },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    head: columns.map((column) => style.bold(column.title)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    ...(io.terminal ? { colWidths: fitWidths(columns, texts, io.columns) } : {}),
  });
  for (const [index, row] of texts.entries()) {
    table.push(
      row.map((text, column) => ({
        content: paint(rows[index]?.[column], text),
        wordWrap: columns[column]?.wraps ?? false,
      })),
    );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.replace(/ +((?:\u001B\[\d+m)*)$/, '$1'));
}

/** Natural widths where they fit; otherwise the widest column that may shrink gives way, one column of text at a time. */
export function fitWidths(
  columns: readonly Column[],
  texts: readonly (readonly string[])[],
  available: number,
): number[] {
  const widths = naturalWidths(columns, texts);
  while (widthOf(widths) > available) {
    const candidates = [...widths.keys()].filter((at) => (widths[at] ?? 0) > (columns[at]?.shrinksTo ?? Infinity));
    const widest = candidates.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function naturalWidths(columns: readonly Column[], texts: readonly (readonly string[])[]): number[] {
  return columns.map((column, index) =>
    Math.max(columnsOf(column.title), ...texts.map((row) => columnsOf(row[index] ?? ''))),
  );
}

function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1);
}

function paint(cell: Cell | undefined, text: string): string {
  return typeof cell === 'object' && text !== '' ? cell.paint(text) : text;
}
