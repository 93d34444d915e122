import type { Command } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { plural } from '../output/text.ts';

export const rebuild: Command = {
  name: 'rebuild',
  summary: 'read the catalog anew from the storages',
  group: 'care',
  examples: [{ line: 'holdfast rebuild', does: 'after moving to a new machine, or when the state folder was lost' }],
  help: `The storages are the truth; what the state folder knows of backups is only a faster way to it. Holds and drill results
are read back, too. The history of runs is not in the storages and stays as it is.`,
  run: async (context) => {
    const { io, signal } = context;
    const { catalog, clock, storages, sources } = await context.house();
    const { rebuild: readAnew } = await import('../../care/inventory.ts');
    const { withRun } = await import('../../catalog/run.ts');
    using progress = showProgress(context);
    const result = await withRun(
      { operation: 'rebuild', source: null, trigger: 'manual', catalog, clock, signal, report: progress.report },
      async (run) => ({
        state: 'succeeded',
        result: await readAnew({ storages, sources: sources.map(({ name }) => name), catalog, signal: run.signal }),
      }),
    );
    if (context.json) return printJson(io, result);
    const style = styleFor(io.color);
    print(
      io,
      `${style.good('catalog rebuilt')}  ${plural(result.backups, 'backup')}, ${plural(result.drills, 'drill')}`,
    );
    if (result.corrupt > 0)
      print(io, style.bad(`${plural(result.corrupt, 'backup')} cannot be read; see \`holdfast list\``));
  },
};
