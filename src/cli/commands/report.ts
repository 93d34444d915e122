import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Report } from '../../care/report/report.ts';
import type { Source } from '../../care/source.ts';
import type { House } from '../../house.ts';
import type { Command, CommandContext, CommandInput, Ending } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { hanging } from '../output/text.ts';
import { wrongUsage } from '../usage-error.ts';

export const report: Command = {
  name: 'report',
  summary: 'how all backups stand, as a text, a page or a message',
  group: 'look',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  options: [
    { name: 'html', summary: 'one self-contained page, with pictures, for a browser or for printing' },
    { name: 'out', value: 'file', summary: 'write it there instead of to standard output', complete: 'file' },
    { name: 'send', summary: 'send it to the channels of the alerts' },
  ],
  examples: [
    { line: 'holdfast report', does: 'as a text' },
    { line: 'holdfast report --html --out report.html', does: 'as a page' },
    { line: 'holdfast report --send', does: 'by mail or whatever the alerts are sent by' },
  ],
  help: `Per source: newest good backup, next due time, backups and their sizes in each storage, success rate of the last 30 days, how
long they took, size over time, last verification and drill, and the settings in effect. What \`check\` finds stands on top.`,
  run: runReport,
};

async function runReport(context: CommandContext, input: CommandInput): Promise<Ending> {
  const [html, send, out] = [input.flag('html'), input.flag('send'), input.text('out')];
  if (context.json && html) throw wrongUsage('--json and --html exclude each other', 'Leave out one of them.');
  const house = await context.house();
  if (send && house.loaded.config.alerts.channels.length === 0) {
    throw new HoldfastError('ALERT_NO_CHANNEL', 'there is no channel to send a report to', {
      kind: 'usage',
      hint: 'Name one under `alerts.channels`; `holdfast alerts test` tries it.',
    });
  }
  const name = input.text('source') ?? context.source;
  const only = name === undefined ? undefined : await house.source(name, context.signal);
  const made = await make(context, house, { only, send });
  if (out !== undefined) await save(resolve(context.cwd, out), await render(made, context.json, html));
  else if (context.json) printJson(context.io, made);
  else if (html) print(context.io, (await render(made, false, html)).trimEnd());
  else if (!send) print(context.io, ...fitted(context.io, await render(made, false, false)));
  return 'done';
}

async function make(
  { io, signal }: CommandContext,
  house: House,
  { only, send }: { only: Source | undefined; send: boolean },
): Promise<Report> {
  if (!send) return (await import('../../care/report/report.ts')).makeReport(house, signal, only);
  const { sendReport } = await import('../../care/report/send-report.ts');
  const publicUrl = house.loaded.config.server?.publicUrl ?? null;
  const made = await sendReport({ ...house, publicUrl }, signal, only);
  io.screen.line('the report is on its way to the channels');
  return made;
}

async function render(made: Report, json: boolean, html: boolean): Promise<string> {
  if (json) return `${JSON.stringify(made, null, 2)}\n`;
  if (html) return (await import('../../care/report/report-html.ts')).renderHtml(made);
  return (await import('../../care/report/report-text.ts')).renderText(made);
}

/** On a terminal no word is broken at its edge; what goes on stands below where its line begins. */
function fitted({ terminal, columns }: CommandContext['io'], text: string): string[] {
  const lines = text.trimEnd().split('\n');
  if (!terminal) return lines;
  return lines.flatMap((line) => {
    const indent = /^ */.exec(line)?.[0] ?? '';
    return hanging(indent, line.slice(indent.length), columns);
  });
}

/** It names databases, storages and what is wrong with them: nobody else's business. */
async function save(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 }).catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_WRITABLE', `the report cannot be written to ${path}`, {
      cause,
      hint: 'Name a file in a folder that exists and that you may write to.',
    });
  });
}
