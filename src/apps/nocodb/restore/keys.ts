import { z } from 'zod';
import { names, tablePath } from '../tree-format.ts';
import { fieldsOf } from './fields.ts';
import { linkPairs, parentsFirst } from './link-pairs.ts';
import { highestKey, liveCount } from './live.ts';
import { numberedKey, savedLines, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { finishCounting, moveCounter } from './sequence.ts';
import { isPostgres, isUnfinished, type Target } from './target.ts';
import type { Work } from './work.ts';

/** The keys of the records of a table in the backup, in the order of these. */
export interface SavedKeys {
  last: number;
  count: number;
  ascending: boolean;
}

const recordSchema = z.record(z.string(), z.unknown());

/**
 * Makes room for the keys of tables, before the first record of any: to remove a record, even an empty one, is to unlink all that is
 * linked to its key. Gives the tables, by id, that need no room: their records can be inserted in the order of their keys, and so be numbered
 * by NocoDB itself (see `insertNumbered`). `early`: the links, by id of their field, that come with the records.
 */
export async function prepareKeys(
  scope: Scope,
  target: Target,
  { tables, early }: { tables: readonly SavedTable[]; early: ReadonlySet<string> },
  work: Work,
): Promise<Map<string, SavedKeys>> {
  const numbered = new Map<string, SavedKeys>();
  const linkedBefore = parentsLinkedBefore(scope, early);
  for (const table of tables) {
    const { id } = table.schema.table;
    const keys = await prepareTable(scope, table, target, { mayBeNumbered: !linkedBefore.has(id) }, work);
    if (keys !== null) numbered.set(id, keys);
  }
  return numbered;
}

async function prepareTable(
  scope: Scope,
  table: SavedTable,
  target: Target,
  { mayBeNumbered }: { mayBeNumbered: boolean },
  work: Work,
): Promise<SavedKeys | null> {
  const live = target.tables.get(table.schema.table.id);
  if (live === undefined) return null;
  const fields = fieldsOf(scope.base, table, live, target);
  const key = numberedKey(table);
  if (fields === null || key === null) return null;
  const base = target.base?.id ?? '';
  await finishCounting(base, live, work);
  if (!isPostgres(target, live)) return null;
  const { client, task, found } = work;
  const empty = (await liveCount(client, live.id, task.signal)) === 0;
  const saved = await savedKeys(scope, table, key.title, work);
  if (mayBeNumbered && empty && isUnfinished(live) && saved.ascending && fields.order !== null) return saved;
  const highest = empty ? 0 : await highestKey(client, live, fields.key, task.signal);
  if (saved.last <= highest) return null;
  if (await moveCounter(base, live, { key: fields.key.id, from: highest + 1, to: saved.last }, work)) return null;
  found.warn(
    `the keys of ${scope.title}/${table.schema.table.title} could not be counted: adding a record may fail ${saved.last} times`,
  );
  return null;
}

async function savedKeys(scope: Scope, table: SavedTable, keyTitle: string, { saved, task }: Work): Promise<SavedKeys> {
  const name = tablePath(scope.base.folder, table.saved.folder, names.records);
  const keys: SavedKeys = { last: 0, count: 0, ascending: true };
  for await (const record of savedLines(saved, name, recordSchema, task.signal)) {
    const key = Number(record[keyTitle]);
    keys.ascending &&= Number.isSafeInteger(key) && key > keys.last;
    keys.last = Math.max(keys.last, key);
    keys.count += 1;
  }
  return keys;
}

/** Tables to which records of others, or their own, are linked already when theirs are written. */
function parentsLinkedBefore({ base, tables }: Scope, early: ReadonlySet<string>): Set<string> {
  const all = [...base.tables.values()].map(({ schema }) => ({ id: schema.table.id, columns: schema.columns }));
  const order = parentsFirst(tables.map(({ schema }) => ({ id: schema.table.id, columns: schema.columns })));
  const placeOf = (id: string) => order.findIndex((table) => table.id === id);
  return new Set(
    linkPairs(all)
      .filter(
        ({ from, to, version }) => version === 1 && early.has(from.column.id) && isBefore(placeOf(to), from.table),
      )
      .map(({ from }) => from.table),
  );

  function isBefore(child: number, parent: string): boolean {
    return child !== -1 && child <= placeOf(parent);
  }
}
