import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { inParallel } from '../../base/parallel.ts';
import { checkFolder, checkKey, checkPrefix } from '../keys.ts';
import { markedStage, removeUnfinishedMarked, unfinishedMarked } from '../marked-stage.ts';
import type { PutOptions, Stage, Storage, StorageContext, StoredObject, StorageSetup } from '../storage.ts';
import { Daemon } from './daemon.ts';
import { bucketMissing, isUntold, taken } from './errors.ts';
import { readFile, temporaryName, writeFile, type Place } from './files.ts';
import type { RcloneOptions } from './options.ts';

const atOnce = 8;
/** From so many on, one listing is cheaper than asking for each. */
const worthListing = 4;

interface Entry {
  Path: string;
  Size: number;
  ModTime: string;
  IsDir: boolean;
}

export function rcloneStorage(name: string, options: RcloneOptions, _context?: StorageContext): Storage {
  return new RcloneStorage(name, options);
}

class RcloneStorage implements Storage {
  readonly name: string;
  readonly title: string;
  readonly place: string;
  readonly capabilities = {
    atomicRename: false,
    localFolders: false,
    receiverDigest: false,
    sharedObjects: false,
    lock: null,
  };
  readonly setup: StorageSetup;
  readonly #daemon: Daemon;
  readonly #remote: string;
  readonly #place: Place;
  /** Keys being written for the first time: no remote tells two writers apart, but those of one process are known here. */
  readonly #claimed = new Set<string>();
  #hasBuckets: boolean | undefined;
  /** The bucket is there: something in it, or the absence of something, was told. */
  #seen = false;

