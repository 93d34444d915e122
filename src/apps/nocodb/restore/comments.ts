import { z } from 'zod';
import { throwIfAborted } from '../../../base/abort.ts';
import { commentSchema, names, tablePath, type SavedComment } from '../tree-format.ts';
import { read, type LiveTable } from './live.ts';
import { savedLines, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import { reasonOf, type Work } from './work.ts';

const listAnswer = z.object({ list: z.array(z.looseObject({ comment: z.string().nullish() })) });

/** Comments on records, without those that are there. Whoever restores becomes their author, and now their time. NocoDB takes them also for records that do not exist. */
export async function restoreComments(
  { base, title }: Scope,
  table: SavedTable,
  { live, gone }: { live: LiveTable; gone: ReadonlySet<number> | 'all' },
  work: Work,
): Promise<void> {
  const { client, saved, task, found } = work;
  if (table.saved.comments === null || table.saved.comments === 0) return;
  const where = `${title}/${table.schema.table.title}`;
  if (gone === 'all') {
    found.lose(where, `${table.saved.comments} comments`, 'their records cannot be restored through the API');
    return;
  }
  const name = tablePath(base.folder, table.saved.folder, names.comments);
  const row = { id: '', texts: [] as string[] };
  for await (const each of savedLines(saved, name, commentSchema, task.signal)) {
    throwIfAborted(task.signal);
    if (gone.has(Number(each.row_id))) {
      found.lose(where, `record ${each.row_id}, a comment`, 'the record does not exist');
      continue;
    }
    try {
      if (row.id !== each.row_id) Object.assign(row, { id: each.row_id, texts: await textsOf(each, live, work) });
      const there = row.texts.indexOf(each.comment);
      if (there !== -1) {
        // The same words may have been said twice.
        row.texts.splice(there, 1);
        continue;
      }
      await client.send('POST', '/api/v2/meta/comments', {
        body: { row_id: each.row_id, fk_model_id: live.id, comment: each.comment },
        repeat: 'once',
        signal: task.signal,
      });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      found.lose(where, `record ${each.row_id}, a comment`, reasonOf(error));
    }
  }
}

async function textsOf({ row_id }: SavedComment, live: LiveTable, { client, task }: Work): Promise<string[]> {
  const answer = await client.get('/api/v2/meta/comments', { row_id, fk_model_id: live.id }, task.signal);
  return read(client, listAnswer, answer, 'the comments of a record').list.map(({ comment }) => comment ?? '');
}
