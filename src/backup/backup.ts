import type { Artifact, Manifest } from '../archive/format/manifest.ts';
import type { BackupWriter } from '../archive/writer.ts';
import type { Clock } from '../base/clock.ts';
import { toHoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { formatBytes, formatCount } from '../base/units.ts';
import { findCutOffRestore } from '../care/doctor/cut-off-restore.ts';
import type { CopyOutcome } from '../care/copies/copies.ts';
import { shareDrills } from '../care/proof/share-drills.ts';
import type { Source } from '../care/source.ts';
import { assertPresent } from '../care/stock/vanished.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { holdLock, type Lease } from '../catalog/lease.ts';
import { patiently } from '../catalog/patiently.ts';
import { withRun } from '../catalog/run.ts';
import type { Counts, Snapshot } from '../engines/engine.ts';
import { applyRetention, clearLocal, putKeysBack, retryOlder } from './afterwards.ts';
import { blameShared } from './blame-shared.ts';
import { begin, sweepAfterMs } from './begin.ts';
import { beginCopies, type EarlyCopies } from './early-copies.ts';
import { withHooks, type HookTask } from './hooks.ts';
import { proveReadable } from './prove-readable.ts';
import { asked, lessThanAll, saveApps, type FailedPart, type Parts, type SavedApps } from './save-apps.ts';

export type Trigger = Manifest['trigger'];

export interface BackupTask {
  source: Source;
  catalog: Catalog;
  clock: Clock;
  instance: string;
  version: string;
  timezone: string;
  scratch: string;
  trigger: Trigger;
  /** What the run's history says instead, such as `retry`. */
  startedBy?: string;
  description: string | null;
  /** Only these parts of the source; null or nothing: all. */
  only?: Parts;
  /** For a safety backup: the backup that is about to be restored. */
  safetyFor?: string | null;
  /** Stores everything anew instead of relying on what earlier backups stored. */
  anew?: boolean;
  signal: AbortSignal;
  report: Report;
}

export interface BackupResult {
  run: string;
  id: string;
  source: string;
  state: 'succeeded' | 'partial' | 'failed';
  /** The parts that were asked for, where the source has more; null: all. */
  only: Parts;
  /** From the first connection until the manifest was sealed. */
  durationMs: number;
  /** When it had become a backup: everything synced and renamed. */
  sealedAt: string;
  /** The structure check afterwards, reading from the storage. */
  verifyMs: number;
  bytes: number;
  /** Of these, what it had to store; the rest was there. */
  addedBytes: number;
  rawBytes: number | null;
  artifacts: Artifact[];
  /** Optional parts that could not be saved; then the run is partial. */
  failed: FailedPart[];
  /** By storage: `complete`, `pending` when it failed and is tried again, `missing` when it went (`deleteLocalAfterCopy`). */
  copies: Record<string, string>;
  tables: number;
  rows: number;
  removed: string[];
  warnings: string[];
}

/** One backup now: lock, snapshot, dump and counts, seal, read back, copies, retention. One file because it is read as one recipe. */
export async function backup(task: BackupTask): Promise<BackupResult> {
  const { source, catalog, clock, signal, report } = task;
  const trigger = task.startedBy ?? task.trigger;
  return withRun({ operation: 'backup', source: source.name, trigger, catalog, clock, signal, report }, async (run) => {
    await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: run.id, signal: run.signal });
    const inside = { ...task, signal: lease.signal, report: run.report };
    return await withHooks(aroundBackup(inside, run.id), async (reached) => {
      const taken = await takeUnlessChanged(inside, lease, run.id);
      const state = taken.state === 'partial' ? 'partial' : 'succeeded';
      const warnings = [...taken.warnings, ...(await reached({ backup: taken.id, state }))];
      await retryOlder(inside, taken.copies, run.id);
      const removed = await applyRetention(inside, run.id);
      await shareDrills(inside);
      await putKeysBack(inside);
      const copies = { ...taken.copies, ...(await clearLocal(inside, taken.id, run.id)) };
      return { state: taken.state, backup: taken.id, result: { ...taken, copies, removed, warnings } };
    });
  });
}

