import type { Readable } from 'node:stream';
import { attachmentsIn, found, withoutSigned, type FoundAttachment } from './attachment-cells.ts';
import { keyColumns, recordColumns, updatedAtColumn } from './column-parts.ts';
import type { WholeTable } from './instance.ts';
import { gzippedLines } from './lines.ts';
import type { Notes } from './notes.ts';
import { readRecords, type Group, type RecordsRead } from './read-records.ts';
import type { SavedRecord } from './tree-format.ts';
import type { BaseToSave } from './task.ts';

export interface RecordsToSave {
  whole: WholeTable;
  place: string;
  task: BaseToSave;
  /** Where the files of cells are noted. */
  files: Notes<FoundAttachment>;
}

export interface RecordsSaving {
  open(): Readable;
  /** The rest is complete when the stream has ended. */
  readonly read: RecordsRead;
  /** Records that have comments; null: they could not be asked for. */
  readonly commented: () => string[] | null;
  /** The token may not see them. */
  readonly commentsForbidden: () => boolean;
}

/** What ids may take in the address of a request, which proxies cut at 8 KB. */
const longestIds = 7000;

/** The records of a table, as a stream; by the way it is noted which have files and comments. */
export function saveRecords({ whole, place, task, files }: RecordsToSave, signal: AbortSignal): RecordsSaving {
  const { table, columns } = whole;
  const { instance, options } = task;
  const key = keyColumns(columns);
  const attachmentColumns = columns.filter(({ uidt }) => uidt === 'Attachment');
  const titles = attachmentColumns.map(({ title }) => title);
  const { groups, read } = readRecords({
    instance,
    table: table.id,
    title: place,
    pageSize: options.pageSize,
    key,
    columns: recordColumns(columns),
    updatedAt: updatedAtColumn(columns),
    signal,
  });
  const commented: string[] = [];
  let comments: 'asked' | 'forbidden' | 'unknown' = key.length === 1 ? 'asked' : 'unknown';
  const look = async (ids: readonly string[]) => {
    for (const some of inPieces(ids)) {
      if (comments !== 'asked') return;
      const rows = await instance.commented(table.id, some, signal);
      if (rows === null) comments = 'forbidden';
      else commented.push(...rows);
    }
  };
  const note = async ({ records, keys }: Group) => {
    for (const [row, record] of records.entries()) {
      for (const { id: column, title } of attachmentColumns) {
        for (const [position, entry] of attachmentsIn(record[title]).entries())
          await files.add(found(entry, { record: keys?.[row] ?? [], column, position }));
      }
    }
  };
  const all = async function* all(): AsyncGenerator<SavedRecord[]> {
    let looking: Promise<void> = Promise.resolve();
    for await (const group of groups) {
      if (titles.length > 0) await note(group);
      // Beside the next page, and never more than one behind.
      await looking;
      looking = look((group.keys ?? []).map(String));
      looking.catch(() => undefined);
      yield titles.length === 0 ? group.records : group.records.map((record) => withoutSigned(record, titles));
    }
    await looking;
  };
  return {
    open: () => gzippedLines(all()),
    read,
    commented: () => (comments === 'asked' ? commented : null),
    commentsForbidden: () => comments === 'forbidden',
  };
}

function* inPieces(ids: readonly string[]): Generator<string[]> {
  let piece: string[] = [];
  let length = 0;
  for (const id of ids) {
    length += id.length + 'ids=&'.length;
    if (length > longestIds && piece.length > 0) {
      yield piece;
      piece = [];
      length = id.length + 'ids=&'.length;
    }
    piece.push(id);
  }
  if (piece.length > 0) yield piece;
}
