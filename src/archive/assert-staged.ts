import { HoldfastError } from '../base/errors.ts';
import type { Stage } from '../storage/storage.ts';
import type { Manifest } from './format/manifest.ts';

/**
 * Right before the manifest makes it a backup: all of it that shall lie in the stage lies there as it was put. Whoever sweeps a stage that
 * is still written takes files of it, and the rest must not be sealed.
 */
export async function assertStaged(
  stage: Stage,
  { source, id, artifacts }: Pick<Manifest, 'source' | 'id' | 'artifacts'>,
  signal: AbortSignal,
): Promise<void> {
  const sizes = await stage.sizes(signal);
  const wrong = artifacts.find(({ path, bytes }) => sizes.get(path) !== bytes);
  if (!wrong) return;
  throw new HoldfastError('STAGE_LOST', `${wrong.path} of ${source}/${id} is gone before the backup was sealed`, {
    hint: 'Somebody removed it while it was being written: another installation that works under the same name there, or a person. Try again.',
  });
}
