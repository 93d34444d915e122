import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { Column } from '../tree-format.ts';
import { batchSize, canBeInserted, keysIn, otherKeys, type Goal, type Row } from './insert.ts';
import { highestKey, type LiveTable } from './live.ts';
import { emptyRecord, setCounting } from './sequence.ts';
import { isRefusal } from './tables.ts';
import type { Work } from './work.ts';

/** Where records are numbered by NocoDB itself. */
export interface Numbering {
  goal: Goal;
  live: LiveTable;
  key: Column;
  order: Column;
  /** Some numbers between the first and the last belong to no record. */
  gaps: boolean;
}

/**
 * Fills an empty table with records in the order of their keys, from 1, and without these: so PostgreSQL's counter gives them the numbers
 * they had, and stands where it has to when they are there. One request after another; where a number belongs to no record, an empty one
 * takes it, and all of these are removed in the end. What was numbered is looked at after every request. Where that goes another way, or a
 * record is refused, which uses numbers up, gives the records from there on, and those that are still to come are left where they are.
 */
export async function insertNumbered(
  batches: AsyncIterator<readonly Row[]>,
  numbering: Numbering,
  told: (rows: number) => void,
  work: Work,
): Promise<readonly Row[]> {
  const { goal, live, gaps } = numbering;
  if (gaps) await setCounting(goal.base, live, true, work);
  const left = await numberAll(batches, numbering, told, work);
  if (gaps) await setCounting(goal.base, live, false, work);
  return left;
}

async function numberAll(
  batches: AsyncIterator<readonly Row[]>,
  numbering: Numbering,
  told: (rows: number) => void,
  work: Work,
): Promise<readonly Row[]> {
  let first = 1;
  let entries: (Row | null)[] = [];
  const send = async () => {
    const sent = entries.length === 0 || (await insertAt(first, entries, numbering, work));
    if (!sent) return false;
    first += entries.length;
    told(rowsIn(entries).length);
    entries = [];
    return true;
  };
  for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
    const rows = next.value;
    for (const [at, row] of rows.entries()) {
      while (first + entries.length < row.key) {
        entries.push(null);
        if (entries.length === batchSize && !(await send())) return [...rowsIn(entries), ...rows.slice(at)];
      }
      entries.push(row);
      if (entries.length === batchSize && !(await send())) return [...rowsIn(entries), ...rows.slice(at + 1)];
    }
  }
  return (await send()) ? [] : rowsIn(entries);
}

function rowsIn(entries: readonly (Row | null)[]): Row[] {
  return entries.filter((entry) => entry !== null);
}

/** False: they have not become what they should, and nothing of them is left. */
async function insertAt(
  first: number,
  entries: readonly (Row | null)[],
  { goal, live, key, order }: Numbering,
  work: Work,
): Promise<boolean> {
  const { client, task } = work;
  const { base, table, where } = goal;
  throwIfAborted(task.signal);
  const rows = rowsIn(entries);
  const way = canBeInserted(rows, goal) ? '' : '/upsert';
  const body = entries.map((entry) => (entry === null ? emptyRecord(order) : withoutKey(entry, key)));
  let answer: unknown;
  try {
    answer = await client.send('POST', `/api/v1/db/data/bulk/noco/${base}/${table}${way}`, {
      query: { undo: true },
      body,
      repeat: 'once',
      signal: task.signal,
    });
  } catch (error) {
    if (isRefusal(error)) return false;
    // Where the answer was lost, either all of them are there or none is; with their keys they may be written once more.
    const mayBeThere = error instanceof HoldfastError && error.retryable;
    const highest = mayBeThere ? await highestKey(client, live, key, task.signal) : null;
    if (highest === first - 1 || highest === first - 1 + entries.length) return false;
    throw error;
  }
  const keys = keysIn(answer, goal.key);
  if (way !== '') keys.sort((left, right) => left - right);
  if (keys.length !== entries.length) throw otherKeys(client, where);
  if (keys.every((each, at) => each === first + at)) return true;
  await client.send('DELETE', `/api/v2/tables/${table}/records`, {
    body: keys.map((each) => ({ [key.title]: each })),
    repeat: 'safe',
    signal: task.signal,
  });
  return false;
}

function withoutKey({ body }: Row, { id }: Column): Record<string, unknown> {
  const { [id]: key, ...values } = body;
  void key;
  return values;
}
