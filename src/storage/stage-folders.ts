import type { Readable } from 'node:stream';
import type { PutOptions } from './storage.ts';

/** What a stage needs of a place with folders that can be renamed. Paths are like keys, hidden names allowed. */
export interface StageFolders {
  readonly title: string;
  /** Folders of this process's own stages: its writers need no marks to see one another. */
  readonly writing: Set<string>;
  exists(path: string, signal: AbortSignal): Promise<boolean>;
  /** With what is missing above it. */
  makeParents(path: string, signal: AbortSignal): Promise<void>;
  /** False when it is there already. */
  make(path: string, signal: AbortSignal): Promise<boolean>;
  /** All that lies directly in a folder, hidden names included. */
  entries(
    path: string,
    signal: AbortSignal,
  ): Promise<{ name: string; isFolder: boolean; bytes: number; modifiedAt: Date }[]>;
  /** Leaves nothing when it fails. Makes folders below the `stage`, but never that itself: somebody has removed it. */
  write(path: string, content: Readable, options: PutOptions, stage: string): Promise<number>;
  read(path: string, signal: AbortSignal): Promise<Readable>;
  remove(path: string, signal: AbortSignal): Promise<void>;
  removeTree(path: string, signal: AbortSignal): Promise<void>;
  /** A folder. Refuses to replace. What may have been done, or may still be, rejects with something retryable. */
  rename(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** The same of a file, which a server moves in one step. */
  renameFile(from: string, to: string, signal: AbortSignal): Promise<void>;
  /** A sign of life. */
  touch(folder: string, mark: string, signal: AbortSignal): Promise<void>;
}
