import { copyBackup, type CopyTask } from '../../archive/copy.ts';
import { manifestKey } from '../../archive/format/layout.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { dueAt, type Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { step, type Report } from '../../base/progress.ts';
import { formatBytes } from '../../base/units.ts';
import type { Catalog, CopyRecord } from '../../catalog/catalog.ts';
import type { Storage } from '../../storage/storage.ts';
import { withBlame } from '../../storage/with-blame.ts';
import { clearStage, holdCopy } from './copy-lock.ts';
import { noteBegun, noteDone, noteFailed } from './copy-queue.ts';
import { doubtfulObjects } from './doubtful-objects.ts';
import { nearestFirst } from '../stock/nearest.ts';
import { assertNotItself } from '../own-place.ts';
import { longestRetryDelayMs } from './retry-delay.ts';
import type { Source } from '../source.ts';
import { orRemoved, wasRemoved } from '../proof/removed-meanwhile.ts';
import { noteDamage } from '../proof/verify.ts';

export interface CopiesTask {
  source: Source;
  catalog: Catalog;
  clock: Clock;
  /** The run this is part of, for whoever finds a backup locked. */
  run?: string;
  signal: AbortSignal;
  report: Report;
}

export interface OneCopy extends CopiesTask {
  id: string;
  to: Storage;
  /** Null: the nearest storage that has it whole. */
  from: Storage | null;
  replace?: CopyTask['replace'];
  round?: Round;
}

/** What was learned of storages while several copies are made: waiting once more for one in trouble with each would take hours. */
interface Round {
  /** They could not be written to. */
  receivers: Set<string>;
  /** They did not answer when they were asked for a backup, but failed so. */
  silent: Map<string, unknown>;
}

export interface CopyOutcome {
  id: string;
  from: string | null;
  to: string;
  /** `complete`: it lies there, every byte checked. `pending`: it failed and is tried again. `dropped`: there is nothing left to copy. */
  state: 'complete' | 'pending' | 'dropped';
  bytes: number | null;
  /** Only when it is tried again. */
  nextAt: string | null;
  error: { code: string; message: string; hint: string | null } | null;
}

/**
 * Copies one backup to another storage. A storage in trouble leaves it `pending`; what trying again would not help, such as a damaged
 * backup, is thrown.
 */
export async function copyOne(task: OneCopy): Promise<CopyOutcome> {
  const wanted = { source: task.source.name, backup: task.id, storage: task.to.name };
  await using lease = await holdCopy(task);
  const inside = { ...task, signal: lease.signal };
  const before = task.catalog.copies.get(wanted.source, wanted.backup, wanted.storage);
  try {
    const sources = await placesToReadFrom(inside);
    // Nothing is noted before there is something to copy: a slip of the pen is not tried again for ever.
    noteBegun(task, wanted);
    const outcome = await copyFromAny(inside, sources, before !== null);
    noteDone(task, wanted);
    return outcome;
  } catch (error) {
    throwIfAborted(task.signal);
    const known = toHoldfastError(error);
    if (!mayPass(known) || wasRemoved(known)) {
      if (before === null || wasRemoved(known)) noteDone(task, wanted);
      else noteFailed(task, wanted, error);
      throw error;
    }
    const record = noteFailed(task, wanted, error);
    task.report({ kind: 'warning', message: `${task.id} was not copied to ${task.to.name}: ${known.message}` });
    return pendingOutcome(record);
  }
}

/**
 * Tries what is queued for a source: what is due, or everything with `now`. A backup that is gone drops out of the queue. What somebody else is
 * copying at the moment is left to them. For a `backup`, the command line and the daemon.
 */
export async function retryCopies(
  task: CopiesTask & { now?: boolean; except?: readonly string[] },
): Promise<CopyOutcome[]> {
  const { source, catalog, clock, signal } = task;
  const due = catalog.copies
    .list({ source: source.name })
    .filter(({ nextAt }) => task.now || dueAt(nextAt, longestRetryDelayMs, clock.now()) <= clock.now())
    .filter(({ storage }) => !task.except?.includes(storage));
  const outcomes: CopyOutcome[] = [];
  const round: Round = { receivers: new Set(), silent: new Map() };
  for (const record of due) {
    throwIfAborted(signal);
    const isDown = round.receivers.has(record.storage);
    const outcome = isDown ? pendingOutcome(record) : await retryOne({ ...task, round }, record);
    if (outcome) outcomes.push(outcome);
  }
  return outcomes;
}

