import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { step, type Report } from '../../base/progress.ts';
import { isNewer } from '../../archive/format/manifest.ts';
import { isLost } from '../../archive/keys/open-key.ts';
import { openArchive, type StoredBackup } from '../../archive/reader.ts';
import type { Catalog, ProofRecord } from '../../catalog/catalog.ts';
import { holdLock } from '../../catalog/lease.ts';
import { patiently } from '../../catalog/patiently.ts';
import { withRun } from '../../catalog/run.ts';
import type { Storage } from '../../storage/storage.ts';
import { settlePlace } from '../stock/places.ts';
import { appOf, readerOf, type Source } from '../source.ts';
import { isGone, orRemoved, removedMeanwhile } from './removed-meanwhile.ts';

export type VerifyDepth = 'checksum' | 'structure';

export interface VerifyCheck {
  artifact: string;
  check: 'manifest' | 'checksum' | 'structure';
  ok: boolean;
  detail: string;
}
export interface VerifyResult {
  id: string;
  ok: boolean;
  storage: string;
  depth: VerifyDepth;
  checks: VerifyCheck[];
}

export interface VerifyTask {
  source: Source;
  storage: Storage;
  id: string;
  depth: VerifyDepth;
  /** `manual` where nothing is said. */
  trigger?: string;
  catalog: Catalog;
  clock: Clock;
  scratch: string;
  signal: AbortSignal;
  report: Report;
}

/** Verifies one copy as a run of its own. A damaged copy is a result (`ok: false`), not an error: the check itself worked. */
export async function verify(task: VerifyTask): Promise<VerifyResult> {
  const { source, catalog, clock, signal, report, id, trigger = 'manual' } = task;
  return withRun(
    { operation: 'verify', source: source.name, backup: id, trigger, catalog, clock, signal, report },
    async (run) => {
      const name = readingLock(source.name, id);
      await using lease = await holdLock({ catalog, clock, name, run: run.id, mode: 'shared', signal: run.signal });
      const result = await verifyCopy({ ...task, signal: lease.signal, report: run.report });
      return { state: result.ok ? 'succeeded' : 'failed', result };
    },
  );
}

/** Whoever reads a backup holds this, so that pruning does not take it away underneath. */
export function readingLock(source: string, id: string): string {
  return `backup:${source}/${id}`;
}

/** Reads every stored byte (checksum) and, for `structure`, lets the restoring tool read the dump to its end. */
export async function verifyCopy(task: Omit<VerifyTask, 'catalog'> & { catalog: Catalog }): Promise<VerifyResult> {
  const { storage, id, depth, catalog, signal } = task;
  await settlePlace(catalog, storage, signal);
  const started = performance.now();
  const checks = await collectChecks(task).catch(async (error: unknown) => {
    throw await orRemoved(task, error);
  });
  if (checks.some(({ ok }) => !ok) && (await isGone(task))) throw removedMeanwhile(task);
  const result = { id, ok: checks.every((check) => check.ok), storage: storage.name, depth, checks };
  await keep(task, result, (performance.now() - started) / 1000);
  return result;
}

type Keeping = Pick<VerifyTask, 'catalog' | 'clock'> & { source: { name: string } };

async function keep({ source, catalog, clock }: Keeping, result: VerifyResult, seconds: number): Promise<void> {
  const { id: backup, storage, ok, depth } = result;
  const at = clock.now().toISOString();
  const proof: ProofRecord = { kind: 'verify', source: source.name, backup, storage, at, ok, depth, seconds, result };
  await patiently(catalog, () => catalog.proofs.add(proof));
}

async function collectChecks(task: VerifyTask): Promise<VerifyCheck[]> {
  const { source, storage, id, depth, scratch, signal, report } = task;
  let archive: StoredBackup;
  try {
    archive = await openArchive({ storage, source: source.name, id, keys: source.keys, scratch, signal });
  } catch (error) {
    return [failedCheck('manifest.json', 'manifest', error)];
  }
  const checks: VerifyCheck[] = [
    { artifact: 'manifest.json', check: 'manifest', ok: true, detail: 'digest and format' },
  ];
  checks.push(
    ...(await step(
      report,
      'checksum',
      () => archive.checkDigests(report, signal),
      (done) => `${done.filter((check) => check.ok).length} of ${done.length} artifacts as stored`,
    )),
  );
  // Damaged bytes are not worth giving to a tool: the checksum already said what is wrong.
  if (depth === 'structure' && checks.every((check) => check.ok)) {
    checks.push(...(await step(report, 'structure', () => checkStructure(source, archive, signal))));
  }
  return checks;
}

