import { partsOfRestore } from '../argv.ts';
import type { Command, CommandOption, Completion } from '../command.ts';
import { completedCommands, quoted, valuesCommand, type CompletedCommand } from './words.ts';

export function zshCompletion(commands: readonly Command[]): string {
  const all = completedCommands(commands);
  const top = all
    .filter(({ path }) => path.length === 1)
    .map(({ path, summary }) => ({ name: path[0] ?? '', summary }));
  return `#compdef holdfast
# holdfast completion for zsh: eval "$(holdfast completion zsh)", or this text as a file _holdfast in your fpath
_holdfast_values() {
  local -a values
  values=(\${(f)"$(holdfast completion --values $@[-1] 2>/dev/null)"})
  # What \`_arguments\` has to say to compadd comes first.
  compadd "\${@[1,-2]}" -a values
}
_holdfast_commands() {
  local -a names
  names=(${top.map(describe).join(' ')})
  _describe command names
}
_holdfast() {
  local line state
  _arguments -C '1: :_holdfast_commands' '*:: :->rest'
  [[ $state == rest ]] || return
  if (( CURRENT > 2 )) && [[ "$words[1] $words[2]" == restore\\ (${partsOfRestore.join('|')}) ]]; then
    words=("restore-$words[2]" "\${words[@]:2}")
    (( CURRENT-- ))
  fi
  case $words[1] in
${all
  .filter(({ path }) => path.length === 1)
  .map((each) => `    ${each.names.join('|')}) ${argumentsOf(each, all)} ;;`)
  .join('\n')}
  esac
}
compdef _holdfast holdfast
`;
}

function argumentsOf(command: CompletedCommand, all: readonly CompletedCommand[]): string {
  const { argument, below } = command;
  const options = command.options.map(specOf);
  if (below.length === 0) {
    const first = argument
      ? [
          quoted(
            `${argument.repeat ? '*' : '1'}:${plain(argument.name)}:${action(argument.choices, argument.complete)}`,
          ),
        ]
      : [];
    return ['_arguments', ...options, ...first].join(' ');
  }
  const inner = all.filter(({ path }) => path.length === 2 && path[0] === command.path[0]);
  const names = inner.map(({ path, summary }) => describe({ name: path[1] ?? '', summary }));
  // What `_arguments` looks at begins with the command itself: one word further on for a command below another.
  const each = inner.map((one) => `${one.names.join('|')}) shift words; (( CURRENT-- )); ${argumentsOf(one, all)} ;;`);
  return `if (( CURRENT == 2 )); then local -a names; names=(${names.join(' ')}); _describe command names; else case $words[2] in ${each.join(' ')} *) _arguments ${options.join(' ')} ;; esac; fi`;
}

function specOf(option: CommandOption): string {
  const value = option.value === undefined ? '' : `:${plain(option.value)}:${action(option.choices, option.complete)}`;
  return quoted(`${option.repeat ? '*' : ''}--${option.name}[${plain(option.summary)}]${value}`);
}

function action(choices: readonly string[] | undefined, kind: Completion | undefined): string {
  if (choices) return `(${choices.join(' ')})`;
  if (kind === undefined) return ' ';
  if (kind === 'folder') return '_files -/';
  return valuesCommand(kind) === null ? '_files' : `_holdfast_values ${kind}`;
}

function describe({ name, summary }: { name: string; summary: string }): string {
  return quoted(`${name}:${plain(summary)}`);
}

/** Without what means something to `_arguments`. */
function plain(text: string): string {
  return text
    .replaceAll(/[[\]:\\`]/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim();
}
