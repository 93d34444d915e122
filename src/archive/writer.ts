import { Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { backupId } from '../base/ids.ts';
import type { Report } from '../base/progress.ts';
import type { DumpPart } from '../engines/engine.ts';
import type { Stage, Storage } from '../storage/storage.ts';
import { backupPrefix, checkArtifactPath, extensionFor, manifestName } from './layout.ts';
import { storeFolder, storeStream } from './store-part.ts';
import { renderManifest, sealManifest, type Artifact, type Manifest, type ManifestDraft } from './manifest.ts';

export interface BackupWriter extends AsyncDisposable {
  readonly id: string;
  /** Whether a tool can write a folder of the backup itself. */
  readonly folders: boolean;
  /** Stores a part; when it fails, nothing of the part is left. */
  add(part: DumpPart, options: { signal: AbortSignal; report: Report }): Promise<Artifact[]>;
  /** Writes the manifest as the last file and makes the backup visible. Without it, disposing removes everything. */
  seal(draft: ManifestDraft, signal: AbortSignal): Promise<Manifest>;
}

export interface NewBackup {
  storage: Storage;
  source: string;
  startedAt: Date;
  signal: AbortSignal;
}

const mostInOneSecond = 9999;

export async function openBackup({ storage, source, startedAt, signal }: NewBackup): Promise<BackupWriter> {
  for (let ordinal = 1; ordinal <= mostInOneSecond; ordinal += 1) {
    const id = backupId(startedAt, ordinal);
    try {
      const stage = await storage.stage(backupPrefix(source, id), signal);
      return new Writer(id, storage.capabilities.localFolders, stage);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORAGE_TAKEN') throw error;
    }
  }
  throw new HoldfastError('STORAGE_TAKEN', `there are ${mostInOneSecond} backups of the same second already`);
}

class Writer implements BackupWriter {
  readonly id: string;
  readonly folders: boolean;
  readonly #stage: Stage;

  constructor(id: string, folders: boolean, stage: Stage) {
    this.id = id;
    this.folders = folders;
    this.#stage = stage;
  }

  async add(part: DumpPart, options: { signal: AbortSignal; report: Report }): Promise<Artifact[]> {
    throwIfAborted(options.signal);
    const name = part.kind === 'stream' ? part.name + extensionFor(part.compression) : part.name;
    checkArtifactPath(name);
    try {
      return part.kind === 'stream'
        ? [await storeStream(this.#stage, name, part, options)]
        : await storeFolder(this.#stage, name, part, options);
    } catch (error) {
      // What was wrong with the part is what counts, even when cleaning up does not work either.
      await this.#stage.remove(name).catch(() => undefined);
      throw error;
    }
  }

  async seal(draft: ManifestDraft, signal: AbortSignal): Promise<Manifest> {
    const manifest = sealManifest({ ...draft, id: this.id });
    const content = Buffer.from(renderManifest(manifest));
    await this.#stage.put(manifestName, Readable.from([content], { objectMode: false }), {
      signal,
      size: content.length,
    });
    throwIfAborted(signal);
    await this.#stage.commit(signal);
    return manifest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stage[Symbol.asyncDispose]();
  }
}
