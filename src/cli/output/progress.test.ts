import { expect, test } from 'vitest';
import type { Clock } from '../../base/clock.ts';
import { drawnProgress, plainProgress } from './progress.ts';
import type { Screen } from './screen.ts';
import { styleFor } from './style.ts';
import { columnsOf } from './text.ts';

interface Recorded extends Screen {
  lines: string[];
  drawn: readonly string[];
}

function recordedScreen(): Recorded {
  const screen: Recorded = {
    lines: [],
    drawn: [],
    line: (text) => void screen.lines.push(text),
    live: (lines) => {
      screen.drawn = lines;
    },
  };
  return screen;
}

function handClock(): Clock & { pass(ms: number): void } {
  let at = 0;
  return { now: () => new Date(at), monotonic: () => at, pass: (ms) => void (at += ms) };
}

const style = styleFor(false);
const mebibyte = 1024 * 1024;

test('a step is live while it runs and a line with its time when it is done', () => {
  const screen = recordedScreen();
  const clock = handClock();
  using progress = drawnProgress({ screen, columns: () => 100, style, clock });
  progress.report({ kind: 'step', step: 'dump' });
  expect(screen.drawn).toHaveLength(1);
  expect(screen.drawn[0]).toContain('dump');
  progress.report({ kind: 'done', step: 'dump', ms: 12_400, detail: '150 MB stored' });
  expect(screen.drawn).toHaveLength(0);
  expect(screen.lines).toEqual(['✓ dump            12.4 s   150 MB stored']);
});

test.each([40, 60, 80, 120])(
  'with a known total: bar, share, bytes, rate and part, never wider than %i columns',
  (columns) => {
    const screen = recordedScreen();
    const clock = handClock();
    using progress = drawnProgress({ screen, columns: () => columns, style, clock });
    progress.report({ kind: 'step', step: 'dump' });
    for (let second = 1; second <= 4; second += 1) {
      clock.pass(1000);
      progress.report({
        kind: 'progress',
        step: 'dump',
        part: 'database.dir/a-rather-long-name.dat.zst',
        bytes: second * 10 * mebibyte,
        total: 80 * mebibyte,
      });
    }
    progress.report({ kind: 'step', step: 'count' });
    const [line = ''] = screen.drawn;
    expect(columnsOf(line)).toBeLessThan(columns);
    expect(line).toContain('50 %');
    if (columns >= 120) expect(line).toMatch(/4\.0 s\s+━━+──+\s+50 %\s+40 MB of 80 MB\s+10 MB\/s\s+database\.dir/);
  },
);

test('what stays is wrapped below itself on a narrow terminal, and is one line in a log', () => {
  const event = { kind: 'done', step: 'dump', ms: 1200, detail: '61.1 KB stored, 15 tables, 6,264 rows' } as const;
  const drawn = recordedScreen();
  using narrow = drawnProgress({ screen: drawn, columns: () => 50, style, clock: handClock() });
  narrow.report(event);
  expect(drawn.lines).toEqual([
    '✓ dump             1.2 s   61.1 KB stored, 15',
    '                           tables, 6,264 rows',
  ]);
  const logged = recordedScreen();
  using plain = plainProgress({ screen: logged, style, clock: handClock() });
  plain.report(event);
  expect(logged.lines).toEqual(['✓ dump             1.2 s   61.1 KB stored, 15 tables, 6,264 rows']);
});

test('steps that run side by side are all drawn', () => {
  const screen = recordedScreen();
  using progress = drawnProgress({ screen, columns: () => 80, style, clock: handClock() });
  progress.report({ kind: 'step', step: 'dump' });
  progress.report({ kind: 'step', step: 'count' });
  expect(screen.drawn.map((line) => line.split(' ')[1])).toEqual(['dump', 'count']);
});

test('plain: one line per finished step and warning, and a sign of life every half minute', () => {
  const screen = recordedScreen();
  const clock = handClock();
  using progress = plainProgress({ screen, style, clock });
  progress.report({ kind: 'step', step: 'dump' });
  for (let second = 0; second < 70; second += 1) {
    clock.pass(1000);
    progress.report({ kind: 'progress', step: 'dump', part: 'database.dump', bytes: second * mebibyte, total: null });
  }
  progress.report({ kind: 'warning', message: 'sequence moved\n' });
  progress.report({ kind: 'done', step: 'dump', ms: 70_000 });
  expect(screen.lines).toEqual([
    '  dump: 29 MB, 1 MB/s, database.dump',
    '  dump: 59 MB, 1 MB/s, database.dump',
    String.raw`! sequence moved\n`,
    '✓ dump            70.0 s',
  ]);
});

test('the name of a step is of foreign origin, too: a table can be called anything', () => {
  const screen = recordedScreen();
  const clock = handClock();
  const step = `records of \u001B]0;owned\u0007${'x'.repeat(100)}`;
  using progress = drawnProgress({ screen, columns: () => 60, style, clock });
  progress.report({ kind: 'step', step });
  expect(screen.drawn.join('')).not.toMatch(/[\u001B\u0007]/);
  expect(columnsOf(screen.drawn[0] ?? '')).toBeLessThan(60);
  progress.report({ kind: 'done', step, ms: 1000 });
  expect(screen.lines.join('')).toContain(String.raw`records of \u{1b}]0;owned\u{7}xx`);

  using plain = plainProgress({ screen, style, clock });
  plain.report({ kind: 'step', step });
  clock.pass(31_000);
  plain.report({ kind: 'progress', step, part: 'x', bytes: 1, total: 2 });
  expect(screen.lines).toHaveLength(2);
  expect(screen.lines.join('')).not.toMatch(/[\u001B\u0007]/);
});
