import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { link, lstat, open, readdir, rename, rm, rmdir, stat, statfs, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../../base/abort.ts';
import { systemErrno } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkFolder, checkKey, checkPrefix } from '../keys.ts';
import type { PutOptions, Stage, Storage, StorageContext, StorageSetup, StoredObject } from '../storage.ts';
import { readFile, syncFolder, writeFile } from './files.ts';
import { localError, notFound, taken } from './local-error.ts';
import type { LocalOptions } from './options.ts';
import { fileMode, Root } from './root.ts';
import { openStage, partialMark } from './stage.ts';

const temporaryName = /^\.put-[0-9a-f]{12}$/;

export function localStorage(name: string, options: LocalOptions, _context?: StorageContext): Storage {
  return new LocalStorage(name, resolve(options.path));
}

class LocalStorage implements Storage {
  readonly name: string;
  readonly title: string;
  readonly capabilities = {
    atomicRename: true,
    localFolders: true,
    receiverDigest: false,
    sharedObjects: true,
    lock: null,
  };
  readonly setup: StorageSetup;
  readonly identity: () => Promise<string | null>;
  readonly #root: Root;

  constructor(name: string, path: string) {
    this.name = name;
    this.title = path;
    const root = new Root(path);
    this.#root = root;
    this.setup = { create: () => createFolder(root), policy: () => null };
    this.identity = () => folderIdentity(root);
  }

  async put(key: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const { signal, ifAbsent = false } = options;
    const path = this.#root.at(key);
    const temporary = join(dirname(path), `.put-${randomBytes(6).toString('hex')}`);
    let created = false;
    const bytes = await writeFile(temporary, content, signal, async () => {
      checkKey(key);
      if (ifAbsent && (await this.#describe(key)) !== null) throw taken(key, this.title);
      ({ created } = await this.#root.makeFolder(dirname(path)));
    });
    try {
      await (ifAbsent ? moveIfAbsent(temporary, path) : rename(temporary, path));
      await syncFolder(dirname(path));
      if (created) await this.#syncAbove(dirname(path));
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw ifAbsent && systemErrno(error) === 'EEXIST' ? taken(key, this.title) : localError(error, path);
    }
    return { bytes };
  }

  async get(key: string, options: { signal: AbortSignal; start?: number; end?: number }): Promise<Readable> {
    checkKey(key);
    const path = await this.#root.find(key);
    const content = path === null ? null : await readFile(path, options);
    if (content === null) throw notFound(key, this.title);
    return content;
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    const { folders, files } = await this.#root.names(this.#root.at(prefix));
    for (const name of files) {
      throwIfAborted(signal);
      const object = await this.#describe(prefix + name);
      if (object) yield object;
    }
    for (const name of folders) yield* this.list(`${prefix}${name}/`, signal);
  }

  async folders(prefix: string, signal: AbortSignal): Promise<string[]> {
    checkPrefix(prefix);
    throwIfAborted(signal);
    return (await this.#root.names(this.#root.at(prefix))).folders;
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    checkKey(key);
    throwIfAborted(signal);
    return this.#describe(key);
  }

  async statMany(keys: readonly string[], signal: AbortSignal): Promise<(StoredObject | null)[]> {
    const found: (StoredObject | null)[] = [];
    for (const [at, key] of keys.entries()) {
      // These calls block; everybody else gets a turn every few milliseconds.
      if (at % 500 === 0) await nextTurn();
      throwIfAborted(signal);
      checkKey(key);
      const facts = this.#root.facts(key);
      found.push(facts && describe(key, facts));
    }
    return found;
  }

  async delete(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) checkKey(key);
    await inParallel(keys, 4, async (key) => {
      throwIfAborted(signal);
      const path = await this.#root.find(key);
      if (path !== null) await removeFile(path);
    });
  }

  async removeFolder(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    const path = await this.#root.findFolder(prefix);
    if (path === null) return;
    this.#root.forget();
    await removeEmpty(path);
    await syncFolder(dirname(path));
  }

  async stage(prefix: string, signal: AbortSignal): Promise<Stage> {
    checkFolder(prefix);
    throwIfAborted(signal);
    return openStage(this.#root, prefix);
  }

  async unfinished(prefix: string, signal: AbortSignal): Promise<{ prefix: string; touchedAt: Date }[]> {
    checkPrefix(prefix);
    throwIfAborted(signal);
    const folder = await this.#root.findFolder(prefix);
    if (folder === null) return [];
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw localError(error, folder);
    });
    const found: { prefix: string; touchedAt: Date }[] = [];
    for (const entry of entries) {
      if (!entry.isDirectory() || !entry.name.startsWith(partialMark)) continue;
      const facts = await stat(join(folder, entry.name)).catch(() => null);
      if (facts) found.push({ prefix: `${prefix}${entry.name.slice(partialMark.length)}/`, touchedAt: facts.mtime });
    }
    return found;
  }

  async removeUnfinished(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    const final = await this.#root.find(prefix.slice(0, -1));
    if (final === null) return;
    this.#root.forget();
    const partial = join(dirname(final), partialMark + basename(final));
    await rm(partial, { recursive: true, force: true }).catch((error: unknown) => {
      throw localError(error, partial);
    });
  }

  async clearUploads(prefix: string, begunBefore: Date, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    const path = await this.#root.findFolder(prefix);
    if (path !== null) await removeTemporary(path, begunBefore);
  }

  localPath(key: string): string {
    checkKey(key);
    return this.#root.at(key);
  }

  async free(signal: AbortSignal): Promise<{ bytes: number; total: number } | null> {
    throwIfAborted(signal);
    // The folder may not have been created yet: then the disk it will be created on counts.
    for (let path = this.#root.path; ; path = dirname(path)) {
      try {
        const { bavail, bsize, blocks } = await statfs(path);
        return { bytes: bavail * bsize, total: blocks * bsize };
      } catch (error) {
        if (systemErrno(error) !== 'ENOENT' || path === dirname(path)) throw localError(error, path);
      }
    }
  }

  /** A new folder can be lost with its name, and all that is in it. */
  async #syncAbove(folder: string): Promise<void> {
    for (let above = dirname(folder); above.startsWith(this.#root.path); above = dirname(above))
      await syncFolder(above);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Files are opened and closed by each call.
  }

  async #describe(key: string): Promise<StoredObject | null> {
    const path = await this.#root.find(key);
    if (path === null) return null;
    try {
      const facts = await lstat(path);
      return facts.isFile() ? describe(key, facts) : null;
    } catch (error) {
      if (systemErrno(error) === 'ENOENT') return null;
      throw localError(error, path);
    }
  }
}

const withoutLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** A rename replaces what is there; of several links to one name only the first succeeds. */
async function moveIfAbsent(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!withoutLinks.includes(systemErrno(error) ?? '')) throw error;
    // Some file systems know no links: there the name is taken first.
    await (await open(to, 'wx', fileMode)).close();
    await rename(from, to);
    return;
  }
  await unlink(from);
}