async function checkStructure(source: Source, archive: StoredBackup, signal: AbortSignal): Promise<VerifyCheck[]> {
  const { manifest } = archive;
  const parts = [
    ...(manifest.database ? [checkDump(source, archive, signal)] : []),
    ...(await readersOf(source, archive)).map(({ artifact, read }) =>
      checkPart(artifact, archive, async () => read(signal)),
    ),
  ];
  return Promise.all(parts);
}

function checkDump(source: Source, archive: StoredBackup, signal: AbortSignal): Promise<VerifyCheck> {
  const { artifacts, database } = archive.manifest;
  const artifact = artifacts.find((each) => each.role === 'database')?.path.split('/')[0] ?? 'database';
  return checkPart(artifact, archive, async () => {
    const { entries } = await readerOf(source, database?.engine).readThrough(archive.dump(), signal);
    return { detail: entries === null ? 'read to its end mark' : `read to its end, ${entries} entries` };
  });
}

/** What stands beside the dump, each with the one that can read it. */
async function readersOf(source: Source, archive: StoredBackup) {
  const readers: { artifact: string; read: (signal: AbortSignal) => Promise<{ detail: string }> }[] = [];
  for (const role of ['files', 'app'] as const) {
    const saved = archive.saved(role);
    const reader = saved && (await appOf(source, role, saved.facts));
    if (saved && reader) readers.push({ artifact: role, read: (signal) => reader.readThrough(saved, signal) });
  }
  return readers;
}

async function checkPart(
  artifact: string,
  { readable }: StoredBackup,
  read: () => Promise<{ detail: string }>,
): Promise<VerifyCheck> {
  if (!readable) {
    const detail = 'not read: it is encrypted, and there is no key here to read it with; its checksums are right';
    return { artifact, check: 'structure', ok: true, detail };
  }
  try {
    const { detail } = await read();
    return { artifact, check: 'structure', ok: true, detail };
  } catch (error) {
    return failedCheck(artifact, 'structure', error);
  }
}

/** Only damage becomes a failed check; an unreachable storage, a missing tool, a lost key file or a newer format says nothing against the backup. */
function failedCheck(artifact: string, check: VerifyCheck['check'], error: unknown): VerifyCheck {
  const known = toHoldfastError(error);
  if (!isDamage(known)) throw known;
  return { artifact, check, ok: false, detail: `${known.message} (${known.code})` };
}

function isDamage(error: HoldfastError): boolean {
  return error.kind === 'integrity' && !isLost(error) && !isNewer(error);
}

/**
 * Somebody who reads a copy stumbled over damage: it is looked at, so that nobody takes it for a good one any more. What is known of it already,
 * or what cannot be looked at now, stays as it is.
 */
export async function noteDamage(
  task: Omit<VerifyTask, 'depth' | 'trigger' | 'scratch'>,
  error: unknown,
): Promise<void> {
  const { source, storage, id, catalog, signal } = task;
  if (signal.aborted || !isDamage(toHoldfastError(error))) return;
  const known = catalog.proofs
    .list({ source: source.name, backup: id, kind: 'verify' })
    .find((proof) => proof.storage === storage.name);
  if (known?.ok === false) return;
  // For checksums nothing is laid out.
  await verifyCopy({ ...task, depth: 'checksum', scratch: '' }).catch(() => undefined);
}

/**
 * What somebody found who read a copy, or some of it, for another reason: damage is kept; that what was read is whole proves nothing of the rest.
 * A full disk under the state must not keep them from another copy.
 */
export async function noteFound(task: Keeping, result: VerifyResult, seconds: number): Promise<void> {
  if (!result.ok) await keep(task, result, seconds).catch(() => undefined);
}

/** Who cannot wait until all of it is read: that it cannot be read is what a verification would have told. */
export async function noteUnreadable(
  task: Keeping & Pick<VerifyTask, 'id' | 'storage'>,
  error: unknown,
): Promise<void> {
  const { id, storage } = task;
  const known = toHoldfastError(error);
  if (!isDamage(known)) return;
  const check = failedCheck('database', 'structure', known);
  await noteFound(task, { id, ok: false, storage: storage.name, depth: 'structure', checks: [check] }, 0);
}

/** For callers that need a whole backup and nothing less. */
export function assertVerified(result: VerifyResult): void {
  const bad = result.checks.find((check) => !check.ok);
  if (!bad) return;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `backup ${result.id} in ${result.storage} is damaged: ${bad.detail.includes(bad.artifact) ? '' : `${bad.artifact}: `}${bad.detail}`,
    {
      kind: 'integrity',
      hint: 'Use another copy or another backup; `holdfast list` shows which are proven.',
      details: { checks: result.checks },
    },
  );
}