/** What is so with one backup is so with the next. */
function isTrouble(error: unknown): boolean {
  return /^STORAGE_(?!TAKEN|UNRELIABLE)/.test(toHoldfastError(error).code);
}

function isSilent(error: unknown): boolean {
  return ['STORAGE_UNREACHABLE', 'STORAGE_TIMEOUT'].includes(toHoldfastError(error).code);
}

/** One after the other; what goes wrong with one is told, queued, and does not keep the others from being made. */
export async function copyEach(
  task: CopiesTask & { from: Storage | null },
  wanted: readonly { id: string; to: Storage }[],
): Promise<CopyOutcome[]> {
  const outcomes: CopyOutcome[] = [];
  for (const { id, to } of wanted) {
    outcomes.push(await copyOne({ ...task, id, to }).catch((error: unknown) => failedOutcome(task, id, to, error)));
  }
  return outcomes;
}

/** To all other storages of the source. */
export function copyEverywhere(task: CopiesTask & { id: string; from: Storage }): Promise<CopyOutcome[]> {
  const { source, id, from } = task;
  const others = source.storages.filter(({ name }) => name !== from.name);
  return copyEach(
    task,
    others.map((to) => ({ id, to })),
  );
}

/** The copy was compared byte by byte: that is a verification, and makes an older finding of damage void. */
export function noteReceived(task: CopiesTask, id: string, to: Storage, seconds: number): void {
  const { source, catalog, clock } = task;
  catalog.proofs.add({
    kind: 'verify',
    source: source.name,
    backup: id,
    storage: to.name,
    at: clock.now().toISOString(),
    ok: true,
    depth: 'checksum',
    seconds,
    result: null,
  });
}

export function pendingOutcome(record: CopyRecord): CopyOutcome {
  const { backup, storage, nextAt, lastError } = record;
  return { id: backup, from: null, to: storage, state: 'pending', bytes: null, nextAt, error: lastError };
}

function droppedOutcome(id: string, storage: string): CopyOutcome {
  return { id, from: null, to: storage, state: 'dropped', bytes: null, nextAt: null, error: null };
}

async function retryOne(task: CopiesTask & { round: Round }, record: CopyRecord): Promise<CopyOutcome | null> {
  const { source, catalog } = task;
  const to = source.storages.find(({ name }) => name === record.storage);
  const dropped = (): CopyOutcome => {
    catalog.copies.remove(record.source, record.backup, record.storage);
    return droppedOutcome(record.backup, record.storage);
  };
  // The source was given other storages since.
  if (!to) return dropped();
  try {
    return await copyOne({ ...task, id: record.backup, to, from: null });
  } catch (error) {
    throwIfAborted(task.signal);
    const { code, message } = toHoldfastError(error);
    if (code === 'BACKUP_UNKNOWN' || wasRemoved(error)) return dropped();
    if (code === 'BACKUP_BUSY') return null;
    task.report({ kind: 'warning', message: `${record.backup} was not copied to ${to.name}: ${message}` });
    const known = catalog.copies.get(record.source, record.backup, record.storage);
    if (!known || known.attempts > record.attempts) return pendingOutcome(known ?? record);
    // It did not even begin, because the receiver is not what it was.
    if (isTrouble(error)) task.round.receivers.add(to.name);
    return pendingOutcome(noteFailed(task, record, error));
  }
}

/** A storage that is down, full or wrongly set up can be mended; damage and guards stay what they are. */
function mayPass({ kind, code }: HoldfastError): boolean {
  return kind === 'failed' || kind === 'busy' || (kind === 'usage' && code.startsWith('STORAGE_'));
}

