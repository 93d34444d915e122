import { throwIfAborted } from '../../../base/abort.ts';
import { isRefusal } from './tables.ts';
import { reasonOf, type Work } from './work.ts';

/** An API token may send no more at once. */
export const batchSize = 100;

/** A record as it is sent: values by id of the column. */
export interface Row {
  key: number;
  body: Record<string, unknown>;
}

/** Where rows go, and how their parts are called for people. */
export interface Goal {
  base: string;
  table: string;
  where: string;
  /** Titles of columns by id. */
  titles: ReadonlyMap<string, string>;
  /** Columns that a row keeps whatever is wrong with it: its key, its place. */
  kept: ReadonlySet<string>;
}

/**
 * Inserts rows with the keys they had. It is NocoDB's upsert that is used, since everything else has a trap: the other insertions read the
 * rows back with all that they are linked to (ten times slower), take a duration of 3723 seconds for minutes where the field shows
 * minutes, and refuse a choice that was taken from the list since; also, an upsert can be sent twice. With `undo` it keeps the key and the place.
 * NocoDB takes a batch as a whole or not at all, so one that is refused is halved until the row is found. Gives how many were refused.
 */
export async function insertRows(rows: readonly Row[], goal: Goal, work: Work): Promise<number[]> {
  if (rows.length === 0) return [];
  throwIfAborted(work.task.signal);
  try {
    await upsert(rows, goal, work);
    return [];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [only, ...more] = rows;
    if (only !== undefined && more.length === 0)
      return (await insertWhatCan(only, error, goal, work)) ? [] : [only.key];
    const half = Math.ceil(rows.length / 2);
    return [
      ...(await insertRows(rows.slice(0, half), goal, work)),
      ...(await insertRows(rows.slice(half), goal, work)),
    ];
  }
}

async function upsert(rows: readonly Row[], { base, table }: Goal, { client, task }: Work): Promise<void> {
  await client.send('POST', `/api/v1/db/data/bulk/noco/${base}/${table}/upsert`, {
    query: { undo: true },
    body: rows.map(({ body }) => body),
    repeat: 'safe',
    signal: task.signal,
  });
}

/** One value may be all that is wrong: the record comes back without it, rather than not at all. */
async function insertWhatCan(row: Row, refusal: unknown, goal: Goal, work: Work): Promise<boolean> {
  const doubtful = Object.keys(row.body).filter((id) => !goal.kept.has(id) && row.body[id] !== null);
  const what = `record ${row.key}`;
  for (const id of doubtful) {
    if (!(await tried({ ...row.body, [id]: null }, row, goal, work))) continue;
    work.found.lose(goal.where, `${what}, ${goal.titles.get(id) ?? id}`, reasonOf(refusal));
    return true;
  }
  const bare = Object.fromEntries(
    Object.entries(row.body).map(([id, value]) => [id, goal.kept.has(id) ? value : null]),
  );
  if (doubtful.length > 1 && (await tried(bare, row, goal, work))) {
    work.found.lose(goal.where, `${what}, all of its values`, reasonOf(refusal));
    return true;
  }
  work.found.lose(goal.where, what, reasonOf(refusal));
  return false;
}

async function tried(body: Record<string, unknown>, { key }: Row, goal: Goal, work: Work): Promise<boolean> {
  try {
    await upsert([{ key, body }], goal, work);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
