import { throwIfAborted } from '../../base/abort.ts';
import { formatCount } from '../../base/units.ts';
import type { Saved } from '../app.ts';
import { broken, readJson, readLines } from './lines.ts';
import {
  attachmentSchema,
  baseFileSchema,
  basePath,
  commentSchema,
  hooksFileSchema,
  linkPairSchema,
  names,
  schemaFileSchema,
  tablePath,
  viewsFileSchema,
  type BaseFile,
  type SavedTable,
} from './tree-format.ts';

interface Totals {
  bases: number;
  tables: number;
  records: number;
  files: number;
  /** Attachments that NocoDB could not give. */
  missing: number;
}

/** Reads every file to its end, as a restore would, and compares what is there with what the indexes say. */
export async function readThrough(saved: Saved, signal: AbortSignal): Promise<{ detail: string }> {
  const totals: Totals = { bases: 0, tables: 0, records: 0, files: 0, missing: 0 };
  const reader = readerOf(saved, signal);
  for (const { name } of saved.parts) {
    const folder = /^bases\/([^/]+)\/metadata\.json$/.exec(name)?.[1];
    if (folder !== undefined) await readBase(folder, reader, totals);
  }
  compareWithFacts(saved, totals);
  // What no index names belongs to nothing; it is read all the same.
  for (const { name } of saved.parts) if (!reader.done.has(name)) await reader.drain(name);
  const { bases, tables, records, files } = totals;
  const counted = [formatCount(bases, 'base'), formatCount(tables, 'table'), formatCount(records, 'record')];
  const lacking = totals.missing > 0 ? [`${formatCount(totals.missing, 'attachment')} not saved`] : [];
  return { detail: [...counted, formatCount(files, 'attachment'), ...lacking].join(', ') };
}

interface Reader {
  readonly done: ReadonlySet<string>;
  has(name: string): boolean;
  json(name: string): Promise<unknown>;
  lines(name: string): AsyncIterable<unknown>;
  /** How many bytes it has. */
  drain(name: string): Promise<number>;
}

function readerOf(saved: Saved, signal: AbortSignal): Reader {
  const there = new Set(saved.parts.map(({ name }) => name));
  const done = new Set<string>();
  const open = async (name: string) => {
    throwIfAborted(signal);
    if (!there.has(name)) throw broken(name, 'it is not in the backup');
    done.add(name);
    return saved.open(name, signal);
  };
  return {
    done,
    has: (name) => there.has(name),
    json: async (name) => readJson(await open(name), name),
    lines: async function* lines(name) {
      yield* readLines(await open(name), name);
    },
    drain: async (name) => {
      let bytes = 0;
      for await (const chunk of (await open(name)) as AsyncIterable<Buffer>) bytes += chunk.length;
      return bytes;
    },
  };
}

async function readBase(folder: string, reader: Reader, totals: Totals): Promise<void> {
  const name = basePath(folder, names.metadata);
  const file = shaped(baseFileSchema, await reader.json(name), name);
  // Only attachments may be missing from a backup: without anything else there would be none.
  totals.missing += [...file.tables, ...file.links].flatMap(({ failed }) => failed).length;
  totals.bases += 1;
  for (const table of file.tables) await readTable(folder, table, reader, totals);
  for (const links of file.links) await readLinks(folder, links, reader);
}

async function readTable(folder: string, table: SavedTable, reader: Reader, totals: Totals): Promise<void> {
  const path = (name: string) => tablePath(folder, table.folder, name);
  const schema = shaped(schemaFileSchema, await reader.json(path(names.schema)), path(names.schema));
  const views = shaped(viewsFileSchema, await reader.json(path(names.views)), path(names.views));
  expectCount(path(names.views), views.views.length, table.views);
  if ((table.hooks ?? 0) > 0) {
    const hooks = shaped(hooksFileSchema, await reader.json(path(names.hooks)), path(names.hooks));
    expectCount(path(names.hooks), hooks.hooks.length, table.hooks ?? 0);
  }
  totals.tables += 1;
  if (table.records === null) return;
  let records = 0;
  const needed = schema.records.columns.filter(({ optional }) => !optional).map(({ title }) => title);
  for await (const record of reader.lines(path(names.records))) {
    records += 1;
    if (typeof record !== 'object' || record === null) throw broken(path(names.records), 'it holds no records');
    const gone = needed.find((title) => !Object.hasOwn(record, title));
    if (gone !== undefined) throw broken(path(names.records), `record ${records} has no ${gone}`);
  }
  expectCount(path(names.records), records, table.records);
  totals.records += records;
  if ((table.comments ?? 0) > 0) {
    let comments = 0;
    for await (const line of reader.lines(path(names.comments))) {
      shaped(commentSchema, line, path(names.comments));
      comments += 1;
    }
    expectCount(path(names.comments), comments, table.comments ?? 0);
  }
  totals.files += await readAttachments(path, table, reader);
}

async function readAttachments(path: (name: string) => string, table: SavedTable, reader: Reader): Promise<number> {
  const index = path(names.attachments);
  let files = 0;
  if (!reader.has(index) && table.attachments.files === 0) return files;
  for await (const line of reader.lines(index)) {
    const { file, bytes } = shaped(attachmentSchema, line, index);
    if (file === null) continue;
    files += 1;
    const read = await reader.drain(path(file));
    if (bytes !== null && read !== bytes) throw broken(path(file), `it has ${read} bytes and should have ${bytes}`);
  }
  expectCount(index, files, table.attachments.files);
  return files;
}

async function readLinks(folder: string, links: BaseFile['links'][number], reader: Reader): Promise<void> {
  if (links.file === null) return;
  const name = basePath(folder, links.file);
  let pairs = 0;
  for await (const line of reader.lines(name)) {
    shaped(linkPairSchema, line, name);
    pairs += 1;
  }
  expectCount(name, pairs, links.pairs);
}

/** The manifest is sealed with what was saved: a base that has vanished from the tree is missed. */
function compareWithFacts({ facts }: Saved, totals: Totals): void {
  const { totals: said } = facts as { totals?: Partial<Record<string, unknown>> };
  for (const [what, read] of Object.entries({ bases: totals.bases, tables: totals.tables, records: totals.records })) {
    const expected = said?.[what];
    if (typeof expected === 'number' && expected !== read)
      throw broken('bases/', `it holds ${formatCount(read)} ${what} and should hold ${formatCount(expected)}`);
  }
}

function expectCount(name: string, found: number, expected: number): void {
  if (found === expected) return;
  throw broken(
    name,
    `it has ${formatCount(found, 'entry').replace(/ys$/, 'ies')} and should have ${formatCount(expected)}`,
  );
}

function shaped<Output>(
  schema: { safeParse(value: unknown): { success: true; data: Output } | { success: false; error: Error } },
  value: unknown,
  name: string,
): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw broken(name, 'it does not hold what it should', result.error);
}
