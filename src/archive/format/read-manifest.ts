import { HoldfastError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import { manifestKey } from './layout.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { readSmall } from './small-files.ts';

/** Rejects with `BACKUP_NOT_FOUND` where there is no manifest: without one, there is no backup. */
export async function readManifest(
  storage: Storage,
  source: string,
  id: string,
  signal: AbortSignal,
): Promise<Manifest> {
  const content = await readSmall(storage, manifestKey(source, id), signal);
  if (content) return parseManifest(content, { source, id });
  throw new HoldfastError('BACKUP_NOT_FOUND', `there is no backup ${id} of ${source} in ${storage.name}`, {
    kind: 'usage',
    hint: '`holdfast list` shows what there is.',
  });
}
