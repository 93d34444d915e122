import { Readable } from 'node:stream';
import { throwIfAborted } from '../base/abort.ts';
import { HoldfastError } from '../base/errors.ts';
import { backupId } from '../base/ids.ts';
import type { Report } from '../base/progress.ts';
import type { AppPart, SharedPart } from '../apps/app.ts';
import type { DumpPart } from '../engines/engine.ts';
import { compressionText } from '../pipeline/codecs.ts';
import type { Stage, Storage } from '../storage/storage.ts';
import type { Keys, WriteKey } from './keys/keys.ts';
import {
  backupPrefix,
  checkArtifactPath,
  encryptedExtension,
  extensionFor,
  manifestName,
  newObject,
  objectKey,
} from './format/layout.ts';
import { storeFolder, storeFolderFiles, storeStream } from './store-part.ts';
import { assertStaged } from './assert-staged.ts';
import { assertObjects, openSharing, type Sharing } from './objects/sharing.ts';
import { renderManifest, sealManifest, type Artifact, type Manifest, type ManifestDraft } from './format/manifest.ts';

export interface BackupWriter extends AsyncDisposable {
  readonly id: string;
  /** Whether a tool can write a folder of the backup itself; otherwise its files take a way round. */
  readonly folders: boolean;
  /** What did not change since earlier backups is stored once; null: everything is stored anew. */
  readonly sharing: Sharing | null;
  /** Stores a part; when it fails, nothing of the part is left. */
  add(part: DumpPart | AppPart, options: { signal: AbortSignal; report: Report }): Promise<Artifact[]>;
  /** Takes back what was added: nobody will name it. */
  discard(artifacts: readonly Artifact[]): Promise<void>;
  /** What was added, as it is stored, while the backup is still being written. */
  read(artifact: Artifact, signal: AbortSignal): Promise<Readable>;
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
  /** `anew`: shares what it stores, and relies on nothing that lies there. */
  share?: 'no' | 'yes' | 'anew';
  signal: AbortSignal;
}

const mostInOneSecond = 9999;

/** Whether a tool will be able to write into a backup that is opened so. */
export function givesFolders(storage: Storage, keys: Keys): boolean {
  return storage.capabilities.localFolders && keys.wanted === null;
}

export async function openBackup(wanted: NewBackup): Promise<BackupWriter> {
  const { storage, source, startedAt, keys, signal } = wanted;
  const key = await keys.forWriting(storage, source, signal);
  for (let ordinal = 1; ordinal <= mostInOneSecond; ordinal += 1) {
    const id = backupId(startedAt, ordinal);
    try {
      return await openWriter(wanted, id, key);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORAGE_TAKEN') throw error;
    }
  }
  throw new HoldfastError('STORAGE_TAKEN', `there are ${mostInOneSecond} backups of the same second already`);
}

async function openWriter(wanted: NewBackup, id: string, key: WriteKey | null): Promise<Writer> {
  const { storage, source, scratch, share = 'no', signal } = wanted;
  const stage = await storage.stage(backupPrefix(source, id), signal);
  try {
    // Only now: from here on, whoever removes objects sees that somebody is writing.
    const sharing =
      share === 'no' ? null : await openSharing(storage, source, { id, key, anew: share === 'anew', signal });
    return new Writer({ id, source, storage, stage, sharing, key, scratch });
  } catch (error) {
    await stage[Symbol.asyncDispose]();
    throw error;
  }
}

interface Opened {
  id: string;
  source: string;
  storage: Storage;
  stage: Stage;
  sharing: Sharing | null;
  key: WriteKey | null;
  scratch: string;
}

const cleanUpMs = 120_000;

class Writer implements BackupWriter {
  readonly id: string;
  readonly folders: boolean;
  readonly key: WriteKey | null;
  readonly sharing: Sharing | null;
  readonly #source: string;
  readonly #storage: Storage;
  readonly #stage: Stage;
  readonly #scratch: string;
  /** Stored by this backup; nobody else knows of them before its manifest is there. */
  readonly #objects = new Set<string>();
  #sealing = false;

