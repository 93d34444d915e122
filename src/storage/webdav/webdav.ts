import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { throwIfAborted } from '../../base/abort.ts';
import { isSourceName } from '../../base/ids.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkFolder, checkKey, checkPrefix } from '../keys.ts';
import { renamedStage } from '../renamed-stage.ts';
import type { PutOptions, Stage, Storage, StorageContext, StoredObject } from '../storage.ts';
import { isUnfinished, removeUnsealed, unfinishedAmong, type FolderTouched } from '../unsealed.ts';
import { Client } from './client.ts';
import { taken } from './errors.ts';
import { readFile, writeFile } from './files.ts';
import type { Entry } from './listing.ts';
import type { WebdavOptions } from './options.ts';
import { Root } from './root.ts';
import { stageFolders } from './stage.ts';

const temporaryName = /^\.put-[0-9a-f]{12}$/;
const atOnce = 16;

export function webdavStorage(name: string, options: WebdavOptions, _context?: StorageContext): Storage {
  return new WebdavStorage(name, options);
}

class WebdavStorage implements Storage {
  readonly name: string;
  readonly title: string;
  readonly capabilities = {
    atomicRename: true,
    localFolders: false,
    receiverDigest: false,
    sharedObjects: false,
    lock: null,
  };
  readonly #client: Client;
  readonly #root: Root;

  constructor(name: string, options: WebdavOptions) {
    this.name = name;
    this.title = options.path === '' ? options.url : `${options.url}/${options.path}`;
    this.#client = new Client(options, this.title);
    this.#root = new Root(this.#client);
  }

  async put(key: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const { signal, ifAbsent = false } = options;
    const folder = posix.dirname(key);
    const temporary = posix.join(folder, `.put-${randomBytes(6).toString('hex')}`);
    const bytes = await writeFile(this.#root, temporary, content, options, async () => {
      checkKey(key);
      if (ifAbsent && (await this.#root.facts(key, signal)) !== null) throw taken(key, this.title);
      await this.#root.makeFolder(folder, signal);
    });
    try {
      await this.#root.move(temporary, key, { replace: !ifAbsent, folder: false, signal });
    } catch (error) {
      await this.#root.cleanUp((late) => this.#root.remove(temporary, late));
      throw error;
    }
    return { bytes };
  }

  async get(key: string, options: { signal: AbortSignal; start?: number; end?: number }): Promise<Readable> {
    checkKey(key);
    return readFile(this.#root, key, options);
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    for (let folders = [prefix.slice(0, -1)]; folders.length > 0;) {
      const next = folders.splice(0, atOnce);
      throwIfAborted(signal);
      const found = await Promise.all(next.map((folder) => this.#visible(folder, signal)));
      for (const entry of found.flat()) {
        if (entry.isFolder) folders.push(entry.path);
        else yield describe(entry);
      }
    }
  }

  async folders(prefix: string, signal: AbortSignal): Promise<string[]> {
    checkPrefix(prefix);
    throwIfAborted(signal);
    // Backups lie in what is called as sources and backups are. Another name, such as the server's own folder of what was deleted, is
    // listed unseen: whoever wants to know what is in it is told what the server says.
    const entries = await this.#visible(prefix.slice(0, -1), signal, (name) => !isSourceName(name));
    return entries.filter((entry) => entry.isFolder).map((entry) => posix.basename(entry.path));
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    checkKey(key);
    throwIfAborted(signal);
    const facts = await this.#root.facts(key, signal);
    return facts === null || facts.isFolder ? null : describe(facts);
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
    await inParallel(keys, atOnce, async (key) => {
      throwIfAborted(signal);
      await this.#root.remove(key, signal);
    });
  }

  async removeFolder(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    await this.#root.removeEmpty(prefix.slice(0, -1), (name) => temporaryName.test(name), signal);
  }

  async stage(prefix: string, signal: AbortSignal): Promise<Stage> {
    checkFolder(prefix);
    throwIfAborted(signal);
    return renamedStage(stageFolders(this.#root), prefix, signal);
  }

  async unfinished(prefix: string, signal: AbortSignal): Promise<{ prefix: string; touchedAt: Date }[]> {
    checkPrefix(prefix);
    throwIfAborted(signal);
    const entries = (await this.#root.entries(prefix.slice(0, -1), signal, (name) => !isUnfinished(name))) ?? [];
    const found: FolderTouched[] = [];
    for (const entry of entries) {
      const name = posix.basename(entry.path);
      if (!entry.isFolder || !isUnfinished(name)) continue;
      const times = [entry, ...((await this.#root.entries(entry.path, signal)) ?? [])].map((each) =>
        each.modifiedAt.getTime(),
      );
      found.push({ name, touchedAt: new Date(Math.max(...times)) });
    }
    return unfinishedAmong(found, prefix);
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
    const quota = await this.#root.quota(signal);
    return quota && { bytes: quota.available, total: quota.available + quota.used };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  async #visible(
    folder: string,
    signal: AbortSignal,
    mayBeUntold: (name: string) => boolean = () => false,
  ): Promise<Entry[]> {
    const isHidden = (name: string) => name.startsWith('.');
    const entries = await this.#root.entries(folder, signal, (name) => isHidden(name) || mayBeUntold(name));
    return (entries ?? []).filter((entry) => !isHidden(posix.basename(entry.path)));
  }
}

function describe({ path, bytes, modifiedAt }: Entry): StoredObject {
  return { key: path, bytes, modifiedAt };
}
