import { throwIfAborted } from '../../../base/abort.ts';
import { attachmentSchema, names, tablePath, type SavedAttachment } from '../tree-format.ts';
import { batchSize } from './insert.ts';
import { livePage, type LiveTable } from './live.ts';
import { eachInParallel, inGroups } from './pool.ts';
import { savedLines, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { stored, uploadCell, type CellFile } from './uploads.ts';
import { reasonOf, type Work } from './work.ts';

/**
 * Files of records that are there, by their keys: after the database was restored without the files, or records without theirs. A file
 * of the cell that NocoDB can still give is left alone; where it cannot, or the cell lacks it, the file of the backup is put in its place.
 */
export async function restoreAttachments(
  scope: Scope,
  table: SavedTable,
  live: LiveTable,
  target: Target,
  work: Work,
): Promise<number> {
  const where = `${scope.title}/${table.schema.table.title}`;
  const name = tablePath(scope.base.folder, table.saved.folder, names.attachments);
  const cells = byCell(savedLines(work.saved, name, attachmentSchema, work.task.signal));
  let files = 0;
  await eachInParallel(
    inGroups(cells, batchSize),
    1,
    async (group) => {
      files += await restoreGroup(group, { scope, table, live, target, where }, work);
    },
    work.task.signal,
  );
  return files;
}

interface Place {
  scope: Scope;
  table: SavedTable;
  live: LiveTable;
  target: Target;
  where: string;
}

interface Cell {
  record: number;
  column: string;
  files: SavedAttachment[];
}

/** The lines of one cell stand one after the other. */
async function* byCell(lines: AsyncIterable<SavedAttachment>): AsyncGenerator<Cell> {
  let cell: Cell | null = null;
  for await (const line of lines) {
    const record = Number(line.record);
    if (cell !== null && cell.record === record && cell.column === line.column) cell.files.push(line);
    else {
      if (cell !== null) yield cell;
      cell = { record, column: line.column, files: [line] };
    }
  }
  if (cell !== null) yield cell;
}

async function restoreGroup(cells: readonly Cell[], place: Place, work: Work): Promise<number> {
  const { live, target, where } = place;
  const key = live.columns.find(({ uidt, pk }) => uidt === 'ID' && pk);
  if (key === undefined) return 0;
  const columns = [...new Set(cells.flatMap(({ column }) => target.ids.get(column) ?? []))];
  const records = [...new Set(cells.map(({ record }) => record))];
  const { records: there } = await livePage(
    work.client,
    live.id,
    { fields: [key.id, ...columns].join(','), where: `(${key.id},in,${records.join(',')})`, limit: batchSize },
    work.task.signal,
  );
  const found = new Map(there.map((record) => [Number(record[key.title]), record]));
  let files = 0;
  for (const cell of cells) {
    throwIfAborted(work.task.signal);
    const record = found.get(cell.record);
    const column = live.columns.find(({ id }) => id === target.ids.get(cell.column));
    if (record === undefined || column === undefined) {
      const reason = record === undefined ? 'the record does not exist' : 'the table has no such field';
      for (const { title } of cell.files) work.found.lose(where, `record ${cell.record}, file ${title}`, reason);
      continue;
    }
    files += await restoreCell(cell, { ...place, key, column, now: cellFiles(record[column.title]) }, work);
  }
  return files;
}

async function restoreCell(
  cell: Cell,
  {
    scope,
    table,
    live,
    target,
    where,
    key,
    column,
    now,
  }: Place & {
    key: { id: string };
    column: { id: string; title: string };
    now: CellFile[];
  },
  work: Work,
): Promise<number> {
  const missing: SavedAttachment[] = [];
  const kept = new Map<SavedAttachment, CellFile>();
  const spare = [...now];
  for (const file of cell.files) {
    const at = spare.findIndex((each) => isSame(each, file));
    const [same] = at === -1 ? [] : spare.splice(at, 1);
    if (same !== undefined && (file.file === null || (await canBeRead(same, work)))) kept.set(file, stored(same));
    else missing.push(file);
  }
  if (missing.length === 0) return 0;
  const storage = `noco/${target.base?.id ?? ''}/${live.id}/${column.id}`;
  const place = { folder: scope.base.folder, table, storage, where, field: column.title };
  const entries: CellFile[] = [];
  let uploaded = 0;
  for (const file of cell.files) {
    const same = kept.get(file);
    if (same !== undefined) entries.push(same);
    else {
      const made = await uploadCell([file], place, work);
      uploaded += made.length;
      entries.push(...made);
    }
  }
  if (uploaded === 0) return 0;
  // What people have added to the cell since stays in it.
  const body = [{ [key.id]: cell.record, [column.id]: [...entries, ...spare.map(stored)] }];
  try {
    await work.client.send('PATCH', `/api/v2/tables/${live.id}/records`, {
      body,
      repeat: 'safe',
      signal: work.task.signal,
    });
    return uploaded;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const { title } of missing) work.found.lose(where, `record ${cell.record}, file ${title}`, reasonOf(error));
    return 0;
  }
}

function isSame(entry: CellFile, { path, url, title, size }: SavedAttachment): boolean {
  if (path !== null && entry['path'] === path) return true;
  if (url !== null && entry['url'] === url) return true;
  return entry['title'] === title && (size === null || Number(entry['size']) === size);
}

/** NocoDB takes an address for a file: whether it is there shows when it is asked for it. */
async function canBeRead(entry: CellFile, { client, task }: Work): Promise<boolean> {
  const address = entry['signedUrl'] ?? entry['signedPath'] ?? entry['url'] ?? entry['path'];
  if (typeof address !== 'string') return false;
  try {
    const { answer } = await client.file(address, { signal: task.signal });
    answer.destroy();
    return true;
  } catch {
    task.signal.throwIfAborted();
    return false;
  }
}

function cellFiles(value: unknown): CellFile[] {
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return Array.isArray(list) ? (list as CellFile[]) : [];
}
