import { lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { inParallel } from '../../base/parallel.ts';
import { makeScratchFolder } from '../../base/scratch.ts';
import type { FoundFile } from './file-records.ts';

/** The files that were there when the snapshot was taken; in a file, because there may be millions. */
export interface FoundFiles extends AsyncDisposable {
  add(files: readonly FoundFile[]): Promise<void>;
  /** Those that are not there any more: how many, and the first of them. */
  lookAgain(signal: AbortSignal): Promise<{ count: number; names: string[] }>;
}

const named = 20;
const atOnce = 1000;

export async function keepFoundFiles(scratch: string): Promise<FoundFiles> {
  const folder = await makeScratchFolder(scratch, 'nocobase-');
  const file = await open(join(folder, 'files'), 'wx+', 0o600);
  return {
    add: async (files) => {
      if (files.length > 0)
        await file.appendFile(files.map(({ path, label }) => `${JSON.stringify([path, label])}\n`).join(''));
    },
    lookAgain: async (signal) => {
      const vanished = { count: 0, names: [] as string[] };
      const look = async (lines: readonly string[]) => {
        throwIfAborted(signal);
        const gone: boolean[] = [];
        const entries = lines.map((line) => JSON.parse(line) as [path: string, label: string]);
        await inParallel(entries.entries(), 16, async ([index, [path]]) => {
          gone[index] = await lstat(path).then(() => false, isMissing);
        });
        for (const [index, [, label]] of entries.entries()) {
          if (!gone[index]) continue;
          vanished.count += 1;
          if (vanished.names.length < named) vanished.names.push(label);
        }
      };
      let lines: string[] = [];
      for await (const line of file.readLines({ start: 0, autoClose: false })) {
        lines.push(line);
        if (lines.length < atOnce) continue;
        await look(lines);
        lines = [];
      }
      await look(lines);
      return vanished;
    },
    [Symbol.asyncDispose]: async () => {
      await file.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
