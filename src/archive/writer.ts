import { Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { backupId } from '../base/ids.ts';
import type { Report } from '../base/progress.ts';
import type { AppPart } from '../apps/app.ts';
import type { DumpPart } from '../engines/engine.ts';
import type { Stage, Storage } from '../storage/storage.ts';
import type { Keys, WriteKey } from './keys.ts';
import { backupPrefix, checkArtifactPath, encryptedExtension, extensionFor, manifestName } from './layout.ts';
import { storeFolder, storeFolderFiles, storeStream } from './store-part.ts';
import { assertStaged } from './assert-staged.ts';
import { renderManifest, sealManifest, type Artifact, type Manifest, type ManifestDraft } from './manifest.ts';

export interface BackupWriter extends AsyncDisposable {
  readonly id: string;
  /** Whether a tool can write a folder of the backup itself; otherwise its files take a way round. */
  readonly folders: boolean;
  /** Stores a part; when it fails, nothing of the part is left. */
  add(part: DumpPart | AppPart, options: { signal: AbortSignal; report: Report }): Promise<Artifact[]>;
  /** Takes back what was added: nobody will name it. */
  discard(artifacts: readonly Artifact[]): Promise<void>;
  /** What was added, as it is stored, while the backup is still being written. */
  read(path: string, signal: AbortSignal): Promise<Readable>;
  /** The key everything is encrypted to; null: nothing is. */
  readonly key: WriteKey | null;
  /** Writes the manifest, with the words on its encryption, as the last file and makes the backup visible. Without it, disposing removes everything. */
  seal(draft: ManifestDraft, signal: AbortSignal): Promise<Manifest>;
}

export interface NewBackup {
  storage: Storage;
  source: string;
  startedAt: Date;
  keys: Keys;
  /** For folders that a tool writes and the storage cannot take as they are. */
  scratch: string;
  signal: AbortSignal;
}

const mostInOneSecond = 9999;

/** Whether a tool will be able to write into a backup that is opened so. */
export function givesFolders(storage: Storage, keys: Keys): boolean {
  return storage.capabilities.localFolders && keys.wanted === null;
}

export async function openBackup(wanted: NewBackup): Promise<BackupWriter> {
  const { storage, source, startedAt, keys, scratch, signal } = wanted;
  const key = await keys.forWriting(storage, source, signal);
  for (let ordinal = 1; ordinal <= mostInOneSecond; ordinal += 1) {
    const id = backupId(startedAt, ordinal);
    try {
      const stage = await storage.stage(backupPrefix(source, id), signal);
      return new Writer({ id, folders: storage.capabilities.localFolders && key === null, stage, key, scratch });
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORAGE_TAKEN') throw error;
    }
  }
  throw new HoldfastError('STORAGE_TAKEN', `there are ${mostInOneSecond} backups of the same second already`);
}

interface Opened {
  id: string;
  folders: boolean;
  stage: Stage;
  key: WriteKey | null;
  scratch: string;
}

class Writer implements BackupWriter {
  readonly id: string;
  readonly folders: boolean;
  readonly key: WriteKey | null;
  readonly #stage: Stage;
  readonly #scratch: string;

  constructor({ id, folders, stage, key, scratch }: Opened) {
    this.id = id;
    this.folders = folders;
    this.key = key;
    this.#stage = stage;
    this.#scratch = scratch;
  }

  async add(part: DumpPart | AppPart, options: { signal: AbortSignal; report: Report }): Promise<Artifact[]> {
    throwIfAborted(options.signal);
    const recipient = this.key?.recipient ?? null;
    const encrypted = recipient === null ? '' : encryptedExtension;
    const name = part.kind === 'stream' ? part.name + extensionFor(part.compression) + encrypted : part.name;
    checkArtifactPath(name);
    try {
      if (part.kind === 'stream') return [await storeStream(this.#stage, name, part, { ...options, recipient })];
      if (this.folders) return await storeFolder(this.#stage, name, part, options);
      return await storeFolderFiles(this.#stage, name, part, { ...options, recipient, scratch: this.#scratch });
    } catch (error) {
      // What was wrong with the part is what counts, even when cleaning up does not work either.
      await this.#stage.remove(name).catch(() => undefined);
      throw error;
    }
  }

  async discard(artifacts: readonly Artifact[]): Promise<void> {
    for (const { path } of artifacts) await this.#stage.remove(path);
  }

  read(path: string, signal: AbortSignal): Promise<Readable> {
    return this.#stage.get(path, { signal });
  }

  async seal(draft: ManifestDraft, signal: AbortSignal): Promise<Manifest> {
    const manifest = sealManifest({ ...draft, id: this.id, encryption: describeKey(this.key) ?? draft.encryption });
    const content = Buffer.from(renderManifest(manifest));
    await assertStaged(this.#stage, manifest, signal);
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

/** No secret is in it: who could open the key, and where that lies. */
function describeKey(key: WriteKey | null): Record<string, unknown> | null {
  if (!key) return null;
  const { file, recipient, recipients, passphrase } = key;
  return { scheme: 'age', key: file, recipient, recipients, passphrase };
}
