import { partsOfRestore } from '../argv.ts';
import type { Command, CommandOption, Completion } from '../command.ts';
import { asTwoWords, completedCommands, quoted, valuesCommand, type CompletedCommand } from './words.ts';

export function fishCompletion(commands: readonly Command[]): string {
  const all = completedCommands(commands);
  const top = all.filter(({ path }) => path.length === 1);
  return [
    '# holdfast completion for fish: holdfast completion fish | source',
    'complete -c holdfast -f',
    ...top.map(
      ({ path, summary }) => `complete -c holdfast -n __fish_use_subcommand -a ${path[0]} -d ${quoted(summary)}`,
    ),
    ...all.flatMap((each) => [
      ...belowLines(each),
      ...argumentLines(each),
      ...each.options.map((option) => optionLine(each, option)),
    ]),
    '',
  ].join('\n');
}

function belowLines({ path, below }: CompletedCommand): string[] {
  if (below.length === 0) return [];
  const none = `not __fish_seen_subcommand_from ${below.map(({ name }) => name).join(' ')}`;
  return below.map(
    ({ name, summary }) =>
      `complete -c holdfast -n "__fish_seen_subcommand_from ${path.join(' ')}; and ${none}" -a ${name} -d ${quoted(summary)}`,
  );
}

function argumentLines(command: CompletedCommand): string[] {
  const words = wordsOf(command.argument?.choices, command.argument?.complete);
  return words === null ? [] : [`complete -c holdfast -n ${condition(command)} ${words}`];
}

function optionLine(command: CompletedCommand, option: CommandOption): string {
  const words = option.value === undefined ? null : (wordsOf(option.choices, option.complete) ?? '-x');
  return `complete -c holdfast -n ${condition(command)} -l ${option.name}${words === null ? '' : ` ${words}`} -d ${quoted(option.summary)}`;
}

function condition({ path, names }: CompletedCommand): string {
  const [outer = ''] = path;
  const seen = (...words: string[]) => `__fish_seen_subcommand_from ${words.join(' ')}`;
  const last = seen(...names);
  if (path.length > 1) return `"${seen(outer)}; and ${last}"`;
  const [apart] = asTwoWords(outer).map((words) => words.split(' ').map((word) => seen(word)));
  if (apart) return `"${apart.join('; and ')}; or ${last}"`;
  return outer === 'restore' ? `"${last}; and not ${seen(...partsOfRestore)}"` : `"${last}"`;
}

function wordsOf(choices: readonly string[] | undefined, kind: Completion | undefined): string | null {
  if (choices) return `-x -a ${quoted(choices.join(' '))}`;
  if (kind === undefined) return null;
  const values = valuesCommand(kind);
  return values === null ? '-r -F' : `-x -a "(${values})"`;
}
