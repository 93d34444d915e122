import type { ShownSetting } from '../../config/effective.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Command, CommandContext, Ending } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { plural } from '../output/text.ts';

const show: Command = {
  name: 'show',
  summary: 'the effective configuration, with the origin of each value and secrets masked',
  examples: [
    { line: 'holdfast config show', does: 'what is in effect, and why' },
    { line: 'holdfast config show --source shop --json', does: 'one source, for programs' },
  ],
  run: async (context) => {
    const loaded = await context.loadConfig();
    const { effectiveSettings } = await import('../../config/effective.ts');
    const settings = effectiveSettings(loaded).filter((setting) => isAbout(setting, context.source));
    const { file, preset, warnings, notes } = loaded;
    if (context.json) return printJson(context.io, { file, preset, settings, warnings, notes });
    print(context.io, ...(await renderSettings(context, settings)));
    for (const text of [...notes.map((note) => `note: ${note}`), placeOf(loaded)])
      context.io.screen.line(styleFor(context.io.errorColor).dim(text));
  },
};

const validate: Command = {
  name: 'validate',
  summary: 'check the configuration; every problem at once, exit code 2 when there is one',
  examples: [
    { line: 'holdfast config validate', does: 'the configuration in effect' },
    { line: 'holdfast config validate --config new.yaml', does: 'a file before it is used' },
  ],
  run: async (context) => {
    const { HoldfastError } = await import('../../base/errors.ts');
    try {
      const loaded = await context.loadConfig();
      const sources = Object.keys(loaded.config.sources);
      const { file, preset, warnings, notes } = loaded;
      if (context.json) printJson(context.io, { ok: true, file, preset, sources, problems: [], warnings, notes });
      else
        print(
          context.io,
          `${styleFor(context.io.color).good('✓')} ${placeOf(loaded)}: ${plural(sources.length, 'source')}, no problems`,
        );
      return 'done' satisfies Ending;
    } catch (error) {
      if (!context.json || !(error instanceof HoldfastError) || error.code !== 'CONFIG_INVALID') throw error;
      printJson(context.io, { ok: false, ...error.details, warnings: [], notes: [] });
      return 'usage' satisfies Ending;
    }
  },
};

const exportCommand: Command = {
  name: 'export',
  summary: 'print an equivalent holdfast.yaml; secrets as references, never themselves',
  examples: [{ line: 'holdfast config export > holdfast.yaml', does: 'from variables to a file' }],
  help: `A secret that stands in the configuration itself becomes a reference to a variable, with a comment that names it.`,
  run: async (context) => {
    const loaded = await context.loadConfig();
    const { exportConfig } = await import('../../config/export.ts');
    context.io.stdout.write(exportConfig(loaded));
  },
};

export const config: Command = {
  name: 'config',
  summary: 'show, check or export the configuration',
  group: 'care',
  commands: [show, validate, exportCommand],
  examples: [{ line: 'holdfast config show', does: 'what is in effect, and where it comes from' }],
};

function isAbout({ path }: ShownSetting, source: string | undefined): boolean {
  if (source === undefined) return true;
  return [`sources.${source}.`, `sources[${JSON.stringify(source)}].`].some((prefix) => path.startsWith(prefix));
}

async function renderSettings({ io }: CommandContext, settings: readonly ShownSetting[]): Promise<string[]> {
  const style = styleFor(io.color);
  return renderTable(
    io,
    [{ title: 'SETTING' }, { title: 'VALUE', shrinksTo: 24 }, { title: 'FROM', shrinksTo: 12 }],
    settings.map(({ path, value, origin }) => [
      path,
      textOf(value),
      origin === 'default' ? { text: origin, paint: style.dim } : origin,
    ]),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function placeOf({ file, preset }: LoadedConfig): string {
  return file ?? `configuration from the environment${preset === null ? '' : ` (preset ${preset})`}`;
}
