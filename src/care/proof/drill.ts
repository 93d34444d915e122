import { openArchive, type StoredBackup } from '../../archive/reader.ts';
import { leaveDrill } from '../../archive/drills.ts';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { step, type Report } from '../../base/progress.ts';
import type { Catalog, ProofRecord } from '../../catalog/catalog.ts';
import { holdLock } from '../../catalog/lease.ts';
import { patiently } from '../../catalog/patiently.ts';
import { withRun } from '../../catalog/run.ts';
import type { Database, DatabaseFacts } from '../../engines/engine.ts';
import type { Storage } from '../../storage/storage.ts';
import { compareCounts, type Comparison } from './compare.ts';
import { rehearse } from './rehearse.ts';
import { orRemoved } from './removed-meanwhile.ts';
import { thenDrop } from './scratch.ts';
import { shareDrills } from './share-drills.ts';
import { nameBeside } from './scratch-name.ts';
import { appOf, readerOf, type Source } from '../source.ts';
import { noteDamage, readingLock } from './verify.ts';

export interface DrillResult extends Pick<Comparison, 'tables' | 'sequences'> {
  id: string;
  ok: boolean;
  /** The measured recovery time: create, load, indexes. */
  seconds: number;
  storage: string;
  target: string;
  checks: { query: string; ok: boolean; detail: string }[];
  /** File trees and the application, restored beside everything and compared. */
  apps: { kind: string; ok: boolean; detail: string; differences: string[] }[];
  warnings: string[];
}

export interface DrillTask {
  source: Source;
  storage: Storage;
  id: string;
  /** Where the source's own setting does not say enough. */
  target?: Source['drill']['target'] | undefined;
  jobs?: number | null;
  /** `manual` where nothing is said. */
  trigger?: string;
  catalog: Catalog;
  clock: Clock;
  scratch: string;
  signal: AbortSignal;
  report: Report;
}

/** Restores a backup into a scratch database, compares, drops it, and keeps the result where every machine sees it. */
export async function drill(task: DrillTask): Promise<DrillResult> {
  const { source, catalog, clock, signal, report, id, trigger = 'manual' } = task;
  return withRun(
    { operation: 'drill', source: source.name, backup: id, trigger, catalog, clock, signal, report },
    async (run) => {
      const name = readingLock(source.name, id);
      await using lease = await holdLock({ catalog, clock, name, run: run.id, mode: 'shared', signal: run.signal });
      const inside = { ...task, signal: lease.signal, report: run.report };
      const result = await rehearseBackup(inside, run.id).catch(async (error: unknown) => {
        const known = await orRemoved(inside, error);
        await noteDamage(inside, known);
        throw known;
      });
      await record(task, result);
      await shareDrills(inside);
      return { state: result.ok ? 'succeeded' : 'failed', result };
    },
  );
}

async function rehearseBackup(task: DrillTask, run: string): Promise<DrillResult> {
  const { source, storage, id, signal } = task;
  const { keys } = source;
  const started = performance.now();
  const archive = await openArchive({ storage, source: source.name, id, keys, scratch: task.scratch, signal });
  const database = await rehearseDump(task, archive, run);
  const apps = await rehearseApps(task, archive);
  if (!database && apps.length === 0) {
    throw new HoldfastError('NOTHING_TO_DRILL', `backup ${id} holds nothing that can be restored for a drill here`, {
      kind: 'usage',
      hint: 'Configure the application that it was made of, or verify it.',
    });
  }
  const { tables, sequences } = database ?? compareCounts(nothing, nothing);
  return {
    id,
    ok: (database?.ok ?? true) && apps.every((each) => each.ok),
    seconds: apps.length === 0 && database ? database.seconds : (performance.now() - started) / 1000,
    storage: storage.name,
    target: database?.target ?? 'a scratch folder',
    tables,
    sequences,
    checks: database?.checks ?? [],
    apps: apps.map(({ warnings: _, ...each }) => each),
    warnings: [...(database?.warnings ?? []), ...apps.flatMap((each) => each.warnings)],
  };
}

const nothing = { tables: [], sequences: [] };

async function rehearseApps({ source, signal, report }: DrillTask, archive: StoredBackup) {
  const results: (DrillResult['apps'][number] & { warnings: string[] })[] = [];
  for (const role of ['files', 'app'] as const) {
    const saved = archive.saved(role);
    const app = saved && (await appOf(source, role, saved.facts));
    if (!saved || !app) continue;
    const result = await step(
      report,
      app.kind,
      () => app.rehearse(saved, { signal, report }),
      ({ detail }) => detail,
    );
    results.push({ kind: app.kind, ...result });
  }
  return results;
}

