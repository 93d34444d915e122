import type { Command, CommandContext, Completion } from '../command.ts';
import { print } from '../output/print.ts';
import { wrongUsage } from '../usage-error.ts';

export const completion: Command = {
  name: 'completion',
  summary: 'completion of commands, options and ids for your shell',
  group: 'start',
  arguments: [{ name: 'shell', summary: 'which shell', optional: true, choices: ['bash', 'zsh', 'fish'] }],
  options: [
    {
      name: 'values',
      value: 'kind',
      summary: 'the words for one place; the scripts ask for them',
      choices: ['source', 'storage', 'backup', 'run'],
      hidden: true,
    },
  ],
  examples: [
    { line: 'eval "$(holdfast completion bash)"', does: 'in ~/.bashrc' },
    { line: 'eval "$(holdfast completion zsh)"', does: 'in ~/.zshrc' },
    { line: 'holdfast completion fish | source', does: 'in ~/.config/fish/config.fish' },
  ],
  run: async (context, input) => {
    const values = input.text('values') as Completion | undefined;
    if (values !== undefined) return print(context.io, ...(await valuesOf(context, values)));
    const script = await scriptFor(input.text('shell'));
    context.io.stdout.write(script(context.commands));
  },
};

async function scriptFor(shell: string | undefined): Promise<(commands: readonly Command[]) => string> {
  switch (shell) {
    case 'bash':
      return (await import('../completion/bash.ts')).bashCompletion;
    case 'zsh':
      return (await import('../completion/zsh.ts')).zshCompletion;
    case 'fish':
      return (await import('../completion/fish.ts')).fishCompletion;
    default:
      throw wrongUsage('completion for which shell?', 'Name it: `holdfast completion bash`, zsh or fish.');
  }
}

/** From the configuration and the catalog only: somebody is waiting with a finger on the key. */
async function valuesOf(context: CommandContext, kind: Completion): Promise<string[]> {
  const house = await context.house();
  switch (kind) {
    case 'source':
      return house.sources.map(({ name }) => name);
    case 'storage':
      return house.storages.map(({ name }) => name);
    case 'run':
      return house.catalog.runs.list({ limit: 50 }).map(({ id }) => id);
    case 'backup': {
      const rows = house.sources.flatMap((source) =>
        source.storages.flatMap((storage) => house.catalog.backups.list(storage.name, source.name)),
      );
      return ['latest', ...new Set(rows.map(({ id }) => id))];
    }
    default:
      return [];
  }
}
