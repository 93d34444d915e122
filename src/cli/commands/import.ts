import type { ImportItem } from '../../backup/import-all.ts';
import type { FoundImports } from '../../backup/find-imports.ts';
import type { Command, CommandContext, Ending } from '../command.ts';
import { nbdataPassword } from '../nbdata-password.ts';
import { describeBackup } from '../output/backup-result.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { pickSource } from '../pick.ts';

export const importDump: Command = {
  name: 'import',
  summary: 'take in dumps and backups made elsewhere',
  group: 'recover',
  arguments: [
    {
      name: 'path',
      summary:
        'a dump, a .nbdata file, or a folder with backups of another system; with --from: prefixes in that storage',
      optional: true,
      repeat: true,
      complete: 'file',
    },
  ],
  options: [
    { name: 'from', value: 'storage', summary: 'look in this configured storage', complete: 'storage' },
    { name: 'dry-run', summary: 'look and check, take nothing in' },
    {
      name: 'system',
      value: 'name',
      choices: ['nocodb', 'nestjs-starter', 'ops-center', 'nocobase', 'tma-cloud'],
      summary: 'whose backups they are, where the names do not tell',
    },
    { name: 'timezone', value: 'zone', summary: 'of local times in names; default: the configured one' },
    {
      name: 'description',
      mayBeEmpty: true,
      value: 'text',
      summary: 'a note that `list` shows; default: theirs, or the name of the file',
    },
    { name: 'trust-script', summary: 'run a plain SQL file that was not made here; same as --allow script' },
    {
      name: 'allow',
      value: 'guard',
      repeat: true,
      choices: ['script', 'unpatched', 'superuser'],
      summary: 'lift this guard; may be repeated',
    },
  ],
  examples: [
    { line: 'holdfast import /old/backups/shop_2025-12-31.dump', does: 'one dump' },
    { line: 'holdfast import /old/backups --dry-run', does: 'what a folder of another system holds' },
    { line: 'holdfast import --from offsite database-backups', does: 'from a bucket' },
  ],
  help: `The kind of dump is recognised by its content. It is restored into a scratch database first: what does not come back is
not taken in, and the rows that did become the counts of the new backup. The id is the time in its name, or the file's.

In a folder, backups of NocoDB's sidecar, the NestJS starter, Ops-Center, NocoBase and TMA Cloud are recognised by their names and
taken in, the oldest first; everything else is listed and left alone. What was taken in before is passed over, so it can be run again.
The original files are only read.

When some could not be taken in, the exit code is 3.`,
  run: async (context, input) => {
    const { house, source } = await pickSource(context, input);
    const { searchesFor } = await import('../import-searches.ts');
    const { findImports } = await import('../../backup/find-imports.ts');
    const { importAll } = await import('../../backup/import-all.ts');
    const searches = await searchesFor(context, input, house);
    const found = await findImports(searches);
    const dryRun = input.flag('dry-run');
    const single = searches.length === 1 && searches[0]?.named !== null;
    using progress = showProgress(context);
    const items = await importAll({
      source,
      candidates: found.candidates,
      dryRun,
      password: nbdataPassword(context),
      allowScript: input.flag('trust-script') || input.texts('allow').includes('script'),
      allowUnpatched: input.texts('allow').includes('unpatched'),
      // Whoever writes into a configured storage decides what is restored from it in any case.
      allowSuperuser: input.texts('allow').includes('superuser') || input.text('from') !== undefined,
      catalog: house.catalog,
      clock: house.clock,
      instance: house.instance,
      version: house.version,
      timezone: house.timezone,
      scratch: house.scratch,
      description: input.text('description') ?? null,
      signal: context.signal,
      report: progress.report,
      // At once: one further on that ends everything must not hide those that were taken in.
      settled: ({ backup }) => {
        if (backup && !context.json) print(context.io, ...describeBackup(context.io, backup));
      },
    });
    const [only] = items;
    if (single && only?.error) throw only.error;
    await show(context, items, found, { dryRun, timezone: house.timezone });
    return endingOf(items);
  },
};

function endingOf(items: readonly ImportItem[]): Ending {
  const failed = items.filter(({ state }) => state === 'failed').length;
  const partial = items.some(({ backup }) => backup?.state === 'partial');
  if (failed === 0) return partial ? 'partial' : 'done';
  return failed === items.length ? 'failed' : 'partial';
}

async function show(
  context: CommandContext,
  items: readonly ImportItem[],
  { unrecognised }: FoundImports,
  how: { dryRun: boolean; timezone: string },
): Promise<void> {
  const { renderImports, importsAsJson } = await import('../output/imports.ts');
  if (context.json) return printJson(context.io, importsAsJson(items, unrecognised, how.dryRun));
  print(context.io, ...(await renderImports(context.io, items, unrecognised, how)));
}
