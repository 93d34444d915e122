import { expect, test } from 'vitest';
import { columnsOf } from './text.ts';
import { fitWidths, renderTable, type Column } from './table.ts';

const columns: Column[] = [
  { title: '#', align: 'right' },
  { title: 'ID' },
  { title: 'SIZE', align: 'right' },
  { title: 'DESCRIPTION', shrinksTo: 8 },
];
const rows = [
  ['1', '2026-11-20_05-15-00', '150 MB', 'before the upgrade to 2.0, taken by hand'],
  ['2', '2026-11-19_05-15-00', '9.1 MB', ''],
];

test('into a pipe: aligned columns, nothing cut, one line a row, no trailing blanks, no styles', async () => {
  const lines = await renderTable({ terminal: false, color: false, columns: 40 }, columns, rows);
  expect(lines).toEqual([
    '#  ID                     SIZE  DESCRIPTION',
    '1  2026-11-20_05-15-00  150 MB  before the upgrade to 2.0, taken by hand',
    '2  2026-11-19_05-15-00  9.1 MB',
  ]);
});

test.each([50, 60, 80, 120])('on a terminal of %i columns no line is wider', async (width) => {
  const lines = await renderTable({ terminal: true, color: true, columns: width }, columns, rows);
  expect(lines).toHaveLength(3);
  expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(width);
  expect(lines[1]).toContain('2026-11-20_05-15-00');
  expect(lines[1]?.includes('…')).toBe(width < 72);
});

test('a column that wraps goes on below itself on a terminal, and stays one line in a pipe', async () => {
  const why: Column[] = [{ title: 'ID' }, { title: 'WHY', shrinksTo: 8, wraps: true }];
  const row = [['2026', 'last 1 of 7, newest good backup']];
  expect(await renderTable({ terminal: true, color: false, columns: 24 }, why, row)).toEqual([
    'ID    WHY',
    '2026  last 1 of 7,',
    '      newest good backup',
  ]);
  expect(await renderTable({ terminal: false, color: false, columns: 24 }, why, row)).toHaveLength(2);
});

test('what does not fit at the end of its row stands whole below it, and at its end where it fits', async () => {
  const result: Column[] = [{ title: 'RUN' }, { title: 'STATE' }, { title: 'RESULT', below: true }];
  const runs = [
    ['one', 'succeeded', '2026-11-22_17-54-35'],
    ['two', 'running', ''],
    ['three', 'failed', 'DATABASE_MISSING: the database shop does not exist'],
  ];
  expect(await renderTable({ terminal: true, color: false, columns: 36 }, result, runs)).toEqual([
    'RUN    STATE',
    'one    succeeded',
    '    2026-11-22_17-54-35',
    'two    running',
    'three  failed',
    '    DATABASE_MISSING: the database',
    '    shop does not exist',
  ]);
  expect((await renderTable({ terminal: true, color: false, columns: 80 }, result, runs))[1]).toBe(
    'one    succeeded  2026-11-22_17-54-35',
  );
  expect(await renderTable({ terminal: false, color: false, columns: 36 }, result, runs)).toHaveLength(4);
});

test('S18 a description with newlines and escapes stays one row', async () => {
  const lines = await renderTable({ terminal: false, color: false, columns: 80 }, columns, [
    ['1', 'x', '1 B', 'a\nb\u001B[2J'],
  ]);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain(String.raw`a\nb\u{1b}[2J`);
});

test('a cell is painted after it was cut, and only the text is', async () => {
  const paint = (text: string) => `<${text}>`;
  const lines = await renderTable(
    { terminal: false, color: false, columns: 80 },
    [{ title: 'STATE' }],
    [[{ text: 'corrupt', paint }]],
  );
  expect(lines[1]).toBe('<corrupt>');
});

test('the widest shrinking column gives way first, none below its least, and fixed ones never', () => {
  const shrinking: Column[] = [{ title: 'A' }, { title: 'B', shrinksTo: 4 }, { title: 'C', shrinksTo: 4 }];
  const texts = [['fixed text', 'twelve chars', 'six ch']];
  expect(fitWidths(shrinking, texts, 100)).toEqual([10, 12, 6]);
  expect(fitWidths(shrinking, texts, 26)).toEqual([10, 6, 6]);
  expect(fitWidths(shrinking, texts, 10)).toEqual([10, 4, 4]);
});