function aroundBackup({ source, trigger, instance, signal, report }: BackupTask, run: string): HookTask {
  const { hooks, name } = source;
  const facts = { operation: 'backup' as const, source: name, run, trigger, instance };
  return { hooks, folder: hooks?.folder ?? '', facts, signal, report };
}

/** One run per source at a time, whoever starts it. */
export function sourceLock(source: Source): string {
  return `source:${source.name}`;
}

const mostAttempts = 3;

/** A migration that changed tables under the dump is over soon: the backup begins anew, with a new snapshot. */
async function takeUnlessChanged(task: BackupTask, lease: Lease, run: string): Promise<BackupResult> {
  let anew = task.anew ?? false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await takeBackup({ ...task, anew }, lease, run);
    } catch (error) {
      const { code, message } = toHoldfastError(error);
      if (code === 'SHARED_OBJECT_DAMAGED' && !anew && !task.signal.aborted) {
        anew = true;
        task.report({ kind: 'warning', message: `${message}; everything is stored anew` });
        continue;
      }
      if (code !== 'DATABASE_CHANGED' || attempt === mostAttempts || task.signal.aborted) throw error;
      task.report({ kind: 'warning', message: `${message}; the backup begins anew` });
    }
  }
}

/** Hours of work are not given up for another process that is writing; the lock ends it before that when it cannot be renewed. */
const sealWithinMs = 60_000;

/** The backup itself, for callers that hold the source's lock already (a restore's safety backup). */
export async function takeBackup(task: BackupTask, lease: Lease, run: string): Promise<BackupResult> {
  const { source, clock, signal, report } = task;
  const [primary] = source.storages;
  await assertPresent(source, primary, task.catalog, signal);
  const cutOff = await findCutOffRestore(source, task.catalog, signal);
  const startedAt = clock.now();
  const started = clock.monotonic();
  await using begun = await begin(task, startedAt);
  const { writer, snapshot, apps } = begun;
  // One made for safety is there for the restore that waits for it, and stays where it is quickest.
  const others = task.trigger === 'safety' ? [] : source.storages.slice(1);
  await using copies = beginCopies({ ...task, run, storages: others, writer, sweepAfterMs });
  const stored =
    snapshot &&
    (await step(
      report,
      'dump',
      () => storeDump(snapshot, writer, copies, { signal, report }),
      (done) => `${formatBytes(sumOf(done.artifacts))} stored, ${describeCounts(done.counts)}`,
    ));
  const saved = await saveApps(apps, { writer, copies, others: stored !== null, signal, report });
  await patiently(task.catalog, () => lease.assertHeld(), { forMs: sealWithinMs, signal: lease.signal });
  copies.sealing();
  const manifest = await step(report, 'seal', () =>
    writer.seal(
      {
        ...describeTask(task, writer.id, startedAt, started),
        ...describeStored(snapshot, stored, saved),
        warnings: [
          ...(cutOff ? [`${cutOff.message}. ${cutOff.hint}`] : []),
          ...(snapshot?.warnings ?? []),
          ...saved.warnings,
        ],
      },
      signal,
    ),
  );
  copies.sealed();
  const sealedAt = clock.now().toISOString();
  for (const message of manifest.warnings) report({ kind: 'warning', message });

  const verifyStarted = clock.monotonic();
  await proveReadable(task, manifest.id).catch((error: unknown) => Promise.reject(blameShared(error, manifest)));
  const verifyMs = Math.round(clock.monotonic() - verifyStarted);
  const copied = await finishCopies(copies, others.length, report);
  await begun.swept;
  return {
    run,
    id: manifest.id,
    source: source.name,
    state: saved.failed.length === 0 && copied.every(({ state }) => state === 'complete') ? 'succeeded' : 'partial',
    only: lessThanAll(source, task.only ?? null),
    durationMs: manifest.durationMs,
    sealedAt,
    verifyMs,
    bytes: sumOf(manifest.artifacts),
    addedBytes: sumOf(manifest.artifacts.filter(({ reused }) => reused !== true)),
    rawBytes: sumOfRaw(manifest.artifacts),
    artifacts: manifest.artifacts,
    failed: saved.failed,
    copies: { [primary.name]: 'complete', ...Object.fromEntries(copied.map(({ to, state }) => [to, state])) },
    tables: stored?.counts.tables.length ?? 0,
    rows: stored ? rowsOf(stored.counts) : 0,
    removed: [],
    warnings: manifest.warnings,
  };
}

