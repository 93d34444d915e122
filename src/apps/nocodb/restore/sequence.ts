import { z } from 'zod';
import { throwIfAborted } from '../../../base/abort.ts';
import { inParallel } from '../../../base/parallel.ts';
import type { Column } from '../tree-format.ts';
import { livePage, read, type LiveTable } from './live.ts';
import { batchSize } from './insert.ts';
import type { Work } from './work.ts';

/** Also in the settings of a table: it may hold empty records that only move the counter. */
const counting = 'holdfastCounting';

/** Their place in the order of the people, by which they are told from everybody's own: nobody puts a record there. */
const placeOfCounted = '-104729.271828';

/**
 * PostgreSQL numbers new records by a counter that does not see the keys that are written with records, and the API has no way to set
 * it: the next record that somebody adds would be refused. So as many empty records as there will be keys are added first, and removed.
 * That is noted in the table's settings, for the case that this is interrupted. Gives whether it could be done.
 */
export async function moveCounter(
  base: string,
  live: LiveTable,
  { key, from, to }: { key: string; from: number; to: number },
  work: Work,
): Promise<boolean> {
  const order = orderOf(live);
  if (order === undefined) return false;
  if (to < from) return true;
  await setMark(live, true, work);
  for (let last = from - 1, before = NaN; last < to && last !== before;) {
    before = last;
    // In whatever order: of the numbers only the highest matters.
    await inParallel(batchesOf(to - last), work.atOnce, async (size) => {
      const reached = await takeNumbers(size, base, live, { key, order }, work);
      last = Math.max(last, reached);
    });
  }
  await setCounting(base, live, false, work);
  return true;
}

function batchesOf(count: number): number[] {
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, at) => Math.min(batchSize, count - at * batchSize));
}

/** Gives the highest of them. */
async function takeNumbers(
  size: number,
  base: string,
  live: LiveTable,
  { key, order }: { key: string; order: Column },
  { client, task }: Work,
): Promise<number> {
  throwIfAborted(task.signal);
  const answer = await client.send('POST', `/api/v1/db/data/bulk/noco/${base}/${live.id}`, {
    query: { undo: true },
    body: Array.from({ length: size }, () => emptyRecord(order)),
    repeat: 'once',
    signal: task.signal,
  });
  const made = read(client, z.array(z.record(z.string(), z.unknown())), answer, 'new records');
  const reached = Math.max(...made.map((row) => Number(row[titleOf(live, key)])));
  return Number.isFinite(reached) ? reached : 0;
}

/** Takes a number and holds nothing. */
export function emptyRecord(order: Column): Record<string, unknown> {
  return { [order.id]: placeOfCounted };
}

/** For as long as empty records stand between those that are restored; false: those that do are removed. */
export async function setCounting(base: string, live: LiveTable, on: boolean, work: Work): Promise<void> {
  const order = orderOf(live);
  if (!on && order !== undefined) await removeCounted(base, live, order, work);
  await setMark(live, on, work);
}

/** Removes what a run left behind that was interrupted while it counted. */
export async function finishCounting(base: string, live: LiveTable, work: Work): Promise<void> {
  const order = orderOf(live);
  if (!isMarked(live) || order === undefined) return;
  await setCounting(base, live, false, work);
}

/** Those of some keys that only move the counter. */
export async function countedAmong(
  keys: readonly number[],
  live: LiveTable,
  key: Column,
  { client, task }: Work,
): Promise<ReadonlySet<number>> {
  const order = orderOf(live);
  if (!isMarked(live) || order === undefined || keys.length === 0) return new Set();
  const where = `(${order.id},eq,${placeOfCounted})~and(${key.id},in,${keys.join(',')})`;
  const { records } = await livePage(client, live.id, { fields: key.id, where, limit: keys.length }, task.signal);
  return new Set(records.map((record) => Number(record[key.title])));
}

async function removeCounted(base: string, live: LiveTable, order: Column, { client, task }: Work): Promise<void> {
  await client.send('DELETE', `/api/v1/db/data/bulk/noco/${base}/${live.id}/all`, {
    query: { where: `(${order.id},eq,${placeOfCounted})` },
    repeat: 'safe',
    signal: task.signal,
  });
}

function isMarked({ meta }: LiveTable): boolean {
  return meta[counting] !== undefined;
}

async function setMark(live: LiveTable, on: boolean, { client, task }: Work): Promise<void> {
  const { [counting]: before, ...rest } = live.meta;
  void before;
  await client.send('PATCH', `/api/v2/meta/tables/${live.id}`, {
    body: { meta: on ? { ...rest, [counting]: true } : rest },
    repeat: 'safe',
    signal: task.signal,
  });
}

function orderOf({ columns }: LiveTable): Column | undefined {
  return columns.find(({ uidt }) => uidt === 'Order');
}

function titleOf(live: LiveTable, id: string): string {
  return live.columns.find((column) => column.id === id)?.title ?? 'Id';
}
