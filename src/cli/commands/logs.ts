import type { RunLine, RunRecord } from '../../catalog/catalog.ts';
import type { Command } from '../command.ts';
import { findRun } from '../find-run.ts';
import { renderFacts } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor, type Style } from '../output/style.ts';
import { hanging, printable } from '../output/text.ts';
import { painterOf } from './runs.ts';

export const logs: Command = {
  name: 'logs',
  summary: 'what one run did, step by step',
  group: 'look',
  arguments: [
    { name: 'run', summary: 'id or unique prefix; default: the newest run', optional: true, complete: 'run' },
  ],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast logs', does: 'the newest run' },
    { line: 'holdfast logs 20261120-0515', does: 'by a prefix of its id' },
  ],
  run: async (context, input) => {
    const { io } = context;
    const house = await context.house();
    const filter = context.source === undefined ? {} : { source: context.source };
    const run = findRun(house.catalog, input.text('run'), filter);
    const lines = house.catalog.runs.lines(run.id);
    if (context.json) return printJson(io, { run, lines });
    const style = styleFor(io.color);
    print(io, `${style.bold(run.id)}  ${run.operation}  ${painterOf(run.state, style)(run.state)}`);
    print(io, ...renderFacts(io, factsOf(run), '  '), '');
    const columns = io.terminal ? io.columns : Number.POSITIVE_INFINITY;
    print(io, ...lines.flatMap((line) => describeLine(line, style, columns)));
  },
};

function factsOf(run: RunRecord) {
  return [
    ['source', run.source],
    ['backup', run.backup],
    ['trigger', run.trigger],
    ['started', run.startedAt],
    ['finished', run.finishedAt],
    ['process', `${run.pid} on ${run.host}`],
    ['error', run.error && `${run.error.message} (${run.error.code})`],
    ['hint', run.error?.hint],
  ] as const;
}

function describeLine({ at, level, message }: RunLine, style: Style, columns: number): string[] {
  const label =
    level === 'error'
      ? style.bad(level.padEnd(5))
      : level === 'warn'
        ? style.warn(level.padEnd(5))
        : style.dim(level.padEnd(5));
  return hanging(`${style.dim(at)}  ${label}  `, printable(message), columns);
}