  constructor({ id, source, storage, stage, sharing, key, scratch }: Opened) {
    this.id = id;
    this.folders = storage.capabilities.localFolders && key === null;
    this.key = key;
    this.sharing = sharing;
    this.#source = source;
    this.#storage = storage;
    this.#stage = stage;
    this.#scratch = scratch;
  }

  async add(part: DumpPart | AppPart, options: { signal: AbortSignal; report: Report }): Promise<Artifact[]> {
    throwIfAborted(options.signal);
    const recipient = this.key?.recipient ?? null;
    const encrypted = recipient === null ? '' : encryptedExtension;
    const name = part.kind === 'stream' ? part.name + extensionFor(part.compression) + encrypted : part.name;
    checkArtifactPath(name);
    if (part.kind === 'stream' && 'shared' in part && part.shared && this.sharing)
      return [await this.#share(name, part, part.shared, this.sharing, options)];
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
    for (const { path, object } of artifacts) {
      if (object === null) await this.#stage.remove(path);
      else if (this.#objects.delete(object))
        await this.#storage.delete([objectKey(this.#source, object)], AbortSignal.timeout(cleanUpMs));
    }
  }

  read({ path, object }: Artifact, signal: AbortSignal): Promise<Readable> {
    if (object !== null) return this.#storage.get(objectKey(this.#source, object), { signal });
    return this.#stage.get(path, { signal });
  }

  async seal(draft: ManifestDraft, signal: AbortSignal): Promise<Manifest> {
    const shared = draft.artifacts.filter(({ object }) => object !== null);
    await assertObjects(this.#storage, this.#source, shared, signal);
    // From here on somebody may see a manifest that names them.
    this.#sealing = true;
    const manifest = sealManifest({ ...draft, id: this.id, encryption: describeKey(this.key) ?? draft.encryption });
    const content = Buffer.from(renderManifest(manifest));
    await assertStaged(
      this.#stage,
      { ...manifest, artifacts: manifest.artifacts.filter(({ object }) => object === null) },
      signal,
    );
    await this.#stage.put(manifestName, Readable.from([content], { objectMode: false }), {
      signal,
      size: content.length,
    });
    throwIfAborted(signal);
    await this.#stage.commit(signal);
    return manifest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const own = this.#sealing ? [] : [...this.#objects].map((object) => objectKey(this.#source, object));
    // What cannot be removed now belongs to no backup and is collected later.
    await this.#storage.delete(own, AbortSignal.timeout(cleanUpMs)).catch(() => undefined);
    await this.#stage[Symbol.asyncDispose]();
  }

  /** What lies there already is named once more; anything else gets a name of its own, which nothing else ever has. */
  async #share(
    path: string,
    part: AppPart,
    { rawBytes, digest }: SharedPart,
    sharing: Sharing,
    options: { signal: AbortSignal; report: Report },
  ): Promise<Artifact> {
    const known = sharing.mayHave(rawBytes) ? sharing.find(await digest(options.signal)) : null;
    if (known && known.compression === compressionText(part.compression)) {
      return { ...known, path, role: part.role, format: part.format, reused: true };
    }
    const object = newObject(path.slice(path.indexOf('.', path.lastIndexOf('/'))));
    // Before it is stored: an answer that was lost may have been that it was.
    this.#objects.add(object);
    const artifact = await storeStream(
      {
        put: (_path, content, put) =>
          this.#storage.put(objectKey(this.#source, object), content, {
            ...put,
            ...(rawBytes === null ? {} : { expected: rawBytes }),
          }),
      },
      path,
      part,
      { ...options, recipient: this.key?.recipient ?? null, contentOf: (sha256) => sharing.contentOf(sha256) },
    );
    return { ...artifact, object };
  }
}

/** No secret is in it: who could open the key, and where that lies. */
function describeKey(key: WriteKey | null): Record<string, unknown> | null {
  if (!key) return null;
  const { file, recipient, recipients, passphrase } = key;
  return { scheme: 'age', key: file, recipient, recipients, passphrase };
}
