import type { CopiesTask, CopyOutcome } from '../../care/copies/copies.ts';
import type { Source } from '../../care/source.ts';
import { formatBytes } from '../../base/units.ts';
import type { House } from '../../house.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Command, CommandContext, CommandInput, Ending } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { plural, printable } from '../output/text.ts';
import { formatTime } from '../output/time.ts';
import { pickBackup, pickSources } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

export const copy: Command = {
  name: 'copy',
  summary: 'copy backups to another storage, every byte checked',
  group: 'protect',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', optional: true, complete: 'backup' }],
  options: [
    { name: 'to', value: 'storage', summary: 'where it shall lie', complete: 'storage' },
    {
      name: 'from',
      value: 'storage',
      summary: 'where it is read; default: the nearest whole copy',
      complete: 'storage',
    },
    { name: 'replace', summary: 'replace a copy that is damaged' },
    { name: 'all', summary: 'every copy that is missing, in all storages or in that of --to' },
    { name: 'pending', summary: 'the copies that failed and are due to be tried again' },
    { name: 'now', summary: 'with --pending: also those that are not due yet' },
  ],
  examples: [
    { line: 'holdfast copy latest --to offsite', does: 'the newest backup' },
    { line: 'holdfast copy --all --to offsite', does: 'what is missing there, such as after adding a storage' },
    { line: 'holdfast copy --pending --now', does: 'what failed, without waiting for its time' },
    { line: 'holdfast copy 2026-11-20 --to offsite --replace', does: 'in place of a damaged copy' },
  ],
  help: `A backup copies itself to all storages of its source; this is for what was missed. A copy is compared byte by byte, takes the hold,
the drills and the key of the backup along, and becomes visible whole or not at all. One that fails because a
storage is down ends with exit code 3 and is tried again by the next backup.`,
  run: async (context, input) => {
    checkOptions(input);
    const { house, sources, work } = await plan(context, input);
    const outcomes: CopyOutcome[] = [];
    for (const source of sources) outcomes.push(...(await runCopies(context, house, source, work)));
    const single = input.text('id') !== undefined;
    if (context.json) printJson(context.io, single ? outcomes[0] : outcomes);
    else show(context, house, outcomes);
    return outcomes.some(({ state }) => state === 'pending') ? 'partial' : ('done' satisfies Ending);
  },
};

type Work = (task: CopiesTask) => Promise<CopyOutcome[]>;

function checkOptions(input: CommandInput): void {
  const ways = [input.text('id') !== undefined, input.flag('all'), input.flag('pending')].filter(Boolean).length;
  if (ways !== 1)
    throw wrongUsage('copy needs one of: an id, --all or --pending', 'Such as `holdfast copy latest --to offsite`.');
  if (input.text('id') !== undefined && input.text('to') === undefined)
    throw wrongUsage('copy needs to know where to', 'Name a storage of the source with --to.');
  if (input.flag('now') && !input.flag('pending'))
    throw wrongUsage('--now belongs to --pending', 'Leave it out, or add --pending.');
  if (input.flag('pending') && (input.text('to') ?? input.text('from')) !== undefined)
    throw wrongUsage('--pending knows from where to where', 'Leave out --to and --from.');
}

async function plan(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; sources: readonly Source[]; work: Work }> {
  const { copyOne, retryCopies } = await import('../../care/copies/copies.ts');
  if (input.flag('pending')) {
    const { house, sources } = await pickSources(context, input);
    return { house, sources, work: (task) => retryCopies({ ...task, now: input.flag('now') }) };
  }
  if (input.flag('all')) {
    const { house, sources } = await pickSources(context, input);
    return { house, sources, work: (task) => copyAll(task, house, input) };
  }
  const { house, source, id } = await pickBackup(context, input);
  const { from, to } = places(house, source, input);
  if (!to) throw wrongUsage('copy needs to know where to', 'Name a storage of the source with --to.');
  if (from?.name === to.name) throw wrongUsage('--from and --to are the same storage', 'Name two different ones.');
  const replace = input.flag('replace') ? 'damaged' : 'nothing';
  return { house, sources: [source], work: async (task) => [await copyOne({ ...task, id, from, to, replace })] };
}

async function copyAll(task: CopiesTask, house: House, input: CommandInput): Promise<CopyOutcome[]> {
  const { copyEach } = await import('../../care/copies/copies.ts');
  const { missingCopies } = await import('../../care/copies/missing-copies.ts');
  const { from, to } = places(house, task.source, input);
  return copyEach({ ...task, from }, await missingCopies({ ...task, storages: to ? [to] : task.source.storages }));
}

function places(house: House, source: Source, input: CommandInput): { from: Storage | null; to: Storage | null } {
  const named = (option: string) => {
    const name = input.text(option);
    return name === undefined ? null : house.storageOf(source, name);
  };
  return { from: named('from'), to: named('to') };
}

async function runCopies(context: CommandContext, house: House, source: Source, work: Work): Promise<CopyOutcome[]> {
  const { withRun } = await import('../../catalog/run.ts');
  const { catalog, clock } = house;
  const { signal } = context;
  using progress = showProgress(context);
  return await withRun(
    { operation: 'copy', source: source.name, trigger: 'manual', catalog, clock, signal, report: progress.report },
    async (run) => {
      const result = await work({ source, catalog, clock, run: run.id, signal: run.signal, report: run.report });
      const [only] = result;
      const state = result.some((outcome) => outcome.state === 'pending') ? 'partial' : 'succeeded';
      return { state, result, ...(only && result.length === 1 ? { backup: only.id } : {}) };
    },
  );
}

function show({ io }: CommandContext, house: House, outcomes: readonly CopyOutcome[]): void {
  const { timezone } = house;
  const style = styleFor(io.color);
  if (outcomes.length === 0) return io.screen.line(nothing(house));
  for (const { id, from, to, state, bytes, nextAt, error } of outcomes) {
    if (state === 'complete')
      print(io, `${sign(style, 'good')} ${id} in ${to}, ${formatBytes(bytes ?? 0)} from ${from ?? ''}`);
    else if (state === 'dropped') print(io, `${sign(style, 'warn')} ${id} is gone; it is not copied to ${to} any more`);
    else
      print(
        io,
        `${sign(style, 'bad')} ${id} not in ${to}: ${printable(error?.message ?? '')}; next try ${formatTime(nextAt ?? '', timezone)} ${timezone}`,
      );
  }
}

/** A copy that is owed and not due yet is not nothing. */
function nothing({ catalog, timezone }: House): string {
  const owed = catalog.copies.list({});
  const next = owed.map(({ nextAt }) => nextAt).toSorted()[0];
  if (next === undefined) return 'Nothing to copy.';
  return `Nothing is due: ${plural(owed.length, 'copy', 'copies')} owed, next try ${formatTime(next, timezone)} ${timezone}. Try at once with --now.`;
}
