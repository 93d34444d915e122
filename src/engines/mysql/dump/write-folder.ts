import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { HoldfastError } from '../../../base/errors.ts';
import type { Compression } from '../../engine.ts';
import { fileName, indexFile, type DumpIndex } from '../read/dump-index.ts';
import type { DumpPlan } from './plan.ts';
import { splitTables } from './split-tables.ts';
import type { StartedDump } from './started-tool.ts';

export interface FolderTask {
  folder: string;
  database: string;
  plan: DumpPlan;
  inside: Compression | null;
  started: readonly StartedDump[];
  /** A call of the tool for what needs no snapshot. */
  run: (args: readonly string[]) => Promise<Readable>;
}

const endMark = '\n-- Dump completed\n';

/** One file for each table, and a few for everything else; the index last. */
export async function writeFolder(task: FolderTask): Promise<void> {
  const { folder, plan, started, inside } = task;
  const compression = codecOf(inside);
  const tables: DumpIndex['tables'] = [];
  const names = plan.groups.flat().map(({ name }) => name);
  const numbers = new Map(names.toSorted().map((name, index) => [name, `t${String(index + 1).padStart(5, '0')}.sql`]));
  const writes = started.map(({ output }, index) =>
    writeGroup(task, output, plan.groups[index] ?? [], numbers, compression),
  );
  await allOrNone(writes, started);
  for (const name of names) tables.push({ name, file: numbers.get(name) ?? '' });
  const other = async (kind: string, calls: readonly string[][]) => {
    const files: string[] = [];
    for (const [index, args] of calls.entries()) {
      const file = `${kind}${index === 0 ? '' : index + 1}.sql`;
      const target = createWriteStream(join(folder, fileName(file, compression)));
      await pipeline([await task.run(args), ...compressorOf(inside), target]);
      files.push(file);
    }
    return files;
  };
  const empty = await other('empty', plan.structure.empty);
  const index: DumpIndex = {
    kind: 'holdfast-mysql-directory',
    version: 1,
    database: task.database,
    sequences: await other('sequences', plan.structure.sequences),
    tables: [
      ...tables.toSorted((a, b) => (a.file < b.file ? -1 : 1)),
      ...plan.emptyNames.map((name) => ({ name, file: empty[0] ?? '' })),
    ],
    code: await other('code', plan.structure.code),
    views: await other('views', plan.structure.views),
    sequenceNames: plan.sequenceNames,
    viewNames: plan.viewNames,
    compression,
  };
  await writeFile(join(folder, indexFile), `${JSON.stringify(index, null, 2)}\n`);
}

async function writeGroup(
  { folder, inside }: FolderTask,
  output: Readable,
  tables: readonly { name: string }[],
  numbers: ReadonlyMap<string, string>,
  compression: DumpIndex['compression'],
): Promise<void> {
  let file: OpenFile | null = null;
  let count = 0;
  try {
    for await (const piece of splitTables(output)) {
      if (piece.kind === 'bytes') {
        await file?.write(piece.bytes);
        continue;
      }
      await file?.end();
      const name = numbers.get(tables[count]?.name ?? '');
      count += 1;
      if (name === undefined) break;
      file = openFile(join(folder, fileName(name, compression)), inside);
    }
    await file?.end();
  } catch (error) {
    file?.destroy();
    throw error;
  }
  if (count === tables.length) return;
  throw new HoldfastError('DUMP_CUT_OFF', `the dump tool wrote ${count} tables where ${tables.length} were asked for`, {
    retryable: true,
    hint: 'Try again when no migration is running; if it stays so, set dump.format to plain.',
  });
}

interface OpenFile {
  write(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
  destroy(): void;
}

function openFile(path: string, inside: Compression | null): OpenFile {
  const target = createWriteStream(path);
  const [compress] = compressorOf(inside);
  const entry: Writable = compress ?? target;
  const written = compress ? pipeline(compress, target) : finished(target);
  written.catch(() => undefined);
  return {
    write: async (bytes) => {
      if (entry.write(bytes)) return;
      // A disk that is full ends the file, and then nothing drains any more.
      await Promise.race([once(entry, 'drain'), written]);
    },
    end: async () => {
      entry.end(endMark);
      await written;
    },
    destroy: () => {
      entry.destroy();
      target.destroy();
    },
  };
}

function codecOf(inside: Compression | null): DumpIndex['compression'] {
  return inside?.codec === 'gzip' || inside?.codec === 'zstd' ? inside.codec : 'none';
}

function compressorOf(inside: Compression | null) {
  const chunkSize = 512 * 1024;
  if (inside?.codec === 'gzip') return [createGzip({ level: inside.level ?? 6, chunkSize })];
  if (inside?.codec !== 'zstd') return [];
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;
  const params = { [ZSTD_c_compressionLevel]: inside.level ?? 3, [ZSTD_c_checksumFlag]: 1 };
  return [createZstdCompress({ chunkSize, params })];
}

/** When one fails, the others are ended before its error is told: nobody may still write into the folder. */
async function allOrNone(writes: readonly Promise<void>[], started: readonly StartedDump[]): Promise<void> {
  let failure: { error: unknown } | undefined;
  await Promise.all(
    writes.map((write) =>
      write.catch((error: unknown) => {
        failure ??= { error };
        for (const { output } of started) output.destroy();
      }),
    ),
  );
  if (failure) throw failure.error;
}
