import { databaseOf } from '../../care/source.ts';
import type { CleanResult } from '../../backup/clean-nocodb-audit.ts';
import { formatBytes, formatCount, parseDuration } from '../../base/units.ts';
import type { Command, Io } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { renderTable } from '../output/table.ts';
import { plural } from '../output/text.ts';
import { pickSource } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

const auditCleanup: Command = {
  name: 'audit-cleanup',
  summary: 'remove old entries from the audit and log tables of NocoDB',
  arguments: [{ name: 'source', summary: 'which source, where there are several', optional: true, complete: 'source' }],
  options: [
    { name: 'older-than', value: 'duration', summary: 'what goes, such as 90d; must be given' },
    { name: 'dry-run', summary: 'only count' },
    { name: 'without-backup', summary: 'although there is no backup of the last day' },
  ],
  examples: [
    { line: 'holdfast nocodb audit-cleanup --older-than 90d --dry-run', does: 'how much it would be' },
    { line: 'holdfast nocodb audit-cleanup --older-than 90d --yes', does: 'without a question, from a timer' },
  ],
  help: `Never happens by itself. Only nc_audit_v2, nc_automation_executions, nc_hook_logs_v2 and nc_sync_logs_v2 of a database that has
NocoDB's other tables, too; a few thousand rows at a time, while NocoDB may go on working. What was removed is in the backups.`,
  run: async (context, input) => {
    const olderThanMs = ageOf(input.text('older-than'));
    const { house, source } = await pickSource(context, input);
    const { cleanNocodbAudit } = await import('../../backup/clean-nocodb-audit.ts');
    const { confirm } = await import('../output/confirm.ts');
    using progress = showProgress(context);
    const result = await cleanNocodbAudit({
      source,
      olderThanMs,
      dryRun: input.flag('dry-run'),
      withoutBackup: input.flag('without-backup'),
      catalog: house.catalog,
      clock: house.clock,
      signal: context.signal,
      report: progress.report,
      confirm: (tables, before) =>
        confirm(context, {
          says: [
            `This removes what NocoDB wrote down before ${before.toISOString()} in ${databaseOf(source).title}:`,
            ...tables.map(({ name, older }) => `  ${name}: ${plural(older, 'row')}`),
          ],
          word: databaseOf(source).name,
        }),
    });
    if (context.json) printJson(context.io, result);
    else print(context.io, ...(await describe(context.io, result)));
  },
};

export const nocodb: Command = {
  name: 'nocodb',
  summary: 'care for the database of a NocoDB',
  group: 'care',
  commands: [auditCleanup],
  examples: [{ line: 'holdfast nocodb audit-cleanup --older-than 90d --dry-run', does: 'what old logs there are' }],
};

function ageOf(text: string | undefined): number {
  const hint = 'Say how old entries must be to go, such as --older-than 90d.';
  if (text === undefined) throw wrongUsage('--older-than is missing', hint);
  const ms = parseDuration(text);
  if (ms === null || ms <= 0) throw wrongUsage(`--older-than ${text} is no duration`, hint);
  return ms;
}

async function describe(io: Io, { run, dryRun, tables }: CleanResult): Promise<string[]> {
  if (tables.length === 0) return ['there are no audit tables'];
  const rows = tables.map(({ name, rows: all, older, removed, bytes }) => [
    name,
    formatCount(all),
    formatCount(older),
    ...(run === null ? [] : [formatCount(removed)]),
    formatBytes(bytes),
  ]);
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    { title: 'TABLE' },
    right('ROWS'),
    right('OLDER'),
    ...(run === null ? [] : [right('REMOVED')]),
    right('SIZE BEFORE'),
  ];
  const said = run === null ? [dryRun ? 'nothing was removed: a dry run' : 'nothing is that old'] : [];
  return [...(await renderTable(io, columns, rows)), ...said];
}
