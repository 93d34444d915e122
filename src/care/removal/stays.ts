import { manifestKey, removingKey } from '../../archive/format/layout.ts';
import { findMissingFile, type MissingFile } from '../../archive/missing-file.ts';
import { beingRemoved } from '../../archive/remove.ts';
import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { assertClocksAgree } from './clocks.ts';
import { noteFound } from '../proof/verify.ts';

interface Copy {
  storage: Storage;
  source: string;
  id: string;
  clock: Clock;
  signal: AbortSignal;
}

/** A copy because of which another may go. */
export interface StandIn extends Copy {
  catalog: Catalog;
  /** Where all files were found already, for whoever asks about the same copies again and again. */
  whole?: Set<string>;
}

/** A removal that left its mark so long before was cut off: one that goes on looks at its watch. */
const cutOffMs = 15 * 60_000;

/**
 * Locks reach no other installation. Whoever removes a copy leaves a mark at it first and then looks whether what stays instead still lies
 * there, without such a mark: of two who count on what the other one removes, at least one sees the other.
 */
export async function assertAllStay(standIns: readonly StandIn[]): Promise<void> {
  for (const standIn of standIns) await assertStays(standIn);
}

/** One of them is enough. */
export async function assertOneStays(standIns: readonly StandIn[]): Promise<void> {
  let failure: HoldfastError | undefined;
  for (const standIn of standIns) {
    try {
      return await assertStays(standIn);
    } catch (error) {
      throwIfAborted(standIn.signal);
      failure ??= toHoldfastError(error);
    }
  }
  if (failure) throw failure;
}

async function assertStays(standIn: StandIn): Promise<void> {
  if (!(await isStaying(standIn))) throw standInGone(standIn);
  await assertFilesThere(standIn);
}

/** A manifest alone restores nothing, and what was proven once may have been taken away or be another place by now. What is missing is kept. */
async function assertFilesThere(standIn: StandIn): Promise<void> {
  const { storage, source, id, catalog, clock, whole, signal } = standIn;
  const key = `${storage.name}/${source}/${id}`;
  if (whole?.has(key)) return;
  const started = performance.now();
  const missing = await findMissingFile(storage, source, id, signal).catch((error: unknown) => {
    throw toHoldfastError(error).code === 'BACKUP_NOT_FOUND' ? standInGone(standIn) : error;
  });
  if (!missing) {
    whole?.add(key);
    return;
  }
  const { path: artifact, problem: detail } = missing;
  const checks = [{ artifact, check: 'checksum' as const, ok: false, detail }];
  const result = { id, ok: false, storage: storage.name, depth: 'checksum' as const, checks };
  await noteFound({ source: { name: source }, catalog, clock }, result, (performance.now() - started) / 1000);
  throw standInDamaged(standIn, missing);
}

/** The mark before the manifest: the manifest goes while the mark is there. */
async function isStaying(copy: Copy): Promise<boolean> {
  const { storage, source, id, signal } = copy;
  if ((await removalOf(copy)) === 'going on') return false;
  return (await storage.stat(manifestKey(source, id), signal)) !== null;
}

/** Before a copy is removed: that nobody else does; what one that was cut off has left goes. */
export async function assertNobodyRemoves(copy: Copy): Promise<void> {
  const { storage, source, id, signal } = copy;
  const removal = await removalOf(copy);
  if (removal === 'going on')
    throw beingRemoved(storage, source, id, 'somebody else is just removing it, or was cut off');
  if (removal === 'cut off') await storage.delete([removingKey(source, id)], signal);
}

/** Told by the age of its mark, in the time of the storage. */
async function removalOf({ storage, source, id, clock, signal }: Copy): Promise<'going on' | 'cut off' | null> {
  const mark = await storage.stat(removingKey(source, id), signal);
  if (!mark) return null;
  await assertClocksAgree({ source: { name: source }, storage, clock, signal });
  return clock.now().getTime() - mark.modifiedAt.getTime() < cutOffMs ? 'going on' : 'cut off';
}

function standInDamaged({ id, storage }: Copy, { problem }: MissingFile): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', `${id} in ${storage.name}, which stays instead, is damaged: ${problem}`, {
    kind: 'integrity',
    hint: `Nothing was removed for it. See with \`holdfast verify --all --storage ${storage.name}\` what else is not whole there.`,
  });
}

function standInGone({ id, storage }: Copy): HoldfastError {
  return new HoldfastError('BACKUP_BUSY', `${id}, which stays instead, is gone from ${storage.name} or being removed`, {
    kind: 'busy',
    hint: 'Somebody else removes backups at the same time. See what is left with `holdfast list`, then try again.',
    retryable: true,
  });
}
