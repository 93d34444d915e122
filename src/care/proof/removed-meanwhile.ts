import { manifestKey } from '../../archive/format/layout.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';

/** One copy of a backup that somebody reads. */
export interface Copy {
  source: { name: string };
  storage: Storage;
  id: string;
  signal: AbortSignal;
}

/** Its manifest goes first when it is removed, and locks reach no other machine: what was missed then is no damage. */
export async function isGone({ source, storage, id, signal }: Copy): Promise<boolean> {
  const manifest = await storage.stat(manifestKey(source.name, id), signal).catch(() => undefined);
  throwIfAborted(signal);
  return manifest === null;
}

export function removedMeanwhile({ storage, id }: Omit<Copy, 'signal'>, cause?: unknown): HoldfastError {
  return new HoldfastError('BACKUP_BUSY', `${id} was removed from ${storage.name} while it was to be read`, {
    kind: 'busy',
    cause,
    hint: 'See what is left with `holdfast list`.',
    details: { removed: true },
  });
}

/** There is nothing left to say of that one. */
export function wasRemoved(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'BACKUP_BUSY' && error.details['removed'] === true;
}

/**
 * What somebody stumbled over who had seen the backup a moment ago, called what it is: that files are missing says nothing against a backup that
 * is not there any more. All else has to be told as it is, such as what could not be cleared up.
 */
export async function orRemoved(copy: Copy, error: unknown): Promise<unknown> {
  const { code } = toHoldfastError(error);
  if (code === 'BACKUP_NOT_FOUND') return removedMeanwhile(copy, error);
  return ofMissingFiles.has(code) && (await isGone(copy)) ? removedMeanwhile(copy, error) : error;
}

/** Tools that read a folder in its place tell of a missing file in words of their own. */
const ofMissingFiles: ReadonlySet<string> = new Set([
  'ARTIFACT_MISSING',
  'DUMP_DAMAGED',
  'RESTORE_FAILED',
  'TOOL_FAILED',
]);
