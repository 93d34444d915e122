import { close, constants, fstat, open as openFile, type Dirent } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { throwIfAborted } from '../../base/abort.ts';
import { systemErrno } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkKey } from '../keys.ts';
import type { PutOptions, Stage } from '../storage.ts';
import { stageLost } from '../stage-lost.ts';
import { readFile, syncFolder, writeFile } from './files.ts';
import { localError, notFound, outsideRoot, taken } from './local-error.ts';
import { fileMode, folderMode, type Root } from './root.ts';

export const partialMark = '.partial-';
/** Numbers and not handles: one that is forgotten with a writer that died is no error of its own. */
const openNumber = promisify(openFile);
const closeNumber = promisify(close);
const factsOf = promisify(fstat);
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
  const self = await openNumber(folder, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
    throw localError(error, folder);
  });
  return new LocalStage(root, prefix, { folder, final, self });
}

class LocalStage implements Stage {
  readonly #root: Root;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #final: string;
  /** The folder, kept open: as long as it is, no other one has its inode. */
  readonly #self: number;
  readonly #heartbeat: NodeJS.Timeout;
  /** Folders given to tools whose files nobody has synced yet. */
  readonly #unadopted = new Set<string>();
  /** It is on its way to its place, or there: what is no longer found here is not lost. */
  #moving = false;
  #over = false;

  constructor(root: Root, prefix: string, at: { folder: string; final: string; self: number }) {
    const { folder } = at;
    this.#root = root;
    this.#prefix = prefix;
    this.#folder = folder;
    this.#final = at.final;
    this.#self = at.self;
    const touch = () => utimes(folder, new Date(), new Date()).catch(() => undefined);
    this.#heartbeat = setInterval(() => void touch(), heartbeatMs).unref();
  }

  async put(name: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const path = this.#at(name);
    const prepare = () => this.#root.makeFolder(dirname(path), this.#folder);
    try {
      return { bytes: await writeFile(path, content, options.signal, prepare) };
    } catch (error) {
      if (!options.signal.aborted) await this.#assertSame();
      throw error;
    }
  }

  async get(name: string, { signal }: { signal: AbortSignal }): Promise<Readable> {
    const content = await readFile(this.#at(name), { signal });
    if (content !== null) return content;
    if (!this.#moving) await this.#assertSame();
    throw notFound(`${this.#prefix}${name}`, this.#root.path);
  }

  async sizes(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const entries = await entriesBelow(this.#folder);
    await inParallel(entries, syncsAtOnce, async (entry) => {
      if (entry.isDirectory()) return;
      const at = join(entry.parentPath, entry.name);
      found.set(relative(this.#folder, at), (await lstat(at)).size);
    }).catch((error: unknown) => {
      throw localError(error, this.#folder);
    });
    return found;
  }

  async folder(name: string): Promise<string> {
    const path = this.#at(name);
    await this.#root.makeFolder(path, this.#folder);
    this.#unadopted.add(path);
    return path;
  }

  async adopt(name: string): Promise<void> {
    const path = this.#at(name);
    await this.#adoptTree(path);
    this.#unadopted.delete(path);
  }

  async remove(name: string): Promise<void> {
    const path = this.#at(name);
    this.#unadopted.delete(path);
    this.#root.forget();
    await rm(path, { recursive: true, force: true });
  }

  async commit(signal: AbortSignal): Promise<void> {
    await this.#assertSame();
    for (const path of this.#unadopted) await this.#adoptTree(path);
    try {
      await inParallel(await foldersBelow(this.#folder), syncsAtOnce, syncFolder);
      throwIfAborted(signal);
      await this.#assertSame();
      this.#moving = true;
      await rename(this.#folder, this.#final);
      await this.#end();
      await syncFolder(dirname(this.#final));
    } catch (error) {
      this.#moving = this.#over;
      if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(systemErrno(error) ?? ''))
        throw taken(this.#prefix, this.#root.path);
      throw localError(error, this.#final);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    const same = await this.#isSame();
    await this.#end();
    // Another writer's by now, if it is there at all.
    if (!same) return;
    // A child that is just ending may still create a file.
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #at(name: string): string {
    checkKey(name);
    return join(this.#folder, name);
  }

  async #assertSame(): Promise<void> {
    if (!(await this.#isSame())) throw stageLost(this.#prefix, this.#root.path);
  }

  async #isSame(): Promise<boolean> {
    try {
      const [own, there] = await Promise.all([
        factsOf(this.#self, { bigint: true }),
        lstat(this.#folder, { bigint: true }),
      ]);
      return own.ino === there.ino && own.dev === there.dev;
    } catch (error) {
      // ESTALE: it was removed by another machine.
      if (['ENOENT', 'ENOTDIR', 'ESTALE'].includes(systemErrno(error) ?? '')) return false;
      throw localError(error, this.#folder);
    }
  }

  async #adoptTree(path: string): Promise<void> {
    try {
      await adoptTree(path);
    } catch (error) {
      await this.#assertSame();
      throw error;
    }
  }

  async #end(): Promise<void> {
    this.#over = true;
    clearInterval(this.#heartbeat);
    this.#root.forget();
    await closeNumber(this.#self);
  }
}

/** Makes what a tool wrote private and durable. */
async function adoptTree(path: string): Promise<void> {
  const entries = await entriesBelow(path);
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

async function entriesBelow(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true, recursive: true });
  } catch (error) {
    throw localError(error, path);
  }
}

async function foldersBelow(path: string): Promise<string[]> {
  const entries = await entriesBelow(path);
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
