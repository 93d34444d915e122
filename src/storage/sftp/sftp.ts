import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { throwIfAborted } from '../../base/abort.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkFolder, checkKey, checkPrefix } from '../keys.ts';
import { renamedStage } from '../renamed-stage.ts';
import type { PutOptions, Stage, Storage, StorageContext, StoredObject } from '../storage.ts';
import { Connection } from './connection.ts';
import { taken } from './errors.ts';
import { readFile, writeFile } from './files.ts';
import type { SftpOptions } from './options.ts';
import { Root, type Entry } from './root.ts';
import { removeUnsealed, unfinishedAmong } from '../unsealed.ts';
import { stageFolders } from './stage.ts';

const temporaryName = /^\.put-[0-9a-f]{12}(-old)?$/;
/** Questions on their way at once; the server answers them in turn. */
const atOnce = 64;
const foldersAtOnce = 16;

export function sftpStorage(name: string, options: SftpOptions, _context?: StorageContext): Storage {
  return new SftpStorage(name, options);
}

class SftpStorage implements Storage {
  readonly name: string;
  readonly title: string;
  readonly capabilities = {
    atomicRename: true,
    localFolders: false,
    receiverDigest: false,
    sharedObjects: false,
    lock: null,
  };
  readonly #connection: Connection;
  readonly #root: Root;

  constructor(name: string, options: SftpOptions) {
    this.name = name;
    const { user, host, port, path } = options;
    this.title = `sftp://${user}@${host}${port === 22 ? '' : `:${port}`}/${path.replace(/^\//, '')}`;
    this.#connection = new Connection(options, this.title);
    this.#root = new Root(this.#connection, path, this.title);
  }

  async put(key: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const { signal, ifAbsent = false } = options;
    const path = this.#root.at(key);
    const folder = posix.dirname(path);
    const temporary = posix.join(folder, `.put-${randomBytes(6).toString('hex')}`);
    const bytes = await writeFile(this.#root, temporary, content, signal, async () => {
      checkKey(key);
      if (ifAbsent && (await this.#root.facts(path, signal)) !== null) throw taken(key, this.title);
      await this.#root.makeFolder(folder, signal);
    });
    try {
      if (ifAbsent) await this.#root.rename(temporary, path, signal);
      else await this.#root.replace(temporary, path, signal);
    } catch (error) {
      await this.#root.cleanUp((late) => this.#root.remove(temporary, late));
      if (ifAbsent && !signal.aborted && (await this.#root.facts(path, signal)) !== null) throw taken(key, this.title);
      throw await this.#root.explain(error, path);
    }
    return { bytes };
  }

  async get(key: string, options: { signal: AbortSignal; start?: number; end?: number }): Promise<Readable> {
    checkKey(key);
    return readFile(this.#root, key, options);
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    for (let folders = [prefix]; folders.length > 0;) {
      const next = folders.splice(0, foldersAtOnce);
      throwIfAborted(signal);
      const found = await Promise.all(next.map((folder) => this.#visible(folder, signal)));
      for (const [at, folder] of next.entries()) {
        for (const entry of found[at] ?? []) {
          if (entry.isFile) yield describe(folder + entry.name, entry);
          else if (entry.isFolder) folders.push(`${folder}${entry.name}/`);
        }
      }
    }
  }

  async folders(prefix: string, signal: AbortSignal): Promise<string[]> {
    checkPrefix(prefix);
    throwIfAborted(signal);
    const entries = await this.#visible(prefix, signal);
    return entries.filter((entry) => entry.isFolder).map((entry) => entry.name);
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    checkKey(key);
    throwIfAborted(signal);
    const facts = await this.#root.facts(this.#root.at(key), signal);
    return facts?.isFile ? describe(key, facts) : null;
  }

  async statMany(keys: readonly string[], signal: AbortSignal): Promise<(StoredObject | null)[]> {
    for (const key of keys) checkKey(key);
    const found: (StoredObject | null)[] = keys.map(() => null);
    await inParallel(keys.entries(), atOnce, async ([at, key]) => {
      found[at] = await this.stat(key, signal);
    });
    return found;
  }

  async delete(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) checkKey(key);
    await inParallel(keys, foldersAtOnce, (key) => this.#root.remove(this.#root.at(key), signal));
  }

  async removeFolder(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    await this.#removeEmpty(this.#root.at(prefix.slice(0, -1)), signal);
  }

  async stage(prefix: string, signal: AbortSignal): Promise<Stage> {
    checkFolder(prefix);
    throwIfAborted(signal);
    return renamedStage(stageFolders(this.#root), prefix, signal);
  }

  async unfinished(prefix: string, signal: AbortSignal): Promise<{ prefix: string; touchedAt: Date }[]> {
    checkPrefix(prefix);
    throwIfAborted(signal);
    const entries = (await this.#root.entries(this.#folderAt(prefix), signal)) ?? [];
    const folders = entries.filter((entry) => entry.isFolder);
    return unfinishedAmong(
      folders.map(({ name, modifiedAt }) => ({ name, touchedAt: modifiedAt })),
      prefix,
    );
  }

  async removeUnfinished(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    await removeUnsealed(stageFolders(this.#root), prefix, signal);
  }

  async clearUploads(): Promise<void> {
    // Nothing is shared here.
  }

  localPath(key: string): null {
    checkKey(key);
    return null;
  }

  async free(signal: AbortSignal): Promise<{ bytes: number; total: number } | null> {
    throwIfAborted(signal);
    return this.#root.space(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #visible(prefix: string, signal: AbortSignal): Promise<Entry[]> {
    const entries = (await this.#root.entries(this.#folderAt(prefix), signal)) ?? [];
    return entries.filter((entry) => !entry.name.startsWith('.'));
  }

  #folderAt(prefix: string): string {
    return prefix === '' ? this.#root.path : this.#root.at(prefix.slice(0, -1));
  }

  /** Removes a folder and those in it as far as nothing lies in them but what a killed `put` of ours left. */
  async #removeEmpty(path: string, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const entries = await this.#root.entries(path, signal);
    if (entries === null) return;
    for (const entry of entries) {
      const at = posix.join(path, entry.name);
      // A hidden folder is a stage of another writer.
      if (entry.isFolder && !entry.name.startsWith('.')) await this.#removeEmpty(at, signal);
      else if (entry.isFile && temporaryName.test(entry.name)) await this.#root.remove(at, signal);
    }
    await this.#root.removeEmptyFolder(path, signal);
  }
}

function describe(key: string, { bytes, modifiedAt }: Entry): StoredObject {
  return { key, bytes, modifiedAt };
}
