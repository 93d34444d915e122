import { databaseOf } from '../care/source.ts';
import type { Clock } from '../base/clock.ts';
import { step, type Report } from '../base/progress.ts';
import { formatCount } from '../base/units.ts';
import { checkCollations, collationsOf, type CheckedDatabase, type CollationScope } from '../care/proof/collations.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { holdLock } from '../catalog/lease.ts';
import { withRun } from '../catalog/run.ts';
import type { CollationFix, Database } from '../engines/engine.ts';
import { sourceLock } from './backup.ts';

export interface FixTask extends CollationScope {
  /** Also indexes whose order is not known to differ. */
  everything: boolean;
  catalog: Catalog;
  clock: Clock;
  report: Report;
  /** Shown what is going to be rebuilt; rejects when the answer is no. */
  confirm: (checked: readonly CheckedDatabase[]) => Promise<void>;
}

export interface FixResult {
  /** Null when there was nothing to do. */
  run: string | null;
  state: 'unchanged' | 'succeeded' | 'failed';
  databases: CollationFix[];
  /** Those that could not be looked at or mended. */
  problems: { database: string; code: string; message: string }[];
}

/** Rebuilds what follows a changed order, database by database, as one run. */
export async function fixCollations(task: FixTask): Promise<FixResult> {
  const { source, everything, catalog, clock, signal, report } = task;
  const checked = await checkCollations(task);
  const wanted = checked.filter(({ ok, report: found }) => found !== null && (everything || !ok));
  const problems = checked.flatMap(({ database, problem }) => (problem ? [{ database, ...problem }] : []));
  if (wanted.length === 0) {
    return { run: null, state: problems.length > 0 ? 'failed' : 'unchanged', databases: [], problems };
  }
  await task.confirm(wanted);
  const request = { operation: 'maintenance', source: source.name, trigger: 'manual', catalog, clock } as const;
  return withRun({ ...request, signal, report }, async (run) => {
    const name = sourceLock(source);
    await using lease = await holdLock({ catalog, clock, name, run: run.id, signal: run.signal });
    const databases: CollationFix[] = [];
    for (const { database } of wanted) {
      const inside = { everything, signal: lease.signal, report: run.report };
      databases.push(await fixDatabase(databaseOf(source).named(database), inside));
    }
    const failed = problems.length > 0 || databases.some(({ left }) => left.length > 0);
    const contradicts = databases.some((each) => each.duplicates.length + each.misplaced.length > 0);
    const state = failed || contradicts ? ('failed' as const) : ('succeeded' as const);
    return { state, result: { run: run.id, state, databases, problems } };
  });
}

async function fixDatabase(
  database: Database,
  { everything, signal, report }: Pick<FixTask, 'everything' | 'signal' | 'report'>,
): Promise<CollationFix> {
  const name = `reindex ${database.name}`;
  let bytes = 0;
  const fix = await step(
    report,
    name,
    () =>
      collationsOf(database).fix(
        {
          everything,
          onIndex: (index) => {
            report({ kind: 'progress', step: name, part: `${index.schema}.${index.name}`, bytes, total: null });
            bytes += index.bytes;
          },
          onTable: (table) =>
            report({ kind: 'progress', step: name, part: `${table.schema}.${table.name}`, bytes, total: null }),
        },
        signal,
      ),
    ({ rebuilt, refreshed }) =>
      `${formatCount(rebuilt.length)} rebuilt, ${refreshed.length === 0 ? 'no version' : refreshed.join(', ')} refreshed`,
  );
  for (const message of findings(fix)) report({ kind: 'warning', message });
  return fix;
}

function findings({ database, duplicates, misplaced }: CollationFix): string[] {
  return [
    ...duplicates.map(
      ({ index, table, detail }) =>
        `${database}: the index ${index.schema}.${index.name} of ${table.schema}.${table.name} cannot be rebuilt: ${detail}`,
    ),
    ...misplaced.map(
      ({ table, rows }) =>
        `${database}: ${formatCount(rows, 'row')} of the partition ${table.schema}.${table.name} belong into another one`,
    ),
  ];
}
