import type { Manifest } from '../archive/format/manifest.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';

/** What this backup found there may have been damaged for long: then the earlier ones that hold it are, too. */
export function blameShared(error: unknown, { artifacts }: Manifest): unknown {
  const known = toHoldfastError(error);
  if (known.code !== 'BACKUP_DAMAGED' || !artifacts.some(({ reused }) => reused === true)) return error;
  return new HoldfastError(
    'SHARED_OBJECT_DAMAGED',
    `${known.message}, and it may be something that earlier backups hold as well`,
    { kind: 'integrity', cause: known, hint: 'See which ones with `holdfast verify` for each of them.' },
  );
}
