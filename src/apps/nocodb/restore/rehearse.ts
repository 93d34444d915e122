import { toHoldfastError } from '../../../base/errors.ts';
import { formatCount } from '../../../base/units.ts';
import type { AppTask, BasesRequest, Rehearsal, Saved } from '../../app.ts';
import type { Client } from '../client.ts';
import { isRehearsal, rehearsalTitle } from '../rehearsal-title.ts';
import { attachmentSchema, basePath, linkPairSchema, names, tablePath } from '../tree-format.ts';
import { restoreData, type BasesSettings } from './bases.ts';
import { findings, type Findings } from './findings.ts';
import { livePairs } from './link-records.ts';
import { liveBases, liveCount, liveTable, liveTables } from './live.ts';
import type { People } from './people.ts';
import { surveyRecords } from './records.ts';
import { savedBases, savedLines } from './saved-tree.ts';
import { beginSchema, finishSchema } from './schema.ts';
import { scopesOf, type Scope } from './scope.ts';
import type { Target } from './target.ts';
import type { Work } from './work.ts';

const mostDifferences = 100;
const removalMs = 120_000;

const everything: BasesRequest = {
  what: 'records',
  bases: [],
  tables: [],
  skipExisting: false,
  intoBase: null,
  withAttachments: false,
};

/**
 * Restores every base of a backup into one of its own, compares that with the backup, and removes it again. Nobody is invited to it and no
 * webhook of it rings. Files are read to their end instead of brought to NocoDB, which has no way to remove them again.
 */
export async function rehearseBases(
  { connect, concurrency }: BasesSettings,
  saved: Saved,
  task: AppTask,
): Promise<Rehearsal> {
  using client = connect();
  const found = findings();
  const work: Work = { client, saved, task, found: withoutPeople(found), atOnce: concurrency };
  const differences: string[] = [];
  const warnings: string[] = [];
  for (const { title } of (await liveBases(client, task.signal)).filter(isRehearsal)) {
    warnings.push(
      `base ${title} is left from a rehearsal that was interrupted, or belongs to one that runs now: remove it`,
    );
  }
  const counts = { bases: 0, tables: 0, records: 0, links: 0, files: 0 };
  for (const scope of scopesOf(await savedBases(saved, task.signal), everything)) {
    const title = rehearsalTitle();
    const target: Target = { base: null, fresh: true, tables: new Map(), ids: new Map() };
    let failure: { error: unknown } | undefined;
    try {
      await rehearseOne({ ...scope, title, renamed: true }, target, { differences, counts }, work);
    } catch (error) {
      failure = { error };
    }
    const left = await remove(title, client);
    if (failure !== undefined) {
      const error = toHoldfastError(failure.error);
      if (left !== null) error.message += `; ${left}`;
      throw error;
    }
    if (left !== null) warnings.push(left);
  }
  const lost = found.lost.map(({ where, what, reason }) => `${where}, ${what}: ${reason}`);
  const all = [...differences, ...lost];
  return {
    ok: all.length === 0,
    detail: `${formatCount(counts.bases, 'base')}, ${formatCount(counts.tables, 'table')}, ${formatCount(counts.records, 'record')}, ${formatCount(counts.links, 'link')} ${all.length === 0 ? 'equal' : 'compared'}, ${formatCount(counts.files, 'file')} read`,
    differences: all.slice(0, mostDifferences),
    warnings: [...warnings, ...found.warnings.filter((warning) => !warning.startsWith('webhook '))],
  };
}

interface Outcome {
  differences: string[];
  counts: { bases: number; tables: number; records: number; links: number; files: number };
}

