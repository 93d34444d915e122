import { toHoldfastError } from '../../base/errors.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { BackupRow } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import type { CopiesTask } from '../copies/copies.ts';
import { collectShared } from './collect-shared.ts';
import { takeInventory } from '../stock/inventory.ts';
import { removeCopy, type RemoveCopyTask } from './remove-copy.ts';
import { assertAllStay } from './stays.ts';

/**
 * For `deleteLocalAfterCopy`: removes copies on this machine whose backup lies complete, and compared byte by byte, in every other storage of the
 * source. One that is held or in use stays until the next time.
 */
export async function deleteLocalCopies(task: CopiesTask): Promise<{ id: string; storage: string }[]> {
  const { source, catalog, clock, signal } = task;
  const local = source.storages.filter((storage) => storage.localPath(source.name) !== null);
  const elsewhere = source.storages.filter((storage) => !local.includes(storage));
  if (local.length === 0 || elsewhere.length === 0) return [];
  const safe = await whereElse(task, elsewhere);
  const removed: { id: string; storage: string }[] = [];
  for (const storage of local) {
    for (const { id, state, held } of await inventory(task, storage)) {
      if (state !== 'complete' || held || !safe(id)) continue;
      const sure = () =>
        assertAllStay(elsewhere.map((to) => ({ storage: to, source: source.name, id, catalog, clock, signal })));
      if (await removeFrom({ ...task, storage, id, sure })) removed.push({ id, storage: storage.name });
    }
    if (removed.some((copy) => copy.storage === storage.name)) await collectShared({ ...task, storage });
  }
  return removed;
}

/** Whether a backup lies everywhere in these storages, by their own word and by the last time its bytes were compared. */
async function whereElse(task: CopiesTask, storages: readonly Storage[]): Promise<(id: string) => boolean> {
  const proofs = task.catalog.proofs.list({ source: task.source.name, kind: 'verify' });
  const places: Set<string>[] = [];
  for (const storage of storages) {
    const rows = await inventory(task, storage);
    const proven = ({ id }: BackupRow) =>
      proofs.find((proof) => proof.storage === storage.name && proof.backup === id)?.ok === true;
    places.push(new Set(rows.filter((row) => row.state === 'complete' && proven(row)).map(({ id }) => id)));
  }
  return (id) => places.every((ids) => ids.has(id));
}

async function removeFrom(task: RemoveCopyTask & CopiesTask): Promise<boolean> {
  const { storage, id } = task;
  try {
    await removeCopy(task);
    return true;
  } catch (error) {
    throwIfAborted(task.signal);
    const { kind, message } = toHoldfastError(error);
    if (kind !== 'busy' && kind !== 'refused')
      task.report({ kind: 'warning', message: `${id} was not removed from ${storage.name}: ${message}` });
    return false;
  }
}

function inventory({ source, catalog, signal }: CopiesTask, storage: Storage): Promise<BackupRow[]> {
  return takeInventory({ storage, source: source.name, catalog, signal });
}
