import type { Hold } from '../../archive/hold.ts';
import type { Command, CommandContext } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import type { PickedBackup } from '../pick.ts';
import { pickBackup } from '../pick.ts';

export const hold: Command = {
  name: 'hold',
  summary: 'keep a backup whatever the retention says',
  group: 'care',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', complete: 'backup' }],
  options: [{ name: 'reason', value: 'text', summary: 'why; shown wherever the mark is in the way' }],
  examples: [{ line: 'holdfast hold 2026-11-20 --reason "audit 2026"', does: 'until it is released' }],
  help: 'The mark lies beside the backup in each storage, so that every machine respects it.',
  run: async (context, input) => {
    const picked = await pickBackup(context, input);
    const { writeHold } = await import('../../archive/hold.ts');
    const mark: Hold = { at: context.clock.now().toISOString(), reason: input.text('reason') ?? null };
    const storages = await onCopies(context, picked, (storage) =>
      writeHold(storage, picked.source.name, picked.id, mark, context.signal),
    );
    say(context, picked, { held: mark, storages });
  },
};

export const release: Command = {
  name: 'release',
  summary: 'take the mark of `hold` away',
  group: 'care',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', complete: 'backup' }],
  examples: [{ line: 'holdfast release 2026-11-20', does: 'retention decides about it again' }],
  run: async (context, input) => {
    const picked = await pickBackup(context, input);
    const { removeHold } = await import('../../archive/hold.ts');
    const storages = await onCopies(context, picked, (storage) =>
      removeHold(storage, picked.source.name, picked.id, context.signal),
    );
    say(context, picked, { held: null, storages });
  },
};

/** A mark on one copy alone would let retention take the others. */
async function onCopies(
  context: CommandContext,
  { house, source, id }: PickedBackup,
  mark: (storage: PickedBackup['storage']) => Promise<void>,
): Promise<string[]> {
  const { takeInventory } = await import('../../care/inventory.ts');
  const request = { source: source.name, catalog: house.catalog, signal: context.signal };
  const storages = context.storage === undefined ? source.storages : [house.storageOf(source, context.storage)];
  const marked: string[] = [];
  for (const storage of storages) {
    const rows = await takeInventory({ ...request, storage });
    if (!rows.some((row) => row.id === id)) continue;
    await mark(storage);
    // Reads the mark back into the catalog.
    await takeInventory({ ...request, storage });
    marked.push(storage.name);
  }
  return marked;
}

function say(
  { io, json }: CommandContext,
  { source, id }: PickedBackup,
  { held, storages }: { held: Hold | null; storages: string[] },
): void {
  if (json)
    return printJson(io, { id, source: source.name, held: held !== null, reason: held?.reason ?? null, storages });
  print(io, `${styleFor(io.color).good(held ? 'held' : 'released')}  ${id} in ${storages.join(', ')}`);
}
