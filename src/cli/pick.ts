import { HoldfastError } from '../base/errors.ts';
import type { Part } from '../care/backup-facts.ts';
import type { Source } from '../care/source.ts';
import type { NewerBackup } from '../care/stock/select.ts';
import type { BackupRow } from '../catalog/catalog.ts';
import type { House } from '../house.ts';
import type { Storage } from '../storage/storage.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { sayUnreachable } from './output/unreachable.ts';
import { wrongUsage } from './usage-error.ts';

/** The source a command is about: its argument `source`, or `--source`, or the only one there is, or the only one that has the backup `id`. */
export async function pickSource(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; source: Source }> {
  const house = await context.house();
  const name = named(context, input) ?? ownerOf(house, input.text('id'));
  return { house, source: await house.source(name, context.signal) };
}

/** The sources a looking command is about: the named one, or all. */
export async function pickSources(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; sources: readonly Source[] }> {
  const house = await context.house();
  const name = named(context, input);
  const { signal } = context;
  return { house, sources: name === undefined ? await house.findSources(signal) : [await house.source(name, signal)] };
}

function named({ source }: CommandContext, input: CommandInput): string | undefined {
  const argument = input.text('source');
  if (argument !== undefined && source !== undefined && argument !== source) {
    throw wrongUsage(`${argument} and --source ${source} are two sources`, 'Name one of them.');
  }
  return argument ?? source;
}

/** A full id tells its source where only one has it: what is printed as the next step can be typed as it stands. */
function ownerOf({ catalog, sources }: House, id: string | undefined): string | undefined {
  if (id === undefined || sources.length < 2) return undefined;
  const owners = sources.filter(({ name, storages }) =>
    storages.some((storage) => catalog.backups.list(storage.name, name).some((row) => row.id === id)),
  );
  if (owners.length < 2) return owners[0]?.name;
  throw new HoldfastError('SOURCE_NEEDED', `${id} is a backup of several sources, taken in the same second`, {
    kind: 'usage',
    hint: `Say which one with \`--source\`: ${owners.map(({ name }) => name).join(', ')}.`,
  });
}

export interface PickedBackup {
  house: House;
  source: Source;
  storage: Storage;
  id: string;
  row: BackupRow;
  /** Other storages that have it whole. */
  others: readonly Storage[];
  newer: NewerBackup | null;
}

/** The backup a command is about: its argument `id` (full, unique prefix or `latest`, which is also meant by none) in `--storage`, or where it is whole. */
export async function pickBackup(
  context: CommandContext,
  input: CommandInput,
  needed: Part | null = null,
): Promise<PickedBackup> {
  const { house, source } = await pickSource(context, input);
  const { resolveBackup } = await import('../care/stock/select.ts');
  const { storage, id, row, others, newer, unreachable } = await resolveBackup({
    source,
    storage: context.storage === undefined ? null : house.storageOf(source, context.storage),
    id: input.text('id') ?? 'latest',
    needed,
    catalog: house.catalog,
    signal: context.signal,
  });
  sayUnreachable(context.io, unreachable, 'this goes by the others');
  return { house, source, storage, id, row, others, newer };
}
