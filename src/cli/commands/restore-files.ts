import { resolve } from 'node:path';
import { formatBytes, formatDuration } from '../../base/units.ts';
import type { FilesPlan, FilesResult } from '../../restore/restore-files.ts';
import type { Command, CommandContext, Io } from '../command.ts';
import { confirm } from '../output/confirm.ts';
import { renderFacts, sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { plural, printable } from '../output/text.ts';
import { pickBackup } from '../pick.ts';

export const restoreFiles: Command = {
  name: 'restore-files',
  summary: 'bring back the folders of a backup only',
  group: 'recover',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', optional: true, complete: 'backup' }],
  options: [
    {
      name: 'tree',
      value: 'name',
      repeat: true,
      summary: 'only this folder, by its name in the backup; may be repeated',
    },
    { name: 'to', value: 'folder', summary: 'into this empty folder instead of the live ones' },
    { name: 'keep-old', summary: 'keep what is replaced beside the new folders' },
    { name: 'no-safety-backup', summary: 'do not back up the live folders first' },
    { name: 'dry-run', summary: 'say what would be replaced, touch nothing' },
    { name: 'force', summary: 'same as --yes', hidden: true },
  ],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast restore files latest --to ./recovered', does: 'beside everything' },
    { line: 'holdfast restore files latest --tree uploads', does: 'one live folder, replaced as a whole' },
  ],
  help: `Each folder is laid down beside the live one and compared with what was saved; only then the two change places by renaming.
Nothing of the live folder is mixed into it. The live folders are backed up first. To confirm, type the name of the source.`,
  run: async (context, input) => {
    const { house, source, storage, id } = await pickBackup(context, input, 'files');
    const request = {
      source,
      from: { storage, id },
      wanted: {
        only: input.texts('tree').length > 0 ? input.texts('tree') : null,
        to: folderOf(context, input.text('to')),
      },
      keepOld: input.flag('keep-old'),
      safetyBackup: !input.flag('no-safety-backup'),
    };
    const { planFiles, restoreFiles: bringBack } = await import('../../restore/restore-files.ts');
    if (input.flag('dry-run')) {
      const plan = await planFiles(request, house.scratch, context.signal);
      if (context.json) printJson(context.io, { run: null, id, state: 'planned', files: plan.files });
      else print(context.io, ...describePlan(plan));
      return 'done';
    }
    const sure = { ...context, yes: context.yes || input.flag('force') };
    using progress = showProgress(context);
    const result = await bringBack({
      ...house,
      request,
      confirm: async (plan) => {
        if (plan.destructive) await confirm(sure, { says: describePlan(plan), word: source.name });
      },
      signal: context.signal,
      report: progress.report,
    });
    if (context.json) printJson(context.io, result);
    else print(context.io, ...describeResult(context.io, result));
    return result.state === 'partial' ? 'partial' : 'done';
  },
};

function folderOf({ cwd }: CommandContext, typed: string | undefined): string | null {
  return typed === undefined ? null : resolve(cwd, typed);
}

function describePlan({ files }: FilesPlan): string[] {
  return files.map(
    ({ name, target, replaces, files: count, bytes }) =>
      `${printable(name)}: ${plural(count, 'file')}, ${formatBytes(bytes)}, ${replaces ? 'replaces' : 'becomes'} ${printable(target)}`,
  );
}

function describeResult(io: Io, { id, files, safety, seconds, warnings }: FilesResult): string[] {
  const style = styleFor(io.color);
  return [
    `${style.good('restored')}  ${style.bold(id)}`,
    ...files.map(
      ({ name, target, files: count, bytes, previous }) =>
        `  ${printable(name)}: ${plural(count, 'file')}, ${formatBytes(bytes)}, in ${printable(target)}${
          previous === null ? '' : `; what was there is kept as ${printable(previous)}`
        }`,
    ),
    ...warnings.map((warning) => `  ${sign(style, 'warn')} ${printable(warning)}`),
    ...renderFacts(
      io,
      [
        ['time', formatDuration(seconds * 1000)],
        ['safety backup', safety],
      ],
      '  ',
    ),
  ];
}