function failedOutcome(task: CopiesTask, id: string, to: Storage, error: unknown): CopyOutcome {
  throwIfAborted(task.signal);
  if (wasRemoved(error)) return droppedOutcome(id, to.name);
  const wanted = { source: task.source.name, backup: id, storage: to.name };
  task.report({ kind: 'warning', message: `${id} was not copied to ${to.name}: ${toHoldfastError(error).message}` });
  return pendingOutcome(noteFailed(task, wanted, error));
}

/** Storages that have its manifest, those on this machine first. Rejects with `BACKUP_UNKNOWN` when none has and all were asked. */
async function placesToReadFrom(task: OneCopy): Promise<[Storage, ...Storage[]]> {
  const { source, id, to, round, signal } = task;
  const candidates = task.from ? [task.from] : source.storages.filter(({ name }) => name !== to.name);
  const found: Storage[] = [];
  let unreachable: { error: unknown } | undefined;
  for (const storage of nearestFirst(source.name, candidates)) {
    if (round?.silent.has(storage.name)) {
      unreachable ??= { error: round.silent.get(storage.name) };
      continue;
    }
    try {
      if ((await storage.stat(manifestKey(source.name, id), signal)) !== null) found.push(storage);
    } catch (error) {
      throwIfAborted(signal);
      unreachable ??= { error };
      if (isSilent(error)) round?.silent.set(storage.name, error);
    }
  }
  const [first, ...others] = found;
  if (first) return [first, ...others];
  if (unreachable) throw unreachable.error;
  throw new HoldfastError('BACKUP_UNKNOWN', `there is no backup ${id} of ${source.name} to copy`, {
    kind: 'usage',
    hint: '`holdfast list` shows what there is, and in which storage.',
  });
}

const atReceiver = ['COPY_DAMAGED', 'COPY_DIFFERS', 'STORAGE_UNRELIABLE', 'STORAGES_SAME_PLACE'];

/** Of several sources the next is tried when one turns out damaged or gone. */
async function copyFromAny(task: OneCopy, sources: readonly Storage[], begunBefore: boolean): Promise<CopyOutcome> {
  const { source, id, to, signal, report } = task;
  const started = performance.now();
  const clear = () => clearStage(task, begunBefore);
  const doubtful = await doubtfulObjects(task);
  const rest = { to, source: source.name, id, replace: task.replace ?? 'nothing', doubtful, clear, signal, report };
  const ofReading = new Set<unknown>();
  let isReceiverDown = false;
  let failure: { error: unknown } | undefined;
  for (const storage of sources) {
    const from = withBlame(storage, ofReading);
    try {
      const { state, bytes } = await step(
        report,
        `copy to ${to.name}`,
        () => copyBackup({ from, ...rest }),
        (done) => (done.state === 'present' ? 'was there already, and is whole' : formatBytes(done.bytes)),
      );
      if (state === 'present') await assertNotItself(to, source.storages, manifestKey(source.name, id), signal);
      noteReceived(task, id, to, (performance.now() - started) / 1000);
      return { id, from: from.name, to: to.name, state: 'complete', bytes, nextAt: null, error: null };
    } catch (error) {
      throwIfAborted(signal);
      const known = await orRemoved({ source, storage, id, signal }, error);
      await noteDamaged(task, storage, known);
      // That one of several is not there any more says less than why another could not be read.
      if (!failure || wasRemoved(failure.error)) failure = { error: known };
      isReceiverDown ||= isTrouble(error) && !ofReading.has(error);
      // What is wrong at the receiver stays wrong from wherever it is read.
      if (atReceiver.includes(toHoldfastError(error).code)) throw error;
    }
  }
  if (isReceiverDown) task.round?.receivers.add(to.name);
  throw failure?.error;
}

/** Of the two copies, the one that was found damaged, where it is one of the source's. */
export async function noteDamaged(
  task: CopiesTask & Pick<OneCopy, 'id' | 'to'>,
  from: Storage,
  error: unknown,
): Promise<void> {
  const { code } = toHoldfastError(error);
  if (['STORAGE_UNRELIABLE', 'SHARED_OBJECT_DAMAGED'].includes(code)) return;
  const storage = code === 'COPY_DAMAGED' ? task.to : from;
  if (task.source.storages.includes(storage)) await noteDamage({ ...task, storage }, error);
}
