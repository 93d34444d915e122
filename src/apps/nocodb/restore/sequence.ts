import { z } from 'zod';
import { throwIfAborted } from '../../../base/abort.ts';
import type { LiveTable } from './live.ts';
import { read } from './live.ts';
import { batchSize } from './insert.ts';
import type { Work } from './work.ts';

/** Also in the settings of a table: from this key to that one there are empty records that only move the counter. */
const counting = 'holdfastCounting';

const rangeSchema = z.object({ from: z.number(), to: z.number() });

/**
 * PostgreSQL numbers new records by a counter that does not see the keys that are written with records, and the API has no way to set
 * it: the next record that somebody adds would be refused. So as many empty records as there will be keys are added first, and removed.
 * They are noted in the table's settings, for the case that this is interrupted.
 */
export async function moveCounter(
  base: string,
  live: LiveTable,
  { key, from, to }: { key: string; from: number; to: number },
  work: Work,
): Promise<void> {
  const { client, task } = work;
  if (to < from) return;
  await setMark(live, { from, to }, work);
  let last = from - 1;
  while (last < to) {
    throwIfAborted(task.signal);
    const size = Math.min(batchSize, to - last);
    const answer = await client.send('POST', `/api/v1/db/data/bulk/noco/${base}/${live.id}/upsert`, {
      query: { undo: true },
      body: Array.from({ length: size }, () => ({ ...emptyRow(live) })),
      repeat: 'once',
      signal: task.signal,
    });
    const made = read(client, z.array(z.record(z.string(), z.unknown())), answer, 'new records');
    const reached = Math.max(...made.map((row) => Number(row[titleOf(live, key)])));
    if (!Number.isFinite(reached)) break;
    last = reached;
  }
  await removeCounted(base, live, { from, to: Math.max(last, to) }, work);
  await setMark(live, null, work);
}

/** Removes what a run left behind that was interrupted while it counted. Gives whether there was any. */
export async function finishCounting(base: string, live: LiveTable, work: Work): Promise<boolean> {
  const mark = rangeSchema.safeParse(live.meta[counting]);
  if (!mark.success) return false;
  await removeCounted(base, live, mark.data, work);
  await setMark(live, null, work);
  return true;
}

async function removeCounted(
  base: string,
  live: LiveTable,
  { from, to }: { from: number; to: number },
  { client, task }: Work,
): Promise<void> {
  const key = live.columns.find(({ uidt, pk }) => uidt === 'ID' && pk)?.id ?? 'Id';
  await client.send('DELETE', `/api/v1/db/data/bulk/noco/${base}/${live.id}/all`, {
    query: { where: `(${key},gte,${from})~and(${key},lte,${to})` },
    repeat: 'safe',
    signal: task.signal,
  });
}

async function setMark(
  live: LiveTable,
  range: { from: number; to: number } | null,
  { client, task }: Work,
): Promise<void> {
  const { [counting]: before, ...rest } = live.meta;
  void before;
  await client.send('PATCH', `/api/v2/meta/tables/${live.id}`, {
    body: { meta: range === null ? rest : { ...rest, [counting]: range } },
    repeat: 'safe',
    signal: task.signal,
  });
}

/** NocoDB refuses a record of nothing at all; one value of null is enough. */
function emptyRow(live: LiveTable): Record<string, unknown> {
  const order = live.columns.find(({ uidt }) => uidt === 'Order');
  return order === undefined ? {} : { [order.id]: '0' };
}

function titleOf(live: LiveTable, id: string): string {
  return live.columns.find((column) => column.id === id)?.title ?? 'Id';
}
