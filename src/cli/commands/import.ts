import type { BackupResult } from '../../backup/backup.ts';
import type { Command } from '../command.ts';
import { dumpFiles } from '../dump-file.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { pickSource } from '../pick.ts';
import { describeBackup } from '../output/backup-result.ts';

export const importDump: Command = {
  name: 'import',
  summary: 'take in dumps made elsewhere, proven by restoring them',
  group: 'recover',
  arguments: [
    {
      name: 'file',
      summary: 'a dump: .dump, .sql, .tar, a directory dump, each also compressed',
      repeat: true,
      complete: 'file',
    },
  ],
  options: [
    { name: 'description', value: 'text', summary: 'a note that `list` shows; default: the name of the file' },
    { name: 'trust-script', summary: 'run a plain SQL file that was not made here; same as --allow script' },
    {
      name: 'allow',
      value: 'guard',
      repeat: true,
      choices: ['script', 'unpatched'],
      summary: 'lift this guard; may be repeated',
    },
  ],
  examples: [
    { line: 'holdfast import /old/backups/shop_2025-12-31.dump', does: 'one dump' },
    { line: 'holdfast import --source shop /old/backups/*.dump', does: 'many' },
  ],
  help: `The kind of dump is recognised by its content. It is restored into a scratch database first: what does not come back is
not taken in, and the rows that did become the counts of the new backup. The id is the file's time.`,
  run: async (context, input) => {
    const { house, source } = await pickSource(context, input);
    const files = await dumpFiles(input.texts('file'), context.cwd);
    const { adopt } = await import('../../backup/adopt.ts');
    const results: BackupResult[] = [];
    for (const file of files) {
      using progress = showProgress(context);
      const result = await adopt({
        source,
        file,
        allowScript: input.flag('trust-script') || input.texts('allow').includes('script'),
        allowUnpatched: input.texts('allow').includes('unpatched'),
        catalog: house.catalog,
        clock: house.clock,
        instance: house.instance,
        version: house.version,
        timezone: house.timezone,
        scratch: house.scratch,
        description: input.text('description') ?? null,
        signal: context.signal,
        report: progress.report,
      });
      results.push(result);
      // At once: one further on that is not taken in must not hide those that were.
      if (!context.json) print(context.io, ...describeBackup(context.io, result));
    }
    const [first] = results;
    if (context.json) printJson(context.io, results.length === 1 ? first : results);
    return 'done';
  },
};
