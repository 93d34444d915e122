import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Finding } from '../../care/alerts/finding.ts';
import type { MonitorResult } from '../../care/monitor/monitor.ts';
import type { Command, CommandContext, CommandInput, Ending, Io } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { hanging, printable } from '../output/text.ts';

export const check: Command = {
  name: 'check',
  summary: 'find what is wrong; ends as monitoring systems expect',
  group: 'look',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  examples: [
    { line: 'holdfast check', does: 'one line of summary, then each finding with what to do' },
    { line: 'holdfast check --source shop --json', does: 'the findings of one source, for programs' },
  ],
  help: `Exit codes, for this command alone: 0 all is well, 1 warnings, 2 something critical, 3 it could not be found out.
The first line is a status line with performance data, as Nagios and Icinga read it.

Looks at backups, copies, sizes, drills, free space and clocks, and writes a small probe into each storage, which it removes
again. A storage that does not answer within \`monitor.timeout\` is a finding; the others are looked at all the same.`,
  run: async (context, input) => {
    try {
      return await runCheck(context, input);
    } catch (error) {
      throwIfAborted(context.signal);
      return (await stateTrouble(context, error)) ?? couldNotCheck(context, error);
    }
  },
};

const endings = { ok: 'done', warning: 'warning', critical: 'critical' } as const;

async function runCheck(context: CommandContext, input: CommandInput): Promise<Ending> {
  const result = await look(context, input);
  const { status, findings } = result;
  if (context.json) printJson(context.io, { status, findings });
  else {
    const { summaryLine } = await import('../output/nagios.ts');
    print(context.io, summaryLine(result), ...findings.flatMap((finding) => describe(context.io, finding)));
  }
  return endings[status];
}

async function look(context: CommandContext, input: CommandInput): Promise<MonitorResult> {
  const house = await context.house();
  const { lookAround, runCheck: checkAll } = await import('../../care/monitor/run-check.ts');
  const name = input.text('source') ?? context.source;
  if (name === undefined) return await checkAll(house, context.signal);
  const source = await house.source(name, context.signal);
  return await lookAround(house, [source], source.storages, context.signal);
}

/** A state that cannot be used is no riddle: nothing can be backed up. */
async function stateTrouble(context: CommandContext, error: unknown): Promise<Ending | null> {
  const state = await context.loadConfig().then(
    ({ config }) => config.state,
    () => null,
  );
  const { kind, message } = toHoldfastError(error);
  // Errors of the catalog name its place. One that is locked by somebody else for a moment says nothing.
  if (state === null || kind === 'busy' || !message.includes(state)) return null;
  const { io, json } = context;
  const [{ stateNotWritable }, { troubleOf }] = await Promise.all([
    import('../../care/monitor/rules/installation.ts'),
    import('../../care/monitor/trouble.ts'),
  ]);
  const finding = stateNotWritable(state, troubleOf(error));
  if (json) printJson(io, { status: 'critical', findings: [finding] });
  else print(io, `CRITICAL - ${plain(finding.message)}`, ...describe(io, finding));
  return 'critical';
}

/** Not an error of the usual kind: what calls this reads the standard output and knows four exit codes. */
function couldNotCheck({ io, json }: CommandContext, error: unknown): Ending {
  const { code, message, hint = null } = toHoldfastError(error);
  if (json) printJson(io, { status: 'unknown', findings: [], error: { code, message, hint } });
  else {
    const lines = hint === null ? [] : hanging('    hint: ', plain(hint), widthOf(io));
    print(io, `UNKNOWN - ${plain(message.replaceAll(/\s*\n\s*/g, ' '))} (${code})`, ...lines);
  }
  return 'unknown';
}

function describe(io: Io, { severity, code, message, meaning, hint }: Finding): string[] {
  const style = styleFor(io.color);
  const mark = severity === 'critical' ? 'bad' : 'warn';
  return [
    ...hanging(`${sign(style, mark)} `, `${plain(message)} (${code})`, widthOf(io)),
    ...hanging('    ', plain(meaning), widthOf(io)),
    ...hanging(`    ${style.accent('hint:')} `, plain(hint), widthOf(io)),
  ];
}

/** A bar begins the performance data, wherever it stands. */
function plain(text: string): string {
  return printable(text).replaceAll('|', '¦');
}

function widthOf(io: Io): number {
  return io.terminal ? io.columns : Number.POSITIVE_INFINITY;
}
