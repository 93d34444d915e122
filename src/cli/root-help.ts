import type { Help, Command as Program } from 'commander';
import type { Command, CommandGroup } from './command.ts';
import type { Style } from './output/style.ts';
import { padTo } from './output/text.ts';

export const groupTitles: Record<CommandGroup, string> = {
  start: 'Begin',
  protect: 'Back up',
  look: 'Look',
  prove: 'Prove',
  recover: 'Recover',
  care: 'Keep in order',
};

/** What `holdfast --help` prints: commands first, one line each, then the options they all take. */
export function rootHelp(program: Program, helper: Help, commands: readonly Command[], style: Style): string {
  const listed = commands.filter(({ group }) => group !== undefined);
  const options = helper.visibleOptions(program);
  const width = Math.max(
    ...listed.map(({ name }) => name.length),
    ...options.map((option) => helper.optionTerm(option).length),
  );
  const line = (term: string, does: string) => `  ${style.accent(padTo(term, width))}  ${does}`;
  const groups = Object.entries(groupTitles).map(([group, title]) => [
    style.bold(title),
    ...listed.filter((command) => command.group === group).map(({ name, summary }) => line(name, summary)),
    '',
  ]);
  return [
    `${style.bold('holdfast <command> [options]')}  ${program.description()}`,
    '',
    ...groups.flat(),
    style.bold('Options of every command'),
    ...options.map((option) => line(helper.optionTerm(option), helper.optionDescription(option))),
    '',
    `What a command does in detail: ${style.accent('holdfast <command> --help')}`,
    '',
  ].join('\n');
}
