import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import { filePieces } from '../../../base/file-pieces.ts';
import { givingBack } from '../../../base/giving-back.ts';
import { doneWith, letGo, markPassing } from '../../../base/reuse.ts';
import { destroyOnAbort } from '../../../base/streams.ts';
import type { DumpEntry, LoadOptions, StoredDump, TableName } from '../../engine.ts';
import { fileName, indexFile, readIndex, type DumpIndex } from './dump-index.ts';
import { watchEnd } from './script-end.ts';

/** Reads every script of a dump to its own last words. Needs no server and no tool. */
export async function readThrough(dump: StoredDump, signal: AbortSignal): Promise<{ entries: number | null }> {
  if (dump.format !== 'directory') return { entries: (await scan(dump, signal)).length };
  await using local = await dump.locally(signal);
  const index = await readIndex(local.path);
  for (const file of filesOf(index)) {
    for await (const chunk of wholeFile(local.path, file, index, signal)) {
      throwIfAborted(signal);
      doneWith(chunk);
    }
  }
  return { entries: index.tables.length + index.viewNames.length + index.sequenceNames.length };
}

export async function contents(dump: StoredDump, signal: AbortSignal): Promise<DumpEntry[]> {
  if (dump.format !== 'directory') return scan(dump, signal);
  await using local = await dump.locally(signal, { only: [indexFile] });
  const index = await readIndex(local.path);
  return [
    ...index.sequenceNames.map((name) => ({ kind: 'SEQUENCE', name })),
    ...index.tables.map(({ name }) => ({ kind: 'TABLE', name })),
    ...index.viewNames.map((name) => ({ kind: 'VIEW', name })),
  ].map(({ kind, name }, id) => ({ id: id + 1, kind, schema: null, name, owner: null }));
}

export async function brings(
  dump: StoredDump,
  signal: AbortSignal,
): Promise<{ tables: TableName[]; rows: TableName[] }> {
  const entries = dump.format === 'directory' ? await contents(dump, signal) : await scan(dump, signal, tablesAndRows);
  const named = (kind: string) =>
    entries.filter((each) => each.kind === kind).map(({ name }) => ({ schema: '', name }));
  const tables = named('TABLE');
  return { tables, rows: dump.format === 'directory' ? tables : named('TABLE DATA') };
}

/** The files that loading this scope reads. */
export async function filesFor(
  dump: StoredDump,
  scope: LoadOptions['scope'],
  signal: AbortSignal,
): Promise<string[] | null> {
  if (dump.format !== 'directory' || scope === null) return null;
  await using local = await dump.locally(signal, { only: [indexFile] });
  const index = await readIndex(local.path);
  const wanted = new Set(scope.tables.map(({ name }) => name));
  const tables = index.tables.filter(({ name }) => wanted.has(name)).map(({ file }) => file);
  return [...new Set([indexFile, ...index.sequences, ...tables])];
}

export function filesOf(index: DumpIndex): string[] {
  return [...new Set([...index.sequences, ...index.tables.map(({ file }) => file), ...index.code, ...index.views])];
}

/**
 * One script of a directory, failing in the place of its end when that is not there. What it lies in is used again, or freed, once its reader is done
 * with it and says so.
 */
export async function* wholeFile(
  folder: string,
  file: string,
  { compression }: Pick<DumpIndex, 'compression'>,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  const path = join(folder, fileName(file, compression));
  const end = watchEnd();
  try {
    const { size } = await stat(path);
    const stored = destroyOnAbort(Readable.from(filePieces(path), { objectMode: false }), signal);
    for await (const chunk of opened(stored, compression, size) as AsyncIterable<Buffer>) {
      end.add(chunk);
      yield chunk;
    }
  } catch (error) {
    throwIfAborted(signal);
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError(
      'DUMP_DAMAGED',
      `${file} of the dump cannot be read to its end: ${toHoldfastError(error).message}`,
      {
        kind: 'integrity',
        cause: error,
        hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
      },
    );
  }
  end.check();
}

function opened(stored: Readable, compression: DumpIndex['compression'], size: number): Readable {
  // Large pieces, but not for each of thousands of files that hold next to nothing: all of them have to be collected.
  const chunkSize = Math.max(4096, Math.min(1024 * 1024, 8 * size));
  if (compression === 'none') return stored;
  // Zstd alone ignores in silence what follows its end.
  const zstd = () => createZstdDecompress({ chunkSize, rejectGarbageAfterEnd: true });
  const stage = givingBack(compression === 'gzip' ? createGunzip({ chunkSize }) : zstd());
  return pipeline(stored, stage, () => undefined);
}

/** A plain script, failing in the place of its end when that is not there. */
export async function* wholeScript(dump: StoredDump, signal: AbortSignal): AsyncIterable<Buffer> {
  const end = watchEnd();
  for await (const chunk of (await dump.open(signal)) as AsyncIterable<Buffer>) {
    end.add(chunk);
    yield chunk;
  }
  end.check();
}

const table = ['-- Table structure for table `', 'TABLE'] as const;
const headings = [
  table,
  ['-- Sequence structure for `', 'SEQUENCE'],
  ['-- Final view structure for view `', 'VIEW'],
] as const;
const tablesAndRows = [table, ['-- Dumping data for table `', 'TABLE DATA']] as const;
const beginning = Buffer.from('\n-- ');

/** No script has a table of contents: all of it is read, and its headings are. */
async function scan(
  dump: StoredDump,
  signal: AbortSignal,
  wanted: readonly (readonly [start: string, kind: string])[] = headings,
): Promise<DumpEntry[]> {
  const entries: DumpEntry[] = [];
  let rest: Buffer = Buffer.from('\n');
  const look = (text: Buffer, complete: boolean): Buffer => {
    for (let at = text.indexOf(beginning); at !== -1; at = text.indexOf(beginning, at + 1)) {
      const newline = text.indexOf(0x0a, at + 1);
      if (newline === -1 && !complete) return Buffer.from(text.subarray(at));
      const line = text.subarray(at + 1, newline === -1 ? undefined : newline).toString('utf8');
      const heading = wanted.find(([start]) => line.startsWith(start));
      if (!heading) continue;
      // A name with a line break goes on behind another `-- `.
      const end = text.indexOf('`\n--\n', at + 1 + heading[0].length);
      if (end === -1 && !complete) return Buffer.from(text.subarray(at));
      const name = text.subarray(at + 1 + Buffer.byteLength(heading[0]), end === -1 ? undefined : end).toString('utf8');
      const plain = name.replaceAll('\n-- ', '\n').replaceAll('``', '`');
      entries.push({ id: entries.length + 1, kind: heading[1], schema: null, name: plain, owner: null });
    }
    return Buffer.from(text.subarray(-(beginning.length - 1)));
  };
  for await (const chunk of wholeScript(dump, signal)) {
    const text = Buffer.allocUnsafeSlow(rest.length + chunk.length);
    chunk.copy(text, rest.copy(text));
    letGo(chunk);
    rest = look(text, false);
    markPassing(text);
    letGo(text);
  }
  look(rest, true);
  return entries;
}
