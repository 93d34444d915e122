import { manifestJsonSchema } from '../src/archive/format/manifest-schema.ts';
import { globalOptions } from '../src/cli/build-program.ts';
import type { Command, CommandOption } from '../src/cli/command.ts';
import { commands } from '../src/cli/commands/index.ts';
import { environmentPage } from '../src/config/environment-page.ts';
import { presetsPage } from '../src/config/presets/page.ts';
import { configJsonSchema } from '../src/config/schema.ts';

/** The pages that the program itself knows best, by path. `npm run docs` writes them; `npm run check` compares. */
export function generatedDocs(): Map<string, string> {
  return new Map([
    ['docs/commands.md', commandsPage()],
    ['docs/environment.md', environmentPage()],
    ['docs/presets.md', presetsPage()],
    ['docs/holdfast.schema.json', json(configJsonSchema())],
    ['docs/manifest.schema.json', json(manifestJsonSchema())],
  ]);
}

function commandsPage(): string {
  const shown = commands.filter(({ group }) => group !== undefined);
  return `# Commands

<!-- Made by npm run docs from src/cli/commands/. -->

Ids: the whole one, a unique prefix, or \`latest\`. With \`--json\`, the standard output is data only. Exit codes: [JSON output](json.md#exit-codes).

Every command also takes:

${optionsTable(globalOptions)}
${shown.map((command) => section(command, 'holdfast', 2)).join('\n')}`;
}

function section(command: Command, before: string, level: number): string {
  const name = `${before} ${command.name}`;
  const below = command.commands ?? [];
  const options = command.options?.filter(({ hidden }) => !hidden) ?? [];
  const values = (command.arguments ?? []).map(({ name: argument, optional, repeat }) => {
    const text = repeat ? `${argument}...` : argument;
    return optional ? ` [${text}]` : ` <${text}>`;
  });
  const described = (command.arguments ?? []).map((argument) => `- \`${argument.name}\`: ${argument.summary}`);
  return [
    `${'#'.repeat(level)} \`${name}\``,
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    ...(command.run ? [`\`${name}${values.join('')}${options.length > 0 ? ' [options]' : ''}\``] : []),
    ...(described.length > 0 ? [described.join('\n')] : []),
    ...(options.length > 0 ? [optionsTable(options).trimEnd()] : []),
    ...(command.help ? [command.help.trim().replaceAll('<', '&lt;')] : []),
    exampleBlock(command),
    ...(command.aliases?.length ? [`Also: ${command.aliases.map((alias) => `\`${alias}\``).join(', ')}.`] : []),
    ...below.map((each) => section(each, name, level + 1).trimEnd()),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

function exampleBlock({ examples }: Command): string {
  const width = Math.max(...examples.map(({ line }) => line.length));
  return `\`\`\`sh\n${examples.map(({ line, does }) => `${line.padEnd(width)}  # ${does}`).join('\n')}\n\`\`\``;
}

function optionsTable(options: readonly CommandOption[]): string {
  const rows = options.map(({ name, short, value, summary, choices }) => {
    const typed = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`;
    const among = choices === undefined ? '' : ` (${choices.map((choice) => `\`${choice}\``).join(', ')})`;
    return `| \`${typed}\` | ${summary.replaceAll('|', '\\|')}${among} |`;
  });
  return `| option | does |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