  constructor(name: string, options: RcloneOptions) {
    this.name = name;
    this.title = `rclone ${options.remote}`;
    this.place = options.config === undefined ? this.title : `${this.title} of ${options.config}`;
    this.#remote = options.remote;
    this.#daemon = new Daemon(options, this.title);
    const size = async (path: string, signal: AbortSignal) => (await this.#stat(path, signal))?.bytes ?? null;
    this.setup = { create: (signal) => this.#create(signal), policy: () => null };
    this.#place = { daemon: this.#daemon, remote: this.#remote, title: this.title, size };
  }

  async put(key: string, content: Readable, options: PutOptions): Promise<{ bytes: number }> {
    const { signal, ifAbsent = false } = options;
    let claimed = false;
    try {
      const bytes = await writeFile(this.#place, key, content, signal, async () => {
        checkKey(key);
        // By itself the program makes a bucket for whatever it is given.
        await this.#assertBucketOnce(signal);
        if (!ifAbsent) return;
        if (this.#claimed.has(key)) throw taken(key, this.title);
        this.#claimed.add(key);
        claimed = true;
        if ((await this.#stat(key, signal)) !== null) throw taken(key, this.title);
      });
      return { bytes };
    } finally {
      if (claimed) this.#claimed.delete(key);
    }
  }

  async get(key: string, options: { signal: AbortSignal; start?: number; end?: number }): Promise<Readable> {
    checkKey(key);
    return readFile(this.#place, key, options);
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    for (const entry of await this.#entries(prefix, { recurse: true, filesOnly: true }, signal)) {
      if (isVisible(entry.Path)) yield describe(entry);
    }
  }

  async folders(prefix: string, signal: AbortSignal): Promise<string[]> {
    checkPrefix(prefix);
    const entries = await this.#entries(prefix, { dirsOnly: true }, signal);
    return entries.filter(({ Path }) => isVisible(Path)).map(({ Path }) => posix.basename(Path));
  }

  async stat(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    checkKey(key);
    throwIfAborted(signal);
    return this.#stat(key, signal);
  }

  async statMany(keys: readonly string[], signal: AbortSignal): Promise<(StoredObject | null)[]> {
    for (const key of keys) checkKey(key);
    if (keys.length < worthListing) return Promise.all(keys.map((key) => this.stat(key, signal)));
    const found = new Map<string, StoredObject>();
    for await (const object of this.list(commonFolder(keys), signal)) found.set(object.key, object);
    return keys.map((key) => found.get(key) ?? null);
  }

  async delete(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (const key of keys) checkKey(key);
    await inParallel(keys, atOnce, async (key) => {
      throwIfAborted(signal);
      await this.#deleteFile(key, signal);
    });
  }

  async removeFolder(prefix: string, signal: AbortSignal): Promise<void> {
    checkFolder(prefix);
    throwIfAborted(signal);
    const left = await this.#entries(prefix, { recurse: true, filesOnly: true }, signal);
    const ours = left.filter(({ Path }) => temporaryName.test(posix.basename(Path)));
    for (const { Path } of ours) await this.#deleteFile(Path, signal);
    // Removes empty ones only; in bucket storages there is nothing to do.
    const params = { fs: this.#remote, remote: prefix.slice(0, -1) };
    await this.#daemon.call('operations/rmdirs', params, prefix, signal).catch(unlessMissing);
  }

  async stage(prefix: string, signal: AbortSignal): Promise<Stage> {
    checkFolder(prefix);
    return markedStage(this, prefix, signal);
  }

  async unfinished(prefix: string, signal: AbortSignal): Promise<{ prefix: string; touchedAt: Date }[]> {
    return unfinishedMarked(this, prefix, signal);
  }

  async removeUnfinished(prefix: string, signal: AbortSignal): Promise<void> {
    await removeUnfinishedMarked(this, prefix, signal);
  }

  async clearUploads(): Promise<void> {
    // Nothing is shared here.
  }

  localPath(key: string): null {
    checkKey(key);
    return null;
  }

  async free(signal: AbortSignal): Promise<{ bytes: number; total: number } | null> {
    type About = { free?: number; total?: number };
    const about = await this.#daemon
      .call<About>('operations/about', { fs: this.#remote }, '', signal)
      // Many services have no answer, and a folder that was not created yet has none.
      .catch((error: unknown): About => {
        if (isUntold(error)) return {};
        throw error;
      });
    const { free, total } = about;
    return free === undefined || total === undefined ? null : { bytes: free, total };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
  }

  async #stat(path: string, signal: AbortSignal): Promise<StoredObject | null> {
    const params = { fs: this.#remote, remote: path, opt: { noMimeType: true } };
    const answer = await this.#daemon
      .call<{ item: Entry | null }>('operations/stat', params, path, signal)
      .catch(unlessMissing);
    if (!answer?.item) await this.#assertBucketOnce(signal);
    return answer?.item && !answer.item.IsDir ? describe({ ...answer.item, Path: path }) : null;
  }

  async #entries(prefix: string, opt: Record<string, boolean>, signal: AbortSignal): Promise<Entry[]> {
    throwIfAborted(signal);
    const params = { fs: this.#remote, remote: prefix.slice(0, -1), opt: { noMimeType: true, ...opt } };
    const answer = await this.#daemon
      .call<{ list: Entry[] | null }>('operations/list', params, prefix, signal)
      .catch(unlessMissing);
    if (answer === null) await this.#assertBucket(signal);
    this.#seen = true;
    return answer?.list ?? [];
  }

  /** What is missing looks the same whether the bucket is there or not. */
  async #assertBucketOnce(signal: AbortSignal): Promise<void> {
    if (this.#seen) return;
    await this.#assertBucket(signal);
    this.#seen = true;
  }

  /**
   * A bucket lists nothing where nothing lies: when even the top of the remote is missing, the bucket is. Without buckets, folders come with
   * the first write, the top one included.
   */
  async #assertBucket(signal: AbortSignal): Promise<void> {
    if ((await this.#bucketBased(signal)) && !(await this.#isThere(signal))) throw bucketMissing(this.title);
  }

  async #bucketBased(signal: AbortSignal): Promise<boolean> {
    type Info = { Features?: { BucketBased?: boolean } };
    const ask = () => this.#daemon.call<Info>('operations/fsinfo', { fs: this.#remote }, '', signal);
    this.#hasBuckets ??= (await ask()).Features?.BucketBased === true;
    return this.#hasBuckets;
  }

  async #isThere(signal: AbortSignal): Promise<boolean> {
    const params = { fs: this.#remote, remote: '', opt: { noMimeType: true, dirsOnly: true } };
    return (await this.#daemon.call('operations/list', params, '', signal).catch(unlessMissing)) !== null;
  }

  async #create(signal: AbortSignal): Promise<{ created: boolean; warnings: string[] }> {
    throwIfAborted(signal);
    if (await this.#isThere(signal)) return { created: false, warnings: [] };
    await this.#daemon.call('operations/mkdir', { fs: this.#remote, remote: '' }, '', signal);
    // A remote that is told not to look after buckets (no_check_bucket) makes none, without a word.
    await this.#assertBucket(signal);
    return { created: true, warnings: [] };
  }

  async #deleteFile(path: string, signal: AbortSignal): Promise<void> {
    const params = { fs: this.#remote, remote: path };
    const answer = await this.#daemon.call('operations/deletefile', params, path, signal).catch(unlessMissing);
    if (answer === null) await this.#assertBucketOnce(signal);
  }
}

function unlessMissing(error: unknown): null {
  if (error instanceof HoldfastError && error.code === 'STORAGE_NOT_FOUND') return null;
  throw error;
}

/** The deepest folder that all keys lie in, as a prefix. */
function commonFolder(keys: readonly string[]): string {
  const [first = [], ...rest] = keys.map((key) => key.split('/').slice(0, -1));
  const differs = first.findIndex((part, at) => rest.some((folder) => folder[at] !== part));
  const segments = differs === -1 ? first : first.slice(0, differs);
  return segments.length === 0 ? '' : `${segments.join('/')}/`;
}

function isVisible(path: string): boolean {
  return path.split('/').every((segment) => !segment.startsWith('.'));
}

function describe({ Path, Size, ModTime }: Entry): StoredObject {
  return { key: Path, bytes: Size, modifiedAt: new Date(ModTime) };
}
