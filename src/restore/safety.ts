import { takeBackup } from '../backup/backup.ts';
import type { Parts } from '../backup/save-apps.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { listBackups } from '../care/stock/listing.ts';
import type { Source } from '../care/source.ts';
import type { Lease } from '../catalog/lease.ts';
import type { RestoreTask } from './task.ts';

/** Backs up what lives before it is replaced; the restore waits for it, and does not begin without. */
export async function safetyBackup(
  task: Omit<RestoreTask, 'request' | 'confirm'>,
  { source, from, only }: { source: Source; from: string; only: Parts },
  lease: Lease,
  run: string,
  safetyFor: string | null = from,
): Promise<string> {
  try {
    const taken = await step(
      task.report,
      'safety backup',
      () =>
        takeBackup(
          {
            ...task,
            source,
            only,
            trigger: 'safety',
            safetyFor,
            description: `before restoring ${from}`,
            report: quietSteps(task.report),
          },
          lease,
          run,
        ),
      (result) => result.id,
    );
    // So that it is seen at once, and not only when somebody looks into the storage the next time.
    await listBackups(task, source, lease.signal);
    return taken.id;
  } catch (error) {
    if (task.signal.aborted) throw error;
    throw new HoldfastError(
      'SAFETY_BACKUP_FAILED',
      `what is live could not be backed up before the restore: ${(error as Error).message}`,
      {
        cause: error,
        hint: `Nothing was changed. ${wayOut(error)} Or go on without this protection with \`--no-safety-backup\`; with \`--keep-old\` what is live is kept all the same.`,
      },
    );
  }
}

/** The backup that is restored could be opened; what the new one is to be encrypted with could not. */
function wayOut(error: unknown): string {
  const { code, hint } = toHoldfastError(error);
  return hint !== undefined && /^(KEY|PASSPHRASE)_/.test(code) ? hint : 'Mend the cause.';
}

/** The safety backup is one step of the restore; only its warnings and its bytes are worth a line. */
function quietSteps(report: Report): Report {
  return (event) => {
    if (event.kind === 'warning') report(event);
    if (event.kind === 'progress') report({ ...event, step: 'safety backup' });
  };
}
