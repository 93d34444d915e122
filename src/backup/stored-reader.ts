import type { Readable } from 'node:stream';
import { openStored } from '../archive/open-stored.ts';
import type { Artifact } from '../archive/format/manifest.ts';
import type { BackupWriter } from '../archive/writer.ts';
import { throwIfAborted } from '../base/abort.ts';
import { relay } from '../storage/relay.ts';
import type { Storage } from '../storage/storage.ts';

interface Stored {
  from: Storage;
  source: string;
  writer: Pick<BackupWriter, 'id' | 'read'>;
  signal: AbortSignal;
}

/**
 * Reads what a storage has of a backup that is still being written: from its stage while that stands still, and from its place once it
 * is sealed. In between it moves, and servers say many things of what moves: not found, locked, a stream that breaks off. So whatever
 * fails in the stage is read on in its place; if that was no move, it fails there.
 */
export class StoredReader {
  readonly #stored: Stored;
  readonly #sealed = Promise.withResolvers<void>();
  readonly #reading = new Set<Readable>();
  #moves = false;

  constructor(stored: Stored) {
    this.#stored = stored;
    this.#sealed.promise.catch(() => undefined);
  }

  async open(artifact: Artifact): Promise<Readable> {
    const { writer, signal } = this.#stored;
    if (this.#moves) return this.#openPlaced(artifact, 0);
    let content: Readable;
    try {
      content = await writer.read(artifact, signal);
    } catch {
      throwIfAborted(signal);
      return this.#openPlaced(artifact, 0);
    }
    this.#reading.add(content);
    content.once('close', () => this.#reading.delete(content));
    if (this.#moves) letGo(content);
    return relay(content, {
      failed: async (_error, passed) => {
        throwIfAborted(signal);
        return this.#openPlaced(artifact, passed);
      },
    });
  }

  /** Some servers do not move what somebody has open, and a slow reader must not keep a backup from its place. */
  letGo(): void {
    if (!this.#stored.from.capabilities.atomicRename) return;
    this.#moves = true;
    for (const content of this.#reading) letGo(content);
  }

  sealed(): void {
    this.#moves = true;
    this.#sealed.resolve();
  }

  end(error: unknown): void {
    this.#sealed.reject(error);
  }

  async #openPlaced(artifact: Artifact, start: number): Promise<Readable> {
    const { from, source, writer, signal } = this.#stored;
    await this.#sealed.promise;
    return openStored(from, { source, id: writer.id }, artifact, start === 0 ? { signal } : { signal, start });
  }
}

function letGo(content: Readable): void {
  content.destroy(new Error('what is read is about to move'));
}
