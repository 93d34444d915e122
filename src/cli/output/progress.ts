import type { Clock } from '../../base/clock.ts';
import { describeEvent } from '../../base/describe-event.ts';
import type { Logger } from '../../base/logger.ts';
import type { Report, RunEvent } from '../../base/progress.ts';
import { formatBytes, formatDuration } from '../../base/units.ts';
import type { CommandContext } from '../command.ts';
import type { Screen } from './screen.ts';
import { styleFor, type Style } from './style.ts';
import { clip, columnsOf, hanging, padTo, printable } from './text.ts';

/** Shows a run on the error output: drawn live on a terminal, in plain lines otherwise. Disposing it wipes what is live. */
export interface Progress extends Disposable {
  readonly report: Report;
}

export function showProgress(context: Pick<CommandContext, 'io' | 'json' | 'debug' | 'clock'>): Progress {
  const { io, json, debug, clock } = context;
  if (io.jsonLog) return loggedProgress(io.jsonLog);
  const style = styleFor(io.errorColor);
  // Debug lines come from everywhere and would make live lines flicker; with --json nobody is looking.
  return io.live && !json && !debug
    ? drawnProgress({ screen: io.screen, columns: () => io.columns, style, clock })
    : plainProgress({ screen: io.screen, style, clock });
}

/** A line of the log for each step that begins, ends or warns. */
function loggedProgress(logger: Logger): Progress {
  return {
    report: (event, run) => {
      const line = describeEvent(event);
      if (!line) return;
      const about = run ? { run: run.id, operation: run.operation, source: run.source } : {};
      // Where a step begins is of interest only to somebody who looks for what hangs.
      if (event.kind !== 'step') logger.log(line.level, line.message, about);
    },
    [Symbol.dispose]: () => undefined,
  };
}

interface OpenStep {
  name: string;
  startedAt: number;
  part: string;
  bytes: number;
  total: number | null;
  /** Bytes at times of the last seconds, for a rate that follows what happens now. */
  samples: { at: number; bytes: number }[];
}

const nameColumns = 13;
/** The spinner, the time and the spaces between them. */
const aroundName = 15;
const redrawMs = 100;
const rateWindowMs = 5000;
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export function drawnProgress(on: { screen: Screen; columns: () => number; style: Style; clock: Clock }): Progress {
  const { screen, columns, style, clock } = on;
  const open = new Map<string, OpenStep>();
  let frame = 0;
  const draw = () => {
    const now = clock.monotonic();
    screen.live(
      [...open.values()].map((each) =>
        liveLine(each, now, { columns: columns(), style, spinner: frames[frame % frames.length] ?? '' }),
      ),
    );
  };
  const timer = setInterval(() => {
    frame += 1;
    draw();
  }, redrawMs);
  timer.unref();
  return {
    report: (event) => {
      follow(open, event, clock.monotonic());
      for (const line of lastingLines(event, style, columns())) screen.line(line);
      if (event.kind !== 'progress') draw();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      screen.live([]);
    },
  };
}

/** Sign of life every so often, so that a log tells a slow run from a hanging one. */
const plainEveryMs = 30_000;

export function plainProgress(on: { screen: Screen; style: Style; clock: Clock }): Progress {
  const { screen, style, clock } = on;
  const open = new Map<string, OpenStep>();
  let saidAt = clock.monotonic();
  return {
    report: (event) => {
      const now = clock.monotonic();
      follow(open, event, now);
      const lasting = lastingLines(event, style, Number.POSITIVE_INFINITY);
      for (const line of lasting) screen.line(line);
      if (lasting.length === 0 && event.kind === 'progress' && now - saidAt >= plainEveryMs) {
        const step = open.get(event.step);
        if (step) screen.line(`  ${printable(step.name)}: ${facts(step, now).join(', ')}`);
      } else if (lasting.length === 0) return;
      saidAt = now;
    },
    [Symbol.dispose]: () => undefined,
  };
}

function follow(open: Map<string, OpenStep>, event: RunEvent, now: number): void {
  if (event.kind === 'step') {
    open.set(event.step, {
      name: event.step,
      startedAt: now,
      part: event.detail ?? '',
      bytes: 0,
      total: null,
      samples: [],
    });
  } else if (event.kind === 'done' || (event.kind === 'warning' && event.step !== undefined)) {
    open.delete(event.step ?? '');
  } else if (event.kind === 'progress') {
    const step = open.get(event.step);
    if (!step) return;
    // A new part begins to count anew.
    if (step.part !== event.part || event.bytes < step.bytes) step.samples = [];
    Object.assign(step, { part: event.part, bytes: event.bytes, total: event.total });
    if (now - (step.samples.at(-1)?.at ?? 0) >= redrawMs) step.samples.push({ at: now, bytes: event.bytes });
    while (now - (step.samples[0]?.at ?? now) > rateWindowMs) step.samples.shift();
  }
}

/** What stays on the screen: finished steps and warnings. */
function lastingLines(event: RunEvent, style: Style, columns: number): string[] {
  if (event.kind === 'warning') return hanging(`${style.warn('!')} `, printable(event.message), columns);
  if (event.kind !== 'done') return [];
  const head = `${style.good('✓')} ${padTo(printable(event.step), nameColumns)} ${formatDuration(event.ms).padStart(8)}`;
  return event.detail === undefined ? [head] : hanging(`${head}   `, style.dim(printable(event.detail)), columns);
}

function liveLine(step: OpenStep, now: number, look: { columns: number; style: Style; spinner: string }): string {
  const { columns, style, spinner } = look;
  const name = clip(printable(step.name), Math.max(nameColumns, columns - aroundName));
  const head = `${spinner} ${padTo(name, nameColumns)} ${formatDuration(now - step.startedAt).padStart(8)}`;
  const texts = facts(step, now);
  const barColumns = Math.min(24, columns - columnsOf(`${head}      ${texts.join('  ')}`) - 1);
  const bar =
    step.total !== null && step.total > 0 && barColumns >= 8
      ? `${drawBar(step.bytes / step.total, barColumns, style)}  `
      : '';
  const room = columns - 1 - columnsOf(head) - 3 - (bar === '' ? 0 : barColumns + 2);
  return `${style.accent(spinner)}${head.slice(spinner.length)}   ${bar}${style.dim(clip(texts.join('  '), room))}`;
}

function facts(step: OpenStep, now: number): string[] {
  const texts: string[] = [];
  if (step.total !== null && step.total > 0) {
    texts.push(`${Math.min(100, Math.floor((step.bytes / step.total) * 100))} %`);
    texts.push(`${formatBytes(step.bytes)} of ${formatBytes(step.total)}`);
  } else if (step.bytes > 0) {
    texts.push(formatBytes(step.bytes));
  }
  const rate = rateOf(step, now);
  if (rate !== null) texts.push(`${formatBytes(rate)}/s`);
  if (step.part !== '') texts.push(printable(step.part));
  return texts;
}

function rateOf(step: OpenStep, now: number): number | null {
  const [oldest] = step.samples;
  if (!oldest || now - oldest.at < 500) return null;
  return ((step.bytes - oldest.bytes) / (now - oldest.at)) * 1000;
}

function drawBar(share: number, columns: number, style: Style): string {
  const full = Math.max(0, Math.min(columns, Math.round(share * columns)));
  return style.accent('━'.repeat(full)) + style.dim('─'.repeat(columns - full));
}
