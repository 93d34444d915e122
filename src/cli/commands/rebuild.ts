import { HoldfastError } from '../../base/errors.ts';
import type { House } from '../../house.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Command, CommandContext } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { plural } from '../output/text.ts';

export const rebuild: Command = {
  name: 'rebuild',
  summary: 'read the catalog anew from the storages',
  group: 'care',
  examples: [
    { line: 'holdfast rebuild', does: 'after moving to a new machine, or when the state folder was lost' },
    { line: 'holdfast rebuild --storage offsite', does: 'one storage' },
    { line: 'holdfast rebuild --source shop', does: 'one source; what is known of the others stays' },
  ],
  help: `Without configured sources, all that the storages hold are read. The storages are the truth; what the state folder knows of backups is only a faster way to it. Holds and drill results
are read back, too. The history of runs is not in the storages and stays as it is.`,
  run: async (context) => {
    const { io, signal } = context;
    const house = await context.house();
    const { catalog, clock } = house;
    const storages = pickStorages(house, context.storage);
    const all = context.source === undefined;
    const names = await sourcesIn(house, storages, context);
    const { rebuild: readAnew } = await import('../../care/stock/inventory.ts');
    const { withRun } = await import('../../catalog/run.ts');
    using progress = showProgress(context);
    const result = await withRun(
      { operation: 'rebuild', source: null, trigger: 'manual', catalog, clock, signal, report: progress.report },
      async (run) => ({
        state: 'succeeded',
        result: await readAnew({ storages, sources: names, all, catalog, signal: run.signal }),
      }),
    );
    if (context.json) return printJson(io, result);
    const style = styleFor(io.color);
    print(
      io,
      `${style.good('catalog rebuilt')}  ${plural(result.backups, 'backup')}, ${plural(result.drills, 'drill')}`,
    );
    if (result.corrupt > 0) print(io, style.bad(`${plural(result.corrupt, 'backup')} damaged; see \`holdfast list\``));
    if (result.unreadable > 0)
      print(io, style.bad(`${plural(result.unreadable, 'backup')} cannot be read here; see \`holdfast list\``));
  },
};

function pickStorages({ storages }: House, name: string | undefined): readonly Storage[] {
  if (name === undefined) return storages;
  const found = storages.filter((storage) => storage.name === name);
  if (found.length > 0) return found;
  throw new HoldfastError('STORAGE_UNKNOWN', `there is no storage named "${name}"`, {
    kind: 'usage',
    hint: `There are: ${storages.map((storage) => storage.name).join(', ')}.`,
  });
}

/** Those that are configured; where none is, whatever the storages tell of. */
async function sourcesIn(
  { sources }: House,
  storages: readonly Storage[],
  { source, signal }: CommandContext,
): Promise<string[]> {
  if (source !== undefined) return [source];
  if (sources.length > 0) return sources.map(({ name }) => name);
  const { findSources } = await import('../../care/stock/find-sources.ts');
  const found = await findSources(storages, { signal });
  const [first] = found.unreachable;
  if (first) throw first.error;
  return found.sources.map(({ name }) => name);
}
