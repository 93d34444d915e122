import { step } from '../../../base/progress.ts';
import { makeComputed } from './computed.ts';
import { filterHooks, makeHooks } from './hooks.ts';
import { option } from './column-kinds.ts';
import { prepareKeys, type SavedKeys } from './keys.ts';
import { earlyLinks } from './link-order.ts';
import { linkPairs, type LinkPair } from './link-pairs.ts';
import { limitLinks } from './link-views.ts';
import { makeLinks } from './links.ts';
import { liveTable, madeBase } from './live.ts';
import { bringPeople, type People } from './people.ts';
import { tellRules } from './rules.ts';
import type { SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { makeTables } from './tables.ts';
import { unfinished, type Target } from './target.ts';
import { makeViews } from './views.ts';
import type { Work } from './work.ts';

export interface Begun {
  /** Tables that were made, or that an interrupted restore had begun. */
  made: SavedTable[];
  people: People;
  /** Ids of the keys of links that are made when the records are there. */
  laterKeys: ReadonlySet<string>;
  /** Tables, by id, whose records NocoDB numbers itself. */
  numbered: ReadonlyMap<string, SavedKeys>;
  /** Makes those links. */
  finishLinks: () => Promise<void>;
}

/**
 * Makes what is missing of a base up to where records can be written: tables, plain fields, links. Computed fields come after the
 * records, since NocoDB computes them for every record it takes, and so do most links (see `earlyLinks`). A table carries a mark in its settings until all of it is there; a
 * restore that was interrupted goes on with the tables that carry it.
 */
export async function beginSchema(
  scope: Scope,
  target: Target,
  { invite, keys }: { invite: boolean; keys: boolean },
  work: Work,
): Promise<Begun> {
  const { base, title } = scope;
  const { task } = work;
  target.base ??= await makeBase(scope, work);
  target.ids.set(base.file.base.id, target.base.id);
  const people = await bringPeople(base.file.users, target, { invite, where: title }, work);
  const made = await step(
    task.report,
    `tables of ${title}`,
    () => makeTables(scope, target, work),
    (tables) => `${tables.length} made`,
  );
  const links = (isWanted: (pair: LinkPair) => boolean) =>
    made.length === 0
      ? Promise.resolve()
      : step(task.report, `links of ${title}`, () => makeLinks(scope, idsOf(made), isWanted, target, work));
  if (!keys) {
    await links(() => true);
    return { made, people, laterKeys: new Set(), numbered: new Map(), finishLinks: () => Promise.resolve() };
  }
  const isMade = idsOf(made);
  const early = await earlyLinks(scope, target, isMade, work);
  const numbered = await prepareKeys(scope, target, { tables: made, early }, work);
  const isEarly = ({ from }: LinkPair) => early.has(from.column.id);
  await links(isEarly);
  const keysOf = (pair: LinkPair) => option(pair.from.column, 'fk_child_column_id') ?? [];
  const all = [...base.tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  const comes = (pair: LinkPair) =>
    !isEarly(pair) &&
    (isMade.has(pair.from.table) || isMade.has(pair.to)) &&
    target.tables.has(pair.from.table) &&
    target.tables.has(pair.to);
  const laterKeys = new Set(linkPairs(all).filter(comes).flatMap(keysOf));
  return { made, people, laterKeys, numbered, finishLinks: () => links((pair) => !isEarly(pair)) };
}

/** The rest: webhooks, computed fields, views; then the mark goes. */
export async function finishSchema(scope: Scope, target: Target, made: SavedTable[], work: Work): Promise<void> {
  if (made.length === 0) return;
  const { title } = scope;
  const { client, task } = work;
  const hooks = [];
  for (const table of made) hooks.push({ table, made: await makeHooks(scope, table, target, work) });
  await step(task.report, `computed fields of ${title}`, () => makeComputed(scope, idsOf(made), target, work));
  for (const { table, made: each } of hooks)
    await filterHooks(`${title}/${table.schema.table.title}`, each, target, work);
  await step(task.report, `views of ${title}`, async () => {
    for (const table of made) await makeViews(scope, table, target, work);
    await limitLinks(scope, idsOf(made), target, work);
  });
  for (const table of made) {
    const { schema } = table;
    const known = target.tables.get(schema.table.id);
    if (known === undefined) continue;
    const live = await liveTable(client, known.id, task.signal);
    tellRules(scope, table, live, target, work);
    const { [unfinished]: mark, ...meta } = { ...live.meta, ...schema.table.meta };
    void mark;
    await client.send('PATCH', `/api/v2/meta/tables/${live.id}`, {
      body: { meta },
      repeat: 'safe',
      signal: task.signal,
    });
    target.tables.set(schema.table.id, { ...live, meta });
  }
}

function idsOf(tables: readonly SavedTable[]): Set<string> {
  return new Set(tables.map(({ schema }) => schema.table.id));
}

async function makeBase({ base, title }: Scope, { client, task }: Work) {
  const { description, meta } = base.file.base;
  const answer = await client.send('POST', '/api/v2/meta/bases', {
    body: { title, ...(description === null ? {} : { description }), meta: JSON.stringify(meta) },
    repeat: 'once',
    signal: task.signal,
  });
  return madeBase(client, answer);
}
