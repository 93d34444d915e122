import { Argument, InvalidArgumentError, Option, Command as Program } from 'commander';
import { styleFor, type Style } from './output/style.ts';
import { columnsOf, padTo, wrap } from './output/text.ts';
import type { Command, CommandArgument, CommandInput, CommandOption, Io } from './command.ts';
import { inputOf, type Given } from './input.ts';
import { rootHelp } from './root-help.ts';

export interface Globals {
  config?: string;
  source?: string;
  storage?: string;
  identity?: string;
  json?: boolean;
  debug?: boolean;
  yes?: boolean;
}

export interface BuildOptions {
  commands: readonly Command[];
  version: string;
  io: Pick<Io, 'stdout' | 'stderr' | 'color' | 'columns' | 'terminal'>;
  /** Called when a command line was understood. */
  onCommand(command: Command, globals: Globals, input: CommandInput): void;
}

export const globalOptions: readonly CommandOption[] = [
  { name: 'config', value: 'file', summary: 'configuration file (also HOLDFAST_CONFIG)', complete: 'file' },
  { name: 'source', value: 'name', summary: 'which source, where there are several', complete: 'source' },
  {
    name: 'storage',
    value: 'name',
    summary: 'which storage; default: the primary one of the source',
    complete: 'storage',
  },
  {
    name: 'identity',
    value: 'file',
    summary: 'an age identity that opens encrypted backups',
    complete: 'file',
  },
  { name: 'json', summary: 'print data as JSON; messages stay on the error output' },
  { name: 'yes', short: 'y', summary: 'answer questions with yes; never skips a guard' },
  { name: 'debug', summary: 'show every step and the stack of an error' },
  { name: 'no-color', summary: 'no colours (also NO_COLOR)' },
];

/** The command line as commander parses it, made from our own descriptions. */
export function buildProgram(options: BuildOptions): Program {
  const program = new Program('holdfast')
    .description('Backups you have already restored.')
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride();
  for (const option of globalOptions) program.addOption(toOption(option));
  configureLook(program, options.io);
  for (const command of options.commands) addCommand(program, command, options);
  const { io, commands } = options;
  program.helpInformation = () => rootHelp(program, program.createHelp(), commands, styleFor(io.color));
  return program;
}

function addCommand(parent: Program, command: Command, options: BuildOptions): void {
  const made = parent
    .createCommand(command.name)
    .copyInheritedSettings(parent)
    .helpCommand(false)
    .summary(command.summary)
    .description(`${capitalize(command.summary)}.`)
    .aliases([...(command.aliases ?? [])]);
  for (const argument of command.arguments ?? []) made.addArgument(toArgument(argument));
  for (const option of command.options ?? []) made.addOption(toOption(option));
  // First: whether a command stands at the top is asked of its parent.
  parent.addCommand(made);
  for (const below of command.commands ?? []) addCommand(made, below, options);
  if (command.run) {
    made.action((...typed: unknown[]) => {
      const globals = made.optsWithGlobals<Globals>();
      options.onCommand(
        command,
        globals,
        inputOf(given(command, typed.slice(0, made.registeredArguments.length), made.opts())),
      );
    });
  }
  made.addHelpText('after', () => afterHelp(command, options.io));
}

function toArgument(argument: CommandArgument): Argument {
  const name = argument.repeat ? `${argument.name}...` : argument.name;
  const made = new Argument(argument.optional ? `[${name}]` : `<${name}>`, argument.summary);
  if (argument.choices) return made.choices(argument.choices);
  return made.argParser((text: string, before: unknown) => {
    assertFilled(text);
    return argument.repeat ? [...(Array.isArray(before) ? (before as string[]) : []), text] : text;
  });
}

function toOption(option: CommandOption): Option {
  const value = option.value === undefined ? '' : ` <${option.value}>`;
  const made = new Option(`${option.short ? `-${option.short}, ` : ''}--${option.name}${value}`, option.summary);
  if (option.choices) made.choices(option.choices);
  if (option.repeat)
    made.argParser((text: string, before: string[] | undefined) => [...(before ?? []), chosen(option, text)]);
  else if (option.value !== undefined && !option.choices) made.argParser((text: string) => chosen(option, text));
  return made.hideHelp(option.hidden ?? false);
}

/** Our parser takes the place of the one that commander makes for choices. */
function chosen({ choices, mayBeEmpty }: CommandOption, text: string): string {
  if (!mayBeEmpty) assertFilled(text);
  if (!choices || choices.includes(text)) return text;
  throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
}

/** In a script, of a variable that is not set: whoever meant another place must not get the usual one, or that of the server. */
function assertFilled(text: string): void {
  if (text === '') throw new InvalidArgumentError('It is empty.');
}

function given(command: Command, typed: readonly unknown[], opts: Record<string, unknown>): Given {
  const values = (command.arguments ?? []).map((argument, index) => [argument.name, typed[index]] as const);
  const options = (command.options ?? []).map((option) => {
    const value = opts[toOption(option).attributeName()];
    return [option.name, option.name.startsWith('no-') ? value === false : value] as const;
  });
  return Object.fromEntries([...values, ...options]) as Given;
}

function configureLook(program: Program, io: BuildOptions['io']): void {
  const style = styleFor(true);
  program
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // The error is thrown, too, and shown in our own form.
      outputError: () => undefined,
      getOutHelpWidth: () => widthOf(io),
      getErrHelpWidth: () => widthOf(io),
      getOutHasColors: () => io.color,
      getErrHasColors: () => io.color,
    })
    .configureHelp({
      styleTitle: (text) => style.bold(text),
      styleOptionText: (text) => style.accent(text),
      styleArgumentText: (text) => style.accent(text),
      styleSubcommandText: (text) => style.accent(text),
      commandUsage: usageOf,
      subcommandTerm: (command) => command.name(),
      argumentTerm: (argument) => argument.name(),
    });
}

/** Without the other names: they stand at the end, where they do not look like something to type. */
function usageOf(command: Program): string {
  const words = [command.name()];
  for (let at = command.parent; at; at = at.parent) words.unshift(at.name());
  const below = command.commands.length > 0 ? ['<command>'] : [];
  const taken = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [...words, ...below, ...taken, '[options]'].join(' ');
}

function afterHelp(command: Command, io: BuildOptions['io']): string {
  const style = styleFor(io.color);
  const columns = widthOf(io);
  const sections = [
    ...(command.help ? [wrap(command.help, columns).join('\n')] : []),
    [style.bold('Examples:'), ...exampleLines(command, columns, style)].join('\n'),
    ...(command.aliases?.length ? [`Also known as: ${command.aliases.join(', ')}`] : []),
    style.dim(
      wrap(
        `Every command also takes ${globalOptions.map(({ name }) => `--${name}`).join(', ')}; see holdfast --help.`,
        columns,
      ).join('\n'),
    ),
  ];
  return `\n${sections.join('\n\n')}\n`;
}

/** What it does stands beside the line to type where there is room for all of them, and above it otherwise. */
function exampleLines({ examples }: Command, columns: number, style: Style): string[] {
  const width = Math.max(...examples.map(({ line }) => columnsOf(line)));
  const beside = examples.every(({ does }) => width + columnsOf(does) + 6 <= columns);
  return examples.flatMap(({ line, does }) =>
    beside ? [`  ${padTo(line, width)}  ${style.dim(`# ${does}`)}`] : [`  ${style.dim(`# ${does}`)}`, `  ${line}`],
  );
}

function widthOf(io: BuildOptions['io']): number {
  return Math.min(io.columns, 100);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