async function rehearseOne(scope: Scope, target: Target, { differences, counts }: Outcome, work: Work): Promise<void> {
  const { client, saved, task } = work;
  const begun = await beginSchema(scope, target, { invite: false, keys: true }, work);
  const { made, people } = begun;
  const reports = await restoreData({ scope, target, begun, withFiles: false }, work);
  await finishSchema(scope, target, made, work);
  counts.bases += 1;
  for (const { report } of reports) {
    const { table, expected, restored } = report;
    counts.tables += 1;
    counts.records += restored;
    if (expected !== restored) differences.push(`${table}: ${restored} of ${expected} records`);
  }
  await compareRecords(scope, target, people, differences, work);
  for (const links of scope.base.file.links) {
    if (links.file === null) continue;
    const [junction, left, right] = [links.junction, links.left.key, links.right.key].map((id) => target.ids.get(id));
    if (junction === undefined || left === undefined || right === undefined) continue;
    const there = await livePairs({ id: junction, left, right }, work);
    const name = basePath(scope.base.folder, links.file);
    let wanted = 0;
    for await (const [a, b] of savedLines(saved, name, linkPairSchema, task.signal)) {
      wanted += 1;
      if (!there.has(`${a}-${b}`)) differences.push(`${name}: ${a} and ${b} are not linked`);
    }
    if (there.size > wanted) differences.push(`${name}: ${there.size - wanted} links too many`);
    counts.links += wanted;
  }
  for (const table of scope.tables) {
    const live = target.tables.get(table.schema.table.id);
    if (live === undefined) continue;
    const views = (await liveTable(client, live.id, task.signal)).views.length;
    if (views !== table.saved.views)
      differences.push(`${table.schema.table.title}: ${views} of ${table.saved.views} views`);
    const list = tablePath(scope.base.folder, table.saved.folder, names.attachments);
    for await (const { file } of savedLines(saved, list, attachmentSchema, task.signal)) {
      if (file === null) continue;
      const content = await saved.open(tablePath(scope.base.folder, table.saved.folder, file), task.signal);
      for await (const _chunk of content);
      counts.files += 1;
    }
  }
}

async function compareRecords(
  scope: Scope,
  target: Target,
  people: People,
  differences: string[],
  work: Work,
): Promise<void> {
  for (const table of scope.tables) {
    const live = target.tables.get(table.schema.table.id);
    if (live === undefined || table.saved.records === null) continue;
    const { title } = table.schema.table;
    const survey = await surveyRecords({ scope, table, target, live, people, withFiles: false }, work);
    if (survey === null) continue;
    if (survey.missing > 0) differences.push(`${title}: ${survey.missing} records are missing`);
    if (survey.different > 0) differences.push(`${title}: ${survey.different} records have other values`);
    const more = (await liveCount(work.client, live.id, work.task.signal)) - survey.kept;
    if (more > 0) differences.push(`${title}: ${more} records too many`);
  }
}

/**
 * Also when the run was cancelled, so with a signal of its own. NocoDB keeps the tables of a base that is removed in its database, so they
 * go first. Gives what is left, or null.
 */
async function remove(title: string, client: Client): Promise<string | null> {
  const signal = AbortSignal.timeout(removalMs);
  try {
    for (const base of (await liveBases(client, signal)).filter((each) => each.title === title)) {
      for (const table of await liveTables(client, base.id, signal))
        await client.send('DELETE', `/api/v2/meta/tables/${table.id}`, { repeat: 'safe', signal });
      await client.send('DELETE', `/api/v2/meta/bases/${base.id}`, { repeat: 'safe', signal });
    }
    return null;
  } catch (error) {
    return `base ${title} of the rehearsal could not be removed, remove it by hand: ${toHoldfastError(error).message}`;
  }
}

/** Fields that name people are empty where these are not members, and nobody is invited to a rehearsal. */
function withoutPeople(found: Findings): Findings {
  return {
    lose: (where, what, reason) => {
      if (!reason.endsWith('is no member of the base')) found.lose(where, what, reason);
    },
    warn: (text) => found.warn(text),
    get lost() {
      return found.lost;
    },
    get lostCount() {
      return found.lostCount;
    },
    get warnings() {
      return found.warnings;
    },
  };
}
