import { z } from 'zod';
import { hooksFileSchema, names, tablePath, type HooksFile } from '../tree-format.ts';
import { filterTree } from './filters.ts';
import { translated } from './ids.ts';
import { idOf, read } from './live.ts';
import { hasPart, parsed, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { clear, postFilters } from './views.ts';
import { reasonOf, type Work } from './work.ts';

const listAnswer = z.object({ list: z.array(z.looseObject({ id: z.string(), title: z.string() })) });

type SavedHook = HooksFile['hooks'][number];

/**
 * Webhooks, all of them switched off: a copy must not call what the original calls, and the records that are restored next are not
 * news. Made before buttons, which may ring one; what they look at may be computed, so their filters come later.
 */
export async function makeHooks(
  { base, title }: Scope,
  table: SavedTable,
  target: Target,
  work: Work,
): Promise<SavedHook[]> {
  const { client, saved, task, found } = work;
  const name = tablePath(base.folder, table.saved.folder, names.hooks);
  const live = target.tables.get(table.schema.table.id);
  if (live === undefined || !hasPart(saved, name)) return [];
  const { hooks } = await parsed(saved, name, hooksFileSchema, task.signal);
  if (hooks.length === 0) return [];
  const answer = await client.get(`/api/v2/meta/tables/${live.id}/hooks`, {}, task.signal);
  const there = read(client, listAnswer, answer, 'the webhooks of a table').list;
  const where = `${title}/${table.schema.table.title}`;
  const made: SavedHook[] = [];
  for (const each of hooks) {
    const { hook, withheld } = each;
    // Made by a restore that was interrupted: the table is not complete yet. Titles may be there twice.
    const at = there.findIndex((other) => other.title === hook.title);
    const [old] = at === -1 ? [] : there.splice(at, 1);
    try {
      const id =
        old?.id ??
        idOf(
          client,
          await client.send('POST', `/api/v2/meta/tables/${live.id}/hooks`, {
            body: hookBody(hook, target),
            repeat: 'once',
            signal: task.signal,
          }),
          'a webhook',
        );
      target.ids.set(hook.id, id);
      made.push(each);
      if (hook.active)
        found.warn(`webhook ${where}/${hook.title} is switched off: switch it on when the copy is to call it`);
      for (const what of withheld)
        found.lose(where, `webhook ${hook.title}: ${what}`, 'it was not saved, since the backup is not encrypted');
    } catch (error) {
      if (!isRefusal(error)) throw error;
      found.lose(where, `webhook ${hook.title}`, reasonOf(error));
    }
  }
  return made;
}

export async function filterHooks(
  where: string,
  hooks: readonly SavedHook[],
  target: Target,
  work: Work,
): Promise<void> {
  for (const { hook, filters } of hooks) {
    const id = target.ids.get(hook.id);
    if (id === undefined || filters.length === 0) continue;
    const { bodies, lost } = filterTree(filters, target.ids);
    if (lost.length > 0)
      work.found.lose(where, `webhook ${hook.title}: a filter`, 'the field it looks at does not exist');
    try {
      await clear(`/api/v2/meta/hooks/${id}/filters`, '/api/v2/meta/filters', work);
      await postFilters(`/api/v2/meta/hooks/${id}/filters`, bodies, work);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      work.found.lose(where, `webhook ${hook.title}: a filter`, reasonOf(error));
    }
  }
}

function hookBody(hook: SavedHook['hook'], { ids }: Target): Record<string, unknown> {
  const keep = [
    'title',
    'description',
    'event',
    'version',
    'type',
    'condition',
    'async',
    'timeout',
    'retries',
    'retry_interval',
    'trigger_field',
    'trigger_fields',
    'meta',
  ];
  const body = Object.fromEntries(
    keep.flatMap((name) => {
      const value = hook[name];
      return value === undefined || value === null ? [] : [[name, translated(value, ids)]];
    }),
  );
  const { operation, notification } = hook;
  return {
    ...body,
    active: false,
    operation: translated(parsedJson(operation), ids) ?? operation,
    notification: translated(parsedJson(notification) ?? {}, ids),
  };
}

/** Some of it is the text of a list or an object, by which database NocoDB keeps it in. */
function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
