import { throwIfAborted } from '../../../base/abort.ts';
import type { BasesPlan, BasesRequest } from '../../app.ts';
import { foreignSource } from '../foreign-sources.ts';
import { kindOf } from './column-kinds.ts';
import { linkPairs } from './link-pairs.ts';
import { fieldsOf } from './fields.ts';
import { liveUsers, type LiveTable } from './live.ts';
import { isMember } from './people.ts';
import { surveyRecords } from './records.ts';
import { ringing } from './ringing.ts';
import { numberedKey, savedBases, type SavedTable } from './saved-tree.ts';
import { scopesOf, type Scope } from './scope.ts';
import { basesCalled, isUnfinished, savedForeignKeys, targetsOf, type Target } from './target.ts';
import { virtualBody } from './column-bodies.ts';
import type { Work } from './work.ts';

/** Says what a restore would do, and why it would not. */
export async function planBases(request: BasesRequest, work: Work): Promise<BasesPlan> {
  const { saved, task, client } = work;
  const scopes = scopesOf(await savedBases(saved, task.signal), request);
  const targets = await targetsOf(scopes, client, task.signal);
  const plan: BasesPlan = { creates: [], skips: [], cannot: [], blocks: [] };
  for (const [index, scope] of scopes.entries()) {
    const target = targets[index];
    if (target === undefined) continue;
    throwIfAborted(task.signal);
    if (target.base !== null && target.base.id !== scope.base.file.base.id) {
      const count = await basesCalled(scope.title, client, task.signal);
      const ours = scopes.filter(({ title }) => title === scope.title).length;
      if (count > Math.max(1, ours)) {
        plan.blocks.push(`there are ${count} bases called ${scope.title}, and nothing tells which one is meant`);
        continue;
      }
    }
    if (request.what === 'schema') planSchema(scope, target, request, plan);
    else if (request.what === 'records') await planRecords(scope, target, request, plan, work);
    else if (target.base === null) plan.blocks.push(`there is no base ${scope.title}`);
    else await planFiles(scope, target, plan, work);
  }
  return plan;
}

function planSchema(scope: Scope, target: Target, { skipExisting }: BasesRequest, plan: BasesPlan): void {
  if (target.base === null) plan.creates.push(`base ${scope.title}`);
  for (const table of scope.tables) {
    const name = nameOf(scope, table);
    const live = target.tables.get(table.schema.table.id);
    if (live === undefined) planTable(table, { scope, target }, plan);
    else if (isUnfinished(live)) plan.creates.push(`what is missing of table ${name}, which was restored in part`);
    else if (skipExisting) plan.skips.push(`table ${name} exists`);
    else plan.blocks.push(`table ${name} exists`);
  }
  plan.cannot.push(...cannotMake(scope, target));
}

function planTable(table: SavedTable, { scope, target }: { scope: Scope; target: Target }, plan: BasesPlan): void {
  const { schema, saved } = table;
  const name = nameOf(scope, table);
  // Titles of tables are unique in a base.
  const [other] = [...target.tables].find(([, { title }]) => title === schema.table.title) ?? [];
  const called = other === undefined ? undefined : scope.base.tables.get(other)?.schema.table.title;
  if (called !== undefined) {
    plan.blocks.push(`table ${name}: ${called} of the backup is called so now`);
    return;
  }
  plan.creates.push(`table ${name}, ${schema.columns.length} fields, ${saved.views} views`);
  const source = foreignSource(scope.base.file.sources, schema.table);
  if (source !== null)
    plan.cannot.push(`the place of table ${name} in the connected database ${source}: it is made in NocoDB's own`);
}

