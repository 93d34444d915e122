import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { clockToleranceMs, type Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { formatBytes, formatDuration } from '../../base/units.ts';
import type { Check } from '../../engines/engine.ts';
import type { Storage, StoredObject } from '../../storage/storage.ts';
import { unignoredWorkTree } from './git-tree.ts';
import { findWhereElse, samePlace } from '../own-place.ts';

const scarceBytes = 1024 ** 3;
const scarcePart = 0.05;
/** Never the name of a source's folder with backups in it. */
const lockedProbe = 'holdfast-probe/';

/** Does to a storage what backups do to it, with a probe that is removed again, and looks at what surrounds it. */
export async function examineStorage(
  storage: Storage,
  clock: Clock,
  signal: AbortSignal,
  others: readonly Storage[] = [],
): Promise<Check[]> {
  const probe = await probeStorage(storage, { clock, others, signal });
  if (!probe.ok) return [probe.check];
  const { modifiedAt, lockedUntil, ms, twin } = probe;
  const deleted = lockedUntil === null ? 'listed and deleted a probe' : 'and listed a probe';
  return [
    {
      name: 'usable',
      result: 'ok',
      detail: `${storage.title}: wrote, read, ${deleted} in ${formatDuration(ms)}`,
    },
    ...(twin ? [placeFailed(samePlace(storage, twin, 'place'))] : []),
    ...lockCheck(storage, lockedUntil),
    clockCheck(modifiedAt, clock),
    ...(await spaceCheck(storage, signal)),
    ...(await gitCheck(storage, signal)),
  ];
}

type Probe =
  | { ok: true; modifiedAt: Date; lockedUntil: Date | 'unknown' | null; twin: Storage | null; ms: number }
  | { ok: false; check: Check };

type Step = 'write' | 'read' | 'list' | 'delete';

/** Does to a small object all that is ever done to a backup; which of it did not work is what the operator has to know. */
async function probeStorage(
  storage: Storage,
  { clock, others, signal }: { clock: Clock; others: readonly Storage[]; signal: AbortSignal },
): Promise<Probe> {
  const started = clock.monotonic();
  // What is locked stays: then always the same, so that not every examination leaves one more.
  const folder = storage.capabilities.lock ? lockedProbe : `holdfast-probe-${randomBytes(4).toString('hex')}/`;
  const key = `${folder}probe`;
  const content = randomBytes(1024);
  let doing: Step = 'write';
  let lockedUntil: Date | 'unknown' | null = null;
  try {
    await storage.put(key, Readable.from([content]), { signal, size: content.length });
    doing = 'read';
    const read = await buffer(await storage.get(key, { signal }));
    if (!read.equals(content)) throw probeFailed(storage, 'what was read is not what was written');
    doing = 'list';
    const object = await findListed(storage, key, { folder, signal });
    if (!object) throw probeFailed(storage, 'what was written is not listed');
    const twin = await findWhereElse({ storage, key, content }, others, signal);
    doing = 'delete';
    lockedUntil = await deleteProbe(storage, object, signal);
    if (lockedUntil === null && (await storage.stat(key, signal)))
      throw probeFailed(storage, 'what was deleted is still there');
    return { ok: true, modifiedAt: object.modifiedAt, lockedUntil, twin, ms: clock.monotonic() - started };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, check: failedStep(doing, error) };
  } finally {
    if (lockedUntil === null) await removeProbe(storage, key, folder);
  }
}

/** Null when it is gone; otherwise it is locked, until when if that is known. */
async function deleteProbe(
  storage: Storage,
  { key, lockedUntil }: StoredObject,
  signal: AbortSignal,
): Promise<Date | 'unknown' | null> {
  try {
    await storage.delete([key], signal);
  } catch (error) {
    if (toHoldfastError(error).code !== 'STORAGE_LOCKED') throw error;
    return lockedUntil ?? 'unknown';
  }
  const left = storage.capabilities.lock && (await storage.stat(key, signal));
  return left ? (left.lockedUntil ?? lockedUntil ?? 'unknown') : null;
}

export function placeFailed({ message, hint }: HoldfastError): Check {
  return { name: 'place', result: 'failed', detail: message, ...(hint === undefined ? {} : { hint }) };
}

function failedStep(step: Step, error: unknown): Check {
  const { message, code, hint } = toHoldfastError(error);
  return { name: step, result: 'failed', detail: `${message} (${code})`, ...(hint === undefined ? {} : { hint }) };
}

function lockCheck({ capabilities: { lock } }: Storage, lockedUntil: Date | 'unknown' | null): Check[] {
  if (lockedUntil === null && lock === null) return [];
  const rule = lock
    ? `what is written cannot be removed for ${lock.days} days (${lock.mode})`
    : 'what is written is locked';
  const stays =
    lockedUntil === null
      ? ''
      : `; the probe in ${lockedProbe} stays${lockedUntil === 'unknown' ? '' : ` until ${lockedUntil.toISOString().slice(0, 10)}`}`;
  return [{ name: 'lock', result: 'ok', detail: rule + stays }];
}

async function findListed(
  storage: Storage,
  key: string,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<StoredObject | null> {
  for await (const object of storage.list(folder, signal)) if (object.key === key) return object;
  return null;
}

/** Also when the examination was stopped half-way: the probe must not stay. */
async function removeProbe(storage: Storage, key: string, folder: string): Promise<void> {
  const soon = AbortSignal.timeout(5000);
  try {
    await storage.delete([key], soon);
    await storage.removeFolder(folder, soon);
  } catch {
    // Whatever keeps it from being removed is what the probe has just reported.
  }
}

function probeFailed(storage: Storage, message: string): HoldfastError {
  return new HoldfastError('STORAGE_UNRELIABLE', `${storage.title}: ${message}`, {
    kind: 'integrity',
    hint: 'Do not keep backups there before this is understood.',
  });
}

function clockCheck(modifiedAt: Date, clock: Clock): Check {
  const apart = Math.abs(clock.now().getTime() - modifiedAt.getTime());
  const detail = `this machine and the storage are ${formatDuration(apart)} apart`;
  // Retention stops working where clocks are further apart.
  if (apart <= clockToleranceMs) return { name: 'clock', result: 'ok', detail };
  return {
    name: 'clock',
    result: 'warning',
    detail,
    hint: 'Synchronise the clocks; until then nothing is removed by retention.',
  };
}

async function spaceCheck(storage: Storage, signal: AbortSignal): Promise<Check[]> {
  const free = await storage.free(signal);
  if (!free) return [];
  const detail = `${formatBytes(free.bytes)} of ${formatBytes(free.total)} free`;
  if (free.bytes >= scarceBytes && free.bytes >= free.total * scarcePart)
    return [{ name: 'space', result: 'ok', detail }];
  return [{ name: 'space', result: 'warning', detail, hint: 'Make room, or keep fewer backups (retention).' }];
}

async function gitCheck(storage: Storage, signal: AbortSignal): Promise<Check[]> {
  const found = await unignoredWorkTree(storage, signal);
  if (found === null) return [];
  return [
    {
      name: 'git',
      result: 'warning',
      detail: `${found.folder} lies in the git work tree ${found.tree} and is not ignored`,
      hint: 'Add it to .gitignore, or keep backups outside of the work tree.',
    },
  ];
}
