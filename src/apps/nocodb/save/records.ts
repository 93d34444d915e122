import type { Readable } from 'node:stream';
import { attachmentsIn, found, withoutSigned, type FoundAttachment } from '../attachment-cells.ts';
import { keyColumns, recordColumns, updatedAtColumn } from './column-parts.ts';
import type { WholeTable } from '../instance.ts';
import { gzippedLines } from '../lines.ts';
import type { Notes } from './notes.ts';
import { readRecords, type Group, type RecordsRead } from './read-records.ts';
import { holdsNumbers, roundedNumbers, type Rounded } from '../rounded.ts';
import type { RecordKey, SavedRecord } from '../tree-format.ts';
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
  /** Numbers that are not in the backup as they are in the database. */
  readonly rounded: Rounded;
  /** The token may not see them. */
  readonly commentsForbidden: () => boolean;
}

/** What ids may take in the address of a request, which proxies cut at 8 KB. */
const longestIds = 7000;
const mostAsking = 2;

/** The records of a table, as a stream; by the way it is noted which have files and comments. */
export function saveRecords({ whole, place, task, files }: RecordsToSave, signal: AbortSignal): RecordsSaving {
  const { table, columns } = whole;
  const { instance, options } = task;
  const key = keyColumns(columns);
  const attachmentColumns = columns.filter(({ uidt }) => uidt === 'Attachment');
  const titles = attachmentColumns.map(({ title }) => title);
  const rounded = roundedNumbers();
  const stored = recordColumns(columns);
  const numeric = stored.filter(holdsNumbers);
  const { groups, read } = readRecords({
    instance,
    table: table.id,
    title: place,
    pageSize: options.pageSize,
    key,
    columns: stored,
    updatedAt: updatedAtColumn(columns),
    signal,
  });
  const commented: string[][] = [];
  const asking: Promise<void>[] = [];
  // Where nothing tells a record, NocoDB has nothing to hang a comment on.
  let comments: 'asked' | 'forbidden' | 'unknown' = key.length > 0 ? 'asked' : 'unknown';
  const ask = async (ids: readonly string[]) => {
    if (comments !== 'asked' || ids.length === 0) return;
    const at = commented.push([]) - 1;
    const answer = instance.commented(table.id, ids, signal).then((rows) => {
      if (rows === null) comments = 'forbidden';
      else commented[at] = rows;
    });
    answer.catch(() => undefined);
    asking.push(answer);
    // Beside the next pages, and never far behind.
    if (asking.length > mostAsking) await asking.shift();
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
    const ids = pieces();
    for await (const group of groups) {
      if (titles.length > 0) await note(group);
      for (const [row, record] of group.records.entries())
        for (const column of numeric) rounded.look(column, record[column.title], group.keys?.[row] ?? 'without a key');
      for (const own of group.keys ?? []) {
        for (const id of rowIds(own)) {
          const full = ids.add(id);
          if (full !== null) await ask(full);
        }
      }
      yield titles.length === 0 ? group.records : group.records.map((record) => withoutSigned(record, titles));
    }
    await ask(ids.rest());
    await Promise.all(asking);
  };
  return {
    open: () => gzippedLines(all()),
    read,
    rounded,
    commented: () => (comments === 'asked' ? commented.flat() : null),
    commentsForbidden: () => comments === 'forbidden',
  };
}

/** What a comment calls its record. Of several columns earlier versions joined the values as they are, later ones mark what is in them. */
function rowIds(key: RecordKey): string[] {
  if (!Array.isArray(key)) return [String(key)];
  const values = key.map(String);
  const marked = values.map((value) => value.replaceAll('_', String.raw`\_`));
  return [...new Set([marked, values].map((parts) => parts.join('___')))];
}

/** As many ids as may stand in one address. */
function pieces(): { add(id: string): string[] | null; rest(): string[] } {
  let piece: string[] = [];
  let length = 0;
  return {
    add: (id) => {
      const own = encodeURIComponent(id).length + 'ids=&'.length;
      const full = length + own > longestIds && piece.length > 0 ? piece : null;
      if (full !== null) {
        piece = [];
        length = 0;
      }
      piece.push(id);
      length += own;
      return full;
    },
    rest: () => piece,
  };
}