interface Stored {
  artifacts: Artifact[];
  counts: Counts;
}

/** Dump and counts run side by side in the same snapshot; one failing ends the other. */
async function storeDump(
  snapshot: Snapshot,
  writer: BackupWriter,
  copies: EarlyCopies,
  { signal, report }: { signal: AbortSignal; report: Report },
): Promise<Stored> {
  const together = new AbortController();
  const both = AbortSignal.any([signal, together.signal]);
  const endBoth = (error: unknown): never => {
    together.abort(error);
    throw error;
  };
  const counting = snapshot.count(both).catch(endBoth);
  const dumping = storeParts(snapshot, writer, copies, { signal: both, report }).catch(endBoth);
  const [artifacts, counts] = await settleTogether(dumping, counting);
  return { artifacts, counts: await snapshot.settleSequences(counts, signal) };
}

async function storeParts(
  snapshot: Snapshot,
  writer: BackupWriter,
  copies: EarlyCopies,
  options: { signal: AbortSignal; report: Report },
): Promise<Artifact[]> {
  const artifacts: Artifact[] = [];
  for await (const part of snapshot.parts(options.signal)) {
    const stored = await writer.add(part, options);
    copies.add(stored);
    artifacts.push(...stored);
  }
  return artifacts;
}

/** Waits for both even when one fails, so that nothing still runs when the error is shown; the first cause wins. */
async function settleTogether<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const both = Promise.all([first, second]);
  both.catch(() => undefined); // it may reject long before the other has ended; then it is thrown below
  await Promise.allSettled([first, second]);
  return both;
}

async function finishCopies(copies: EarlyCopies, count: number, report: Report): Promise<CopyOutcome[]> {
  if (count === 0) return [];
  return step(
    report,
    'copies',
    () => copies.finish(),
    (done) => done.map(({ to, state }) => `${to} ${state}`).join(', '),
  );
}

function describeTask(task: BackupTask, id: string, startedAt: Date, started: number) {
  return {
    id,
    source: task.source.name,
    description: task.description,
    trigger: task.trigger,
    safetyFor: task.safetyFor ?? null,
    startedAt: startedAt.toISOString(),
    finishedAt: task.clock.now().toISOString(),
    durationMs: Math.round(task.clock.monotonic() - started),
    holdfast: task.version,
    instance: task.instance,
    ...asked(task.source, task.only ?? null),
  };
}

function describeStored(snapshot: Snapshot | null, stored: Stored | null, { artifacts, files, app, lacks }: SavedApps) {
  return {
    database: snapshot && stored && { ...snapshot.facts, snapshot: snapshot.snapshot, ...stored.counts },
    app,
    files,
    encryption: null,
    artifacts: [...(stored?.artifacts ?? []), ...artifacts],
    ...(lacks.length === 0 ? {} : { lacks }),
  };
}

function describeCounts(counts: Counts): string {
  return [
    formatCount(counts.tables.length, 'table'),
    formatCount(rowsOf(counts), 'row'),
    formatCount(counts.sequences.length, 'sequence'),
  ].join(', ');
}

function rowsOf(counts: Counts): number {
  return counts.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
}

function sumOf(artifacts: readonly Artifact[]): number {
  return artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
}

function sumOfRaw(artifacts: readonly Artifact[]): number | null {
  // What the tool compressed itself was never seen as it was: the sum of the rest would be a number of nothing.
  const raw = artifacts.map(({ rawBytes }) => rawBytes).filter((bytes) => bytes !== null);
  return raw.length < artifacts.length ? null : raw.reduce((sum, bytes) => sum + bytes, 0);
}
