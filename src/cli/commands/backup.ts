import type { Command, CommandInput } from '../command.ts';
import { describeBackup } from '../output/backup-result.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { clearUp } from '../clear-up.ts';
import { pickSource } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

export const backup: Command = {
  name: 'backup',
  aliases: ['create', 'now'],
  summary: 'take one backup now and read it back',
  group: 'protect',
  arguments: [
    { name: 'source', summary: 'what to back up, where there are several', optional: true, complete: 'source' },
  ],
  options: [
    { name: 'description', short: 'd', value: 'text', mayBeEmpty: true, summary: 'a note that `list` shows' },
    { name: 'only', value: 'parts', summary: 'only these: database, files, app; with commas between them' },
    { name: 'db-only', summary: 'the same as --only database', hidden: true },
  ],
  examples: [
    { line: 'holdfast backup', does: 'the only source there is' },
    { line: 'holdfast backup shop --description "before 2.0"', does: 'one of several, with a note' },
    { line: 'holdfast backup --json | jq -r .id', does: 'for a pipeline: the id, exit code 0 only when it is whole' },
  ],
  help: `Takes dump, exact row counts and sequence positions from one snapshot, seals them, reads everything back from the
storage and applies the retention. A backup that cannot be read back is removed and the command fails.`,
  run: async (context, input) => {
    const { house, source } = await pickSource(context, input);
    const only = partsOf(input);
    const { backup: takeBackup } = await import('../../backup/backup.ts');
    await clearUp(context, house, source);
    using progress = showProgress(context);
    const result = await takeBackup({
      source,
      catalog: house.catalog,
      clock: house.clock,
      instance: house.instance,
      version: house.version,
      timezone: house.timezone,
      scratch: house.scratch,
      trigger: 'manual',
      description: input.text('description') ?? null,
      only,
      signal: context.signal,
      report: progress.report,
    });
    if (context.json) printJson(context.io, result);
    else print(context.io, ...describeBackup(context.io, result));
    return result.state === 'succeeded' ? 'done' : result.state;
  },
};

const parts = ['database', 'files', 'app'] as const;

function partsOf(input: CommandInput): (typeof parts)[number][] | null {
  const typed = input.flag('db-only') ? 'database' : input.text('only');
  if (typed === undefined) return null;
  return typed.split(',').map((word) => {
    const part = parts.find((each) => each === word.trim());
    if (part) return part;
    throw wrongUsage(`--only ${typed} names no part of a source`, `Parts are ${parts.join(', ')}.`);
  });
}
