import { inParallel } from '../../../base/parallel.ts';
import { throwIfAborted } from '../../../base/abort.ts';
import { attachmentSchema, names, tablePath, type SavedAttachment } from '../tree-format.ts';
import { cellFiles, fits, lengthOf, stored, uploadCell, type CellFile } from './uploads.ts';
import { batchSize } from './insert.ts';
import { livePage, type LiveTable } from './live.ts';
import { inGroups } from './pool.ts';
import { savedLines, type SavedTable } from './saved-tree.ts';
import type { Scope } from './scope.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

export interface RestoredFiles {
  restored: number;
  /** There already, and left alone. */
  kept: number;
}

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
): Promise<RestoredFiles> {
  const where = `${scope.title}/${table.schema.table.title}`;
  const name = tablePath(scope.base.folder, table.saved.folder, names.attachments);
  const cells = byCell(savedLines(work.saved, name, attachmentSchema, work.task.signal));
  const done: RestoredFiles = { restored: 0, kept: 0 };
  for await (const group of inGroups(cells, batchSize))
    await restoreGroup(group, { scope, table, live, target, where, done }, work);
  return done;
}

interface Place {
  scope: Scope;
  table: SavedTable;
  live: LiveTable;
  target: Target;
  where: string;
  done: RestoredFiles;
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

/** A cell as it can be asked for. */
interface LiveCell {
  key: { id: string; title: string };
  column: { id: string; title: string };
}

async function restoreGroup(cells: readonly Cell[], place: Place, work: Work): Promise<void> {
  const { live, target, where } = place;
  const key = live.columns.find(({ uidt, pk }) => uidt === 'ID' && pk);
  if (key === undefined) {
    for (const cell of cells) loseAll(cell, where, 'the table has no numbered key (Id)', work);
    return;
  }
  const columns = [...new Set(cells.flatMap(({ column }) => target.ids.get(column) ?? []))];
  const records = [...new Set(cells.map(({ record }) => record))];
  const { records: there } = await livePage(
    work.client,
    live.id,
    { fields: [key.id, ...columns].join(','), where: `(${key.id},in,${records.join(',')})`, limit: batchSize },
    work.task.signal,
  );
  const found = new Map(there.map((record) => [Number(record[key.title]), record]));
  await inParallel(cells, work.atOnce, async (cell) => {
    throwIfAborted(work.task.signal);
    const record = found.get(cell.record);
    const column = live.columns.find(({ id }) => id === target.ids.get(cell.column));
    if (record === undefined) loseAll(cell, where, 'the record does not exist', work);
    else if (column === undefined) loseAll(cell, where, 'the table has no such field', work);
    else await restoreCell(cell, cellFiles(record[column.title]), { key, column }, place, work);
  });
}

async function restoreCell(
  cell: Cell,
  now: readonly CellFile[],
  at: LiveCell,
  place: Place,
  work: Work,
): Promise<void> {
  const { scope, table, live, target, where, done } = place;
  const { matched } = matches(cell.files, now);
  const entries = new Map<SavedAttachment, CellFile>();
  for (const [file, same] of matched)
    if (file.file === null || (await canBeRead(same, file, work))) entries.set(file, stored(same));
  done.kept += entries.size;
  const missing = cell.files.filter((file) => !entries.has(file));
  const storage = `noco/${target.base?.id ?? ''}/${live.id}/${at.column.id}`;
  const upload = { folder: scope.base.folder, table, storage, where, field: at.column.title };
  let uploaded = 0;
  for (const file of missing) {
    const [made] = await uploadCell([file], upload, work);
    if (made === undefined) continue;
    entries.set(file, made);
    uploaded += 1;
  }
  if (uploaded === 0) return;
  // Uploads take their time: what people have put into the cell meanwhile, or had there already, stays in it.
  const { spare } = matches(cell.files, await cellNow(cell, at, place, work));
  const own = cell.files.map((file) => entries.get(file)).filter((entry) => entry !== undefined);
  const others = spare.map((entry) => stored(entry));
  try {
    await work.client.send('PATCH', `/api/v2/tables/${live.id}/records`, {
      body: [{ [at.key.id]: cell.record, [at.column.id]: [...own, ...others] }],
      repeat: 'safe',
      signal: work.task.signal,
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const { title } of missing) work.found.lose(where, `record ${cell.record}, file ${title}`, reasonOf(error));
    return;
  }
  // An answer is no proof: NocoDB says yes to a cell that it did not take.
  const after = await cellNow(cell, at, place, work);
  for (const file of missing) {
    const entry = entries.get(file);
    if (entry === undefined) continue;
    if (after.some((each) => isEntry(each, entry))) done.restored += 1;
    else
      work.found.lose(where, `record ${cell.record}, file ${file.title}`, 'NocoDB took it, and it is not in the cell');
  }
  for (const entry of others) {
    if (!after.some((each) => isEntry(each, entry)))
      work.found.warn(`${where}, record ${cell.record}: ${String(entry['title'])} was in the cell and is not any more`);
  }
}

/** Which entry of a cell is which file of the backup, and what else is in the cell. */
function matches(
  files: readonly SavedAttachment[],
  now: readonly CellFile[],
): { matched: Map<SavedAttachment, CellFile>; spare: CellFile[] } {
  const matched = new Map<SavedAttachment, CellFile>();
  const spare = [...now];
  // The same place says more than the same name, of which a cell may have several.
  for (const isSame of [sameAddress, sameName]) {
    for (const file of files) {
      const at = matched.has(file) ? -1 : spare.findIndex((each) => isSame(each, file));
      const [same] = at === -1 ? [] : spare.splice(at, 1);
      if (same !== undefined) matched.set(file, same);
    }
  }
  return { matched, spare };
}

function sameAddress(entry: CellFile, { path, url }: SavedAttachment): boolean {
  return (path !== null && entry['path'] === path) || (url !== null && entry['url'] === url);
}

function sameName(entry: CellFile, { title, size }: SavedAttachment): boolean {
  return entry['title'] === title && (size === null || Number(entry['size']) === size);
}

function isEntry(entry: CellFile, wanted: CellFile): boolean {
  return ['path', 'url', 'title'].every((name) => (entry[name] ?? null) === (wanted[name] ?? null));
}

async function cellNow(
  { record }: Cell,
  { key, column }: LiveCell,
  { live }: Place,
  { client, task }: Work,
): Promise<CellFile[]> {
  const query = { fields: `${key.id},${column.id}`, where: `(${key.id},eq,${record})`, limit: 1 };
  const { records } = await livePage(client, live.id, query, task.signal);
  return cellFiles(records[0]?.[column.title]);
}

/** NocoDB takes an address for a file: whether it is there, and as long as it was, shows when it is asked for it. */
async function canBeRead(entry: CellFile, { bytes }: SavedAttachment, work: Work): Promise<boolean> {
  const length = await lengthOf(entry, work);
  return length !== null && fits(length, bytes);
}

function loseAll({ record, files }: Cell, where: string, reason: string, { found }: Work): void {
  for (const { title } of files) found.lose(where, `record ${record}, file ${title}`, reason);
}
