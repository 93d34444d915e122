import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

/**
 * The contract of a place that keeps backups. Keys are relative, `/`-separated, checked by `checkKey`: no absolute paths,
 * no `..`, no empty or dot segments, no control characters. One folder per kind of storage; retry and limits are wrappers
 * with this same interface.
 */
export interface Storage extends AsyncDisposable {
  /** The name it has in the configuration. */
  readonly name: string;
  /** For people: where it is (`/srv/backups`, `s3://bucket/prefix`). No secret in it. */
  readonly title: string;
  /** For the program: the same as long as it is the same place by the configuration; where it is absent, the title is. No secret in it. */
  readonly place?: string;
  readonly capabilities: StorageCapabilities;

  /** All or nothing: when it rejects or the signal fires, nothing is stored under the key. Replaces what was there. */
  put(key: string, content: Readable, options: PutOptions): Promise<{ bytes: number }>;
  /**
   * Must reject with `STORAGE_NOT_FOUND` when the key does not exist. The stream must fail when it ends early.
   * `start` and `end` are both included, as in HTTP; beyond the end there is nothing.
   */
  get(key: string, options: { signal: AbortSignal; start?: number; end?: number }): Promise<Readable>;
  /** Everything below a prefix (which ends with `/`, or is empty), in no particular order; pages by itself. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** The names directly below a prefix that have something below them; where folders are real, empty ones may be among them. */
  folders(prefix: string, signal: AbortSignal): Promise<string[]>;
  stat(key: string, signal: AbortSignal): Promise<StoredObject | null>;
  /** What `stat` says of each key, in their order. For thousands of keys, where asking one by one takes too long. */
  statMany(keys: readonly string[], signal: AbortSignal): Promise<(StoredObject | null)[]>;
  /** Deleting what does not exist is fine. */
  delete(keys: readonly string[], signal: AbortSignal): Promise<void>;
  /** Removes what is empty after a delete, where the storage has folders at all. */
  removeFolder(prefix: string, signal: AbortSignal): Promise<void>;
  /**
   * Begins a set of objects under `prefix` that becomes visible as a whole: a hidden folder renamed at the end where the
   * storage can rename, otherwise the manifest that is written last. Must reject with `STORAGE_TAKEN` when the
   * prefix exists or somebody else is writing it.
   */
  stage(prefix: string, signal: AbortSignal): Promise<Stage>;
  /** Stages that were begun and never committed nor aborted (their writer died), with the time of their last sign of life. */
  unfinished(prefix: string, signal: AbortSignal): Promise<{ prefix: string; touchedAt: Date }[]>;
  removeUnfinished(prefix: string, signal: AbortSignal): Promise<void>;
  /**
   * Removes what writers that died left of single objects below a prefix, begun before a moment: parts of uploads, temporary files. What
   * was put is never touched. Only called where `sharedObjects` holds.
   */
  clearUploads(prefix: string, begunBefore: Date, signal: AbortSignal): Promise<void>;
  /** Where an object or folder lies as a plain local file, for tools that seek; null when it does not. */
  localPath(key: string): string | null;
  /** The same text for whatever leads to the same place, where a place can have several names; null while it does not exist. */
  readonly identity?: () => Promise<string | null>;
  /** Where the place itself has to be made before anything can be stored; elsewhere the first write does it. */
  readonly setup?: StorageSetup;
  /** Bytes that still fit, or null when the storage does not know. */
  free(signal: AbortSignal): Promise<{ bytes: number; total: number } | null>;
}

export interface StorageSetup {
  /** Creates it, private to its owner; fine when it is there. The warnings are about what is not as it should be. */
  create(signal: AbortSignal): Promise<{ created: boolean; warnings: string[] }>;
  /**
   * The least rights that do for everything, in the service's own words; null where there is no such thing. For a `principal`, as the
   * place's own policy. `versions`: also to remove old versions for good.
   */
  policy(options: { principal: string | null; versions: boolean }): Record<string, unknown> | null;
}

export interface StorageCapabilities {
  /** A stage becomes visible by renaming; otherwise the manifest's presence is what counts. */
  atomicRename: boolean;
  /** A tool can write into a stage itself. */
  localFolders: boolean;
  /** What `put` resolved for was checked by the receiver against a digest; otherwise a copy must be read back. */
  receiverDigest: boolean;
  /**
   * What is written, listed or deleted shows at once to everybody, and asking whether something is there costs little: then what did not
   * change between backups can be stored once.
   */
  sharedObjects: boolean;
  /** What is written cannot be removed for so long, by anybody (`compliance`) or without a special right (`governance`). */
  lock: { mode: 'compliance' | 'governance'; days: number } | null;
}

export interface PutOptions {
  signal: AbortSignal;
  /** Exact size when known. */
  size?: number;
  /** About how much it will be, when the size is not known: parts of an upload are sized by it. */
  expected?: number;
  /** Must reject with `STORAGE_TAKEN` when the key exists; of several writers one wins, where the service can tell. */
  ifAbsent?: boolean;
  /** The caller reads it back and compares it in any case: `receiverDigest` need not hold for it, where that costs time. */
  readBack?: boolean;
}

export interface StoredObject {
  key: string;
  bytes: number;
  modifiedAt: Date;
  /** It cannot be removed before this moment (object lock); only where `stat` and `list` know it. */
  lockedUntil?: Date;
}

export interface Stage extends AsyncDisposable {
  /** Names are relative to the stage's prefix. */
  put(name: string, content: Readable, options: PutOptions): Promise<{ bytes: number }>;
  /** Reads back what was put or adopted, before the commit: for copies that begin while the backup still runs. */
  get(name: string, options: { signal: AbortSignal }): Promise<Readable>;
  /** What lies in it now, by name, with its size: what was put may have been removed by somebody since. */
  sizes(signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  /** An empty local folder inside the stage for a tool to fill; only with `localFolders`. */
  folder(name: string): Promise<string>;
  /** Makes files that a tool wrote into a folder of the stage durable and private. */
  adopt(name: string): Promise<void>;
  /** Removes one object again (a part that failed). */
  remove(name: string): Promise<void>;
  /**
   * Syncs and makes everything visible. Without it, disposing the stage removes all of it. Must reject when the stage was removed
   * meanwhile; a stage is never made a second time by what is put into it.
   */
  commit(signal: AbortSignal): Promise<void>;
}

/** What every kind of storage is created with, beside its name and its own options. */
export interface StorageContext {
  clock: Clock;
  logger: Logger;
  /** A folder for short-lived files; created when needed, 0700. */
  scratch: string;
}
