import type { Source } from '../care/source.ts';
import type { BackupRow } from '../catalog/catalog.ts';
import type { House } from '../house.ts';
import type { Storage } from '../storage/storage.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { sayUnreachable } from './output/unreachable.ts';

/** The source a command is about: its argument `source`, or `--source`, or the only one there is. */
export async function pickSource(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; source: Source }> {
  const house = await context.house();
  return { house, source: await house.source(input.text('source') ?? context.source, context.signal) };
}

/** The sources a looking command is about: the named one, or all. */
export async function pickSources(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; sources: readonly Source[] }> {
  const house = await context.house();
  const name = input.text('source') ?? context.source;
  const { signal } = context;
  return { house, sources: name === undefined ? await house.findSources(signal) : [await house.source(name, signal)] };
}

export interface PickedBackup {
  house: House;
  source: Source;
  storage: Storage;
  id: string;
  row: BackupRow;
  /** Other storages that have it whole. */
  others: readonly Storage[];
}

/** The backup a command is about: its argument `id` (full, unique prefix or `latest`, which is also meant by none) in `--storage`, or where it is whole. */
export async function pickBackup(context: CommandContext, input: CommandInput): Promise<PickedBackup> {
  const house = await context.house();
  const source = await house.source(context.source, context.signal);
  const { resolveBackup } = await import('../care/select.ts');
  const { storage, id, row, others, unreachable } = await resolveBackup({
    source,
    storage: context.storage === undefined ? null : house.storageOf(source, context.storage),
    id: input.text('id') ?? 'latest',
    catalog: house.catalog,
    signal: context.signal,
  });
  sayUnreachable(context.io, unreachable, 'this goes by the others');
  return { house, source, storage, id, row, others };
}
