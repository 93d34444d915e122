import { HoldfastError } from '../../../base/errors.ts';
import { step } from '../../../base/progress.ts';
import type { Bases, BasesPlan, BasesReport, BasesRequest, Saved } from '../../app.ts';
import type { Client } from '../client.ts';
import { restoreAttachments } from './attachments.ts';
import { option } from './column-kinds.ts';
import { restoreComments } from './comments.ts';
import { findings } from './findings.ts';
import { restoreKeyLinks } from './key-links.ts';
import { prepareKeys } from './keys.ts';
import { linkPairs, parentsFirst } from './link-pairs.ts';
import { restoreLinks } from './link-records.ts';
import { liveCount } from './live.ts';
import { planBases } from './plan.ts';
import { restoreRecords } from './records.ts';
import { savedBases } from './saved-tree.ts';
import { beginSchema, finishSchema, type Begun } from './schema.ts';
import { scopesOf, type Scope } from './scope.ts';
import { targetsOf, type Target } from './target.ts';
import type { Work } from './work.ts';

export interface BasesSettings {
  /** A client of its own for each task, which ends it. */
  connect: () => Client;
  concurrency: number;
}

type Report = BasesReport['tables'][number];

/** Bases, tables and records of a NocoDB, rebuilt through its API. */
export function createBases({ connect, concurrency }: BasesSettings): Bases {
  return {
    plan: async (saved, request, task) => {
      using client = connect();
      return await planBases(request, { client, saved, task, found: findings(), atOnce: concurrency });
    },
    restore: async (saved, request, task) => {
      using client = connect();
      return await restoreBases(saved, request, { client, saved, task, found: findings(), atOnce: concurrency });
    },
  };
}

async function restoreBases(saved: Saved, request: BasesRequest, work: Work): Promise<BasesReport> {
  const started = performance.now();
  const { task, found, client } = work;
  const plan = await planBases(request, work);
  if (plan.blocks.length > 0) throw blocked(plan);
  const scopes = scopesOf(await savedBases(saved, task.signal), request);
  const targets = await targetsOf(scopes, client, task.signal);
  const tables: Report[] = [];
  let created = 0;
  let skipped = 0;
  const add = (each: TableReport) => {
    tables.push(each.report);
    created += each.created;
    skipped += each.kept;
  };
  for (const [index, scope] of scopes.entries()) {
    const target = targets[index];
    if (target === undefined) continue;
    if (request.what === 'attachments') {
      for (const each of await restoreFiles(scope, target, work)) add(each);
      continue;
    }
    const keys = request.what === 'records';
    const begun = await beginSchema(scope, target, { invite: true, keys }, work);
    const { made } = begun;
    if (request.what === 'schema') {
      created += made.length;
      skipped += scope.tables.length - made.length;
      tables.push(...scope.tables.map((table) => emptyReport(scope, table.schema.table.title)));
    } else {
      const withFiles = request.withAttachments;
      const existing = scope.tables.filter((table) => !made.includes(table));
      await prepareKeys(scope, target, { tables: existing, early: new Set() }, work);
      for (const each of await restoreData({ scope, target, begun, withFiles }, work)) add(each);
    }
    await finishSchema(scope, target, made, work);
  }
  return {
    ok: found.lostCount === 0 && tables.every(({ expected, restored }) => expected === restored),
    tables,
    created,
    skipped,
    lost: [...found.lost],
    lostCount: found.lostCount,
    seconds: (performance.now() - started) / 1000,
    warnings: [...found.warnings],
  };
}

export interface TableReport {
  report: Report;
  created: number;
  kept: number;
  different: number;
}

