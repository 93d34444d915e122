import { z } from 'zod';
import { found as foundIn } from '../attachment-cells.ts';
import { whyReplaced } from '../replaced.ts';
import { attachmentSchema, names, tablePath, type RecordKey, type SavedAttachment } from '../tree-format.ts';
import { read } from './live.ts';
import { hasPart, savedLines, type SavedTable } from './saved-tree.ts';
import { isRefusal } from './tables.ts';
import { reasonOf, type Work } from './work.ts';
import { statusOf } from '../errors.ts';

/** An entry of a cell as NocoDB takes it. */
export type CellFile = Record<string, unknown>;

const uploadedSchema = z.array(z.looseObject({ title: z.string() })).min(1);

/** Gives the files of one record after another: the list of files is in the order of the records. */
export function filesByRecord(
  folder: string,
  table: SavedTable,
  { saved, task }: Work,
): AsyncDisposable & { of(key: RecordKey): Promise<SavedAttachment[]> } {
  const lines = savedLines(
    saved,
    tablePath(folder, table.saved.folder, names.attachments),
    attachmentSchema,
    task.signal,
  );
  let head: SavedAttachment | null | undefined;
  const next = async () => {
    const { value, done } = await lines.next();
    return done === true ? null : value;
  };
  return {
    of: async (key) => {
      head ??= head === null ? null : await next();
      const files: SavedAttachment[] = [];
      while (head !== null && sameKey(head.record, key)) {
        files.push(head);
        head = await next();
      }
      return files;
    },
    [Symbol.asyncDispose]: async () => {
      await lines.return(undefined);
    },
  };
}

function sameKey(left: RecordKey, right: RecordKey): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** Brings the files of one cell to NocoDB, and gives what is to stand in the cell. */
export async function uploadCell(
  files: readonly SavedAttachment[],
  place: { folder: string; table: SavedTable; storage: string; where: string; field: string },
  work: Work,
): Promise<CellFile[]> {
  const cell: CellFile[] = [];
  for (const file of files.toSorted((left, right) => left.position - right.position)) {
    const made = await uploadOne(file, place, work);
    if (made !== null) cell.push(made);
  }
  return cell;
}

async function uploadOne(
  file: SavedAttachment,
  { folder, table, storage, where, field }: Parameters<typeof uploadCell>[1],
  { client, saved, task, found }: Work,
): Promise<CellFile | null> {
  const { title, mimetype, size } = file;
  const what = `record ${String(file.record)}, ${field}, file ${title}`;
  const known = { title, ...(mimetype === null ? {} : { mimetype }), ...(size === null ? {} : { size }) };
  if (file.file === null) {
    // What lies elsewhere stays there; what lay in the old NocoDB and was not saved is gone.
    if (file.url !== null) return { url: file.url, ...known };
    found.lose(where, what, file.failed ?? 'the backup does not hold it');
    return null;
  }
  const name = tablePath(folder, table.saved.folder, file.file);
  if (!hasPart(saved, name)) {
    found.lose(where, what, 'the backup does not hold it');
    return null;
  }
  try {
    const answer = await client.upload('/api/v2/storage/upload', {
      query: { path: storage },
      name: title,
      mimetype: mimetype ?? 'application/octet-stream',
      open: () => saved.open(name, task.signal),
      signal: task.signal,
    });
    const [uploaded = {}] = read(client, uploadedSchema, answer, 'an upload');
    const length = await lengthOf(uploaded, { client, task });
    if (length === null || !fits(length, file.bytes)) {
      const now = length === null ? 'cannot give it' : `has ${length} of its ${String(file.bytes)} bytes`;
      found.lose(where, what, `NocoDB took it, and ${now}`);
      return null;
    }
    return { ...stored(uploaded), ...known };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    found.lose(where, what, reasonOf(error));
    return null;
  }
}

/** How long a file is that NocoDB gives for an entry of a cell; `unknown` where it does not say; null: it gives none, or a page in its place. */
export async function lengthOf(
  entry: CellFile,
  { client, task: { signal } }: Pick<Work, 'client' | 'task'>,
): Promise<number | 'unknown' | null> {
  const address = entry['signedUrl'] ?? entry['signedPath'] ?? entry['url'] ?? entry['path'];
  if (typeof address !== 'string') return null;
  try {
    const { answer } = await client.again(async () => client.file(address, { signal }), 'safe', signal);
    const { 'content-length': length, 'content-encoding': encoding, 'content-type': type } = answer.headers;
    answer.destroy();
    const bytes = length === undefined || encoding !== undefined ? null : Number(length);
    if (whyReplaced(foundIn(entry, { record: [], column: '', position: 0 }), { bytes, type }) !== null) return null;
    return bytes ?? 'unknown';
  } catch (error) {
    // What is told with an answer is about the file; everything else is about the way to it.
    if (statusOf(error) === null || statusOf(error) === 429) throw error;
    return null;
  }
}

export function fits(length: number | 'unknown', bytes: number | null): boolean {
  return length === 'unknown' || bytes === null || length === bytes;
}

export function cellFiles(value: unknown): CellFile[] {
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return Array.isArray(list) ? (list as CellFile[]) : [];
}

/** What lasts of an entry: addresses are signed for two hours, and ids are the cell's. */
export function stored(entry: CellFile): CellFile {
  return Object.fromEntries(
    Object.entries(entry).filter(([name]) => !['id', 'signedPath', 'signedUrl', 'thumbnails', 'status'].includes(name)),
  );
}
