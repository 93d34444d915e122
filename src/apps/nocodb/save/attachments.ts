import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { AppPart } from '../../app.ts';
import type { FoundAttachment } from '../attachment-cells.ts';
import { attachmentsIn, found } from '../attachment-cells.ts';
import { fetchAttachment } from './fetch-attachment.ts';
import type { Instance } from '../instance.ts';
import { gzippedLines } from '../lines.ts';
import { safeFileName, uniqueNames } from '../names.ts';
import { notes, type Notes } from './notes.ts';
import { streamPart, watched } from './part.ts';
import { names, type Column, type SavedAttachment, type SavedTable } from '../tree-format.ts';

export interface AttachmentsToSave {
  table: string;
  /** `table People of base Shop` */
  place: string;
  /** Of a file of the table, below the backup's folder. */
  path: (name: string) => string;
  columns: readonly Column[];
  key: readonly Column[];
  instance: Instance;
  options: { attachments: boolean; concurrency: number };
  scratch: string;
  failed: string[];
}

interface Ready {
  attachment: FoundAttachment;
  /** Below the folder of the table; null: it is not fetched. */
  file: string | null;
  /** Begun already, a few ahead of the one that is being stored. */
  fetched: ReturnType<typeof fetchAttachment> | null;
}

const bytesOfName = 120;

export interface AttachmentsSaved {
  totals: SavedTable['attachments'];
  /** Files that are longer or shorter than NocoDB has recorded: how many, and the first of them. */
  otherSize: { count: number; named: string[] };
}

const mostNamed = 20;

/** Files first, then which of them belongs to which cell. */
export async function* saveAttachments(
  list: Notes<FoundAttachment>,
  task: AttachmentsToSave,
  signal: AbortSignal,
): AsyncGenerator<AppPart, AttachmentsSaved> {
  const totals = { files: 0, bytes: 0, links: 0 };
  const otherSize: AttachmentsSaved['otherSize'] = { count: 0, named: [] };
  await using index = notes<SavedAttachment>(join(task.scratch, `${task.table}.saved`));
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    for await (const { attachment, file, fetched } of ahead(list, task, either)) {
      if (attachment.source === null) totals.links += 1;
      const failed: string[] = [];
      if (file !== null && fetched !== null) {
        const place = `${task.place}, ${file}`;
        const part = streamPart(task.path(file), () => drained(fetched.stream));
        yield { ...watched(part, place, failed), optional: true };
        task.failed.push(...failed);
      }
      const stored = file !== null && failed.length === 0;
      const bytes = stored && fetched !== null ? fetched.bytes() : null;
      if (stored) totals.files += 1;
      totals.bytes += bytes ?? 0;
      const { size } = attachment;
      if (file !== null && bytes !== null && size !== null && bytes !== size) {
        otherSize.count += 1;
        if (otherSize.named.length < mostNamed) otherSize.named.push(`${file} (${bytes} bytes, recorded ${size})`);
      }
      const { source: _, elsewhere: __, ...kept } = attachment;
      await index.add({ ...kept, file: stored ? file : null, bytes, failed: failed[0] ?? null });
    }
  } finally {
    stop.abort();
  }
  const lines = async function* lines(): AsyncGenerator<SavedAttachment[]> {
    for await (const entry of index.entries()) yield [entry];
  };
  const part = streamPart(task.path(names.attachments), () => gzippedLines(lines()));
  yield watched(part, task.place, task.failed);
  return { totals, otherSize };
}

/** The next few are fetched while one is being stored; each only until its buffer is full. */
async function* ahead(
  list: Notes<FoundAttachment>,
  task: AttachmentsToSave,
  signal: AbortSignal,
): AsyncGenerator<Ready> {
  const { client } = task.instance;
  const fileName = fileNames(task.columns);
  const queue: Ready[] = [];
  let ordinal = 0;
  for await (const attachment of list.entries()) {
    ordinal += 1;
    const wanted = task.options.attachments && attachment.source !== null;
    const file = wanted ? fileName(attachment, ordinal) : null;
    const place = `${task.place}, ${attachment.title}`;
    const again = (stop: AbortSignal) => freshly(attachment, task, stop);
    const fetched = wanted ? fetchAttachment(attachment, { client, again, place }, signal) : null;
    // Nobody listens until its turn comes.
    fetched?.stream.on('error', () => undefined);
    queue.push({ attachment, file, fetched });
    while (queue.length > task.options.concurrency) {
      const next = queue.shift();
      if (next !== undefined) yield next;
    }
  }
  yield* queue;
}

/** `attachments/Photos/12-1-cat.jpg`: record, place in the cell, title; no two are the same. */
function fileNames(columns: readonly Column[]): (attachment: FoundAttachment, ordinal: number) => string {
  const unique = uniqueNames();
  const folders = new Map(columns.map(({ id, title }) => [id, unique(title)]));
  return ({ record, column, position, title }, ordinal) => {
    // Other keys may hold anything, and not every table has one.
    const place = typeof record === 'number' ? `${record}-${position + 1}` : `n${ordinal}`;
    return `attachments/${folders.get(column) ?? column}/${place}-${safeFileName(title, bytesOfName)}`;
  };
}

/** The same file of the same cell as NocoDB signs it now. */
async function freshly(
  { record, column, id, path, url, position }: FoundAttachment,
  { instance, table, columns, key }: AttachmentsToSave,
  signal: AbortSignal,
): Promise<FoundAttachment | null> {
  const named = columns.find((each) => each.id === column);
  const values = Array.isArray(record) ? record : [record];
  if (named === undefined || key.length === 0 || values.length !== key.length) return null;
  const where = key.map((each, at) => `(${each.id},eq,${String(values[at])})`).join('~and');
  const { records } = await instance.page(table, { fields: [column], limit: 2, where }, signal);
  const entries = attachmentsIn(records[0]?.[named.title]).map((entry, at) =>
    found(entry, { record, column, position: at }),
  );
  const same = entries.find((entry) => entry.path === path && entry.url === url && (id === null || entry.id === id));
  return same ?? entries.find((entry) => entry.position === position && entry.path === path) ?? null;
}

/** What failed before anybody read it fails here, with its own error. */
function drained(content: Readable): Readable {
  const read = async function* read() {
    yield* content as AsyncIterable<Buffer>;
  };
  return Readable.from(read(), { objectMode: false, highWaterMark: 256 * 1024 });
}
