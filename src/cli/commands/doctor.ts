import type { Finding } from '../../care/doctor/doctor.ts';
import type { Command, CommandContext, Ending, Io } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { hanging, padTo, plural, printable } from '../output/text.ts';

export const doctor: Command = {
  name: 'doctor',
  aliases: ['test-config'],
  summary: 'check tools, connections, rights, storages; what to do',
  group: 'start',
  examples: [
    { line: 'holdfast doctor', does: 'everything the configuration names' },
    { line: 'holdfast doctor --source shop', does: 'one source and its storages' },
  ],
  help: `Changes nothing but a small probe in each storage, which it removes again. Ends with exit code 1 when anything failed;
warnings alone end with 0.`,
  run: runDoctor,
};

export async function runDoctor(context: CommandContext): Promise<Ending> {
  const findings = await gather(context);
  const ok = findings.every(({ result }) => result !== 'failed');
  if (context.json) printJson(context.io, { ok, findings });
  else print(context.io, ...renderFindings(context.io, findings));
  return ok ? 'done' : 'failed';
}

async function gather(context: CommandContext): Promise<Finding[]> {
  // A wrong configuration is no finding: its problems are told as everywhere else, with exit code 2.
  // Its warnings are findings here, and not told a second time.
  const loaded = await context.loadConfig({ quietly: true });
  const { configurationFindings, examineHouse } = await import('../examine-house.ts');
  return [...configurationFindings(loaded), ...(await examineHouse(context, loaded))];
}

function renderFindings(io: Io, findings: readonly Finding[]): string[] {
  const style = styleFor(io.color);
  const width = Math.max(...findings.map(({ check }) => check.length));
  const columns = io.terminal ? io.columns : Number.POSITIVE_INFINITY;
  const indent = ' '.repeat(width + 6);
  const lines = ({ result, check, detail, hint }: Finding) => [
    ...hanging(`  ${sign(style, signs[result])} ${padTo(check, width)}  `, printable(detail), columns),
    ...(hint === null ? [] : hanging(`${indent}${style.accent('hint:')} `, printable(hint), columns)),
  ];
  const blocks = Map.groupBy(findings, ({ subject }) => subject);
  return [
    ...[...blocks].flatMap(([subject, block]) => [style.bold(printable(subject)), ...block.flatMap(lines)]),
    '',
    summary(io, findings),
  ];
}

const signs = { ok: 'good', warning: 'warn', failed: 'bad' } as const;

function summary(io: Io, findings: readonly Finding[]): string {
  const style = styleFor(io.color);
  const count = (wanted: Finding['result']) => findings.filter(({ result }) => result === wanted).length;
  const [failed, warnings] = [count('failed'), count('warning')];
  if (failed > 0)
    return style.bad(`${plural(failed, 'check')} failed`) + (warnings > 0 ? `, ${plural(warnings, 'warning')}` : '');
  if (warnings > 0) return style.warn(`Ready, with ${plural(warnings, 'warning')}.`);
  return style.good('Ready.');
}
