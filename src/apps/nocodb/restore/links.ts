import { pause, throwIfAborted } from '../../../base/abort.ts';
import type { Client } from '../client.ts';
import type { Column } from '../tree-format.ts';
import { isLink, option } from './column-kinds.ts';
import { translated } from './ids.ts';
import { isNewer, linkPairs, type LinkPair } from './link-pairs.ts';
import { liveTable, madeTable, type LiveTable } from './live.ts';
import type { Scope } from './scope.ts';
import { isRefusal, otherTitle } from './tables.ts';
import { learnColumn, type Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

const looks = 5;
const betweenLooksMs = 200;

/** The link fields of the tables that are made, both ends of each; those that are wanted now. */
export async function makeLinks(
  { base, title }: Scope,
  made: ReadonlySet<string>,
  isWanted: (pair: LinkPair) => boolean,
  target: Target,
  work: Work,
): Promise<void> {
  const all = [...base.tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  const titleOf = (id: string) => base.tables.get(id)?.schema.table.title ?? id;
  for (const pair of linkPairs(all)) {
    throwIfAborted(work.task.signal);
    if ((!made.has(pair.from.table) && !made.has(pair.to)) || !isWanted(pair)) continue;
    const where = `${title}/${titleOf(pair.from.table)}`;
    const what = `link ${pair.from.column.title}`;
    if (pair.elsewhere) work.found.lose(where, what, 'it leads to another base');
    else if (!target.tables.has(pair.from.table) || !target.tables.has(pair.to))
      work.found.lose(
        where,
        what,
        `there is no table ${titleOf(target.tables.has(pair.to) ? pair.from.table : pair.to)}`,
      );
    else await makeLink(pair, where, target, work);
  }
}

async function makeLink(pair: LinkPair, where: string, target: Target, work: Work): Promise<void> {
  const { client, task, found } = work;
  const { from, back } = pair;
  const own = need(target.tables.get(from.table));
  const other = need(target.tables.get(pair.to));
  let column = counterpart(own, pair, other.id);
  if (column === undefined) {
    try {
      const answer = await client.send('POST', `/api/v2/meta/tables/${own.id}/columns`, {
        body: linkBody(pair, own.id, other.id, target),
        repeat: 'once',
        signal: task.signal,
      });
      const known = new Set(own.columns.map(({ id }) => id));
      column = madeTable(client, answer).columns.find(
        (each) => !known.has(each.id) && each.title === from.column.title && isLink(each),
      );
      if (column === undefined) found.lose(where, `link ${from.column.title}`, otherTitle);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // A restore that was interrupted while NocoDB made it may have been overtaken by this one.
      await refresh(from.table, target, client, task.signal);
      column = counterpart(need(target.tables.get(from.table)), pair, other.id);
      if (column === undefined) found.lose(where, `link ${from.column.title}`, reasonOf(error));
    }
  }
  await refresh(from.table, target, client, task.signal);
  await refresh(pair.to, target, client, task.signal);
  if (column === undefined) return;
  learnColumn(from.column, column, target.ids);
  if (back === null) return;
  const reverse = await reverseSoon(column, back.table, target, work);
  if (reverse === undefined) {
    found.lose(where, `link ${back.column.title}`, 'NocoDB made no counterpart');
    return;
  }
  if (reverse.title !== back.column.title && !back.column.system) {
    await rename(reverse, back.column, { where, target }, work);
    await refresh(back.table, target, client, task.signal);
  }
  learnColumn(back.column, reverse, target.ids);
}

function linkBody({ from: { column }, type, version }: LinkPair, own: string, other: string, { ids }: Target) {
  const { defaultViewColOrder, defaultViewColVisibility, ...meta } = column.meta;
  void defaultViewColOrder;
  void defaultViewColVisibility;
  return {
    title: column.title,
    uidt: column.uidt,
    type,
    parentId: own,
    childId: other,
    ...(version === 2 ? { version } : {}),
    ...(column.description === null ? {} : { description: column.description }),
    ...(Object.keys(meta).length === 0 ? {} : { meta: translated(meta, ids) }),
  };
}

/** The field itself, made by a restore that was interrupted. */
function counterpart(own: LiveTable, { from: { column }, version }: LinkPair, other: string): Column | undefined {
  return own.columns.find(
    (each) =>
      isLink(each) &&
      each.title === column.title &&
      option(each, 'type') === option(column, 'type') &&
      isNewer(each) === (version === 2) &&
      option(each, 'fk_related_model_id') === other,
  );
}

/** NocoDB makes it a moment later; who has asked for both sees both, but not who has overtaken another. */
async function reverseSoon(column: Column, table: string, target: Target, work: Work): Promise<Column | undefined> {
  const { client, task } = work;
  for (let look = 1; ; look += 1) {
    const found = reverseOf(column, need(target.tables.get(table)));
    if (found !== undefined || look === looks) return found;
    await pause(betweenLooksMs, task.signal);
    await refresh(table, target, client, task.signal);
  }
}

/** The other end shares the junction table, or the two columns of the older kind. */
function reverseOf(column: Column, { columns }: LiveTable): Column | undefined {
  const junction = option(column, 'fk_mm_model_id');
  return columns.find((each) => {
    if (each.id === column.id || !isLink(each)) return false;
    if (junction !== null) return option(each, 'fk_mm_model_id') === junction;
    return (
      option(each, 'fk_mm_model_id') === null &&
      option(each, 'fk_child_column_id') === option(column, 'fk_child_column_id') &&
      option(each, 'fk_parent_column_id') === option(column, 'fk_parent_column_id')
    );
  });
}

async function rename(
  reverse: Column,
  wanted: Column,
  { where, target }: { where: string; target: Target },
  { client, task, found }: Work,
): Promise<void> {
  const { defaultViewColOrder, defaultViewColVisibility, ...meta } = wanted.meta;
  void defaultViewColOrder;
  void defaultViewColVisibility;
  try {
    await client.send('PATCH', `/api/v2/meta/columns/${reverse.id}`, {
      body: {
        ...reverse,
        title: wanted.title,
        description: wanted.description,
        meta: { ...reverse.meta, ...translated(meta, target.ids) },
      },
      repeat: 'safe',
      signal: task.signal,
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    found.lose(where, `name of link ${wanted.title}`, reasonOf(error));
  }
}

async function refresh(table: string, target: Target, client: Client, signal: AbortSignal): Promise<void> {
  const live = need(target.tables.get(table));
  target.tables.set(table, await liveTable(client, live.id, signal));
}

function need(table: LiveTable | undefined): LiveTable {
  if (table === undefined) throw new Error('a table that was found is gone');
  return table;
}
