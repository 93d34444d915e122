import { throwIfAborted } from '../../../base/abort.ts';
import { basePath, linkPairSchema, type SavedLinks } from '../tree-format.ts';
import { batchSize } from './insert.ts';
import { liveCount, livePage, liveTable } from './live.ts';
import { eachInParallel, inGroups } from './pool.ts';
import { numberedKey, savedLines } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

export interface RestoredLinks {
  /** By table in the backup: how many links its records have again. */
  byTable: Map<string, number>;
  made: number;
}

/** Keys of records, by table in the backup, that did not come back. */
export type Failed = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * Links of the newer kind, straight into the tables that NocoDB keeps pairs in: a hundred in a request, where its own way takes a request
 * for each record. NocoDB 0.301 writes the pairs and then answers 500, since it cannot read back a record with two keys; so what counts is
 * not the answer but what stands in the table afterwards. What is missing then is linked in NocoDB's own way.
 */
export async function restoreLinks(
  { base, title, tables }: Scope,
  target: Target,
  failed: Failed,
  work: Work,
): Promise<RestoredLinks> {
  const byTable = new Map<string, number>();
  let made = 0;
  const wanted = new Set(tables.map(({ schema }) => schema.table.id));
  for (const links of base.file.links) {
    throwIfAborted(work.task.signal);
    const { left, right } = links;
    if (links.file === null || (!wanted.has(left.table) && !wanted.has(right.table))) continue;
    const junction = junctionOf(links, target);
    const where = `${title}/${base.tables.get(left.table)?.schema.table.title ?? left.table}`;
    if (junction === null) {
      if (links.pairs > 0) work.found.lose(where, `${links.pairs} links`, 'the link field does not exist');
      continue;
    }
    const name = basePath(base.folder, links.file);
    const restoring = { name, links, junction, where, failed };
    const numbered = [left, right].every(({ table }) => {
      const saved = base.tables.get(table);
      return saved !== undefined && numberedKey(saved) !== null;
    });
    if (numbered) made += await restorePairs(restoring, target, byTable, work);
    else await tellMissing(restoring, work);
  }
  return { byTable, made };
}

interface Junction {
  id: string;
  left: string;
  right: string;
}

function junctionOf({ junction, left, right }: SavedLinks, { ids }: Target): Junction | null {
  const id = ids.get(junction);
  const leftKey = ids.get(left.key);
  const rightKey = ids.get(right.key);
  return id === undefined || leftKey === undefined || rightKey === undefined
    ? null
    : { id, left: leftKey, right: rightKey };
}

interface Restoring {
  name: string;
  links: SavedLinks;
  junction: Junction;
  where: string;
  failed: Failed;
}

type Pair = readonly [number, number];

async function restorePairs(
  restoring: Restoring,
  target: Target,
  byTable: Map<string, number>,
  work: Work,
): Promise<number> {
  const { junction, links } = restoring;
  const before = await liveCount(work.client, junction.id, work.task.signal);
  const there = before === 0 ? null : await livePairs(junction, work);
  let sent = 0;
  const tell = (what: string) => work.found.lose(restoring.where, what, 'one of them does not exist');
  await eachInParallel(
    inGroups(wantedPairs(restoring, there, work, tell), batchSize),
    work.atOnce,
    async (pairs) => {
      sent += pairs.length;
      await insertPairs(pairs, junction, target, work);
    },
    work.task.signal,
  );
  const after = sent === 0 ? before : await liveCount(work.client, junction.id, work.task.signal);
  if (after < before + sent) await linkMissing(restoring, target, work);
  const now = sent === 0 ? before : await liveCount(work.client, junction.id, work.task.signal);
  for (const table of new Set([links.left.table, links.right.table]))
    byTable.set(table, (byTable.get(table) ?? 0) + now);
  return now - before;
}