async function rehearseDump(task: DrillTask, archive: StoredBackup, run: string) {
  const { source, signal, report } = task;
  const expected = archive.manifest.database;
  if (!expected) return null;
  const target = task.target ?? source.drill.target;
  const reader = readerOf(source, expected.engine);
  await using place = await step(report, 'target', () => openTarget(reader, target, expected, run, signal));
  const work = () => rehearseIn(place, task, archive, expected);
  return await (place.stays ? thenDrop(place.scratch, work) : work());
}

/** Where the database of the backup shall come back, and what came of it. */
async function rehearseIn(
  { scratch, keepOwners, rolesComplete, warnings }: Place,
  { source, id, signal, report, ...task }: DrillTask,
  archive: StoredBackup,
  expected: NonNullable<StoredBackup['manifest']['database']>,
) {
  const rehearsal = await rehearse({
    scratch,
    like: keepOwners ? expected : { ...expected, owner: '' },
    note: `drill of ${source.name} ${id}`,
    dump: archive.dump(),
    expected,
    options: {
      scope: null,
      owners: keepOwners ? 'keep' : 'none',
      policies: rolesComplete ? 'keep' : 'skip',
      jobs: task.jobs ?? null,
      // A script of foreign origin was accepted and ran when it was imported; the digests say it is still the same.
      allowForeignScript: true,
      allowUnpatchedTools: true,
      // It may have been taken in by a role that could do no harm, and run here by one that can.
      allowSuperuser: archive.manifest.imported?.superuser === true,
      facts: expected,
    },
    signal,
    report,
  });
  const checks = await step(report, 'checks', () => scratch.ask([...source.drill.checks], signal));
  const { comparison } = rehearsal;
  return {
    ok: comparison.ok && checks.every((check) => check.ok),
    seconds: rehearsal.loadSeconds,
    target: scratch.title,
    tables: comparison.tables,
    sequences: comparison.sequences,
    checks,
    warnings: [...warnings, ...rehearsal.warnings],
  };
}

interface Place extends AsyncDisposable {
  /** The server stays, so that the scratch database on it has to go. */
  stays: boolean;
  scratch: Database;
  keepOwners: boolean;
  rolesComplete: boolean;
  warnings: string[];
}

/** Where the scratch database shall be; a server of ours goes when disposed of. */
async function openTarget(
  live: Database,
  target: Source['drill']['target'],
  like: DatabaseFacts,
  run: string,
  signal: AbortSignal,
): Promise<Place> {
  if (target === 'temporary') {
    // Of an import, the dump's roles are known; the owner is the live database's.
    const roles = [...new Set([...like.roles, ...(like.owner === '' ? [] : [like.owner])])];
    const server = await live.temporary({ ...like, roles }, signal);
    return {
      stays: false,
      scratch: server,
      keepOwners: true,
      rolesComplete: true,
      warnings: [],
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }
  const server = target === 'same' ? live : live.at(target.address);
  const scratch = server.named(nameBeside(like.name, 'drill', run));
  const facts = await scratch.server(signal);
  if (facts.mayNotCreate) {
    const { reason, hint } = facts.mayNotCreate;
    throw new HoldfastError('DRILL_NEEDS_CREATEDB', `no scratch database can be made on ${server.title}: ${reason}`, {
      kind: 'refused',
      hint: `${hint} Or drill with \`--target temporary\`, or on another server.`,
    });
  }
  const missing = like.roles.filter((role) => !facts.roles.includes(role));
  const foreign = like.owners.some((role) => !facts.memberOf.includes(role));
  const keepOwners = missing.length === 0 && !foreign;
  return {
    stays: true,
    scratch,
    keepOwners,
    rolesComplete: missing.length === 0,
    warnings: keepOwners ? [] : [ownersNote(missing, facts.role)],
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function ownersNote(missing: string[], role: string): string {
  const why =
    missing.length > 0 ? `roles missing there: ${missing.join(', ')}` : `${role} may not give objects to their owners`;
  return `drilled without owners and privileges (${why})`;
}

async function record(task: DrillTask, result: DrillResult): Promise<void> {
  const { source, storage, id, catalog, clock, signal } = task;
  const at = clock.now();
  const proof: ProofRecord = {
    kind: 'drill',
    source: source.name,
    backup: id,
    storage: storage.name,
    at: at.toISOString(),
    ok: result.ok,
    depth: null,
    seconds: result.seconds,
    result,
  };
  await patiently(catalog, () => catalog.proofs.add(proof));
  await leaveDrill(storage, source.name, id, at, result, signal);
}
