import type { Artifact } from '../archive/format/manifest.ts';
import type { StoredBackup } from '../archive/reader.ts';
import { step } from '../base/progress.ts';
import type { Source } from '../care/source.ts';
import { isGone, removedMeanwhile } from '../care/proof/removed-meanwhile.ts';
import { noteFound, type VerifyResult } from '../care/proof/verify.ts';
import type { RestoreTask } from './task.ts';

type Task = Pick<RestoreTask, 'catalog' | 'clock' | 'signal' | 'report'> & { source: Source };

/**
 * Compares what is stored with the manifest, before anything is laid down; damage is kept. Rejects with `BACKUP_BUSY` where the backup is not
 * there any more: until the lock of those who read it was held, somebody could remove it, and what was removed is not damaged.
 */
export async function checkBytes(
  task: Task,
  { archive, id }: { archive: StoredBackup; id: string },
  wanted?: (artifact: Artifact) => boolean,
): Promise<VerifyResult> {
  const { source, signal, report } = task;
  const { storage } = archive;
  const started = performance.now();
  const checks = await step(report, 'checksum', () => archive.checkDigests(report, signal, wanted));
  const ok = checks.every((check) => check.ok);
  const copy = { source, storage, id, signal };
  if (!ok && (await isGone(copy))) throw removedMeanwhile(copy);
  const result: VerifyResult = { id, ok, storage: storage.name, depth: 'checksum', checks };
  await noteFound(task, result, (performance.now() - started) / 1000);
  return result;
}
