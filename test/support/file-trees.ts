import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import type { AppContext, AppTask, Saved } from '../../src/apps/app.ts';
import { createFiles } from '../../src/apps/files/files.ts';
import type { TreeSettings } from '../../src/apps/files/options.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';

export const { signal } = new AbortController();
export const task: AppTask = { signal, report: () => undefined };

export function contextIn(folder: string): AppContext {
  return { clock: systemClock, logger: silentLogger, scratch: join(folder, 'scratch') };
}

export function tree(path: string, changes: Partial<TreeSettings> = {}): TreeSettings {
  return { name: 'data', path, exclude: [], optional: false, ...changes };
}

export interface SavedTrees extends Saved {
  warnings: string[];
  /** Where the tars lie, compressed as `zstd` does it. */
  folder: string;
}

/** Saves trees as a backup would, into ordinary files. */
export async function saveTrees(folder: string, trees: readonly TreeSettings[]): Promise<SavedTrees> {
  const app = createFiles(trees, contextIn(folder));
  await using saving = await app.open({ encrypted: false, database: null }, signal);
  const parts: { name: string; rawBytes: number | null; bytes: number }[] = [];
  for await (const part of saving.parts(signal)) {
    const path = join(folder, 'backup', part.name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(part.open(signal), createWriteStream(path));
    const { size } = await stat(path);
    await pipeline(createReadStream(path), createZstdCompress(), createWriteStream(`${path}.zst`));
    parts.push({ name: part.name, rawBytes: size, bytes: (await stat(`${path}.zst`)).size });
  }
  const open = async (name: string): Promise<Readable> =>
    createReadStream(join(folder, 'backup', name), { highWaterMark: 300_000 });
  return { facts: saving.facts(), parts, open, warnings: saving.warnings, folder: join(folder, 'backup') };
}

/** Every name below a folder with its kind, rights, owner, time and where it leads: what `find` says, sorted. */
export function listTree(path: string, { owner = true, nanoseconds = true } = {}): string[] {
  const format = `%P\\0%y\\0%m\\0${owner ? '%U:%G' : ''}\\0%T@\\0%l\\0\\n`;
  const said = execFileSync('find', [path, '-printf', format], { encoding: 'latin1', maxBuffer: 1 << 28 });
  const lines = said.split('\0\n').filter((line) => line !== '');
  return lines.map((line) => (nanoseconds ? line : line.replace(/(\.\d{3})\d*\0/, '$1\0'))).toSorted();
}

/** Whether two trees hold the same content, as `diff` says. */
export function sameContent(one: string, other: string): boolean {
  try {
    execFileSync('diff', ['-r', '--no-dereference', one, other], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
