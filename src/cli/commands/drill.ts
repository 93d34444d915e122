import { formatDuration } from '../../base/units.ts';
import type { DrillResult } from '../../care/proof/drill.ts';
import type { Source } from '../../care/source.ts';
import { clearUp } from '../clear-up.ts';
import type { Command, Io } from '../command.ts';
import { describeComparison } from '../output/comparison.ts';
import { renderFacts, sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { printable } from '../output/text.ts';
import { pickBackup } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

export const drill: Command = {
  name: 'drill',
  summary: 'restore into a scratch database, compare, clean up',
  group: 'prove',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest` (default)', optional: true, complete: 'backup' }],
  options: [
    {
      name: 'target',
      value: 'target',
      summary:
        '`same` server, a `temporary` one from local programs, or an address (postgres://…); default: as configured',
    },
    { name: 'jobs', value: 'n', summary: 'how many workers load at once' },
  ],
  examples: [
    { line: 'holdfast drill', does: 'the newest backup, where the configuration says' },
    { line: 'holdfast drill --target temporary', does: 'without touching the live server at all' },
  ],
  help: `The live database is not touched: the scratch database has its own name and is dropped at the end, also after
a failure or Ctrl-C. Rows and sequences are compared with those counted in the snapshot of the dump, and the time it
took is what a recovery would take. Ends with exit code 6 when something differs.`,
  run: async (context, input) => {
    const target = drillTarget(input.text('target'));
    const { house, source, storage, id } = await pickBackup(context, input, 'database');
    const { drill: rehearse } = await import('../../care/proof/drill.ts');
    await clearUp(context, house, source);
    using progress = showProgress(context);
    const result = await rehearse({
      source,
      storage,
      id,
      target,
      jobs: input.number('jobs') ?? null,
      catalog: house.catalog,
      clock: house.clock,
      scratch: house.scratch,
      signal: context.signal,
      report: progress.report,
    });
    if (context.json) printJson(context.io, result);
    else print(context.io, ...describeDrill(context.io, result));
    return result.ok ? 'done' : 'integrity';
  },
};

function drillTarget(text: string | undefined): Source['drill']['target'] | undefined {
  if (text === undefined || text === 'same' || text === 'temporary') return text;
  if (text.includes('://')) return { address: text };
  throw wrongUsage(
    `--target ${text} is no drill target`,
    'Use same, temporary or an address such as postgres://user@host/postgres.',
  );
}

function describeDrill(io: Io, result: DrillResult): string[] {
  const style = styleFor(io.color);
  return [
    `${result.ok ? style.good('drill passed') : style.bad('drill failed')}  ${style.bold(result.id)}  from ${result.storage}`,
    ...(result.tables.compared + result.sequences.compared + result.tables.uncounted > 0 || result.apps.length === 0
      ? describeComparison(io, result)
      : []),
    ...result.apps.flatMap(({ kind, ok, detail, differences }) => [
      `  ${sign(style, ok ? 'good' : 'bad')} ${kind}: ${printable(detail)}`,
      ...differences.map((line) => `      ${style.bad(printable(line))}`),
    ]),
    ...result.checks.map(
      ({ query, ok, detail }) =>
        `  ${sign(style, ok ? 'good' : 'bad')} ${printable(query)}  ${style.dim(printable(detail))}`,
    ),
    ...result.warnings.map((warning) => `  ${sign(style, 'warn')} ${printable(warning)}`),
    ...renderFacts(
      io,
      [
        ['recovery time', `${formatDuration(result.seconds * 1000)}, measured`],
        ['restored to', `${result.target}, dropped again`],
      ],
      '  ',
    ),
  ];
}
