import { copyArtifacts, readSealed, sealCopy } from '../archive/copy.ts';
import { backupPrefix } from '../archive/format/layout.ts';
import type { Artifact } from '../archive/format/manifest.ts';
import { unsharable } from '../archive/objects/condemned.ts';
import type { BackupWriter } from '../archive/writer.ts';
import { abortReason } from '../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Report } from '../base/progress.ts';
import { noteReceived, pendingOutcome, type CopiesTask, type CopyOutcome } from '../care/copies/copies.ts';
import { holdCopy } from '../care/copies/copy-lock.ts';
import { noteBegun, noteDone, noteFailed } from '../care/copies/copy-queue.ts';
import { doubtfulObjects } from '../care/copies/doubtful-objects.ts';
import { sweepElsewhere } from '../care/removal/sweep-elsewhere.ts';
import type { Storage } from '../storage/storage.ts';
import { StoredReader } from './stored-reader.ts';

/**
 * Copies to the other storages of a source that begin while the backup is still being written. Each reads what the primary has already stored,
 * so that a slow or failing one neither slows the dump down nor fails it, and becomes visible only after the backup was proven.
 */
export interface EarlyCopies extends AsyncDisposable {
  /** These lie in the primary's stage now. */
  add(artifacts: readonly Artifact[]): void;
  /** All lies in the primary's stage, which is about to move. */
  sealing(): void;
  /** The backup exists: from now on a copy that could not be made is owed. */
  sealed(): void;
  /** The backup was proven: waits for the copies and lets them become visible. */
  finish(): Promise<CopyOutcome[]>;
}

interface EarlyTask extends CopiesTask {
  /** Where to; without any, this does nothing. */
  storages: readonly Storage[];
  writer: BackupWriter;
  sweepAfterMs: number;
}

export function beginCopies(task: EarlyTask): EarlyCopies {
  const { writer, source } = task;
  const over = new AbortController();
  const signal = AbortSignal.any([task.signal, over.signal]);
  const reader = new StoredReader({ from: source.storages[0], source: source.name, writer, signal });
  const proven = Promise.withResolvers<void>();
  proven.promise.catch(() => undefined);
  let isSealed = false;
  let isOver = false;

  const copies = task.storages.map((to) => {
    const queue = new ArtifactQueue();
    const result = copyTo({ ...task, signal }, { to, queue, reader, proven: proven.promise });
    result.catch(() => undefined); // asked for at the end
    return { to, queue, result };
  });
  const end = (error: unknown) => {
    isOver = true;
    over.abort(error);
    reader.end(error);
    proven.reject(error);
    for (const { queue } of copies) queue.end();
  };

  return {
    add: (artifacts) => {
      for (const { queue } of copies) queue.add(artifacts);
    },
    sealing: () => reader.letGo(),
    sealed: () => {
      isSealed = true;
      reader.sealed();
      for (const { queue } of copies) queue.end();
    },
    finish: async () => {
      proven.resolve();
      const outcomes = await Promise.all(copies.map(({ to, result }) => settle(task, to, result)));
      isOver = true;
      if (task.signal.aborted) throw abortReason(task.signal);
      return outcomes;
    },
    [Symbol.asyncDispose]: async () => {
      if (isOver) return;
      end(new HoldfastError('INTERRUPTED', 'the backup did not come about', { kind: 'interrupted' }));
      await Promise.allSettled(copies.map(({ result }) => result));
      if (isSealed) return;
      for (const { to } of copies) noteDone(task, { source: source.name, backup: writer.id, storage: to.name });
    },
  };
}

/** Leftovers can wait until the clocks are right; the copy need not. */
function unlessClocksDisagree(error: unknown): void {
  if (toHoldfastError(error).code !== 'CLOCK_DISAGREES') throw error;
}

interface OneTarget {
  to: Storage;
  queue: ArtifactQueue;
  reader: StoredReader;
  proven: Promise<void>;
}

async function copyTo(task: EarlyTask, { to, queue, reader, proven }: OneTarget): Promise<CopyOutcome> {
  const { source, writer, clock } = task;
  const id = writer.id;
  const [from] = source.storages;
  const started = performance.now();
  await using lease = await holdCopy({ ...task, id, to });
  const { signal } = lease;
  noteBegun(task, { source: source.name, backup: id, storage: to.name });
  const old = { olderThanMs: task.sweepAfterMs, alive: () => false, signal };
  await sweepElsewhere({ source, storage: to, clock }, old).catch(unlessClocksDisagree);
  await using stage = await to.stage(backupPrefix(source.name, id), signal);
  const doubtful = await doubtfulObjects({ ...task, to, signal });
  const around = {
    source: source.name,
    unsharable: await unsharable(to, source.name, id, signal),
    trust: (object: string) => !doubtful.has(object),
    signal,
    report: quiet(task.report),
  };
  const shared = await copyArtifacts(queue, { stage, to, open: (artifact) => reader.open(artifact), ...around });
  await proven;
  const { content, manifest } = await readSealed(from, source.name, id, signal);
  lease.assertHeld();
  await sealCopy({ stage, from, to, source: source.name, manifest, content, shared, signal });
  noteReceived(task, id, to, (performance.now() - started) / 1000);
  const bytes = manifest.artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  return { id, from: from.name, to: to.name, state: 'complete', bytes, nextAt: null, error: null };
}

/** A failed copy is owed, told and tried again; never an error of the backup. */
async function settle(task: EarlyTask, to: Storage, result: Promise<CopyOutcome>): Promise<CopyOutcome> {
  const wanted = { source: task.source.name, backup: task.writer.id, storage: to.name };
  try {
    const outcome = await result;
    noteDone(task, wanted);
    return outcome;
  } catch (error) {
    const record = noteFailed(task, wanted, error);
    const { message } = toHoldfastError(error);
    task.report({ kind: 'warning', message: `not copied to ${to.name}: ${message}; it is tried again` });
    return pendingOutcome(record);
  }
}

/** While the dump runs, its own progress is what counts. */
function quiet(report: Report): Report {
  return (event) => {
    if (event.kind !== 'progress') report(event);
  };
}

/** What is still to be copied, for one storage. */
class ArtifactQueue implements AsyncIterable<Artifact> {
  readonly #waiting: Artifact[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  add(artifacts: readonly Artifact[]): void {
    this.#waiting.push(...artifacts);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Artifact> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) yield next;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
