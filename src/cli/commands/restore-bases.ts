import { formatDuration } from '../../base/units.ts';
import type { BasesPlan, BasesRequest } from '../../apps/app.ts';
import type { PartsResult } from '../../restore/restore-bases.ts';
import type { Command, CommandOption, Io } from '../command.ts';
import { confirm } from '../output/confirm.ts';
import { renderFacts, sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { plural, printable } from '../output/text.ts';
import { pickBackup } from '../pick.ts';

const scope: readonly CommandOption[] = [
  { name: 'base', value: 'title', repeat: true, summary: 'only this base, by title or id; may be repeated' },
  { name: 'table', value: 'title', repeat: true, summary: 'only this table, by title or id; may be repeated' },
  { name: 'dry-run', summary: 'say what would be created and skipped, touch nothing' },
  { name: 'force', summary: 'same as --yes', hidden: true },
];
const skipExisting: CommandOption = { name: 'skip-existing', summary: 'leave alone what is there already' };

export const restoreSchema = part({
  what: 'schema',
  summary: 'bring back bases, tables and views through the API',
  options: [
    ...scope,
    skipExisting,
    { name: 'into-base', value: 'title', summary: 'another title for the one base that is restored' },
  ],
  example: { line: 'holdfast restore schema latest --base Shop', does: 'one base, empty' },
});

export const restoreRecords = part({
  what: 'records',
  summary: 'bring back records and their links through the API',
  options: [
    ...scope,
    skipExisting,
    { name: 'into-base', value: 'title', summary: 'the base with this title instead of the one in the backup' },
    { name: 'with-attachments', summary: 'also the files of attachment fields' },
  ],
  example: { line: 'holdfast restore records latest --base Shop --with-attachments', does: 'fills it again' },
});

export const restoreAttachments = part({
  what: 'attachments',
  summary: 'bring back the files of attachment fields',
  options: scope,
  example: { line: 'holdfast restore attachments latest', does: 'after the database was restored' },
});

interface Part {
  what: BasesRequest['what'];
  summary: string;
  options: readonly CommandOption[];
  example: { line: string; does: string };
}

function part({ what, summary, options, example }: Part): Command {
  return {
    name: `restore-${what}`,
    summary,
    group: 'recover',
    arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', optional: true, complete: 'backup' }],
    options,
    goesOnWithoutState: true,
    examples: [example],
    help: `For applications that were saved through their API. An interrupted restore is begun again with the same command: what was done is
recognised and not done twice. At the end, counts are compared with the backup, and whatever could not be restored is listed with
the reason; then the exit code is 3.`,
    run: async (context, input) => {
      const { house, source, storage, id } = await pickBackup(context, input, 'app');
      const request = {
        source,
        from: { storage, id },
        what,
        bases: input.texts('base'),
        tables: input.texts('table'),
        skipExisting: input.flag('skip-existing'),
        intoBase: input.text('into-base') ?? null,
        withAttachments: input.flag('with-attachments'),
      };
      const { planParts, restoreParts } = await import('../../restore/restore-bases.ts');
      const sure = { ...context, yes: context.yes || input.flag('force') };
      using progress = showProgress(context);
      const { signal } = context;
      const { report } = progress;
      if (input.flag('dry-run')) {
        const { plan, title } = await planParts({ request, scratch: house.scratch, signal, report });
        if (context.json) printJson(context.io, { run: null, id, state: 'planned', target: title, ...plan });
        else print(context.io, ...describePlan(plan));
        return plan.blocks.length > 0 ? 'refused' : 'done';
      }
      const result = await restoreParts({
        ...house,
        request,
        confirm: async (plan, title) => {
          await confirm(sure, { says: [`This goes into ${title}:`, ...describePlan(plan)], word: 'yes' });
        },
        signal,
        report,
      });
      if (context.json) printJson(context.io, result);
      else print(context.io, ...describeResult(context.io, result));
      return result.state === 'succeeded' ? 'done' : 'partial';
    },
  };
}

const shown = 50;

function describePlan({ creates, skips, cannot, blocks }: BasesPlan): string[] {
  const lines = (title: string, texts: readonly string[]) =>
    texts.length === 0
      ? []
      : [
          title,
          ...texts.slice(0, shown).map((text) => `  ${printable(text)}`),
          ...(texts.length > shown ? [`  and ${texts.length - shown} more`] : []),
        ];
  return [
    ...lines('creates', creates),
    ...lines('skips', skips),
    ...lines('cannot restore', cannot),
    ...lines('in the way', blocks),
  ];
}

function describeResult(io: Io, result: PartsResult): string[] {
  const style = styleFor(io.color);
  const { tables, lost, lostCount, warnings } = result;
  return [
    `${result.ok ? style.good('restored') : style.warn('restored in part')}  ${style.bold(result.id)}  to ${printable(result.target)}`,
    ...tables.map(
      ({ base, table, expected, restored, links, attachments }) =>
        `  ${printable(`${base}/${table}`)}: ${restored} of ${plural(expected, 'record')}, ${plural(links, 'link')}, ${plural(attachments, 'attachment')}`,
    ),
    ...lost
      .slice(0, shown)
      .map((each) => `  ${sign(style, 'bad')} ${printable(`${each.where}: ${each.what}: ${each.reason}`)}`),
    ...(lostCount > shown ? [`  and ${lostCount - Math.min(shown, lost.length)} more; --json lists a thousand`] : []),
    ...warnings.map((warning) => `  ${sign(style, 'warn')} ${printable(warning)}`),
    ...renderFacts(
      io,
      [
        ['created', String(result.created)],
        ['skipped', String(result.skipped)],
        ['time', formatDuration(result.seconds * 1000)],
      ],
      '  ',
    ),
  ];
}
