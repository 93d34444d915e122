import { removeBackup } from '../archive/remove.ts';
import { assertVerified, verifyCopy, type VerifyTask } from '../care/proof/verify.ts';

type ReadBack = Pick<VerifyTask, 'source' | 'catalog' | 'clock' | 'scratch' | 'signal' | 'report'>;

/**
 * Reads the sealed backup back from the storage. A backup that turns out damaged is not left lying about as if it were one. What a tool
 * says of bytes that are as they were stored has to be said twice.
 */
export async function proveReadable(task: ReadBack, id: string): Promise<void> {
  const [storage] = task.source.storages;
  const look = () => verifyCopy({ ...task, storage, id, depth: 'structure' });
  let result = await look();
  if (!result.ok && result.checks.every(({ ok, check }) => ok || check === 'structure')) {
    task.report({ kind: 'warning', message: `${id} could not be read to its end; it is read once more` });
    result = await look();
  }
  if (result.ok) return;
  await removeBackup(storage, task.source.name, id, task.signal);
  task.catalog.proofs.remove(task.source.name, id);
  task.catalog.copies.remove(task.source.name, id);
  assertVerified(result);
}
