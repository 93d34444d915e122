import type { PrunedStorage } from '../../care/removal/prune-each.ts';
import type { Source } from '../../care/source.ts';
import { formatBytes } from '../../base/units.ts';
import type { House } from '../../house.ts';
import type { Command, CommandContext } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { hanging, plural, printable } from '../output/text.ts';
import { formatMoment } from '../output/time.ts';
import { pickSources } from '../pick.ts';

export const prune: Command = {
  name: 'prune',
  aliases: ['cleanup'],
  summary: 'apply the retention: remove what no rule keeps',
  group: 'care',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  options: [{ name: 'dry-run', summary: 'only show each backup with the rule that keeps or drops it' }],
  examples: [
    { line: 'holdfast prune --dry-run', does: 'what would go, and why the rest stays' },
    { line: 'holdfast prune', does: 'do it; a backup does it by itself, too' },
  ],
  help: `Never removes the newest good backup, the newest one that was read back, the newest drilled one, one that is held or being
read, nor one that is damaged: that is for a person to delete. A storage in trouble does not keep the others from being pruned; it ends with exit code 1 then.`,
  run: async (context, input) => {
    const { house, sources } = await pickSources(context, input);
    const dryRun = input.flag('dry-run');
    const results: PrunedStorage[] = [];
    for (const source of sources) results.push(...(await pruneSource(context, house, source, dryRun)));
    if (context.json) printJson(context.io, results);
    else for (const result of results) await show(context, house, result, dryRun);
    const { prunedWell } = await import('../../care/removal/prune-each.ts');
    return prunedWell(results) ? 'done' : 'failed';
  },
};

async function pruneSource(context: CommandContext, house: House, source: Source, dryRun: boolean) {
  const { pruneEach, pruneOutcome } = await import('../../care/removal/prune-each.ts');
  const { withRun } = await import('../../catalog/run.ts');
  const { catalog, clock, timezone } = house;
  const { signal } = context;
  const storages = context.storage === undefined ? source.storages : [house.storageOf(source, context.storage)];
  using progress = showProgress(context);
  const { report } = progress;
  const task = { source, catalog, clock, timezone, dryRun, signal, report };
  if (dryRun) return await pruneEach(task, storages);
  return await withRun(
    { operation: 'prune', source: source.name, trigger: 'manual', catalog, clock, signal, report },
    async (run) => {
      const results = await pruneEach({ ...task, run: run.id, signal: run.signal, report: run.report }, storages);
      return pruneOutcome(results);
    },
  );
}

async function show({ io }: CommandContext, house: House, result: PrunedStorage, dryRun: boolean): Promise<void> {
  const style = styleFor(io.color);
  const { source, storage, decisions, removed, freedBytes, error } = result;
  print(io, `${style.bold(source)} in ${storage}`);
  if (error) {
    const columns = io.terminal ? io.columns : Number.POSITIVE_INFINITY;
    print(io, ...hanging(`${sign(style, 'bad')} `, printable(`${error.message} (${error.code})`), columns));
    if (error.hint !== null) print(io, ...hanging(`  ${style.accent('hint:')} `, printable(error.hint), columns));
    return;
  }
  if (dryRun && decisions.length > 0) {
    const table = await renderTable(
      io,
      [
        { title: '' },
        { title: 'ID' },
        { title: 'CREATED' },
        { title: 'SIZE', align: 'right' },
        { title: 'WHY', shrinksTo: 16, wraps: true },
      ],
      decisions.map(({ id, at, bytes, keep, reasons }) => [
        keep ? { text: 'keep', paint: style.good } : { text: 'drop', paint: style.warn },
        id,
        formatMoment(io, at, { timezone: house.timezone, now: house.clock.now() }),
        bytes === null ? '' : formatBytes(bytes),
        reasons.join(', '),
      ]),
    );
    print(io, ...table);
  }
  const going = decisions.filter(({ keep }) => !keep);
  const bytes = going.reduce((sum, decision) => sum + (decision.bytes ?? 0), 0);
  print(
    io,
    dryRun
      ? `would remove ${going.length} of ${plural(decisions.length, 'backup')}, ${formatBytes(bytes)}; nothing was touched`
      : `removed ${removed.length} of ${plural(decisions.length, 'backup')}, ${formatBytes(freedBytes)} freed`,
  );
}
