import { names, tablePath, viewsFileSchema, type Column } from '../tree-format.ts';
import { isLink, option } from './column-kinds.ts';
import { liveTable } from './live.ts';
import { parsed } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

/** A link may offer the records of one view only. Views come after links, so that is told to NocoDB when both are there. */
export async function limitLinks(
  { base, title }: Scope,
  made: ReadonlySet<string>,
  target: Target,
  work: Work,
): Promise<void> {
  const { client, task, found } = work;
  for (const { schema } of base.tables.values()) {
    const limited = schema.columns.filter(
      (column) =>
        isLink(column) &&
        option(column, 'fk_target_view_id') !== null &&
        (made.has(schema.table.id) || made.has(option(column, 'fk_related_model_id') ?? '')),
    );
    const known = target.tables.get(schema.table.id);
    if (limited.length === 0 || known === undefined) continue;
    const { columns } = await liveTable(client, known.id, task.signal);
    for (const column of limited) {
      const live = columns.find(({ id }) => id === target.ids.get(column.id));
      // Of a link that could not be made, that was said already.
      if (live === undefined) continue;
      const lose = (reason: string) =>
        found.lose(
          `${title}/${schema.table.title}`,
          `link ${column.title}: the view its records are chosen from`,
          reason,
        );
      const view = await viewOf(column, base, target, work);
      if (view === null) lose('it does not exist');
      if (view === null || option(live, 'fk_target_view_id') === view) continue;
      try {
        await client.send('PATCH', `/api/v2/meta/columns/${live.id}`, {
          body: { ...live, childViewId: view },
          repeat: 'safe',
          signal: task.signal,
        });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        lose(reasonOf(error));
      }
    }
  }
}

/** What the view is called now; where its table was not restored, it is found as people would. */
async function viewOf(column: Column, base: Scope['base'], target: Target, work: Work): Promise<string | null> {
  const wanted = option(column, 'fk_target_view_id') ?? '';
  const made = target.ids.get(wanted);
  if (made !== undefined) return made;
  const related = base.tables.get(option(column, 'fk_related_model_id') ?? '');
  const live = related === undefined ? undefined : target.tables.get(related.schema.table.id);
  if (related === undefined || live === undefined) return null;
  if (live.views.some(({ id }) => id === wanted)) return wanted;
  const name = tablePath(base.folder, related.saved.folder, names.views);
  const { views } = await parsed(work.saved, name, viewsFileSchema, work.task.signal);
  const saved = views.find(({ view }) => view.id === wanted)?.view;
  return live.views.find(({ title, type }) => title === saved?.title && type === saved.type)?.id ?? null;
}
