import { formatDuration } from '../../base/units.ts';
import type { Operation, RunRecord, RunState } from '../../catalog/catalog.ts';
import type { Command, CommandInput } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor, type Style } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { formatMoment } from '../output/time.ts';

const operations: readonly Operation[] = [
  'backup',
  'verify',
  'drill',
  'restore',
  'prune',
  'delete',
  'import',
  'rebuild',
  'key',
  'copy',
  'maintenance',
];
const states: readonly RunState[] = ['queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled'];
const shownByDefault = 20;

export const runs: Command = {
  name: 'runs',
  summary: 'what was done when, and how it ended',
  group: 'look',
  arguments: [{ name: 'source', summary: 'only runs of this source', optional: true, complete: 'source' }],
  options: [
    { name: 'operation', value: 'name', choices: operations, summary: 'only these' },
    { name: 'state', value: 'state', choices: states, summary: 'only these' },
    { name: 'limit', value: 'n', summary: `how many, newest first; default: ${shownByDefault}` },
  ],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast runs', does: 'the last ones' },
    { line: 'holdfast runs --state failed', does: 'what went wrong' },
  ],
  run: async (context, input) => {
    const { io } = context;
    const house = await context.house();
    const { runs: all } = house.catalog;
    const source = input.text('source') ?? context.source;
    const found = all.list(filterOf(input, source));
    // One that is configured no more may have some; one that has none may be a slip.
    if (found.length === 0 && source !== undefined) await house.source(source, context.signal);
    if (context.json) return printJson(io, found);
    if (found.length === 0)
      return io.screen.line(all.list({ limit: 1 }).length === 0 ? 'No runs yet.' : 'No such runs.');
    const style = styleFor(io.color);
    const severalSources = house.sources.length > 1;
    const table = await renderTable(
      io,
      [
        { title: 'RUN' },
        { title: 'OPERATION' },
        ...(severalSources ? [{ title: 'SOURCE', shrinksTo: 8 }] : []),
        { title: 'STATE' },
        { title: 'STARTED' },
        { title: 'TOOK', align: 'right' },
        { title: 'RESULT', below: true },
      ],
      found.map((run) => [
        run.id,
        run.operation,
        ...(severalSources ? [run.source ?? ''] : []),
        { text: run.state, paint: painterOf(run.state, style) },
        formatMoment(io, run.startedAt, { timezone: house.timezone, now: context.clock.now() }),
        duration(run),
        run.error ? `${run.error.code}: ${run.error.message}` : (run.backup ?? ''),
      ]),
    );
    print(io, ...table);
  },
};

function filterOf(input: CommandInput, source: string | undefined) {
  const operation = operations.find((each) => each === input.text('operation'));
  const state = states.find((each) => each === input.text('state'));
  return {
    limit: input.number('limit') ?? shownByDefault,
    ...(source === undefined ? {} : { source }),
    ...(operation === undefined ? {} : { operation }),
    ...(state === undefined ? {} : { state }),
  };
}

export function painterOf(state: RunState, style: Style): (text: string) => string {
  if (state === 'succeeded') return style.good;
  if (state === 'failed') return style.bad;
  return state === 'running' || state === 'queued' ? style.accent : style.warn;
}

function duration({ startedAt, finishedAt }: RunRecord): string {
  return finishedAt === null ? '' : formatDuration(new Date(finishedAt).getTime() - new Date(startedAt).getTime());
}