/** What is known beforehand; what NocoDB refuses comes to light when it is asked. */
function cannotMake({ base, title, tables }: Scope, target: Target): string[] {
  const foreignKeys = savedForeignKeys(base);
  const wanted = new Set(tables.map(({ schema }) => schema.table.id));
  const cannot: string[] = [];
  const everything = new Map(
    [...base.tables.values()].flatMap(({ schema }) => schema.columns.map(({ id }) => [id, id])),
  );
  for (const { schema } of tables) {
    for (const column of schema.columns) {
      if (kindOf(column, foreignKeys) !== 'virtual') continue;
      const { body, reason } = virtualBody(column, everything, new Map());
      const hook = reason.startsWith('what it is computed from') && column.uidt === 'Button';
      if (body === null && !hook)
        cannot.push(`field ${title}/${schema.table.title}/${column.title} (${column.uidt}): ${reason}`);
    }
  }
  const all = [...base.tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  for (const pair of linkPairs(all)) {
    if (!wanted.has(pair.from.table) && !wanted.has(pair.to)) continue;
    const there = (id: string) => wanted.has(id) || target.tables.has(id);
    if (pair.elsewhere) cannot.push(`link ${title}/${pair.from.column.title}: it leads to another base`);
    else if (!there(pair.from.table) || !there(pair.to))
      cannot.push(`link ${title}/${pair.from.column.title}: the table at its other end is not restored`);
  }
  return cannot;
}

async function planRecords(
  scope: Scope,
  target: Target,
  { skipExisting, withAttachments }: BasesRequest,
  plan: BasesPlan,
  work: Work,
): Promise<void> {
  const users = target.base === null ? [] : await liveUsers(work.client, target.base.id, work.task.signal);
  const people = new Map(users.map(({ email, id }) => [email.toLowerCase(), id]));
  // Whoever is no member yet becomes one before records are written.
  for (const { email, id } of target.fresh ? scope.base.file.users.filter(isMember) : [])
    if (!people.has(email.toLowerCase())) people.set(email.toLowerCase(), id);
  if (target.base === null) plan.creates.push(`base ${scope.title}`);
  if (scope.tables.some(({ schema }) => !target.tables.has(schema.table.id)))
    plan.cannot.push(...cannotMake(scope, target));
  let records = 0;
  for (const table of scope.tables) {
    const name = nameOf(scope, table);
    const live = target.tables.get(table.schema.table.id);
    const { records: count, attachments, comments } = table.saved;
    if (live === undefined) planTable(table, { scope, target }, plan);
    else if (isUnfinished(live)) plan.creates.push(`what is missing of table ${name}, which was restored in part`);
    if (count === null) plan.cannot.push(`records of ${name}: the backup holds none`);
    else if (numberedKey(table) === null)
      plan.cannot.push(`${count} records of ${name}: the table has no numbered key (Id)`);
    else {
      const survey =
        live === undefined ? null : await surveyRecords({ scope, table, target, live, people, withFiles: false }, work);
      const { missing, kept, different } = survey ?? { missing: count, kept: 0, different: 0 };
      records += missing;
      if (live !== undefined && !isUnfinished(live)) plan.cannot.push(...goneFields(scope, table, live, target));
      // Of a table that lives, only the files of the records that it lacks come back; how many these are, nobody has counted.
      const all = survey === null || attachments.files === 0 ? `${attachments.files} files` : 'with their files';
      if (missing > 0) plan.creates.push(`${missing} records in ${name}${withAttachments ? `, ${all}` : ''}`);
      if (kept > different) plan.skips.push(`${kept - different} records of ${name} are there already`);
      if (different > 0 && skipExisting)
        plan.skips.push(`${different} records of ${name} are other than in the backup`);
      else if (different > 0)
        plan.blocks.push(`${different} records of ${name} are other than in the backup, under the same Id`);
      if (live !== undefined && missing > 0) await planHooks(live, { name, what: 'records' }, plan, work);
      if (!withAttachments && attachments.files > 0) plan.skips.push(`${attachments.files} files of ${name}`);
      if (comments !== null && comments > 0) plan.cannot.push(`author and time of ${comments} comments in ${name}`);
    }
  }
  if (records > 0)
    plan.cannot.push(
      `time and author of creation and last change of ${records} records in ${scope.title}: NocoDB sets them itself`,
    );
}

/** Of a table that lives; the keys of links come with the links. */
function goneFields(scope: Scope, table: SavedTable, live: LiveTable, target: Target): string[] {
  const missing = fieldsOf(scope.base, table, live, target)?.missing ?? [];
  return missing
    .filter(({ uidt }) => uidt !== 'ForeignKey')
    .map(({ title, uidt }) => `values of ${title} (${uidt}) of ${nameOf(scope, table)}: the table has no such field`);
}

async function planFiles(scope: Scope, target: Target, plan: BasesPlan, work: Work): Promise<void> {
  for (const table of scope.tables) {
    const name = nameOf(scope, table);
    const { files } = table.saved.attachments;
    if (files === 0) continue;
    const live = target.tables.get(table.schema.table.id);
    if (live === undefined) {
      plan.blocks.push(`there is no table ${name}`);
      continue;
    }
    plan.creates.push(`up to ${files} files in ${name}`);
    await planHooks(live, { name, what: 'files' }, plan, work);
  }
}

async function planHooks(
  live: LiveTable,
  { name, what }: { name: string; what: 'records' | 'files' },
  plan: BasesPlan,
  work: Work,
): Promise<void> {
  const titles = await ringing(live, what, work);
  if (titles === null)
    plan.cannot.push(
      `a look at the webhooks of ${name}: the token may not read them, and NocoDB calls those that are on`,
    );
  for (const title of titles ?? [])
    plan.blocks.push(
      `the webhook ${title} of ${name} is on, and NocoDB would call it for the ${what} that come back: switch it off until then`,
    );
}

function nameOf({ title }: Scope, { schema }: SavedTable): string {
  return `${title}/${schema.table.title}`;
}
