import { z } from 'zod';
import { throwIfAborted } from '../../../base/abort.ts';
import { inParallel } from '../../../base/parallel.ts';
import { seenKeys, type Seen } from '../seen.ts';
import { names, tablePath, type SavedRecord } from '../tree-format.ts';
import { option } from './column-kinds.ts';
import { linkPairs } from './link-pairs.ts';
import { livePage, type LiveTable } from './live.ts';
import { inGroups } from './pool.ts';
import { numberedKey, savedLines, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import type { Failed, RestoredLinks } from './link-records.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

/** A link of the older kind, where it is restored to: the records of `child` hold the key of the one of `parent` that they belong to. */
interface KeyLink {
  child: SavedTable;
  /** Title of the key in the backup. */
  saved: string;
  live: LiveTable;
  key: Named;
  foreignKey: Named;
  parent: LiveTable;
  parentKey: Named;
  /** Id of the parent's field. */
  field: string;
  /** The records of the child were restored, with or without their keys. */
  childRestored: boolean;
  later: boolean;
  /** Keys of the parent's records, where these and the child's came back whole just now, so that nothing has to be looked up. */
  whole: Seen | null;
  base: string;
  where: string;
}

interface Named {
  id: string;
  title: string;
}

const recordSchema = z.record(z.string(), z.unknown());
const windowSize = 500;

/**
 * Links of the older kind lie in the records of one of the two tables, and come with these where the field is made before them. Where it
 * is made afterwards, or only the other table is restored, or records that were removed from it (NocoDB has emptied the keys that led
 * there), those keys that are empty are filled in; a record that has been linked to another one since stays so.
 */
export async function restoreKeyLinks(
  scope: Scope,
  target: Target,
  { failed, fresh, laterKeys }: { failed: Failed; fresh: ReadonlySet<string>; laterKeys: ReadonlySet<string> },
  work: Work,
): Promise<RestoredLinks> {
  const byTable = new Map<string, number>();
  let all = 0;
  const wanted = new Set(scope.tables.map(({ schema }) => schema.table.id));
  // Both came back whole, and the keys with them.
  const isWhole = (id: string) => fresh.has(id) && failed.get(id)?.size === 0;
  const tables = [...scope.base.tables.values()].map(({ schema }) => ({
    id: schema.table.id,
    columns: schema.columns,
  }));
  for (const { from, to, version } of linkPairs(tables)) {
    throwIfAborted(work.task.signal);
    if (version !== 1 || (!wanted.has(from.table) && !wanted.has(to))) continue;
    const foreignKey = option(from.column, 'fk_child_column_id') ?? '';
    const later = laterKeys.has(foreignKey);
    const whole = isWhole(from.table) && isWhole(to);
    if (whole && !later) continue;
    const at = { foreignKey, field: from.column.id, tables: [from.table, to] } as const;
    const found = keyLinkOf(at, { scope, target, wanted });
    if (found === null) continue;
    const parents = whole ? await savedKeysOf(from.table, scope, work) : null;
    const link = { ...found, later, whole: parents };
    const made = await linkRecords(await changesOf(scope, link, work), link, work);
    for (const table of new Set([from.table, to])) byTable.set(table, (byTable.get(table) ?? 0) + made);
    all += made;
  }
  return { byTable, made: all };
}

/** Null: one of the tables is not there, or holds no records that can be told by a number; that was said before. */
function keyLinkOf(
  { foreignKey, field, tables: [from, to] }: { foreignKey: string; field: string; tables: readonly [string, string] },
  { scope, target, wanted }: { scope: Scope; target: Target; wanted: ReadonlySet<string> },
): Omit<KeyLink, 'later' | 'whole'> | null {
  const child = scope.base.tables.get(to);
  const saved = child?.schema.columns.find(({ id }) => id === foreignKey);
  const live = target.tables.get(to);
  const parent = target.tables.get(from);
  const fieldNow = target.ids.get(field);
  if (child === undefined || saved === undefined || live === undefined || parent === undefined) return null;
  const key = keyOf(live);
  const parentKey = keyOf(parent);
  const now = live.columns.find(({ id }) => id === target.ids.get(saved.id));
  if (key === undefined || parentKey === undefined || now === undefined || fieldNow === undefined) return null;
  if (numberedKey(child) === null) return null;
  const where = `${scope.title}/${child.schema.table.title}`;
  const childRestored = wanted.has(to);
  return {
    child,
    saved: saved.title,
    live,
    key,
    foreignKey: now,
    parent,
    parentKey,
    field: fieldNow,
    childRestored,
    base: target.base?.id ?? '',
    where,
  };
}

function keyOf({ columns }: LiveTable): Named | undefined {
  return columns.find(({ uidt, pk }) => uidt === 'ID' && pk);
}

async function savedKeysOf(id: string, { base }: Scope, { saved, task }: Work): Promise<Seen> {
  const keys = seenKeys();
  const table = base.tables.get(id);
  const title = table === undefined ? undefined : numberedKey(table)?.title;
  if (table === undefined || title === undefined) return keys;
  const name = tablePath(base.folder, table.saved.folder, names.records);
  for await (const record of savedLines(saved, name, recordSchema, task.signal)) keys.add(Number(record[title]));
  return keys;
}

/** Which records are to be linked to which of the parent's. */
async function changesOf({ base }: Scope, link: KeyLink, work: Work): Promise<Map<number, number[]>> {
  const byParent = new Map<number, number[]>();
  const name = tablePath(base.folder, link.child.saved.folder, names.records);
  for await (const group of inGroups(savedLines(work.saved, name, recordSchema, work.task.signal), windowSize)) {
    for (const [id, to] of await missingIn(group, link, work)) {
      const others = byParent.get(to);
      if (others === undefined) byParent.set(to, [id]);
      else others.push(id);
    }
  }
  return byParent;
}

async function missingIn(group: readonly SavedRecord[], link: KeyLink, work: Work): Promise<[number, number][]> {
  const { child, saved, key, foreignKey, childRestored, later, parent, parentKey, whole, where } = link;
  const keyTitle = numberedKey(child)?.title ?? '';
  const wanted = new Map<number, number>();
  for (const record of group)
    if (record[saved] !== null && record[saved] !== undefined)
      wanted.set(Number(record[keyTitle]), Number(record[saved]));
  const now = whole === null ? await valuesOf(link.live, { key, value: foreignKey }, [...wanted.keys()], work) : null;
  const valueOf = (id: number) => (now === null ? null : now.get(id));
  const open = [...wanted].filter(([id, to]) => {
    const current = valueOf(id);
    return current === null || (childRestored && current === to);
  });
  const ends = [...new Set(open.map(([, to]) => to))];
  const there = whole ?? (await valuesOf(parent, { key: parentKey, value: parentKey }, ends, work));
  for (const [id, to] of open.filter((pair) => !there.has(pair[1]))) {
    const isEmpty = valueOf(id) === null;
    // A key that leads nowhere is taken as it is.
    if (!isEmpty) await empty(id, link, work);
    if (!isEmpty || later || !childRestored)
      work.found.lose(where, `link from record ${id} to record ${to}`, 'one of them does not exist');
  }
  return open.filter(([id, to]) => valueOf(id) === null && there.has(to));
}

/** Of the records that are there, by key. */
async function valuesOf(
  live: LiveTable,
  { key, value }: { key: Named; value: Named },
  keys: readonly number[],
  { client, task }: Work,
): Promise<Map<number, number | null>> {
  if (keys.length === 0) return new Map();
  const fields = [...new Set([key.id, value.id])].join(',');
  const where = `(${key.id},in,${keys.join(',')})`;
  const { records } = await livePage(client, live.id, { fields, where, limit: windowSize }, task.signal);
  return new Map(
    records.map((record) => {
      const found = record[value.title];
      return [Number(record[key.title]), found === null || found === undefined ? null : Number(found)];
    }),
  );
}

async function empty(id: number, { live, key, foreignKey }: KeyLink, { client, task }: Work): Promise<void> {
  await client.send('PATCH', `/api/v2/tables/${live.id}/records`, {
    body: [{ [key.id]: id, [foreignKey.id]: null }],
    repeat: 'safe',
    signal: task.signal,
  });
}

/** All of a parent in one request: NocoDB takes as long for writing the key of a single record. Gives how many links were made. */
async function linkRecords(byParent: ReadonlyMap<number, number[]>, link: KeyLink, work: Work): Promise<number> {
  let made = 0;
  await inParallel(byParent, work.atOnce, async ([to, ids]) => {
    for (let from = 0; from < ids.length; from += atOnceOfOne) {
      // Not `made += await ...`: that forgets what the others add meanwhile.
      const now = await linkTo(to, ids.slice(from, from + atOnceOfOne), link, work);
      made += now;
    }
  });
  return made;
}

/** Their keys stand in an address, which may not be of any length. */
const atOnceOfOne = 400;

/**
 * One change of all records that have no parent yet, which is less than half the work that linking them is to NocoDB. It says how many these
 * were. What it does not know how to do is linked in its own way.
 */
async function linkTo(to: number, ids: readonly number[], link: KeyLink, work: Work): Promise<number> {
  const { live, base, key, foreignKey, where } = link;
  throwIfAborted(work.task.signal);
  let changed: number;
  try {
    const answer = await work.client.send('PATCH', `/api/v1/db/data/bulk/noco/${base}/${live.id}/all`, {
      query: { where: `(${key.id},in,${ids.join(',')})~and(${foreignKey.id},is,null)` },
      body: { [foreignKey.id]: to },
      repeat: 'safe',
      signal: work.task.signal,
    });
    changed = Number(answer);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return linkOneByOne(to, ids, link, work);
  }
  if (changed === ids.length) return changed;
  // Sent twice, or somebody else was at work.
  const now = await valuesOf(live, { key, value: foreignKey }, ids, work);
  const others = ids.filter((id) => now.get(id) !== to);
  for (const id of others)
    work.found.lose(where, `link from record ${id} to record ${to}`, 'it was removed or linked elsewhere meanwhile');
  return ids.length - others.length;
}

async function linkOneByOne(to: number, ids: readonly number[], link: KeyLink, work: Work): Promise<number> {
  const { parent, field, where } = link;
  throwIfAborted(work.task.signal);
  try {
    await work.client.send('POST', `/api/v2/tables/${parent.id}/links/${field}/records/${to}`, {
      body: ids.map((Id) => ({ Id })),
      repeat: 'safe',
      signal: work.task.signal,
    });
    return ids.length;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (ids.length === 1) {
      work.found.lose(where, `link from record ${ids.join()} to record ${to}`, reasonOf(error));
      return 0;
    }
    // One that does not exist refuses all.
    let made = 0;
    for (const id of ids) made += await linkOneByOne(to, [id], link, work);
    return made;
  }
}
