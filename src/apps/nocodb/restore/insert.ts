import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { Client } from '../client.ts';
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
  /** Title of the key. */
  key: string;
  /** Titles of columns by id. */
  titles: ReadonlyMap<string, string>;
  /** Columns that a row keeps whatever is wrong with it: its key, its place. */
  kept: ReadonlySet<string>;
  /** Columns whose values only an upsert writes as they are; null: all of the table goes that way. */
  upserted: ReadonlySet<string> | null;
}

/**
 * Inserts rows with the keys and the places they had, which is what `undo` means to NocoDB. There are two ways. Its bulk insertion is the
 * quick one: it does not look for the keys first, and on SQLite it reads one row in ten back, with all that it is linked to, where the
 * upsert (and the insertion of v2) reads every one. But it takes some values for others (see `upserted`), refuses a choice that was taken
 * from the list since, and cannot be sent twice. The upsert has none of these traps: what the insertion refuses goes that way. Gives the
 * keys of the rows that were refused.
 */
export async function insertRows(rows: readonly Row[], goal: Goal, work: Work): Promise<number[]> {
  if (rows.length === 0) return [];
  throwIfAborted(work.task.signal);
  if (canBeInserted(rows, goal) && (await inserted(rows, goal, work))) return [];
  return upsertRows(rows, goal, work);
}

export function canBeInserted(rows: readonly Row[], { upserted }: Goal): boolean {
  if (upserted === null) return false;
  const columns = [...upserted];
  return rows.every(({ body }) => columns.every((id) => body[id] === null || body[id] === undefined));
}

/** NocoDB takes all of them or none, also where the answer to a first attempt was lost and their keys are there already. */
async function inserted(rows: readonly Row[], { base, table, where, key: title }: Goal, work: Work): Promise<boolean> {
  const { client, task } = work;
  let answer: unknown;
  try {
    answer = await client.send('POST', `/api/v1/db/data/bulk/noco/${base}/${table}`, {
      query: { undo: true },
      body: rows.map(({ body }) => body),
      repeat: 'safe',
      signal: task.signal,
    });
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
  const sent = new Set(rows.map(({ key }) => key));
  if (keysIn(answer, title).every((key) => sent.has(key))) return true;
  throw otherKeys(client, where);
}

export function otherKeys({ title }: Client, where: string): HoldfastError {
  return new HoldfastError('NOCODB_ANSWER', `${title} gave records of ${where} other keys than they had`, {
    hint: 'Restore the database of NocoDB instead: this version does not keep keys through its API.',
  });
}

/** As far as they are told, in the order in which they were sent. PostgreSQL: `[{"Id":1},{"Id":2}]`; SQLite: the last one of every ten, `[10,20]`. */
export function keysIn(answer: unknown, title: string): number[] {
  if (!Array.isArray(answer)) return [];
  return (answer as unknown[])
    .map((each) => Number(typeof each === 'object' && each !== null ? (each as Record<string, unknown>)[title] : each))
    .filter((key) => Number.isFinite(key) && key !== 0);
}

/** NocoDB takes a batch as a whole or not at all, so one that is refused is halved until the row is found. An upsert can be sent twice. */
async function upsertRows(rows: readonly Row[], goal: Goal, work: Work): Promise<number[]> {
  throwIfAborted(work.task.signal);
  try {
    await upsert(rows, goal, work);
    return [];
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [only, ...more] = rows;
    if (only === undefined) return [];
    if (more.length === 0) return (await insertWhatCan(only, error, goal, work)) ? [] : [only.key];
    const half = Math.ceil(rows.length / 2);
    return [
      ...(await upsertRows(rows.slice(0, half), goal, work)),
      ...(await upsertRows(rows.slice(half), goal, work)),
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
