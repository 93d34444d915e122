import { HoldfastError } from '../../../base/errors.ts';
import { formatCount } from '../../../base/units.ts';
import { pagesByOffset, type Paging } from './pages.ts';
import { seenKeys, type Seen } from '../seen.ts';
import type { Column, RecordColumn, RecordKey, SavedRecord } from '../tree-format.ts';

export interface TableToRead extends Paging {
  /** `table Orders of base Shop` */
  title: string;
  key: readonly Column[];
  columns: readonly RecordColumn[];
  /** Where NocoDB notes when a record was changed; null: nowhere. */
  updatedAt: Column | null;
}

export interface Group {
  records: SavedRecord[];
  /** In the same order; null: nothing tells these records. */
  keys: RecordKey[] | null;
}

export interface RecordsRead {
  records: number;
  /** A line for each thing that tells that the table changed meanwhile. */
  changed: string[];
}

interface State {
  count: number;
  highest: unknown;
  updated: unknown;
}

const repairs = 3;
const keysAtOnce = 50;

/**
 * Every record once, in the order people gave them. NocoDB gives no snapshot: a table that changes while it is paged through may give a
 * record twice or skip one. So keys are remembered, and where the table is not the same at the end as at the beginning, or the numbers
 * do not fit, the keys are gone through once more and what is missing is fetched. `read` is complete when the groups have ended.
 */
export function readRecords(table: TableToRead): { groups: AsyncGenerator<Group>; read: RecordsRead } {
  const read: RecordsRead = { records: 0, changed: [] };
  return { groups: groupsOf(table, read), read };
}

async function* groupsOf(table: TableToRead, read: RecordsRead): AsyncGenerator<Group> {
  const { key, columns, title } = table;
  const seen = key.length > 0 ? seenKeys() : null;
  const fields = columns.map(({ id }) => id);
  let doubled = 0;
  const fresh = (records: SavedRecord[]): Group => {
    if (seen === null) {
      read.records += records.length;
      return { records, keys: null };
    }
    const group = { records: [] as SavedRecord[], keys: [] as RecordKey[] };
    for (const record of records) {
      const own = keyOf(record, key, title);
      if (!seen.add(own)) {
        doubled += 1;
        continue;
      }
      group.records.push(record);
      group.keys.push(own);
    }
    read.records += group.records.length;
    return group;
  };
  const before = await stateOf(table);
  for await (const records of pagesByOffset({ fields }, table)) {
    checkColumns(records, columns, title);
    yield fresh(records);
  }
  let now = await stateOf(table);
  read.changed.push(...differences(before, now));
  for (let round = 0; seen !== null && round < repairs; round += 1) {
    if (round === 0 && read.changed.length === 0 && doubled === 0 && seen.size === now.count) return;
    for await (const records of missing(table, seen)) {
      checkColumns(records, columns, title);
      yield fresh(records);
    }
    const after = await stateOf(table);
    const settled = differences(now, after).length === 0;
    now = after;
    if (settled) break;
  }
  if (read.records < now.count) throw tooFew(title, read.records, now.count);
  if (read.records > now.count && read.changed.length === 0)
    read.changed.push(`${formatCount(read.records, 'record')} were read, and there are ${formatCount(now.count)} now`);
}

/** What a record must have; a title that is not there any more was changed while the table was read. */
function checkColumns(records: readonly SavedRecord[], columns: readonly RecordColumn[], title: string): void {
  const [first] = records;
  if (first === undefined) return;
  const gone = columns.find((column) => !column.optional && !Object.hasOwn(first, column.title));
  if (gone === undefined) return;
  throw new HoldfastError('NOCODB_TABLE_CHANGED', `the columns of ${title} changed while it was read: ${gone.title}`, {
    retryable: true,
    hint: 'Back up again when nobody changes columns.',
  });
}

export function keyOf(record: SavedRecord, key: readonly Column[], title: string): RecordKey {
  const values = key.map((column) => {
    const value = record[column.title];
    if (typeof value === 'number' || typeof value === 'string') return value;
    throw new HoldfastError(
      'NOCODB_TABLE_CHANGED',
      `a record of ${title} has no ${column.title}, which tells records`,
      {
        hint: 'See in NocoDB whether the key of the table was changed.',
      },
    );
  });
  const [only] = values;
  return values.length === 1 && only !== undefined ? only : values;
}

async function stateOf({ instance, table, key, columns, updatedAt, signal }: TableToRead): Promise<State> {
  const [named] = key.length > 0 ? key : columns;
  const fields = named === undefined ? [] : [named.id];
  const sort = key.map(({ id }) => `-${id}`).join(',');
  const [highest, updated] = await Promise.all([
    instance.page(table, { fields, limit: 1, ...(sort === '' ? {} : { sort }) }, signal),
    updatedAt === null
      ? null
      : instance.page(
          table,
          { fields: [updatedAt.id], limit: 1, sort: `-${updatedAt.id}`, where: `(${updatedAt.id},notblank)` },
          signal,
        ),
  ]);
  return {
    count: highest.total,
    highest: key.map(({ title }) => highest.records[0]?.[title]).join(' '),
    updated: updatedAt === null ? null : (updated?.records[0]?.[updatedAt.title] ?? null),
  };
}

function differences(before: State, after: State): string[] {
  return [
    ...(before.count === after.count
      ? []
      : [
          `it had ${formatCount(before.count, 'record')} when it was begun, and ${formatCount(after.count)} at the end`,
        ]),
    ...(before.highest === after.highest ? [] : ['records were added or removed while it was read']),
    ...(before.updated === after.updated ? [] : ['records were changed while it was read']),
  ];
}

/** What is there and was not seen, by going through the keys. */
async function* missing(table: TableToRead, seen: Seen): AsyncGenerator<SavedRecord[]> {
  const { instance, key, columns, signal, pageSize } = table;
  const fields = columns.map(({ id }) => id);
  const [only] = key;
  if (only === undefined || key.length > 1 || only.uidt !== 'ID') {
    const sort = key.map(({ id }) => id).join(',');
    for await (const records of pagesByOffset({ fields, sort }, table))
      yield records.filter((record) => !seen.has(keyOf(record, key, table.title)));
    return;
  }
  for (let where: string | undefined; ;) {
    const query = { fields: [only.id], limit: pageSize, sort: only.id, ...(where === undefined ? {} : { where }) };
    const { records, last } = await instance.page(table.table, query, signal);
    const keys = records.map((record) => keyOf(record, key, table.title));
    const wanted = keys.filter((each) => !seen.has(each));
    for (let at = 0; at < wanted.length; at += keysAtOnce) {
      const some = wanted.slice(at, at + keysAtOnce);
      const found = { fields, limit: keysAtOnce, where: `(${only.id},in,${some.join(',')})` };
      yield (await instance.page(table.table, found, signal)).records;
    }
    const highest = keys.at(-1);
    if (last || highest === undefined) return;
    where = `(${only.id},gt,${String(highest)})`;
  }
}

function tooFew(title: string, read: number, count: number): HoldfastError {
  const words = `${formatCount(read)} of ${formatCount(count, 'record')} of ${title} could be read`;
  return new HoldfastError('NOCODB_RECORDS_MISSING', words, {
    retryable: true,
    hint: 'Back up again; if it stays so, compare with what NocoDB shows, and see its log.',
  });
}