/** Keys of people's own kind: their records are not restored, and what they are linked to cannot be written by a number. */
async function tellMissing({ name, junction, where }: Restoring, work: Work): Promise<void> {
  const there = await livePairs(junction, work);
  let missing = 0;
  for await (const [a, b] of savedLines(work.saved, name, linkPairSchema, work.task.signal))
    if (!there.has(`${a}-${b}`)) missing += 1;
  if (missing > 0)
    work.found.lose(where, `${missing} links`, 'records without a numbered key (Id) cannot be linked through the API');
}

/** Those that are not there and whose records are. */
async function* wantedPairs(
  { name, links, failed }: Restoring,
  there: ReadonlySet<string> | null,
  work: Work,
  tell: (what: string) => void,
): AsyncGenerator<Pair> {
  const { left, right } = links;
  for await (const [a, b] of savedLines(work.saved, name, linkPairSchema, work.task.signal)) {
    const pair: Pair = [Number(a), Number(b)];
    if (there?.has(pair.join('-')) === true) continue;
    if (failed.get(left.table)?.has(pair[0]) === true || failed.get(right.table)?.has(pair[1]) === true) {
      tell(`link from record ${a} to record ${b}`);
      continue;
    }
    yield pair;
  }
}

async function insertPairs(
  pairs: readonly Pair[],
  { id, left, right }: Junction,
  { base }: Target,
  { client, task }: Work,
): Promise<void> {
  try {
    await client.send('POST', `/api/v1/db/data/bulk/noco/${base?.id ?? ''}/${id}`, {
      body: pairs.map(([a, b]) => ({ [left]: a, [right]: b })),
      repeat: 'once',
      signal: task.signal,
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
}

/** `12-7`: the keys of two linked records, left first. */
export async function livePairs({ id, left, right }: Junction, { client, task }: Work): Promise<Set<string>> {
  const { columns } = await liveTable(client, id, task.signal);
  const titleOf = (wanted: string) => columns.find((column) => column.id === wanted)?.title ?? '';
  const [leftTitle, rightTitle] = [titleOf(left), titleOf(right)];
  const pairs = new Set<string>();
  const query = { fields: `${left},${right}`, sort: `${left},${right}`, limit: 1000 };
  for (let offset = 0, last = false; !last;) {
    const page = await livePage(client, id, { ...query, offset }, task.signal);
    for (const record of page.records) pairs.add(`${String(record[leftTitle])}-${String(record[rightTitle])}`);
    offset += page.records.length;
    last = page.last || page.records.length === 0;
  }
  return pairs;
}

/** One request for each record: slow, and says what is wrong. */
async function linkMissing(restoring: Restoring, target: Target, work: Work): Promise<void> {
  const { links, junction, where } = restoring;
  const { client, task, found } = work;
  const { left, right } = links;
  const side = left.column === null ? right : left;
  const table = target.tables.get(side.table);
  const column = side.column === null ? undefined : target.ids.get(side.column);
  const there = await livePairs(junction, work);
  const byRecord = new Map<number, number[]>();
  for await (const [a, b] of wantedPairs(restoring, there, work, () => undefined)) {
    const [own, other] = side === left ? [a, b] : [b, a];
    byRecord.set(own, [...(byRecord.get(own) ?? []), other]);
  }
  for (const [own, others] of byRecord) {
    throwIfAborted(task.signal);
    const link = (keys: readonly number[]) =>
      client.send('POST', `/api/v2/tables/${table?.id ?? ''}/links/${column ?? ''}/records/${own}`, {
        body: keys.map((Id) => ({ Id })),
        repeat: 'safe',
        signal: task.signal,
      });
    try {
      await link(others);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // One that does not exist refuses all.
      for (const other of others) {
        try {
          await link([other]);
        } catch (each) {
          if (!isRefusal(each)) throw each;
          found.lose(where, `link from record ${own} to record ${other}`, reasonOf(each));
        }
      }
    }
  }
}