/** Records of all tables of a scope, then what links them, then what was said about them. */
export async function restoreData(
  { scope, target, begun, withFiles }: { scope: Scope; target: Target; begun: Begun; withFiles: boolean },
  work: Work,
): Promise<TableReport[]> {
  const { client, task, found } = work;
  const { people, laterKeys, numbered } = begun;
  const reports: TableReport[] = [];
  const failed = new Map<string, ReadonlySet<number>>();
  const byId = new Map<string, TableReport>();
  const fresh = new Set<string>();
  const keys = new Map<string, number>();
  for (const { table } of inOrderOfWriting(scope)) {
    const live = target.tables.get(table.schema.table.id);
    if (live === undefined) continue;
    const { id, title } = table.schema.table;
    const where = `${scope.title}/${title}`;
    const keysHere = numbered.get(id) ?? null;
    for (const each of table.saved.failed) found.warn(`${where} was not saved as a whole: ${each}`);
    const done = await step(
      task.report,
      `records of ${where}`,
      () => restoreRecords({ scope, table, target, live, people, withFiles }, { laterKeys, numbered: keysHere }, work),
      (result) => (result === null ? 'none' : `${result.inserted} restored, ${result.kept} were there`),
    );
    if (done === null) continue;
    failed.set(table.schema.table.id, done.failed);
    if (done.kept === 0) fresh.add(table.schema.table.id);
    if (done.different > 0)
      found.warn(`${done.different} records of ${where} are other than in the backup and were left alone`);
    const now = await liveCount(client, live.id, task.signal);
    const restored = Math.min(done.inserted + done.kept, now);
    if (now < done.inserted + done.kept)
      found.lose(where, `${done.inserted + done.kept - now} records`, 'NocoDB took them, and they are not there');
    const report: TableReport = {
      report: {
        base: scope.title,
        table: title,
        expected: table.saved.records ?? 0,
        restored,
        links: 0,
        attachments: done.files,
      },
      created: done.inserted,
      kept: done.kept,
      different: done.different,
    };
    byId.set(table.schema.table.id, report);
    for (const [key, count] of done.links) keys.set(key, count);
    reports.push(report);
  }
  await begun.finishLinks();
  const links = await step(
    task.report,
    `links between records of ${scope.title}`,
    async () => [
      await restoreLinks(scope, target, failed, work),
      await restoreKeyLinks(scope, target, { failed, fresh, laterKeys }, work),
    ],
    (both) => `${both.reduce((sum, { made }) => sum + made, 0)} made`,
  );
  const made = [...linksByTable(scope, keys), ...links.flatMap(({ byTable }) => [...byTable])];
  for (const [id, count] of made) {
    const report = byId.get(id);
    if (report !== undefined) report.report.links += count;
  }
  for (const table of scope.tables) {
    const live = target.tables.get(table.schema.table.id);
    const { id } = table.schema.table;
    const gone = failed.get(id) ?? (begun.made.includes(table) ? 'all' : new Set<number>());
    if (live !== undefined) await restoreComments(scope, table, { live, gone }, work);
  }
  return reports;
}

function inOrderOfWriting({ tables }: Scope) {
  return parentsFirst(tables.map((table) => ({ id: table.schema.table.id, columns: table.schema.columns, table })));
}

/** Links that came with the records, of which one side holds the key of the other; each counts on both. */
function linksByTable({ base }: Scope, keys: ReadonlyMap<string, number>): [string, number][] {
  const tables = [...base.tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  return linkPairs(tables).flatMap(({ from, to }): [string, number][] => {
    const count = keys.get(option(from.column, 'fk_child_column_id') ?? '') ?? 0;
    return [...new Set([from.table, to])].map((table) => [table, count]);
  });
}

async function restoreFiles(scope: Scope, target: Target, work: Work): Promise<TableReport[]> {
  const reports: TableReport[] = [];
  for (const table of scope.tables) {
    const live = target.tables.get(table.schema.table.id);
    if (live === undefined) continue;
    const { title } = table.schema.table;
    const files = await step(
      work.task.report,
      `files of ${scope.title}/${title}`,
      () => restoreAttachments(scope, table, live, target, work),
      ({ restored }) => `${restored} put back`,
    );
    const report = { ...emptyReport(scope, title), attachments: files.restored };
    reports.push({ report, created: files.restored, kept: files.kept, different: 0 });
  }
  return reports;
}

function emptyReport({ title }: Scope, table: string): Report {
  return { base: title, table, expected: 0, restored: 0, links: 0, attachments: 0 };
}

function blocked({ blocks }: BasesPlan): HoldfastError {
  const [first = '', ...more] = blocks;
  return new HoldfastError(
    'NOCODB_IN_THE_WAY',
    `something is in the way: ${first}${more.length === 0 ? '' : ` (and ${more.length} more)`}`,
    {
      kind: 'refused',
      hint: 'See all of it with --dry-run; --skip-existing leaves alone what exists, --into-base restores into another base.',
      details: { blocks: blocks.slice(0, 100) },
    },
  );
}
