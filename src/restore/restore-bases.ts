import type { BasesPlan, BasesReport, BasesRequest, Bases, Saved } from '../apps/app.ts';
import type { Artifact } from '../archive/format/manifest.ts';
import { openArchive, type StoredBackup } from '../archive/reader.ts';
import { sourceLock } from '../backup/backup.ts';
import { HoldfastError } from '../base/errors.ts';
import { step } from '../base/progress.ts';
import { formatCount } from '../base/units.ts';
import { appOf, type Source } from '../care/source.ts';
import { assertVerified, readingLock } from '../care/proof/verify.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import { checkBytes } from './check-bytes.ts';
import type { BackupPlace } from './open-dump.ts';
import type { RestoreTask } from './task.ts';

export interface PartsRequest extends BasesRequest {
  source: Source;
  from: BackupPlace;
}

export interface PartsTask extends Omit<RestoreTask, 'request' | 'confirm'> {
  request: PartsRequest;
  confirm: (plan: BasesPlan, title: string) => Promise<void>;
}

export interface PartsResult extends BasesReport {
  run: string;
  id: string;
  state: 'succeeded' | 'partial';
  target: string;
}

/** What would be created, skipped and cannot be restored; touches nothing. */
export async function planParts(
  task: Pick<PartsTask, 'request' | 'scratch' | 'signal' | 'report'>,
): Promise<{ plan: BasesPlan; title: string }> {
  const { bases, saved, title } = await openBases(task.request, task.scratch, task.signal);
  return { plan: await bases.plan(saved, task.request, task), title };
}

/** Rebuilds bases, tables and records through the application, which goes on living meanwhile. */
export async function restoreParts(task: PartsTask): Promise<PartsResult> {
  const { request, catalog, clock, signal, report, trigger = 'manual', scratch } = task;
  const { source, from } = request;
  const { bases, saved, archive, title } = await openBases(request, scratch, signal);
  const plan = await step(report, 'plan', () => bases.plan(saved, request, { signal, report }));
  assertNothingBlocks(plan);
  await task.confirm(plan, title);
  return withRun(
    { operation: 'restore', source: source.name, backup: from.id, trigger, catalog, clock, signal, report },
    async (run) => {
      const lock = { catalog, clock, run: run.id };
      await using sourceLease = await holdLock({ ...lock, name: sourceLock(source), signal: run.signal });
      const name = readingLock(source.name, from.id);
      await using lease = await holdLock({ ...lock, name, mode: 'shared', signal: sourceLease.signal });
      const inside = { signal: lease.signal, report: run.report };
      // Through an interface, half a table cannot be taken back.
      const isPart = ({ role }: Artifact) => role === 'app';
      assertVerified(await checkBytes({ ...task, ...inside, source }, { archive, id: from.id }, isPart));
      const done = await step(
        run.report,
        request.what,
        () => bases.restore(saved, request, inside),
        ({ tables, lostCount }) =>
          `${formatCount(tables.length, 'table')}, ${formatCount(
            tables.reduce((sum, table) => sum + table.restored, 0),
            'record',
          )}${lostCount > 0 ? `, ${formatCount(lostCount, 'value')} not restored` : ''}`,
      );
      const state = done.ok ? 'succeeded' : 'partial';
      return { state, result: { run: run.id, id: from.id, state, target: title, ...done } };
    },
  );
}

export function assertNothingBlocks({ blocks }: BasesPlan): void {
  if (blocks.length === 0) return;
  throw new HoldfastError(
    'RESTORE_REFUSED',
    `the restore was refused before anything was touched: ${blocks.join('; ')}`,
    {
      kind: 'refused',
      hint: 'Remove the cause, leave out what exists with `--skip-existing`, or restore beside it with `--into-base`.',
    },
  );
}

interface Opened {
  archive: StoredBackup;
  bases: Bases;
  saved: Saved;
  title: string;
}

async function openBases({ source, from }: PartsRequest, scratch: string, signal: AbortSignal): Promise<Opened> {
  const { storage, id } = from;
  const archive = await openArchive({ storage, source: source.name, id, keys: source.keys, scratch, signal });
  const saved = archive.saved('app');
  const app = saved && (await appOf(source, 'app', saved.facts));
  if (saved && app?.bases) return { archive, saved, bases: app.bases, title: app.title };
  throw new HoldfastError('NO_BASES', `the backup ${id} holds no bases that can be restored here`, {
    kind: 'usage',
    hint: saved
      ? 'Configure the application under `app` of the source: its address and a token.'
      : '`holdfast inspect` shows what is in it.',
  });
}
