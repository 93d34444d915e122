import { z } from 'zod';
import { throwIfAborted } from '../../../base/abort.ts';
import { inParallel } from '../../../base/parallel.ts';
import { names, tablePath, viewColumnSchema, viewsFileSchema, type SavedView, type View } from '../tree-format.ts';
import { filterTree, type FilterBody } from './filters.ts';
import { idOf, liveTable, read, type LiveTable } from './live.ts';
import { hasPart, parsed, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { fieldBody, fieldPath, kindBody, newViewBody, viewBody, viewKind, viewKindNames } from './view-bodies.ts';
import { reasonOf, type Work } from './work.ts';

/** The views of a table, with their fields, sorts and filters. */
export async function makeViews({ base, title }: Scope, table: SavedTable, target: Target, work: Work): Promise<void> {
  const { client, saved, task, found } = work;
  const name = tablePath(base.folder, table.saved.folder, names.views);
  if (!hasPart(saved, name)) return;
  const { views } = await parsed(saved, name, viewsFileSchema, task.signal);
  const known = target.tables.get(table.schema.table.id);
  if (known === undefined) return;
  const live = await liveTable(client, known.id, task.signal);
  const where = `${title}/${table.schema.table.title}`;
  const taken = new Set<string>();
  const titles = new Set(views.map(({ view }) => view.title));
  for (const each of views.toSorted((left, right) => Number(right.view.is_default) - Number(left.view.is_default))) {
    throwIfAborted(task.signal);
    const kind = viewKind(each.view);
    const what = `view ${each.view.title} (${viewKindNames[each.view.type] ?? 'of an unknown kind'})`;
    if (kind === null) {
      found.lose(where, what, 'NocoDB makes no views of this kind through its API');
      continue;
    }
    try {
      const id = viewFor(each.view, live, { taken, titles }) ?? (await makeView(each, live.id, target, work));
      taken.add(id);
      target.ids.set(each.view.id, id);
      await furnish(each, id, { target, where, what }, work);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      found.lose(where, what, reasonOf(error));
    }
  }
}

/** One that is there: made by a restore that was interrupted, or the grid that every new table begins with. */
function viewFor(
  wanted: View,
  { views }: LiveTable,
  { taken, titles }: { taken: ReadonlySet<string>; titles: ReadonlySet<string> },
): string | null {
  const free = views.filter(({ id, type }) => type === wanted.type && !taken.has(id));
  const found =
    free.find(({ title, is_default }) => title === wanted.title && is_default === wanted.is_default) ??
    (wanted.is_default ? free.find(({ is_default }) => is_default) : free.find(({ title }) => title === wanted.title));
  // It is called like the table, which may have been renamed since; NocoDB 0.301 no longer says which one it is.
  const first = viewKind(wanted)?.path === 'grids' ? free.find(({ title }) => !titles.has(title)) : undefined;
  return (found ?? first)?.id ?? null;
}

async function makeView(each: SavedView, table: string, { ids }: Target, { client, task }: Work): Promise<string> {
  const kind = viewKind(each.view);
  const answer = await client.send('POST', `/api/v2/meta/tables/${table}/${kind?.path ?? 'grids'}`, {
    body: newViewBody(each, kind ?? { path: 'grids', settings: [], making: [] }, ids),
    repeat: 'once',
    signal: task.signal,
  });
  return idOf(client, answer, 'a view');
}

interface Place {
  target: Target;
  where: string;
  what: string;
}

async function furnish(each: SavedView, id: string, place: Place, work: Work): Promise<void> {
  const { client, task } = work;
  const { ids } = place.target;
  const kind = viewKind(each.view);
  await client.send('PATCH', `/api/v2/meta/views/${id}`, {
    body: viewBody(each, ids),
    repeat: 'safe',
    signal: task.signal,
  });
  const settings = kind === null ? {} : kindBody(each, kind, ids);
  if (kind !== null && Object.keys(settings).length > 0) {
    await client.send('PATCH', `/api/v2/meta/${kind.path}/${id}`, {
      body: settings,
      repeat: 'safe',
      signal: task.signal,
    });
  }
  await placeFields(each, id, place, work);
  await placeSorts(each, id, place, work);
  await placeFilters(each, id, place, work);
}

const fieldsAnswer = z.object({ list: z.array(viewColumnSchema) });

async function placeFields(each: SavedView, id: string, { target, where, what }: Place, work: Work): Promise<void> {
  const { client, task, found, atOnce } = work;
  const answer = await client.get(`/api/v2/meta/views/${id}/columns`, {}, task.signal);
  const live = read(client, fieldsAnswer, answer, 'the fields of a view').list;
  await inParallel(each.columns, atOnce, async (field) => {
    const column = field.fk_column_id === null ? undefined : target.ids.get(field.fk_column_id);
    // Of a field that could not be made, that was said already.
    const now = column === undefined ? undefined : live.find(({ fk_column_id }) => fk_column_id === column);
    if (now === undefined) return;
    const wanted = fieldBody(field, each.view.type, target.ids);
    const current = fieldBody(now, each.view.type, new Map());
    if (Object.entries(wanted).every(([name, value]) => JSON.stringify(current[name]) === JSON.stringify(value)))
      return;
    try {
      await client.send('PATCH', fieldPath(each.view.type, id, now.id), {
        body: wanted,
        repeat: 'safe',
        signal: task.signal,
      });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      found.lose(where, `${what}: place of a field`, reasonOf(error));
    }
  });
}

const listAnswer = z.object({ list: z.array(z.looseObject({ id: z.string() })) });

async function placeSorts(each: SavedView, id: string, { target, where, what }: Place, work: Work): Promise<void> {
  const { client, task, found } = work;
  await clear(`/api/v2/meta/views/${id}/sorts`, '/api/v2/meta/sorts', work);
  for (const sort of each.sorts.toSorted((left, right) => (left.order ?? 0) - (right.order ?? 0))) {
    const column = sort.fk_column_id === null ? undefined : target.ids.get(sort.fk_column_id);
    if (column === undefined) {
      found.lose(where, `${what}: a sort`, 'the field it sorts by does not exist');
      continue;
    }
    await client.send('POST', `/api/v2/meta/views/${id}/sorts`, {
      body: { fk_column_id: column, direction: sort.direction ?? 'asc' },
      repeat: 'once',
      signal: task.signal,
    });
  }
}

async function placeFilters(each: SavedView, id: string, { target, where, what }: Place, work: Work): Promise<void> {
  await clear(`/api/v2/meta/views/${id}/filters`, '/api/v2/meta/filters', work);
  const { bodies, lost } = filterTree(each.filters, target.ids);
  for (const filter of lost)
    work.found.lose(where, `${what}: filter ${filter.comparison_op ?? ''}`, 'the field it looks at does not exist');
  await postFilters(`/api/v2/meta/views/${id}/filters`, bodies, work);
}

/** One after another: NocoDB also takes a group with all that is in it, and then puts that in any order. */
export async function postFilters(
  path: string,
  bodies: readonly FilterBody[],
  work: Work,
  parent: string | null = null,
): Promise<void> {
  const { client, task } = work;
  for (const { children = [], ...body } of bodies) {
    const answer = await client.send('POST', path, {
      body: { ...body, ...(parent === null ? {} : { fk_parent_id: parent }) },
      repeat: 'once',
      signal: task.signal,
    });
    if (children.length > 0) await postFilters(path, children, work, idOf(client, answer, 'a filter'));
  }
}

/** What an interrupted restore has left of them would be there twice. */
export async function clear(list: string, each: string, { client, task }: Work): Promise<void> {
  const { list: there } = read(client, listAnswer, await client.get(list, {}, task.signal), 'sorts or filters');
  for (const { id } of there) await client.send('DELETE', `${each}/${id}`, { repeat: 'safe', signal: task.signal });
}