async function createFolder(root: Root): Promise<{ created: boolean; warnings: string[] }> {
  const before = await stat(root.path).catch(() => null);
  await root.makeFolder(root.path);
  const isOpen = before !== null && (before.mode & 0o077) !== 0;
  return {
    created: before === null,
    warnings: isOpen ? [`${root.path} can be entered by other users; run: chmod 700`] : [],
  };
}

/** Symbolic links and bind mounts give a folder several paths; what the system calls it stays the same. */
async function folderIdentity({ path }: Root): Promise<string | null> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `folder:${dev}:${ino}`;
  } catch (error) {
    if (systemErrno(error) === 'ENOENT') return null;
    throw localError(error, path);
  }
}

function describe(key: string, { size, mtimeMs, ctimeMs }: Stats): StoredObject {
  // Copying tools set the first of these back; what counts is when it came to lie here.
  return { key, bytes: size, modifiedAt: new Date(Math.max(mtimeMs, ctimeMs)) };
}

/** Whoever else removes it at the same moment may be first. */
async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (systemErrno(error) !== 'ENOENT') throw localError(error, path);
  });
}

/** What a killed `put` of ours left; a live one writes to its file all the time. */
async function removeTemporary(path: string, begunBefore: Date): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    const at = join(path, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.')) await removeTemporary(at, begunBefore);
    if (!entry.isFile() || !temporaryName.test(entry.name)) continue;
    const facts = await lstat(at).catch(() => null);
    if (facts !== null && facts.mtime < begunBefore) await unlink(at).catch(() => undefined);
  }
}

/** Removes a folder and those in it as far as nothing lies in them but what a killed `put` of ours left. */
async function removeEmpty(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const at = join(path, entry.name);
    // A hidden folder is a stage of another writer.
    if (entry.isDirectory() && !entry.name.startsWith('.')) await removeEmpty(at);
    else if (entry.isFile() && temporaryName.test(entry.name)) await removeFile(at);
  }
  await rmdir(path).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(systemErrno(error) ?? '')) throw localError(error, path);
  });
}
