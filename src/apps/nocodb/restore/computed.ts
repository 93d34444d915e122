import { throwIfAborted } from '../../../base/abort.ts';
import { virtualBody } from './column-bodies.ts';
import { kindOf } from './column-kinds.ts';
import { inOrderOfUse, type Placed } from './dependencies.ts';
import { linkPairs } from './link-pairs.ts';
import { liveTable, madeTable } from './live.ts';
import type { SavedBase } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal, otherTitle } from './tables.ts';
import { learnColumn, savedForeignKeys, type Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

/** Lookups, rollups, formulas, buttons and codes, each when all that it is computed from is there. */
export async function makeComputed(
  { base, title }: Scope,
  made: ReadonlySet<string>,
  target: Target,
  work: Work,
): Promise<void> {
  const foreignKeys = savedForeignKeys(base);
  const titles = new Map<string, string>();
  const virtual: Placed[] = [];
  for (const { schema } of base.tables.values()) {
    for (const column of schema.columns) {
      titles.set(column.id, column.title);
      if (kindOf(column, foreignKeys) === 'virtual') virtual.push({ table: schema.table.id, column });
    }
  }
  const gone = goneWith(made, virtual, base, target);
  for (const placed of inOrderOfUse(virtual.filter((each) => made.has(each.table) || gone.has(each)))) {
    throwIfAborted(work.task.signal);
    const table = base.tables.get(placed.table)?.schema.table.title ?? '';
    await makeOne(placed, `${title}/${table}`, titles, target, work);
    if (gone.has(placed) && target.ids.has(placed.column.id))
      work.found.warn(`field ${title}/${table}/${placed.column.title} had gone with another table and was made again`);
  }
  await showRightValue({ base, title }, made, target, work);
}

/**
 * What other tables computed through their links to those that are made now: NocoDB removes it together with the links when a table is
 * removed.
 */
function goneWith(
  made: ReadonlySet<string>,
  virtual: readonly Placed[],
  { tables }: SavedBase,
  target: Target,
): Set<Placed> {
  const pairs = linkPairs([...tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns })));
  const touched = new Set(
    pairs
      .filter(({ from, to }) => made.has(from.table) || made.has(to))
      .flatMap(({ from, back }) => [from.column.id, ...(back === null ? [] : [back.column.id])]),
  );
  const gone = new Set<Placed>();
  for (const placed of inOrderOfUse(virtual)) {
    const { table, column } = placed;
    const uses = JSON.stringify(column.colOptions ?? {});
    if (![...touched].some((id) => uses.includes(id))) continue;
    touched.add(column.id);
    const live = target.tables.get(table);
    const isThere = live?.columns.some(({ title, uidt }) => title === column.title && uidt === column.uidt);
    if (!made.has(table) && isThere === false) gone.add(placed);
  }
  return gone;
}

async function makeOne(
  { table, column }: Placed,
  where: string,
  titles: ReadonlyMap<string, string>,
  { tables, ids }: Target,
  { client, task, found }: Work,
): Promise<void> {
  const live = tables.get(table);
  if (live === undefined) return;
  const there = live.columns.find(({ title, uidt }) => title === column.title && uidt === column.uidt);
  if (there !== undefined) return learnColumn(column, there, ids);
  const { body, reason } = virtualBody(column, ids, titles);
  const what = `field ${column.title} (${column.uidt})`;
  if (body === null) return found.lose(where, what, reason);
  try {
    const answer = await client.send('POST', `/api/v2/meta/tables/${live.id}/columns`, {
      body,
      repeat: 'once',
      signal: task.signal,
    });
    const now = madeTable(client, answer);
    tables.set(table, now);
    const counterpart = now.columns.find(({ title }) => title === column.title);
    if (counterpart === undefined) found.lose(where, what, otherTitle);
    else learnColumn(column, counterpart, ids);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const now = await liveTable(client, live.id, task.signal);
    tables.set(table, now);
    const counterpart = now.columns.find(({ title, uidt }) => title === column.title && uidt === column.uidt);
    if (counterpart === undefined) found.lose(where, what, reasonOf(error));
    else learnColumn(column, counterpart, ids);
  }
}

/** The value that stands for a record may be a computed one, which a new table cannot begin with. */
async function showRightValue(
  { base, title }: Pick<Scope, 'base' | 'title'>,
  made: ReadonlySet<string>,
  { tables, ids }: Target,
  { client, task, found }: Work,
): Promise<void> {
  for (const { schema } of base.tables.values()) {
    const live = tables.get(schema.table.id);
    const wanted = schema.columns.find(({ pv }) => pv);
    if (live === undefined || wanted === undefined || !made.has(schema.table.id)) continue;
    const now = ids.get(wanted.id);
    if (now === undefined || live.columns.find(({ id }) => id === now)?.pv === true) continue;
    try {
      await client.send('POST', `/api/v2/meta/columns/${now}/primary`, { repeat: 'safe', signal: task.signal });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      found.lose(`${title}/${schema.table.title}`, `${wanted.title} as the value that is shown`, reasonOf(error));
    }
  }
}
