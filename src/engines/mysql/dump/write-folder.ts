import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileSink } from '../../../base/file-sink.ts';
import type { Compression } from '../../engine.ts';
import { fileName, indexFile, type DumpIndex } from '../read/dump-index.ts';
import type { DumpPlan } from './plan.ts';
import type { StartedDump } from './started-tool.ts';
import { compressorOf } from './dump-file.ts';
import { TableFiles } from './table-files.ts';

export interface FolderTask {
  folder: string;
  database: string;
  plan: DumpPlan;
  inside: Compression | null;
  started: readonly StartedDump[];
  /** A call of the tool for what needs no snapshot. */
  run: (args: readonly string[]) => Promise<Readable>;
}

/** One file for each table, and a few for everything else; the index last. */
export async function writeFolder(task: FolderTask): Promise<void> {
  const { folder, plan, started } = task;
  const compression = codecOf(task.inside);
  const inside = { compression: task.inside, besides: started.length > 1 };
  const tables: DumpIndex['tables'] = [];
  const names = plan.groups.flat().map(({ name }) => name);
  const numbers = new Map(names.toSorted().map((name, index) => [name, `t${String(index + 1).padStart(5, '0')}.sql`]));
  const writes = started.map(({ output }, index) => {
    const files = (plan.groups[index] ?? []).map(({ name }) => fileName(numbers.get(name) ?? '', compression));
    return writeGroup(output, new TableFiles(folder, files, inside));
  });
  await allOrNone(writes, started);
  for (const name of names) tables.push({ name, file: numbers.get(name) ?? '' });
  const other = async (kind: string, calls: readonly string[][]) => {
    const files: string[] = [];
    for (const [index, args] of calls.entries()) {
      const file = `${kind}${index === 0 ? '' : index + 1}.sql`;
      await using target = await open(join(folder, fileName(file, compression)), 'w');
      await pipeline([await task.run(args), ...compressorOf(inside), fileSink(target)]);
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

async function writeGroup(output: Readable, files: TableFiles): Promise<void> {
  try {
    await pipeline(output, files);
  } catch (error) {
    await files.abandon();
    throw error;
  }
}

function codecOf(inside: Compression | null): DumpIndex['compression'] {
  return inside?.codec === 'gzip' || inside?.codec === 'zstd' ? inside.codec : 'none';
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
