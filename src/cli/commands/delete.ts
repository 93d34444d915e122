import { formatBytes } from '../../base/units.ts';
import { wrongUsage } from '../usage-error.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { confirm } from '../output/confirm.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { pickBackup, type PickedBackup } from '../pick.ts';

export const deleteBackup: Command = {
  name: 'delete',
  aliases: ['rm'],
  summary: 'remove one backup; never one that is held or in use',
  group: 'care',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', complete: 'backup' }],
  options: [
    { name: 'local-only', summary: 'only from storages on this machine' },
    { name: 's3-only', summary: 'only from storages that are not on this machine' },
    { name: 'allow-last', summary: 'also the last good backup, or the last that was read back' },
    { name: 'force', short: 'f', summary: 'same as --yes', hidden: true },
  ],
  examples: [
    { line: 'holdfast delete 2026-11-20_05-15-00', does: 'from all its storages, after asking' },
    { line: 'holdfast delete 2026-11-20 --storage offsite --yes', does: 'one copy, without asking' },
    { line: 'holdfast delete 2026-11-20 --local-only', does: 'here, but not what was copied elsewhere' },
  ],
  run: async (context, input) => {
    const { io, signal } = context;
    const picked = await pickBackup(context, input);
    const { house, source, id } = picked;
    const storages = storagesOf(context, input, picked);
    const places = storages.map(({ name }) => name).join(', ');
    await confirm(
      { ...context, yes: context.yes || input.flag('force') },
      { says: [`This removes the backup ${id} of ${source.name} from ${places}. There is no way back.`], word: 'yes' },
    );
    const { removeOne } = await import('../../care/removal/remove.ts');
    const { withRun } = await import('../../catalog/run.ts');
    const { catalog, clock } = house;
    using progress = showProgress(context);
    const result = await withRun(
      {
        operation: 'delete',
        source: source.name,
        backup: id,
        trigger: 'manual',
        catalog,
        clock,
        signal,
        report: progress.report,
      },
      async (run) => {
        const allowLastGood = input.flag('allow-last');
        const task = {
          source,
          storages,
          id,
          allowLastGood,
          catalog,
          clock,
          run: run.id,
          signal: run.signal,
          report: run.report,
        };
        return { state: 'succeeded', result: await removeOne(task) };
      },
    );
    if (context.json) return printJson(io, result);
    print(
      io,
      `${styleFor(io.color).good('deleted')}  ${id} from ${result.removed.join(', ')}; ${formatBytes(result.freedBytes)} freed`,
    );
  },
};

function storagesOf(context: CommandContext, input: CommandInput, { house, source }: PickedBackup) {
  if (context.storage !== undefined) return [house.storageOf(source, context.storage)];
  const options = ['local-only', 's3-only'] as const;
  const [which, second] = options.filter((option) => input.flag(option));
  if (second)
    throw wrongUsage('--local-only and --s3-only exclude one another', 'Leave both out to delete everywhere.');
  if (which === undefined) return source.storages;
  const near = which === 'local-only';
  const storages = source.storages.filter((storage) => (storage.localPath(source.name) !== null) === near);
  if (storages.length > 0) return storages;
  throw wrongUsage(
    `source ${source.name} has no storage ${near ? 'on' : 'outside of'} this machine`,
    `Leave out --${which}, or name a storage with --storage.`,
  );
}
