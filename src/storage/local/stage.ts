import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { throwIfAborted } from '../../base/abort.ts';
import { systemErrno } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkKey } from '../keys.ts';
import type { PutOptions, Stage } from '../storage.ts';
import { readFile, syncFolder, writeFile } from './files.ts';
import { localError, notFound, outsideRoot, taken } from './local-error.ts';
import { fileMode, folderMode, type Root } from './root.ts';

export const partialMark = '.partial-';
const heartbeatMs = 30_000;
/** Syncs that wait for the disk together cost hardly more than one. */
const syncsAtOnce = 8;

/** Begins `<source>/.partial-<id>/`, which is renamed to `<source>/<id>/` in the end. The prefix is checked. */
export async function openStage(root: Root, prefix: string): Promise<Stage> {
  const final = root.at(prefix.slice(0, -1));
  const folder = join(dirname(final), partialMark + basename(final));
  await root.makeFolder(dirname(final));
  try {
    // Whoever can create it owns the name, partial and final.
    await mkdir(folder, { mode: folderMode });
  } catch (error) {
    throw systemErrno(error) === 'EEXIST' ? taken(prefix, root.path) : localError(error, folder);
  }
  if (await exists(final)) {
    await rmdir(folder);
    throw taken(prefix, root.path);
  }
  return new LocalStage(root, prefix, folder, final);
}

class LocalStage implements Stage {
  readonly #root: Root;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #final: string;
  readonly #heartbeat: NodeJS.Timeout;
  /** Folders given to tools whose files nobody has synced yet. */
  readonly #unadopted = new Set<string>();
  #over = false;

  constructor(root: Root, prefix: string, folder: string, final: string) {
    this.#root = root;
    this.#prefix = prefix;
    this.#folder = folder;
    this.#final = final;
    const touch = () => utimes(folder, new Date(), new Date()).catch(() => undefined);
    this.#heartbeat = setInterval(() => void touch(), heartbeatMs).unref();
  }

  async put(name: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const path = this.#at(name);
    return { bytes: await writeFile(path, content, options.signal, () => this.#root.makeFolder(dirname(path))) };
  }

  async get(name: string, { signal }: { signal: AbortSignal }): Promise<Readable> {
    const content = await readFile(this.#at(name), { signal });
    if (content === null) throw notFound(`${this.#prefix}${name}`, this.#root.path);
    return content;
  }

  async folder(name: string): Promise<string> {
    const path = this.#at(name);
    await this.#root.makeFolder(path);
    this.#unadopted.add(path);
    return path;
  }

  async adopt(name: string): Promise<void> {
    const path = this.#at(name);
    await adoptTree(path);
    this.#unadopted.delete(path);
  }

  async remove(name: string): Promise<void> {
    const path = this.#at(name);
    this.#unadopted.delete(path);
    this.#root.forget();
    await rm(path, { recursive: true, force: true });
  }

  async commit(signal: AbortSignal): Promise<void> {
    for (const path of this.#unadopted) await adoptTree(path);
    try {
      await inParallel(await foldersBelow(this.#folder), syncsAtOnce, syncFolder);
      throwIfAborted(signal);
      await rename(this.#folder, this.#final);
      this.#end();
      await syncFolder(dirname(this.#final));
    } catch (error) {
      if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(systemErrno(error) ?? ''))
        throw taken(this.#prefix, this.#root.path);
      throw localError(error, this.#final);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.#end();
    // A child that is just ending may still create a file.
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #at(name: string): string {
    checkKey(name);
    return join(this.#folder, name);
  }

  #end(): void {
    this.#over = true;
    clearInterval(this.#heartbeat);
    this.#root.forget();
  }
}

/** Makes what a tool wrote private and durable. */
async function adoptTree(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const strange = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (strange) throw outsideRoot(join(strange.parentPath, strange.name));
  await inParallel(entries, syncsAtOnce, async (entry) => {
    const at = join(entry.parentPath, entry.name);
    try {
      await using handle = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW);
      await handle.chmod(entry.isDirectory() ? folderMode : fileMode);
      await handle.sync();
    } catch (error) {
      throw localError(error, at);
    }
  });
  await syncFolder(path);
}

async function foldersBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return [path, ...entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))];
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemErrno(error) === 'ENOENT') return false;
    throw localError(error, path);
  }
}
