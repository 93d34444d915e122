import type { Hold } from '../../archive/hold.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { Command, CommandContext, Ending } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { sayUnreachable } from '../output/unreachable.ts';
import type { PickedBackup } from '../pick.ts';
import { pickBackup } from '../pick.ts';

export const hold: Command = {
  name: 'hold',
  summary: 'keep a backup whatever the retention says',
  group: 'care',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest`', complete: 'backup' }],
  options: [{ name: 'reason', value: 'text', mayBeEmpty: true, summary: 'why; shown wherever the mark is in the way' }],
  examples: [{ line: 'holdfast hold 2026-11-20 --reason "audit 2026"', does: 'until it is released' }],
  help: 'The mark lies beside the backup in each storage, so that every machine respects it.',
  run: async (context, input) => {
    const picked = await pickBackup(context, input);
    const mark: Hold = { at: context.clock.now().toISOString(), reason: input.text('reason') ?? null };
    const marked = await onCopies(context, picked, mark);
    return say(context, picked, { held: mark, ...marked });
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
    const marked = await onCopies(context, picked, null);
    return say(context, picked, { held: null, ...marked });
  },
};

interface Marked {
  storages: string[];
  failed: { storage: string; error: unknown }[];
}

/** A mark on one copy alone would let retention take the others. One storage that is down does not keep it from the rest. */
async function onCopies(
  context: CommandContext,
  { house, source, id }: PickedBackup,
  mark: Hold | null,
): Promise<Marked> {
  const { takeInventory } = await import('../../care/stock/inventory.ts');
  const { markHeld } = await import('../../care/removal/mark-held.ts');
  const request = { source: source.name, catalog: house.catalog, signal: context.signal };
  const storages = context.storage === undefined ? source.storages : [house.storageOf(source, context.storage)];
  const marked: Marked = { storages: [], failed: [] };
  for (const storage of storages) {
    try {
      const rows = await takeInventory({ ...request, storage });
      if (!rows.some((row) => row.id === id)) continue;
      await markHeld({ ...request, clock: context.clock, storage, id, mark });
      // Reads the mark back into the catalog.
      await takeInventory({ ...request, storage });
      marked.storages.push(storage.name);
    } catch (error) {
      throwIfAborted(context.signal);
      marked.failed.push({ storage: storage.name, error });
    }
  }
  if (marked.storages.length === 0 && marked.failed[0]) throw marked.failed[0].error;
  return marked;
}

function say(
  { io, json }: CommandContext,
  { source, id }: PickedBackup,
  { held, storages, failed }: Marked & { held: Hold | null },
): Ending {
  if (json) printJson(io, { id, source: source.name, held: held !== null, reason: held?.reason ?? null, storages });
  else print(io, `${styleFor(io.color).good(held ? 'held' : 'released')}  ${id} in ${storages.join(', ')}`);
  sayUnreachable(io, failed, 'say it again when it answers');
  return failed.length > 0 ? 'partial' : 'done';
}
