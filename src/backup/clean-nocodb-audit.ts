import { throwIfAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { step, type Report } from '../base/progress.ts';
import { formatCount, formatSetting } from '../base/units.ts';
import { partsOf } from '../care/backup-facts.ts';
import { takeInventory } from '../care/stock/inventory.ts';
import { databaseOf, type Source } from '../care/source.ts';
import type { BackupRow, Catalog } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import type { AgedRows, AgedTable, Database } from '../engines/engine.ts';
import { sourceLock } from './backup.ts';

export interface CleanTask {
  source: Source;
  olderThanMs: number;
  dryRun: boolean;
  /** Do it although there is no fresh backup. */
  withoutBackup: boolean;
  catalog: Catalog;
  clock: Clock;
  signal: AbortSignal;
  report: Report;
  /** Rejects when the answer is no. */
  confirm: (tables: readonly AgedTable[], before: Date) => Promise<void>;
}

export interface CleanResult {
  /** Null when nothing was removed. */
  run: string | null;
  dryRun: boolean;
  before: string;
  tables: (AgedTable & { removed: number })[];
}

/** Only these, and only beside what every NocoDB has: a table of this name in another database is somebody's data. */
const auditTables = ['nc_audit_v2', 'nc_automation_executions', 'nc_hook_logs_v2', 'nc_sync_logs_v2'];
const ofNocodb = ['nc_users_v2', 'nc_models_v2', 'nc_columns_v2', 'nc_views_v2'];
const column = 'created_at';
const freshMs = 24 * 3_600_000;

/** Old entries of NocoDB's records of what was done; whoever asks for them later has the backup. */
export async function cleanNocodbAudit(task: CleanTask): Promise<CleanResult> {
  const { source, catalog, clock, dryRun, signal, report } = task;
  const before = new Date(clock.now().getTime() - task.olderThanMs);
  const tables = await findTables(source, before, signal);
  const nothing: CleanResult = {
    run: null,
    dryRun,
    before: before.toISOString(),
    tables: tables.map((table) => ({ ...table, removed: 0 })),
  };
  if (dryRun || tables.every(({ older }) => older === 0)) return nothing;
  if (!task.withoutBackup) await assertFreshBackup(task);
  await task.confirm(tables, before);
  const request = { operation: 'maintenance', source: source.name, trigger: 'manual', catalog, clock } as const;
  return withRun({ ...request, signal, report }, async (run) => {
    await using lease = await holdLock({ catalog, clock, name: sourceLock(source), run: run.id, signal: run.signal });
    const inside = { before, signal: lease.signal, report: run.report };
    const done: CleanResult['tables'] = [];
    for (const table of tables) done.push({ ...table, removed: await cleanTable(source, table, inside) });
    return { state: 'succeeded', result: { ...nothing, run: run.id, tables: done } };
  });
}

async function cleanTable(
  source: Source,
  table: AgedTable,
  { before, signal, report }: { before: Date; signal: AbortSignal; report: Report },
): Promise<number> {
  if (table.older === 0) return 0;
  const name = `clean ${table.name}`;
  const onRows = (rows: number) =>
    report({ kind: 'progress', step: name, part: formatCount(rows, 'row'), bytes: 0, total: null });
  return step(
    report,
    name,
    () => agedRowsOf(databaseOf(source)).remove(table, { column, before, onRows }, signal),
    (rows) => `${formatCount(rows, 'row')} removed`,
  );
}

async function findTables(source: Source, before: Date, signal: AbortSignal): Promise<AgedTable[]> {
  const database = databaseOf(source);
  const what = { tables: auditTables, beside: ofNocodb, column, before };
  const tables = await agedRowsOf(database).find(what, signal);
  if (tables !== null) return tables;
  throw new HoldfastError('NOT_NOCODB', `${database.name} is not the database of one NocoDB`, {
    kind: 'refused',
    hint: `It must have the tables ${ofNocodb.join(', ')} in one schema. Nothing was touched.`,
  });
}

function agedRowsOf({ agedRows, engine }: Database): AgedRows {
  if (agedRows) return agedRows;
  throw new HoldfastError('NOT_NOCODB', `NocoDB's records in databases of ${engine} are not known here`, {
    kind: 'usage',
  });
}

async function assertFreshBackup({ source, catalog, clock, signal }: CleanTask): Promise<void> {
  const since = clock.now().getTime() - freshMs;
  for (const storage of source.storages) {
    try {
      const rows = await takeInventory({ storage, source: source.name, catalog, signal });
      const isFresh = ({ state, facts }: BackupRow) =>
        state === 'complete' && facts !== null && facts.database !== null && Date.parse(facts.startedAt) >= since;
      if (rows.some((row) => isFresh(row) && partsOf(row).includes('database'))) return;
    } catch {
      throwIfAborted(signal); // a storage that cannot be asked vouches for nothing
    }
  }
  throw new HoldfastError(
    'NO_FRESH_BACKUP',
    `${source.name} has no whole backup of the last ${formatSetting(freshMs)}`,
    {
      kind: 'refused',
      hint: 'Take one first with `holdfast backup`, or add --without-backup. Nothing was touched.',
    },
  );
}
