import { partsOfRestore } from '../argv.ts';
import { globalOptions } from '../build-program.ts';
import type { Command, CommandArgument, CommandOption, Completion } from '../command.ts';

/** One command as a shell needs it: its path (`config show`), and what may stand behind it. */
export interface CompletedCommand {
  path: readonly string[];
  summary: string;
  /** All names of the last word of the path. */
  names: readonly string[];
  below: readonly { name: string; summary: string }[];
  options: readonly CommandOption[];
  /** What its first argument can be; the others are completed alike. */
  argument: CommandArgument | undefined;
}

export function completedCommands(commands: readonly Command[], path: readonly string[] = []): CompletedCommand[] {
  return commands.flatMap((command) => {
    const here = [...path, command.name];
    return [
      {
        path: here,
        summary: command.summary,
        names: [command.name, ...(command.aliases ?? [])],
        below: (command.commands ?? []).map(({ name, summary }) => ({ name, summary })),
        options: [...(command.options ?? []).filter(({ hidden }) => !hidden), ...globalOptions],
        argument: command.arguments?.[0],
      },
      ...completedCommands(command.commands ?? [], here),
    ];
  });
}

/** The words that `holdfast completion --values` prints are asked for while typing: names that the configuration and the catalog know. */
export function valuesCommand(kind: Completion): string | null {
  return kind === 'file' || kind === 'folder' ? null : `holdfast completion --values ${kind} 2>/dev/null`;
}

/** In single quotes for any of the shells. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** `restore files`, of `restore-files`. */
export function asTwoWords(name: string): string[] {
  return partsOfRestore.filter((part) => name === `restore-${part}`).map((part) => `restore ${part}`);
}
