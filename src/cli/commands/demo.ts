import { formatCount, formatDuration } from '../../base/units.ts';
import { silentLogger } from '../../base/logger.ts';
import type { DemoResult } from '../../demo/demo.ts';
import type { Command, Io } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { printable } from '../output/text.ts';

export const demo: Command = {
  name: 'demo',
  summary: 'a tour on throw-away data: backup, drill, loss, restore',
  group: 'start',
  options: [{ name: 'keep', summary: 'leave the configuration and the backups behind, to play with' }],
  examples: [
    { line: 'holdfast demo', does: 'the tour; nothing is left of it' },
    { line: 'holdfast demo --keep', does: 'and afterwards look at the backups yourself' },
  ],
  help: `Needs no configuration and touches nothing of yours: it starts a PostgreSQL server of its own from the installed
programs, on a free port of this machine, in a temporary folder; or takes an SQLite file there, where none is installed. Ends with exit code 0 only when the restored database
is the one before the accident, row for row.`,
  run: async (context, input) => {
    const { io, json, clock, signal } = context;
    const { demo: giveTour } = await import('../../demo/demo.ts');
    const style = styleFor(io.errorColor);
    using progress = showProgress(context);
    const result = await giveTour({
      keep: input.flag('keep'),
      clock,
      logger: silentLogger,
      signal,
      report: progress.report,
      chapter: (title) => io.screen.line(`\n${style.bold(printable(title))}`),
      line: (text) => io.screen.line(`  ${style.dim(printable(text))}`),
    });
    if (json) printJson(io, result);
    else print(io, ...describeDemo(io, result));
    return 'done';
  },
};

function describeDemo(io: Io, result: DemoResult): string[] {
  const style = styleFor(io.color);
  const { kept } = result;
  const server = result.engine === 'postgres';
  return [
    '',
    `${style.good('everything is back')}  ${formatCount(result.rows)} rows in ${result.tables} tables are what they were; ${formatDuration(result.seconds * 1000)} in all`,
    ...(kept === null
      ? [
          server
            ? 'The server is stopped, its folder and the backups are gone.'
            : 'The database and the backups are gone.',
        ]
      : [
          `Kept: ${kept.folder} (remove it when you are done).${server ? ' The server is stopped; what' : ' What'} lies there can still be looked at:`,
          `  holdfast list --config ${kept.config}`,
          `  holdfast inspect ${result.backup} --config ${kept.config}`,
          `  holdfast verify ${result.backup} --config ${kept.config}`,
          `  holdfast drill ${result.backup} --target temporary --config ${kept.config}`,
        ]),
  ];
}
