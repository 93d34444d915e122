import type { Command, Completion } from '../command.ts';
import { asTwoWords, completedCommands, valuesCommand, type CompletedCommand } from './words.ts';

/** Works with bash alone (3.2 of macOS included); the package bash-completion is not needed. */
export function bashCompletion(commands: readonly Command[]): string {
  const all = completedCommands(commands);
  const top = all.filter(({ path }) => path.length === 1);
  return `# holdfast completion for bash: eval "$(holdfast completion bash)"
_holdfast() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case "$command $word" in
${all.flatMap(pathCases).join('\n')}
    esac
  done
  COMPREPLY=()
  case "$command $before" in
${all.flatMap(valueCases).join('\n')}
  esac
  if [[ $current == -* ]]; then
    case $command in
${all.map((each) => `      ${pattern(each)}) COMPREPLY=($(compgen -W '${flags(each)}' -- "$current")) ;;`).join('\n')}
    esac
    return
  fi
  case $command in
    '') COMPREPLY=($(compgen -W '${top.map(({ path }) => path[0]).join(' ')}' -- "$current")) ;;
${all.flatMap(argumentCases).join('\n')}
  esac
}
complete -F _holdfast holdfast
`;
}

function pathCases({ path, names }: CompletedCommand): string[] {
  const outer = path.slice(0, -1).join('_');
  const typed = names.flatMap((name) => [`'${outer} ${name}'`, ...asTwoWords(name).map((words) => `'${words}'`)]);
  return [`      ${typed.join(' | ')}) command=${path.join('_')} ;;`];
}

function valueCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap((option) => {
    if (option.value === undefined) return [];
    const words = wordsOf(option.choices, option.complete);
    return [`    '${path.join('_')} --${option.name}') ${words === null ? '' : `COMPREPLY=(${words}); `}return ;;`];
  });
}

function argumentCases(command: CompletedCommand): string[] {
  const { below, argument } = command;
  const words =
    below.length > 0 ? compgenWords(below.map(({ name }) => name)) : wordsOf(argument?.choices, argument?.complete);
  return words === null ? [] : [`    ${pattern(command)}) COMPREPLY=(${words}) ;;`];
}

function wordsOf(choices: readonly string[] | undefined, kind: Completion | undefined): string | null {
  if (choices) return compgenWords(choices);
  if (kind === undefined) return null;
  const values = valuesCommand(kind);
  if (values === null) return `$(compgen ${kind === 'folder' ? '-d' : '-f'} -- "$current")`;
  return `$(compgen -W "$(${values})" -- "$current")`;
}

function compgenWords(words: readonly string[]): string {
  return `$(compgen -W '${words.join(' ')}' -- "$current")`;
}

function flags({ options }: CompletedCommand): string {
  return [...options.map(({ name }) => `--${name}`), '--help'].join(' ');
}

function pattern({ path }: CompletedCommand): string {
  return path.join('_');
}
