import { throwIfAborted } from '../../../base/abort.ts';
import { names, tablePath, type RecordKey, type SavedAttachment, type SavedRecord } from '../tree-format.ts';
import { batchSize, insertRows, type Goal, type Row } from './insert.ts';
import { highestKey, liveCount, livePage, type LiveTable } from './live.ts';
import { fieldsOf, type Field, type Fields } from './fields.ts';
import type { SavedKeys } from './keys.ts';
import { eachInParallel, inGroups, mapAhead } from './pool.ts';
import type { People } from './people.ts';
import { numberedKey, savedLines, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { insertNumbered } from './numbered.ts';
import { countedAmong, moveCounter } from './sequence.ts';
import { roundedNumbers, type Rounded } from '../rounded.ts';
import { isPostgres, isUnfinished, type Target } from './target.ts';
import { filesByRecord, uploadCell } from './uploads.ts';
import { comparable, known, writable } from './values.ts';
import type { Work } from './work.ts';
import { z } from 'zod';

// What becomes of a record, from the backup to the table, is read together: one file because its steps share one picture of the table.

export interface RestoredRecords {
  inserted: number;
  /** There already, and left alone. */
  kept: number;
  /** Of those, how many are other than in the backup. */
  different: number;
  files: number;
  /** How many keys of other records were filled in, by id of their column in the backup. */
  links: ReadonlyMap<string, number>;
  /** Keys of records that could not be restored. */
  failed: ReadonlySet<number>;
}

const recordSchema = z.record(z.string(), z.unknown());

/** As many are compared at once with what the table holds: their keys stand in an address, which may not be of any length. */
const windowSize = 500;

/** Everything about one table that writing its records needs. */
export interface Records {
  scope: Scope;
  table: SavedTable;
  target: Target;
  live: LiveTable;
  people: People;
  withFiles: boolean;
}

/**
 * The records of a table, with the keys they had: so links, formulas over keys and a second run after an interruption need no list of
 * what became what. What is there already under the same key is left alone. Null: the table has a key of its own kind.
 */
export async function restoreRecords(
  records: Records,
  { laterKeys, numbered }: { laterKeys: ReadonlySet<string>; numbered: SavedKeys | null },
  work: Work,
): Promise<RestoredRecords | null> {
  const { scope, table, target, live } = records;
  const where = `${scope.title}/${table.schema.table.title}`;
  const fields = fieldsOf(scope.base, table, live, target);
  const key = numberedKey(table);
  if (fields === null || key === null) {
    work.found.lose(
      where,
      `${table.saved.records ?? 0} records`,
      'records without a numbered key (Id) cannot be restored through the API',
    );
    return null;
  }
  for (const { title, uidt } of fields.missing.filter(({ id }) => !laterKeys.has(id)))
    work.found.lose(where, `values of ${title} (${uidt})`, 'the table has no such field');
  const base = target.base?.id ?? '';
  const empty = (await liveCount(work.client, live.id, work.task.signal)) === 0;
  return insertAll({ ...records, where, fields, keyTitle: key.title, base, empty, numbered }, work);
}

export interface Survey {
  missing: number;
  kept: number;
  different: number;
}

/** What a restore would find, without touching anything. */
export async function surveyRecords(records: Records, work: Work): Promise<Survey | null> {
  const { scope, table, target, live } = records;
  const fields = fieldsOf(scope.base, table, live, target);
  const key = numberedKey(table);
  if (fields === null || key === null) return null;
  const empty = (await liveCount(work.client, live.id, work.task.signal)) === 0;
  if (empty) return { missing: table.saved.records ?? 0, kept: 0, different: 0 };
  const found = { kept: 0, different: 0 };
  let missing = 0;
  const surveying: Inserting = {
    ...records,
    where: '',
    fields,
    keyTitle: key.title,
    base: '',
    empty,
    numbered: null,
    withFiles: false,
  };
  for await (const batch of missingRows(surveying, { of: () => Promise.resolve([]) }, found, work))
    missing += batch.length;
  return { missing, ...found };
}

interface Inserting extends Records {
  where: string;
  fields: Fields;
  keyTitle: string;
  base: string;
  empty: boolean;
  /** Of a table whose records NocoDB numbers itself. */
  numbered: SavedKeys | null;
}

async function insertAll(inserting: Inserting, work: Work): Promise<RestoredRecords> {
  const { table, fields, live, where, base } = inserting;
  const goal: Goal = {
    base,
    table: live.id,
    where,
    key: fields.key.title,
    titles: new Map(fields.fields.map(({ live: column, saved }) => [column.id, saved.title])),
    kept: new Set([fields.key.id, ...(fields.order === null ? [] : [fields.order.id])]),
    upserted: isUnfinished(live) ? upserted(inserting) : null,
  };
  const done = {
    inserted: 0,
    kept: 0,
    different: 0,
    files: 0,
    links: new Map<string, number>(),
    failed: new Set<number>(),
  };
  const total = table.saved.records ?? 0;
  const rounded = roundedNumbers();
  await using files = filesByRecord(inserting.scope.base.folder, table, work);
  const tell = () =>
    work.task.report({
      kind: 'progress',
      step: `records of ${inserting.scope.title}`,
      part: where,
      bytes: done.inserted + done.kept,
      total,
    });
  const rowsOf = async (batch: readonly Wanted[]) => {
    const rows: Row[] = [];
    for (const wanted of batch) rows.push(await rowOf(wanted, inserting, { done, rounded }, work));
    return rows;
  };
  const told = (rows: number) => {
    done.inserted += rows;
    tell();
  };
  const batches = mapAhead(missingRows(inserting, files, done, work), work.atOnce, rowsOf);
  await eachInParallel(
    unnumbered(batches, { inserting, goal, told }, work),
    work.atOnce,
    async (rows) => {
      const failed = await insertRows(rows, goal, work);
      for (const each of failed) done.failed.add(each);
      told(rows.length - failed.length);
    },
    work.task.signal,
  );
  for (const line of rounded.lines(where)) work.found.warn(line);
  return done;
}

/** The rows that NocoDB does not number itself: all of them, or those from where on it cannot. */
async function* unnumbered(
  batches: AsyncGenerator<Row[]>,
  { inserting, goal, told }: { inserting: Inserting; goal: Goal; told: (rows: number) => void },
  work: Work,
): AsyncGenerator<readonly Row[]> {
  const { numbered, live, fields, empty, base } = inserting;
  try {
    if (numbered !== null && empty && fields.order !== null) {
      const { key, order } = fields;
      const numbering = { goal, live, key, order, gaps: numbered.count < numbered.last };
      const left = await insertNumbered(batches, numbering, told, work);
      if (left.length === 0) return;
      const from = (await highestKey(work.client, live, key, work.task.signal)) + 1;
      await moveCounter(base, live, { key: key.id, from, to: numbered.last }, work);
      for (let at = 0; at < left.length; at += batchSize) yield left.slice(at, at + batchSize);
    }
    yield* batches;
  } finally {
    // Files that are on their way are waited for.
    await batches.return(undefined);
  }
}

/**
 * What NocoDB's insertion would take for something else: a duration, whose seconds it reads as minutes where the field shows minutes, and
 * a file, which it fetches where the cell holds an address. Of tables that are people's own nothing is known; their types may be their
 * database's.
 */
function upserted({ fields }: Inserting): ReadonlySet<string> {
  const columns = fields.fields.map(({ live }) => live);
  return new Set(columns.filter(({ uidt }) => uidt === 'Duration' || uidt === 'Attachment').map(({ id }) => id));
}

interface Wanted {
  key: number;
  rank: number;
  record: SavedRecord;
  files: SavedAttachment[];
}

/** What the table lacks, in batches; of what it has, whether it is the same is counted. */
async function* missingRows(
  inserting: Inserting,
  files: { of(key: RecordKey): Promise<SavedAttachment[]> },
  done: { kept: number; different: number },
  work: Work,
): AsyncGenerator<Wanted[]> {
  const { scope, table, keyTitle, empty, withFiles } = inserting;
  const name = tablePath(scope.base.folder, table.saved.folder, names.records);
  let place = 0;
  let batch: Wanted[] = [];
  for await (const group of inGroups(savedLines(work.saved, name, recordSchema, work.task.signal), windowSize)) {
    throwIfAborted(work.task.signal);
    const there = empty ? null : await liveRecords(group, inserting, work);
    for (const record of group) {
      place += 1;
      const key = Number(record[keyTitle]);
      // The list of files goes on with the records, also past those that need none.
      const own = withFiles ? await files.of(key) : [];
      const found = there?.get(key);
      if (found !== undefined) {
        done.kept += 1;
        if (found !== comparableRow(record, inserting)) done.different += 1;
        continue;
      }
      batch.push({ key, rank: place, record, files: own });
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function rowOf(
  { key, rank, record, files }: Wanted,
  { fields, people, where, scope, table, live, target }: Inserting,
  { done, rounded }: { done: { files: number; links: Map<string, number> }; rounded: Rounded },
  work: Work,
): Promise<Row> {
  const body: Record<string, unknown> = { [fields.key.id]: key };
  if (fields.order !== null) body[fields.order.id] = String(rank);
  for (const { saved, live: column, foreignKey } of fields.fields) {
    if (saved.uidt === 'Attachment') {
      const own = files.filter((file) => file.column === saved.id);
      const storage = `noco/${target.base?.id ?? ''}/${live.id}/${column.id}`;
      const place = { folder: scope.base.folder, table, storage, where, field: saved.title };
      const cell = await uploadCell(own, place, work);
      done.files += cell.length;
      body[column.id] = cell.length === 0 ? null : cell;
      continue;
    }
    rounded.look(saved, record[saved.title], key);
    const { value, lost } = writable(record[saved.title], saved.uidt, { people, jsonIsText: jsonIsText(scope) });
    if (lost !== null) work.found.lose(where, `record ${key}, ${saved.title}`, lost);
    body[column.id] = value;
    if (foreignKey && value !== null) done.links.set(saved.id, (done.links.get(saved.id) ?? 0) + 1);
  }
  return { key, body };
}

/** Records of the table with the keys of a group, in words that can be compared. */
async function liveRecords(
  group: readonly SavedRecord[],
  { live, fields, keyTitle, target }: Inserting,
  work: Work,
): Promise<Map<number, string>> {
  const { client, task } = work;
  const { title } = fields.key;
  const wanted = [fields.key, ...comparableFields(fields, live).map(({ live: column }) => column)];
  const { records } = await livePage(
    client,
    live.id,
    {
      fields: wanted.map(({ id }) => id).join(','),
      where: `(${fields.key.id},in,${group.map((record) => Number(record[keyTitle])).join(',')})`,
      limit: windowSize,
    },
    task.signal,
  );
  const counted = await countedAmong(
    records.map((record) => Number(record[title])),
    live,
    fields.key,
    work,
  );
  const real = records.filter((record) => !counted.has(Number(record[title])));
  return new Map(
    real.map((record) => [
      Number(record[title]),
      comparableFields(fields, live)
        .map(({ live: column }) => comparable(record[column.title], column.uidt, !isPostgres(target, live)))
        .join('\u0000'),
    ]),
  );
}

function comparableRow(record: SavedRecord, { fields, live, people, scope }: Inserting): string {
  return comparableFields(fields, live)
    .map(({ saved: { title, uidt } }) => {
      const value = uidt === 'User' ? known(record[title], people) : record[title];
      return comparable(value, uidt, jsonIsText(scope));
    })
    .join('\u0000');
}

/** Files are another matter: a table may have been restored without them. And so are links, while a table is not whole. */
function comparableFields({ fields }: Fields, live: LiveTable): Field[] {
  const withKeys = !isUnfinished(live);
  return fields.filter(({ saved, foreignKey }) => saved.uidt !== 'Attachment' && (withKeys || !foreignKey));
}

/** The backup was made of a NocoDB on SQLite, where a JSON is kept as its text. */
function jsonIsText({ base }: Scope): boolean {
  return base.file.sources[0]?.type !== 'pg';
}
